//! The one row about the database as a whole: its identity, and for how long it has been open.

use std::time::{Duration, Instant};

use diesel::SqliteConnection;
use diesel::prelude::*;

use super::schema::store;
use crate::cause::{Cause, Failure};
use crate::identity::StoreIdentity;

impl StoreIdentity {
    pub(crate) fn read(connection: &mut SqliteConnection) -> Result<Self, Failure> {
        let bytes: Vec<u8> = store::table.select(store::identity).first(connection)?;
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| Failure::new(Cause::Corrupt, "a store identity of another length"))
    }
}

/// It is written again when so much more has gathered: what a kill may take from it is no more.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// For how long the database has been open, in all, over all processes. Only what was measured by a monotonic clock
/// counts, so it never jumps, and what a killed process did not write down is missing: it is never too much.
#[derive(Debug)]
pub(crate) struct OpenTime {
    saved_ms: i64,
    since: Instant,
}

impl OpenTime {
    /// What was written down so far; the time goes on from here.
    pub(crate) fn read(connection: &mut SqliteConnection) -> Result<Self, Failure> {
        let saved_ms = store::table.select(store::open_ms).first(connection)?;
        Ok(Self {
            saved_ms,
            since: Instant::now(),
        })
    }

    /// All of it, in milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        let more_ms = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.saved_ms.saturating_add(more_ms)
    }

    /// Whether it is time to write it down again.
    pub(crate) fn is_due(&self) -> bool {
        self.since.elapsed() >= SAVE_EVERY
    }

    /// Writes it down, in the caller's transaction.
    pub(crate) fn save(connection: &mut SqliteConnection, open_ms: i64) -> QueryResult<()> {
        diesel::update(store::table)
            .set(store::open_ms.eq(open_ms))
            .execute(connection)
            .map(drop)
    }

    /// That transaction was committed.
    pub(crate) fn saved(&mut self, open_ms: i64) {
        // Not from now on: what has passed since `open_ms` was read still counts.
        let counted = u64::try_from(open_ms.saturating_sub(self.saved_ms)).unwrap_or(0);
        self.since += Duration::from_millis(counted);
        self.saved_ms = open_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::migrations;

    #[test]
    fn two_databases_have_two_identities_and_time_goes_on_where_it_was() {
        let mut databases = [(); 2].map(|()| {
            let mut connection = SqliteConnection::establish(":memory:").expect("a database");
            migrations::run(&mut connection).expect("a schema");
            connection
        });
        let identities = databases
            .each_mut()
            .map(|connection| StoreIdentity::read(connection).expect("a row"));
        assert_ne!(identities[0], identities[1]);

        let [connection, _] = &mut databases;
        let mut time = OpenTime::read(connection).expect("a row");
        assert!(!time.is_due());
        time.since -= SAVE_EVERY;
        assert!(time.is_due());
        let open_ms = time.now_ms();
        assert!(open_ms >= 60_000);
        OpenTime::save(connection, open_ms).expect("written");
        time.saved(open_ms);
        assert!(!time.is_due());
        assert!(time.now_ms() >= open_ms);
        let again = OpenTime::read(connection).expect("a row");
        assert!(again.now_ms() >= open_ms);
    }
}
