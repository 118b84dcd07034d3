//! The index on a database: whatever is recorded, rolled back and loaded again, in whatever order,
//! a key is found if and only if its event is in the log.

use diesel::connection::SimpleConnection;
use proptest::prelude::*;

use super::*;
use crate::sqlite::migrations;

/// A run is full after so many events, so that a test sees many.
const RUN: usize = 40;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn database() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").expect("a database");
    migrations::run(&mut connection).expect("a schema");
    connection
        .batch_execute("PRAGMA foreign_keys = OFF")
        .expect("rows without an installation");
    connection
}

fn event_key(number: u16) -> EventKey {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(number.to_le_bytes());
    EventKey(digest[..16].try_into().expect("a digest has 32 bytes"))
}

fn log_key(number: u16) -> LogKey {
    LogKey::of(InstallationId(1), event_key(number))
}

/// Records what is new among `numbers`, in one transaction, as the writer does.
fn record(
    connection: &mut SqliteConnection,
    index: &mut EventIndex,
    numbers: &[u16],
    open_ms: i64,
    commits: bool,
) {
    index.turn();
    let outcome = connection.immediate_transaction(|connection| {
        for &number in numbers {
            if index
                .find(connection, log_key(number), None)
                .expect("an answer")
                .is_some()
            {
                continue;
            }
            let seq = events(connection)?.last().map_or(1, |&(seq, _)| seq + 1);
            diesel::insert_into(event::table)
                .values((
                    event::seq.eq(seq),
                    event::installation_id.eq(1),
                    event::event_key.eq(&event_key(number).0[..]),
                    event::event_id.eq(number.to_string()),
                    event::source.eq("long_connection"),
                    event::received_ms.eq(1),
                    event::payload.eq(&b"{}"[..]),
                ))
                .execute(connection)?;
            index.note(log_key(number), Seq(seq), None);
        }
        let pages = index.due();
        let forgotten = write(connection, index, pages, open_ms)?;
        if commits {
            Ok(forgotten)
        } else {
            Err(diesel::result::Error::RollbackTransaction)
        }
    });
    match outcome {
        Ok(forgotten) => index.keep(forgotten, open_ms),
        Err(diesel::result::Error::RollbackTransaction) => index.undo(),
        Err(error) => panic!("{error}"),
    }
}

fn events(connection: &mut SqliteConnection) -> QueryResult<Vec<(i64, Option<String>)>> {
    event::table
        .order(event::seq)
        .select((event::seq, event::event_id))
        .load(connection)
}

fn runs(connection: &mut SqliteConnection) -> Vec<i64> {
    event_index_run::table
        .order(event_index_run::id)
        .select(event_index_run::id)
        .load(connection)
        .expect("runs")
}

#[derive(Clone, Debug)]
enum Step {
    Record { numbers: Vec<u16>, commits: bool },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = prop::collection::vec(0..600_u16, 1..30);
    prop_oneof![
        8 => numbers.clone().prop_map(|numbers| Step::Record { numbers, commits: true }),
        2 => numbers.prop_map(|numbers| Step::Record { numbers, commits: false }),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_key_is_found_exactly_when_its_event_is_recorded(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut connection = database();
        let mut index = load(&mut connection, RUN, 1).expect("an empty log");
        for step in steps {
            match step {
                Step::Record { numbers, commits } => {
                    record(&mut connection, &mut index, &numbers, 1, commits);
                }
                Step::Restart => index = load(&mut connection, RUN, 1).expect("a log"),
            }
        }
        let mut recorded = std::collections::HashMap::new();
        for (seq, number) in events(&mut connection).expect("events") {
            let number: u16 = number.and_then(|number| number.parse().ok()).expect("a number");
            prop_assert_eq!(recorded.insert(number, Seq(seq)), None, "{} is there twice", number);
        }
        for number in 0..600 {
            let found = index.find(&mut connection, log_key(number), None).expect("an answer");
            prop_assert_eq!(found, recorded.get(&number).copied());
        }
    }
}

#[test]
fn runs_are_made_and_found_again() {
    let mut connection = database();
    let mut index = load(&mut connection, RUN, 1).expect("an empty log");
    for number in 0..200 {
        record(&mut connection, &mut index, &[number], 1, true);
    }
    assert!(
        runs(&mut connection).len() >= 3,
        "{:?}",
        runs(&mut connection)
    );
    let index = load(&mut connection, RUN, 1).expect("a log");
    for number in 0..200 {
        let found = index
            .find(&mut connection, log_key(number), None)
            .expect("an answer");
        assert_eq!(found, Some(Seq(i64::from(number) + 1)));
    }
}

/// A log without an index gets one, whatever became of it.
#[test]
fn a_lost_index_is_made_from_the_log() {
    let mut connection = database();
    let mut index = load(&mut connection, RUN, 1).expect("an empty log");
    for number in 0..200 {
        record(&mut connection, &mut index, &[number], 1, true);
    }
    connection
        .batch_execute("DELETE FROM event_index_run; DELETE FROM event_index_page WHERE id % 3 = 0")
        .expect("lost");
    let index = load(&mut connection, RUN, 1).expect("a log");
    assert_eq!(runs(&mut connection).len(), 5);
    for number in 0..200 {
        let found = index
            .find(&mut connection, log_key(number), None)
            .expect("an answer");
        assert_eq!(found, Some(Seq(i64::from(number) + 1)));
    }
}

/// A log of the schema that had a unique key in its place keeps its events, and knows them.
#[test]
fn a_log_of_the_first_schema_is_taken_over() {
    let mut connection = database();
    migrations::back_to(&mut connection, 1);
    connection
        .batch_execute("PRAGMA foreign_keys = OFF")
        .expect("rows without an installation");
    for number in 0..100_u16 {
        diesel::insert_into(event::table)
            .values((
                event::seq.eq(i64::from(number) + 1),
                event::installation_id.eq(1),
                event::event_key.eq(&event_key(number).0[..]),
                event::source.eq("long_connection"),
                event::received_ms.eq(1),
                event::payload.eq(&b"{}"[..]),
            ))
            .execute(&mut connection)
            .expect("recorded");
    }
    migrations::run(&mut connection).expect("brought up to date");
    let index = load(&mut connection, RUN, 1).expect("a log");
    assert_eq!(runs(&mut connection), [1, 2]);
    for number in 0..100 {
        let found = index
            .find(&mut connection, log_key(number), None)
            .expect("an answer");
        assert_eq!(found, Some(Seq(i64::from(number) + 1)));
    }
}

/// Of runs that an earlier version wrote nobody knows what their events claim, so they are asked for every key, for as
/// long as runs of today.
#[test]
fn runs_of_the_third_schema_are_taken_over() {
    let mut connection = database();
    let mut index = load(&mut connection, RUN, 1).expect("an empty log");
    for number in 0..200 {
        record(&mut connection, &mut index, &[number], 1, true);
    }
    let before = runs(&mut connection);
    migrations::back_to(&mut connection, 3);
    migrations::run(&mut connection).expect("brought up to date");
    let claimed: Vec<Option<Vec<u8>>> = event_index_run::table
        .select(event_index_run::claimed)
        .load(&mut connection)
        .expect("runs");
    assert!(claimed.iter().all(Option::is_none), "{claimed:?}");
    let index = load(&mut connection, RUN, 7 * DAY_MS).expect("a log");
    assert_eq!(runs(&mut connection)[..before.len()], before[..]);
    let in_them = u16::try_from(before.len() * RUN).expect("a few");
    for number in 0..in_them {
        for claimed_ms in [None, Some(i64::from(number) * DAY_MS)] {
            let key = log_key(number);
            let found = index
                .find(&mut connection, key, claimed_ms)
                .expect("an answer");
            assert_eq!(found, Some(Seq(i64::from(number) + 1)));
        }
    }
    load(&mut connection, RUN, 7 * DAY_MS + 1).expect("a log");
    assert_ne!(runs(&mut connection), before, "their time is over");
}

#[test]
fn runs_out_of_the_window_are_forgotten() {
    let mut connection = database();
    let mut index = load(&mut connection, RUN, 1).expect("an empty log");
    let mut number = 0;
    for day in 0..20 {
        for _ in 0..100 {
            record(&mut connection, &mut index, &[number], day * DAY_MS, true);
            number += 1;
        }
    }
    let completed: Vec<i64> = event_index_run::table
        .order(event_index_run::id)
        .select(event_index_run::completed_ms)
        .load(&mut connection)
        .expect("runs");
    assert!(completed[0] >= 12 * DAY_MS, "{completed:?}");
    let oldest_page: Option<i64> = event_index_page::table
        .select(diesel::dsl::min(event_index_page::id))
        .first(&mut connection)
        .expect("pages");
    let (first, _) = PageId::all_of(RunId(runs(&mut connection)[0]));
    assert_eq!(oldest_page, Some(first.0));
    // Everything of the last seven days is known, before and after a restart.
    for _ in 0..2 {
        for number in 1_300..2_000 {
            let found = index
                .find(&mut connection, log_key(number), None)
                .expect("an answer");
            assert_eq!(found, Some(Seq(i64::from(number) + 1)));
        }
        index = load(&mut connection, RUN, 19 * DAY_MS).expect("a log");
    }
}
