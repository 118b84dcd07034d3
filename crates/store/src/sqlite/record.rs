//! The rows of events within a writing transaction: one prepared insert each.
//!
//! A row that breaks a rule is undone by SQLite alone, its statement only, so the rest of a batch stays.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_wire::event::{NewEvent, Seq};
use longwire_wire::identity::EventKey;

use super::insert_event::InsertEvent;
use super::schema::{event, event_index_page};
use crate::cause::{Cause, Failure};
use crate::event_index::{IndexPages, Page, PageId};
use crate::group::EventOwner;
use crate::recording::{EventTable, Inserted};
use longwire_installation::InstallationId;

impl IndexPages for SqliteConnection {
    fn page(&mut self, id: PageId) -> Result<Option<Page>, Failure> {
        let keys: Option<Vec<u8>> = event_index_page::table
            .find(id.0)
            .select(event_index_page::keys)
            .first(self)
            .optional()?;
        Ok(keys.map(Page))
    }
}

impl EventTable for SqliteConnection {
    fn newest(&mut self) -> Result<Option<Seq>, Failure> {
        Ok(super::events::last_seq(self)?)
    }

    fn insert(&mut self, seq: Seq, owner: EventOwner, new: &NewEvent) -> Result<Inserted, Failure> {
        match InsertEvent::new(seq, owner, new).execute(self) {
            Ok(1) => Ok(Inserted::Yes),
            Ok(_) => Ok(Inserted::KeyTaken),
            Err(error) => match Failure::from(error) {
                Failure {
                    cause: Cause::Poison,
                    detail,
                } => Ok(Inserted::Refused(detail)),
                failure => Err(failure),
            },
        }
    }

    fn of_message(
        &mut self,
        installation: InstallationId,
        message: EventKey,
    ) -> Result<Option<Seq>, Failure> {
        let seq: Option<i64> = event::table
            .filter(event::installation_id.eq(installation.0))
            .filter(event::message_key.eq(&message.0[..]))
            .select(event::seq)
            .first(self)
            .optional()?;
        Ok(seq.map(Seq))
    }

    fn count_repeat(&mut self, of: Seq, at_ms: i64) -> Result<(), Failure> {
        diesel::update(event::table.find(of.0))
            .set((
                event::repeats.eq(event::repeats + 1),
                event::last_repeat_ms.eq(at_ms),
            ))
            .execute(self)?;
        Ok(())
    }
}
