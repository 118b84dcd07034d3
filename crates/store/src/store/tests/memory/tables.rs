//! The tables of a database in memory, as one transaction sees them.

use std::collections::BTreeMap;

use longwire_access::{AuditEntry, AuditRecord, TokenRecord};
use longwire_installation::{BotIdentity, Desired, InstallationId, Revision};
use longwire_wire::event::{NewEvent, Seq};
use longwire_wire::identity::EventKey;

use crate::cause::Failure;
use crate::consumer::{ConsumerRecord, ConsumerTable, SavedPosition};
use crate::displacement::Displacement;
use crate::engine::Tables;
use crate::event_index::{IndexPages, Page, PageId};
use crate::event_record::EventRecord;
use crate::group::EventOwner;
use crate::ids::ConsumerId;
use crate::installation::{FileStanding, InstallationRecord, InstallationTable};
use crate::journey::JourneyRecord;
use crate::recording::{EventTable, Inserted};
use crate::retention::InstallationRetention;
use crate::timeline::{TimelineEntry, TimelineRecord};
use crate::token::TokenTable;
use crate::user_authorization::{UserAuthorizationRecord, UserAuthorizationTable};

/// What is committed; a transaction works on a copy.
#[derive(Clone, Debug, Default)]
pub(super) struct MemoryTables {
    pub(super) events: Vec<(EventRecord, Option<EventKey>)>,
    pub(super) installations: Vec<InstallationRecord>,
    pub(super) notes: Vec<TimelineRecord>,
    pub(super) consumers: Vec<ConsumerRecord>,
    pub(super) positions: BTreeMap<ConsumerId, SavedPosition>,
    pub(super) journeys: Vec<JourneyRecord>,
    pub(super) tokens: Vec<TokenRecord>,
    pub(super) people: Vec<UserAuthorizationRecord>,
    pub(super) audit: Vec<AuditRecord>,
    revision: i64,
    /// Numbers that were given: of consumers, of rows of journeys.
    pub(super) given: (i64, i64),
}

impl MemoryTables {
    fn bot(&mut self, id: InstallationId) -> Option<&mut InstallationRecord> {
        self.installations.iter_mut().find(|bot| bot.id == id)
    }

    /// Those that were not removed.
    pub(super) fn shown(&self) -> impl Iterator<Item = &InstallationRecord> {
        let all = self.installations.iter();
        all.filter(|bot| bot.removed_ms.is_none())
    }

    /// The number of the next change.
    pub(super) fn revise(&mut self) -> Revision {
        self.revision += 1;
        Revision(self.revision)
    }

    pub(super) fn note(&mut self, note: &TimelineEntry) {
        if self.bot(note.installation).is_some() {
            self.notes.push(TimelineRecord {
                id: self.notes.len() as i64 + 1,
                entry: note.clone(),
            });
        }
    }

    pub(super) fn keep(&mut self, displacement: &Displacement) {
        if let Some(bot) = self.bot(displacement.installation) {
            if bot.claims == displacement.claims {
                bot.displaced_ms = displacement.displaced_ms;
            }
            bot.taken_back_ms = displacement.taken_back_ms.clone().into();
        }
    }
}

impl IndexPages for MemoryTables {
    fn page(&mut self, _: PageId) -> Result<Option<Page>, Failure> {
        Ok(None)
    }
}

impl EventTable for MemoryTables {
    fn newest(&mut self) -> Result<Option<Seq>, Failure> {
        Ok(self.events.last().map(|(event, _)| event.seq))
    }

    fn insert(&mut self, seq: Seq, owner: EventOwner, new: &NewEvent) -> Result<Inserted, Failure> {
        let installation = owner.installation;
        if installation != InstallationId::NONE && self.bot(installation).is_none() {
            let rule = "FOREIGN KEY constraint failed".to_owned();
            return Ok(Inserted::Refused(rule));
        }
        if let Some(message) = new.identity.message
            && self.of_message(installation, message)?.is_some()
        {
            return Ok(Inserted::KeyTaken);
        }
        let event = EventRecord::new(seq, owner, new.clone());
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

impl Tables for MemoryTables {
    fn installations(&mut self) -> &mut dyn InstallationTable {
        self
    }

    fn consumers(&mut self) -> &mut dyn ConsumerTable {
        self
    }

    fn user_authorizations(&mut self) -> &mut dyn UserAuthorizationTable {
        self
    }

    fn tokens(&mut self) -> &mut dyn TokenTable {
        self
    }

    /// Everything is kept.
    fn keep_retention(
        &mut self,
        _: InstallationId,
        _: InstallationRetention,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn keep_audit(&mut self, entry: &AuditEntry) -> Result<(), Failure> {
        self.add_audit(entry);
        Ok(())
    }
}

impl InstallationTable for MemoryTables {
    fn all(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        Ok(self.shown().cloned().collect())
    }

    fn every(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        Ok(self.installations.clone())
    }

    fn of_id(&mut self, id: InstallationId) -> Result<Option<InstallationRecord>, Failure> {
        Ok(self.shown().find(|bot| bot.id == id).cloned())
    }

    fn find(&mut self, id_or_name: &str) -> Result<Option<InstallationRecord>, Failure> {
        let found = self
            .shown()
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
        Ok(self.revise())
    }

    fn insert(&mut self, record: &InstallationRecord) -> Result<InstallationId, Failure> {
        let id = InstallationId(self.installations.len() as i64 + 1);
        let record = record.clone();
        self.installations.push(InstallationRecord { id, ..record });
        Ok(id)
    }

    fn write(&mut self, record: &InstallationRecord) -> Result<(), Failure> {
        if let Some(bot) = self.bot(record.id) {
            let former = bot.clone();
            *bot = InstallationRecord {
                displaced_ms: former.displaced_ms,
                taken_back_ms: former.taken_back_ms,
                claims: former.claims,
                ..record.clone()
            };
        }
        Ok(())
    }

    fn write_standing(
        &mut self,
        id: InstallationId,
        standing: Option<FileStanding>,
    ) -> Result<(), Failure> {
        if let Some(bot) = self.bot(id) {
            bot.standing = standing;
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

impl UserAuthorizationTable for MemoryTables {
    fn all(&mut self) -> Result<Vec<UserAuthorizationRecord>, Failure> {
        Ok(self.people.clone())
    }

    fn of(
        &mut self,
        installation: InstallationId,
        open_id: &str,
    ) -> Result<Option<UserAuthorizationRecord>, Failure> {
        let is_it = |one: &&UserAuthorizationRecord| {
            one.installation == installation && one.open_id == open_id
        };
        Ok(self.people.iter().find(is_it).cloned())
    }

    fn put(&mut self, row: &UserAuthorizationRecord) -> Result<(), Failure> {
        UserAuthorizationTable::forget(self, row.installation, Some(&row.open_id))?;
        self.people.push(row.clone());
        Ok(())
    }

    fn forget(
        &mut self,
        installation: InstallationId,
        open_id: Option<&str>,
    ) -> Result<usize, Failure> {
        let before = self.people.len();
        self.people.retain(|one| {
            one.installation != installation || open_id.is_some_and(|id| one.open_id != id)
        });
        Ok(before - self.people.len())
    }
}
