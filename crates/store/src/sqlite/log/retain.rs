//! One step of retention on the writing connection.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::Log;
use crate::cause::Failure;
use crate::retention::{RetentionStep, StepDone};
use crate::sqlite::retention as tables;

#[derive(QueryableByName)]
struct Emptied {
    /// Whether a reader kept it from being emptied.
    #[diesel(sql_type = Integer)]
    busy: i32,
}

impl Log {
    /// Carries out one step. What it did is durable when it comes back.
    pub(crate) fn retain(&mut self, step: &RetentionStep) -> Result<StepDone, Failure> {
        match step {
            RetentionStep::EmptyWal => self.empty_wal(),
            RetentionStep::Forget { .. } => {
                self.with("foreign_keys = OFF", "foreign_keys = ON", step)
            }
            // What a person had erased shall not lie in pages that became free either.
            RetentionStep::Erase { .. } | RetentionStep::ErasePerson { .. } => {
                self.with("secure_delete = ON", "secure_delete = FAST", step)
            }
            step => self.carry_out(step),
        }
    }

    /// Carries out a step under another pragma, which holds for it alone.
    fn with(
        &mut self,
        during: &str,
        otherwise: &str,
        step: &RetentionStep,
    ) -> Result<StepDone, Failure> {
        self.connection
            .batch_execute(&format!("PRAGMA {during};"))?;
        let outcome = self.carry_out(step);
        self.connection
            .batch_execute(&format!("PRAGMA {otherwise};"))?;
        outcome
    }

    fn carry_out(&mut self, step: &RetentionStep) -> Result<StepDone, Failure> {
        let open_ms = self.open_ms();
        let done = self.transact(|connection| {
            Ok::<_, Failure>(match step {
                RetentionStep::Mark => tables::mark(connection, open_ms)?,
                RetentionStep::Expire { through } => tables::expire(connection, *through)?,
                RetentionStep::DeleteKeys { through } => tables::delete_keys(connection, *through)?,
                RetentionStep::ExpireOf {
                    installation,
                    through,
                    read_through,
                    events,
                } => {
                    tables::expire_of(connection, *installation, *through, *read_through, *events)?
                }
                RetentionStep::List {
                    installations,
                    through,
                    found,
                } => tables::list(connection, installations, *through, found)?,
                RetentionStep::Hash {
                    installation,
                    through,
                    events,
                } => tables::hash(connection, *installation, *through, *events)?,
                RetentionStep::Erase { events, at_ms } => {
                    tables::erase(connection, events, *at_ms)?
                }
                RetentionStep::ErasePerson {
                    person,
                    installation,
                } => tables::erase_person(connection, person, *installation)?,
                RetentionStep::Journeys { through, rows } => {
                    tables::journeys(connection, *through, *rows)?
                }
                RetentionStep::Audit { before_ms, rows } => {
                    tables::audit(connection, *before_ms, *rows)?
                }
                RetentionStep::Timelines { before_ms, rows } => {
                    tables::timelines(connection, *before_ms, *rows)?
                }
                RetentionStep::Tokens { before_ms } => tables::tokens(connection, *before_ms)?,
                RetentionStep::Authorizations { before_ms } => {
                    tables::authorizations(connection, *before_ms)?
                }
                RetentionStep::Forget { installation } => {
                    tables::forget(connection, *installation)?
                }
                RetentionStep::GiveBack { pages } => {
                    connection.batch_execute(&format!("PRAGMA incremental_vacuum({pages});"))?;
                    StepDone {
                        changed: u64::from(*pages),
                        ..StepDone::default()
                    }
                }
                // It is no transaction.
                RetentionStep::EmptyWal => StepDone::default(),
            })
        })?;
        if matches!(step, RetentionStep::Mark)
            && let Some(index) = &mut self.index
        {
            index.open_time.saved(open_ms);
        }
        Ok(StepDone {
            gone_through: tables::gone_through(&mut self.connection)?,
            ..done
        })
    }

    /// For how long the store has been open; 0 before the index is loaded, which makes no mark old.
    fn open_ms(&self) -> i64 {
        let index = self.index.as_ref();
        index.map_or(0, |index| index.open_time.now_ms())
    }

    /// Copies the write-ahead log into the database, and cuts it to nothing.
    fn empty_wal(&mut self) -> Result<StepDone, Failure> {
        // Whoever still reads an old state is not waited for: events come first.
        self.connection.batch_execute("PRAGMA busy_timeout = 0;")?;
        let emptied = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)")
            .get_result::<Emptied>(&mut self.connection);
        self.connection
            .batch_execute("PRAGMA busy_timeout = 1000;")?;
        self.confirm()?;
        Ok(StepDone {
            changed: u64::from(emptied?.busy == 0),
            gone_through: tables::gone_through(&mut self.connection)?,
            ..StepDone::default()
        })
    }
}
