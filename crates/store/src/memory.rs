//! A second engine, in memory, for tests: it shows that the border is one, and fails when it is told to.

use std::collections::VecDeque;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Receiver;
use longwire_wire::identity::EventKey;

use crate::clock::now_ms;
use crate::engine::{Batch, Change, DiskUsage, Opened, ReadEngine, WriteEngine};
use crate::event_index::{EventIndex, IndexPages, LogKey, Page, PageId, RUN_EVENTS};
use crate::failure::Failure;
use crate::installation::{InstallationTable, Sealed};
use crate::lane::SmallWrite;
use crate::receipt::Committed;
use crate::recording::{EventTable, Inserted, record_groups};
use crate::seal::key_id;
use crate::{
    Cause, Displacement, EventPage, EventQuery, EventRecord, InstallationRecord, NewEvent,
    NewInstallation, ReadError, Seq, TimelineEntry, TimelineRecord, WriteError,
};
use longwire_installation::{BotIdentity, Desired, InstallationId, PublicId, Revision};

/// The database. A test keeps a handle to it beside the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDatabase(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    tables: Tables,
    faults: VecDeque<Cause>,
    /// The next transaction that is to fail is committed all the same.
    commits_first: bool,
    /// The events and the small writes of each batch that was recorded or refused.
    batches: Vec<(usize, usize)>,
    gate: Option<Receiver<()>>,
}

/// What is committed; a transaction works on a copy.
#[derive(Clone, Debug, Default)]
struct Tables {
    events: Vec<(EventRecord, Option<EventKey>)>,
    installations: Vec<InstallationRecord>,
    notes: Vec<TimelineRecord>,
    revision: i64,
}

impl MemoryDatabase {
    /// What a store is made of; its keys lie in `directory`.
    pub(crate) fn open(&self, directory: &Path) -> Opened {
        Opened {
            writer: Box::new(MemoryEngine {
                database: self.clone(),
                index: Some(self.index()),
                is_compared: true,
            }),
            readers: Arc::new(self.clone()),
            path: directory.join("memory"),
        }
    }

    /// The next transactions fail for these reasons, one after the other.
    pub(crate) fn fail(&self, causes: impl IntoIterator<Item = Cause>) {
        self.lock().faults.extend(causes);
    }

    /// Of the next transaction that fails nobody will know that it was committed.
    pub(crate) fn commit_and_fail(&self) {
        self.lock().commits_first = true;
    }

    /// Each batch waits for one message, until the sender is dropped.
    pub(crate) fn hold(&self, gate: Receiver<()>) {
        self.lock().gate = Some(gate);
    }

    /// The events and the small writes of each batch so far.
    pub(crate) fn batches(&self) -> Vec<(usize, usize)> {
        self.lock().batches.clone()
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
        work: impl FnOnce(&mut Tables) -> Result<T, E>,
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

struct MemoryEngine {
    database: MemoryDatabase,
    /// `None` while it is closed.
    index: Option<EventIndex>,
    /// The log was compared with the one before it.
    is_compared: bool,
}

impl WriteEngine for MemoryEngine {
    fn is_open(&self) -> bool {
        self.index.is_some()
    }

    fn is_ready(&self) -> bool {
        self.index.is_some() && self.is_compared
    }

    fn recover(&mut self) -> Result<(), Failure> {
        self.database.transact(|_| Ok::<_, Failure>(()))?;
        self.index = Some(self.database.index());
        self.is_compared = true;
        Ok(())
    }

    fn close(&mut self, _: &Failure) {
        self.index = None;
        self.is_compared = false;
    }

    fn record(&mut self, batch: Batch<'_>) -> Result<Committed, Failure> {
        let events = batch.groups.iter().map(|queued| queued.group.events.len());
        let events = events.sum();
        let gate = {
            let mut memory = self.database.lock();
            memory.batches.push((events, batch.small.writes().count()));
            memory.gate.clone()
        };
        if let Some(gate) = gate {
            // When the sender is gone, nothing is held any more.
            let _ = gate.recv();
        }
        let index = self
            .index
            .as_mut()
            .ok_or_else(|| Failure::new(Cause::WriterGone, "the database is not open"))?;
        let recorded = self.database.transact(|tables| {
            let outcomes = record_groups(tables, index, batch.groups)?;
            for small in batch.small.writes() {
                match small {
                    SmallWrite::Note(note) => tables.note(note),
                    SmallWrite::Displacement(displacement) => tables.keep(displacement),
                }
            }
            Ok::<_, Failure>(outcomes)
        });
        match recorded {
            Ok(outcomes) => {
                index.keep(None, 0);
                Ok(Committed::after_commit(outcomes))
            }
            Err(failure) => {
                index.undo();
                Err(failure)
            }
        }
    }

    fn change(&mut self, change: &mut Change<'_>) -> Result<(), WriteError> {
        self.database.transact(|tables| change(tables))
    }

    fn look_after(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn newest(&self) -> Option<Seq> {
        self.index.as_ref()?.through()
    }

    fn disk(&self) -> DiskUsage {
        DiskUsage::default()
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

impl Tables {
    fn bot(&mut self, id: InstallationId) -> Option<&mut InstallationRecord> {
        self.installations.iter_mut().find(|bot| bot.id == id)
    }

    fn note(&mut self, note: &TimelineEntry) {
        if self.bot(note.installation).is_some() {
            self.notes.push(TimelineRecord {
                id: self.notes.len() as i64 + 1,
                entry: note.clone(),
            });
        }
    }

    fn keep(&mut self, displacement: &Displacement) {
        if let Some(bot) = self.bot(displacement.installation) {
            if bot.claims == displacement.claims {
                bot.displaced_ms = displacement.displaced_ms;
            }
            bot.taken_back_ms = displacement.taken_back_ms.clone().into();
        }
    }
}

impl IndexPages for Tables {
    fn page(&mut self, _: PageId) -> Result<Option<Page>, Failure> {
        Ok(None)
    }
}

impl EventTable for Tables {
    fn newest(&mut self) -> Result<Option<Seq>, Failure> {
        Ok(self.events.last().map(|(event, _)| event.seq))
    }

    fn insert(
        &mut self,
        seq: Seq,
        installation: InstallationId,
        new: &NewEvent,
    ) -> Result<Inserted, Failure> {
        if self.bot(installation).is_none() {
            let rule = "FOREIGN KEY constraint failed".to_owned();
            return Ok(Inserted::Refused(rule));
        }
        if let Some(message) = new.identity.message
            && self.of_message(installation, message)?.is_some()
        {
            return Ok(Inserted::KeyTaken);
        }
        let event = EventRecord::new(seq, installation, new.clone());
        self.events.push((event, new.identity.message));
        Ok(Inserted::Yes)
    }

    fn of_message(
        &mut self,
        installation: InstallationId,
        message: EventKey,
    ) -> Result<Option<Seq>, Failure> {
        let is_it = |(event, key): &&(EventRecord, Option<EventKey>)| {
            event.installation == installation && *key == Some(message)
        };
        Ok(self.events.iter().find(is_it).map(|(event, _)| event.seq))
    }

    fn count_repeat(&mut self, of: Seq, at_ms: i64) -> Result<(), Failure> {
        if let Some((event, _)) = self.events.iter_mut().find(|(event, _)| event.seq == of) {
            event.repeats += 1;
            event.last_repeat_ms = Some(at_ms);
        }
        Ok(())
    }
}

impl ReadEngine for MemoryDatabase {
    fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        Ok(self.lock().tables.installations.clone())
    }

    fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        let mut all = self.installations()?;
        all.retain(|bot| bot.revision > revision);
        Ok(all)
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

    fn events(&self, query: &EventQuery) -> Result<EventPage, ReadError> {
        let memory = self.lock();
        let events = &memory.tables.events;
        let after = events.partition_point(|(event, _)| Some(event.seq) <= query.after);
        let behind = events[after..].iter().map(|(event, _)| event);
        Ok(EventPage::of(behind, query))
    }

    fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        Ok(self.lock().tables.events.last().map(|(event, _)| event.seq))
    }

    fn count_events(&self) -> Result<u64, ReadError> {
        Ok(self.lock().tables.events.len() as u64)
    }

    fn sealed_with(&self) -> Result<Vec<(String, usize)>, ReadError> {
        let all = self.installations()?;
        let ids = all.iter().filter_map(|bot| key_id(&bot.sealed_secret));
        Ok(ids.map(|id| (id.to_owned(), 1)).collect())
    }
}

impl InstallationTable for Tables {
    fn all(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        Ok(self.installations.clone())
    }

    fn find(&mut self, id_or_name: &str) -> Result<Option<InstallationRecord>, Failure> {
        let found = self
            .installations
            .iter()
            .find(|bot| bot.name.as_str() == id_or_name || bot.public_id.to_string() == id_or_name);
        Ok(found.cloned())
    }

    fn wanted_as(&mut self, wanted: BotIdentity<'_>) -> Result<Option<String>, Failure> {
        let is_it = |bot: &&InstallationRecord| bot.bot() == wanted && bot.desired == Desired::Run;
        let found = self.installations.iter().find(is_it);
        Ok(found.map(|bot| bot.name.to_string()))
    }

    fn same_bot_wanted(&mut self, id: InstallationId) -> Result<Option<(String, String)>, Failure> {
        let Some(this) = self.bot(id).cloned() else {
            return Ok(None);
        };
        let other = self
            .installations
            .iter()
            .find(|bot| bot.id != id && bot.bot() == this.bot() && bot.desired == Desired::Run);
        Ok(other.map(|bot| (this.name.to_string(), bot.name.to_string())))
    }

    fn next_revision(&mut self) -> Result<Revision, Failure> {
        self.revision += 1;
        Ok(Revision(self.revision))
    }

    fn insert(
        &mut self,
        public_id: &PublicId,
        new: &NewInstallation,
        sealed: Sealed,
        revision: Revision,
    ) -> Result<(), Failure> {
        let id = InstallationId(self.installations.len() as i64 + 1);
        let row = row(id, public_id.clone(), new, sealed, revision);
        self.installations.push(row);
        Ok(())
    }

    fn update(
        &mut self,
        id: InstallationId,
        new: &NewInstallation,
        sealed: Sealed,
        revision: Revision,
    ) -> Result<(), Failure> {
        if let Some(bot) = self.bot(id) {
            let former = bot.clone();
            *bot = InstallationRecord {
                displaced_ms: former.displaced_ms,
                taken_back_ms: former.taken_back_ms,
                claims: former.claims,
                created_ms: former.created_ms,
                ..row(id, former.public_id, new, sealed, revision)
            };
        }
        Ok(())
    }

    fn write_desired(
        &mut self,
        id: InstallationId,
        desired: Desired,
        revision: Revision,
    ) -> Result<bool, Failure> {
        let Some(bot) = self.bot(id) else {
            return Ok(false);
        };
        bot.desired = desired;
        bot.revision = revision;
        Ok(true)
    }

    fn claim(&mut self, id: InstallationId) -> Result<(), Failure> {
        if let Some(bot) = self.bot(id) {
            bot.claims += 1;
            bot.displaced_ms = None;
        }
        Ok(())
    }
}

/// A new row with these settings.
fn row(
    id: InstallationId,
    public_id: PublicId,
    new: &NewInstallation,
    sealed: Sealed,
    revision: Revision,
) -> InstallationRecord {
    let now = now_ms();
    InstallationRecord {
        id,
        public_id,
        name: new.name.clone(),
        platform: new.platform,
        app_id: new.app_id.clone(),
        base_url: new.base_url.clone(),
        has_proxy: sealed.proxy.is_some(),
        take_back: new.take_back,
        desired: new.desired,
        origin: new.origin,
        displaced_ms: None,
        taken_back_ms: Box::default(),
        claims: 0,
        created_ms: now,
        updated_ms: now,
        revision,
        sealed_secret: sealed.secret,
        sealed_proxy: sealed.proxy,
    }
}
