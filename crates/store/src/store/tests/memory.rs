//! A second engine, in memory, for tests: it shows that the border is one, and fails when it is told to.

mod access;
mod consumers;
mod engine;
mod tables;

use std::collections::VecDeque;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Receiver;
use longwire_access::{AuditRecord, Space, TokenRecord};
use longwire_installation::{Desired, InstallationId, Revision};

use self::engine::MemoryEngine;
use self::tables::MemoryTables;
use crate::cause::{Cause, Failure};
use crate::consumer::{ConsumerRecord, SavedPosition};
use crate::engine::{Opened, ReadEngine};
use crate::event_index::{EventIndex, LogKey, RUN_EVENTS};
use crate::event_record::{EventPage, EventQuery, EventRecord};
use crate::identity::StoreIdentity;
use crate::ids::ConsumerId;
use crate::installation::InstallationRecord;
use crate::journey::JourneyRecord;
use crate::read_error::ReadError;
use crate::retention::{ListedEvent, RetentionState};
use crate::seal::key_id;
use crate::timeline::TimelineRecord;
use crate::user_authorization::{UserAuthorizationRecord, UserAuthorizationTable};
use longwire_wire::event::Seq;

const IDENTITY: StoreIdentity = StoreIdentity([7; 16]);

/// The database. A test keeps a handle to it beside the store.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryDatabase(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    tables: MemoryTables,
    faults: VecDeque<Cause>,
    /// The next transaction that is to fail is committed all the same.
    commits_first: bool,
    /// The events and the small writes of each batch that was recorded or refused.
    batches: Vec<(usize, usize)>,
    gate: Option<Receiver<()>>,
}

impl MemoryDatabase {
    /// What a store is made of; its keys lie in `directory`.
    pub(super) fn open(&self, directory: &Path) -> Opened {
        Opened {
            writer: Box::new(MemoryEngine {
                database: self.clone(),
                index: Some(self.index()),
                is_compared: true,
                given: None,
            }),
            readers: Arc::new(self.clone()),
            gone_through: 0,
            sealed_with: self.sealed_with(),
            tokens: self.lock().tables.tokens.clone(),
            identity: IDENTITY,
            path: directory.join("memory"),
        }
    }

    /// The next transactions fail for these reasons, one after the other.
    pub(super) fn fail(&self, causes: impl IntoIterator<Item = Cause>) {
        self.lock().faults.extend(causes);
    }

    /// What was to fail still does not.
    pub(super) fn fail_no_more(&self) {
        self.lock().faults.clear();
    }

    /// Of the next transaction that fails nobody will know that it was committed.
    pub(super) fn commit_and_fail(&self) {
        self.lock().commits_first = true;
    }

    /// Each batch waits for one message, until the sender is dropped.
    pub(super) fn hold(&self, gate: Receiver<()>) {
        self.lock().gate = Some(gate);
    }

    /// Takes the newest events away, as a copy that was made before them does that is put in place of the database.
    pub(super) fn lose(&self, events: usize) {
        let all = &mut self.lock().tables.events;
        all.truncate(all.len().saturating_sub(events));
    }

    /// The events and the small writes of each batch so far.
    pub(super) fn batches(&self) -> Vec<(usize, usize)> {
        self.lock().batches.clone()
    }

    fn sealed_with(&self) -> Vec<(String, usize)> {
        let all = &self.lock().tables.installations;
        let sealed = all.iter().flat_map(InstallationRecord::sealed);
        let ids = sealed.filter_map(key_id);
        ids.map(|id| (id.to_owned(), 1)).collect()
    }

    fn index(&self) -> EventIndex {
        let mut index = EventIndex::new(RUN_EVENTS, Vec::new());
        for (event, _) in &self.lock().tables.events {
            let key = LogKey::of(event.installation, event.event_key);
            index.note(key, event.seq, event.created_ms);
        }
        index.keep(None, 0);
        index
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no test panics while it has it")
    }

    /// Fails if the test wants that.
    fn transact<T, E: From<Failure>>(
        &self,
        work: impl FnOnce(&mut MemoryTables) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut memory = self.lock();
        let mut tables = memory.tables.clone();
        let value = work(&mut tables)?;
        let fault = memory.faults.pop_front();
        if fault.is_none() || mem::take(&mut memory.commits_first) {
            memory.tables = tables;
        }
        match fault {
            Some(cause) => Err(Failure::new(cause, "as the test wants").into()),
            None => Ok(value),
        }
    }
}

impl ReadEngine for MemoryDatabase {
    fn user_authorization(
        &self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, ReadError> {
        let mut tables = self.lock().tables.clone();
        Ok(
            UserAuthorizationTable::of(&mut tables, installation, open_id)
                .expect("it has no faults"),
        )
    }

    fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        let memory = self.lock();
        let shown = memory.tables.shown();
        Ok(shown
            .filter(|bot| bot.revision > revision)
            .cloned()
            .collect())
    }

    fn every_installation(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        Ok(self.lock().tables.installations.clone())
    }

    fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        let is_it = |bot: &InstallationRecord| {
            bot.name.as_str() == id_or_name || bot.public_id.to_string() == id_or_name
        };
        Ok(self.installations()?.into_iter().find(is_it))
    }

    fn count_wanted(&self) -> Result<u64, ReadError> {
        let all = self.installations()?;
        Ok(all.iter().filter(|bot| bot.desired == Desired::Run).count() as u64)
    }

    fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        let memory = self.lock();
        let notes = memory.tables.notes.iter().rev();
        let of_it = notes.filter(|note| note.entry.installation == installation);
        Ok(of_it.take(limit).cloned().collect())
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        let memory = self.lock();
        let events = &memory.tables.events;
        let after = events.partition_point(|(event, _)| Some(event.seq) <= query.after);
        let behind = events[after..].iter().map(|(event, _)| event);
        Ok(EventPage::of(behind, &query))
    }

    fn event(&self, seq: Seq) -> Result<Option<EventRecord>, ReadError> {
        let memory = self.lock();
        let mut events = memory.tables.events.iter().map(|(event, _)| event);
        Ok(events.find(|event| event.seq == seq).cloned())
    }

    fn first_at(&self, received_ms: i64) -> Result<Option<Seq>, ReadError> {
        let memory = self.lock();
        let events = &memory.tables.events;
        let first = events.partition_point(|(event, _)| event.received_ms < received_ms);
        Ok(events.get(first).map(|(event, _)| event.seq))
    }

    fn identity(&self) -> Result<StoreIdentity, ReadError> {
        Ok(IDENTITY)
    }

    fn consumers(&self) -> Result<Vec<ConsumerRecord>, ReadError> {
        Ok(self.lock().tables.consumers.clone())
    }

    fn consumer(&self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, ReadError> {
        let is_it = |one: &ConsumerRecord| one.space == *space && one.name.as_str() == name;
        Ok(self.consumers()?.into_iter().find(is_it))
    }

    fn position(&self, consumer: ConsumerId) -> Result<Option<SavedPosition>, ReadError> {
        Ok(self.lock().tables.positions.get(&consumer).cloned())
    }

    fn journey_of(&self, seq: Seq) -> Result<Vec<JourneyRecord>, ReadError> {
        let mut steps = self.lock().tables.journeys.clone();
        steps.retain(|record| record.step.seq == seq);
        steps.sort_by_key(|record| (record.step.at_ms, record.batch));
        Ok(steps)
    }

    fn attempts(
        &self,
        consumer: ConsumerId,
        before: Option<i64>,
        rows: usize,
    ) -> Result<Vec<JourneyRecord>, ReadError> {
        let mut steps = self.lock().tables.journeys.clone();
        steps.retain(|record| record.consumer == Some(consumer));
        steps.retain(|record| before.is_none_or(|before| record.batch < before));
        steps.reverse();
        let mut batches: Vec<i64> = steps.iter().map(|record| record.batch).collect();
        batches.dedup();
        batches.truncate(rows);
        steps.retain(|record| batches.contains(&record.batch));
        Ok(steps)
    }

    fn tokens(&self) -> Result<Vec<TokenRecord>, ReadError> {
        Ok(self.lock().tables.tokens.clone())
    }

    fn audit(&self, before: Option<i64>, limit: usize) -> Result<Vec<AuditRecord>, ReadError> {
        let memory = self.lock();
        let entries = memory.tables.audit.iter().rev();
        let older = entries.filter(|record| before.is_none_or(|before| record.id < before));
        Ok(older.take(limit).cloned().collect())
    }

    fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        Ok(self.lock().tables.events.last().map(|(event, _)| event.seq))
    }

    fn retention(&self) -> Result<RetentionState, ReadError> {
        Ok(RetentionState::default())
    }

    fn unlisted_events(
        &self,
        _: &[InstallationId],
        _: Seq,
        _: Seq,
    ) -> Result<Vec<ListedEvent>, ReadError> {
        Ok(Vec::new())
    }

    fn events_of_person(
        &self,
        after: Seq,
        _: i64,
        _: Option<InstallationId>,
        _: &dyn Fn(&[u8], Option<&str>) -> bool,
    ) -> Result<(Vec<Seq>, Seq), ReadError> {
        Ok((Vec::new(), after))
    }

    fn count_events(&self) -> Result<u64, ReadError> {
        Ok(self.lock().tables.events.len() as u64)
    }
}
