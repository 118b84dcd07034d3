//! One transaction of the writing connection: alone, or with the index of what it records.

use diesel::SqliteConnection;

use super::{Index, Log, find_room};
use crate::cause::{Cause, Failure};
use crate::event_index::EventIndex;
use crate::sqlite::event_index;
use crate::sqlite::store_row::OpenTime;

/// Why a transaction was not made.
enum Refused<E> {
    Failed(E),
    /// Somebody made the files shorter, and in order; nothing is wrong with them, and the next attempt finds that.
    TidiedUp,
}

impl<E: From<Failure>> Refused<E> {
    fn failed(failure: Failure) -> Self {
        Self::Failed(failure.into())
    }

    fn into_error(self) -> E {
        match self {
            Self::Failed(error) => error,
            Self::TidiedUp => Failure::new(
                Cause::Locked,
                "another program tidied up the database during the transaction",
            )
            .into(),
        }
    }
}

impl Log {
    /// Runs `work` in one transaction. What it returns is durable when it comes back.
    pub(crate) fn transact<T, E: From<Failure>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.attempt(work).map_err(Refused::into_error)
    }

    fn attempt<T, E: From<Failure>>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, Refused<E>> {
        find_room(&self.file.path).map_err(Refused::failed)?;
        // Kept aside, because the rollback of a transaction that SQLite has rolled back itself
        // fails too, and that error would hide this one.
        let mut first = None;
        let mut shrunk = None;
        let outcome = self.connection.immediate_transaction(|connection| {
            let value = work(connection).map_err(|error| {
                first = Some(error);
                diesel::result::Error::RollbackTransaction
            })?;
            // Before SQLite writes to them, which would leave a hole that nobody finds any more.
            shrunk = self.files.shrunk(&self.file);
            match shrunk {
                None => Ok(value),
                Some(_) => Err(diesel::result::Error::RollbackTransaction),
            }
        });
        match outcome {
            Ok(value) => self.confirm().map(|()| value).map_err(Refused::failed),
            Err(error) => {
                // Whatever the error is called, a file that was cut is its cause. Once for each of them: what is
                // accepted is no longer shorter than it was.
                while let Some(shrunk) = self.files.shrunk(&self.file) {
                    self.judge(shrunk).map_err(Refused::failed)?;
                }
                Err(match first {
                    Some(error) => Refused::Failed(error),
                    None if shrunk.is_some() => Refused::TidiedUp,
                    None => Refused::Failed(self.explain(error.into()).into()),
                })
            }
        }
    }

    /// [`transact`](Self::transact), with the index of what is recorded; it is as the database is
    /// afterwards, whatever the outcome.
    pub(crate) fn record<T>(
        &mut self,
        mut work: impl FnMut(&mut SqliteConnection, &mut EventIndex) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.load_index()?;
        // Out of its place while it is ahead of the database: a panic leaves none.
        let mut index = self.index.take().expect("it was loaded just now");
        let Index { events, open_time } = &mut index;
        let open_ms = open_time.now_ms();
        events.turn();
        let mut attempt = |log: &mut Self, events: &mut EventIndex| {
            log.attempt(|connection| {
                let value = work(connection, events)?;
                let pages = events.due();
                let forgotten = event_index::write(connection, events, pages, open_ms)?;
                // A run says when it was completed, so what it says must not be ahead of what is written.
                let saves = events.completed().is_some() || open_time.is_due();
                if saves {
                    OpenTime::save(connection, open_ms)?;
                }
                Ok::<_, Failure>((value, forgotten, saves))
            })
        };
        let mut outcome = attempt(self, events);
        if matches!(outcome, Err(Refused::TidiedUp)) {
            events.undo();
            outcome = attempt(self, events);
        }
        let outcome = match outcome.map_err(Refused::into_error) {
            Ok((value, forgotten, saves)) => {
                events.keep(forgotten, open_ms);
                if saves {
                    open_time.saved(open_ms);
                }
                Ok(value)
            }
            Err(failure) => {
                events.undo();
                Err(failure)
            }
        };
        self.index = Some(index);
        outcome
    }
}
