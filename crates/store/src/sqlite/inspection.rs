//! A look at the whole database beside the server that writes to it: whether its pages are sound, and what is in it.
//!
//! SQLite's own check is one long transaction, during which the write-ahead log of a server only grows. So while a server runs, a
//! large database is looked at in slices: all rows of the large tables are read, and only the small tables are checked.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::copy::{APPENDED, Appended};
use super::file::DatabaseFile;
use super::lock;
use super::migrations;
use super::restored::quick_check;
use super::schema::event;
use crate::cause::{Cause, Failure};
use longwire_wire::event::Seq;

/// Up to this size a check takes a few seconds, and a server's write-ahead log is not held for long.
const SMALL_BYTES: u64 = 256 << 20;
/// Rows that are read in one transaction.
const SLICE_ROWS: i64 = 256;
/// Between two slices.
const SHORTEST_REST: Duration = Duration::from_millis(1);

const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;";

/// What was found.
pub(crate) struct Inspection {
    pub(crate) schema: String,
    pub(crate) database_bytes: u64,
    pub(crate) wal_bytes: u64,
    pub(crate) events: u64,
    /// The oldest and the newest event: number, and when it was received in milliseconds since 1970.
    pub(crate) ends: Option<[(Seq, i64); 2]>,
    /// Whether SQLite checked every page, or all rows were read.
    pub(crate) every_page: bool,
    /// What is wrong with the pages.
    pub(crate) damage: Option<String>,
}

/// Looks at all of it. The schema is up to date.
pub(crate) fn inspect(file: &DatabaseFile) -> Result<Inspection, Failure> {
    let length = |path| std::fs::metadata(path).map_or(0, |found| found.len());
    let database_bytes = length(&file.path);
    let mut connection = file.connect(PRAGMAS)?;
    let every_page = database_bytes <= SMALL_BYTES || !lock::is_held(&file.lock);
    let damage = if every_page {
        quick_check(&mut connection)?
    } else {
        let read = small_tables(&mut connection).and_then(|damage| match damage {
            Some(damage) => Ok(Some(damage)),
            None => APPENDED
                .iter()
                .try_for_each(|table| read_rows(&mut connection, table))
                .map(|()| None),
        });
        match read {
            Ok(damage) => damage,
            Err(failure) if failure.cause == Cause::Corrupt => Some(failure.detail),
            Err(failure) => return Err(failure),
        }
    };
    let events: i64 = event::table.count().get_result(&mut connection)?;
    let end = |connection: &mut SqliteConnection, oldest: bool| {
        let rows = event::table
            .select((event::seq, event::received_ms))
            .into_boxed();
        let rows = if oldest {
            rows.order(event::seq.asc())
        } else {
            rows.order(event::seq.desc())
        };
        rows.first::<(i64, i64)>(connection).optional()
    };
    let oldest = end(&mut connection, true)?;
    let newest = end(&mut connection, false)?;
    Ok(Inspection {
        schema: migrations::newest()?,
        database_bytes,
        wal_bytes: length(&file.wal),
        events: events.cast_unsigned(),
        ends: oldest
            .zip(newest)
            .map(|ends| [ends.0, ends.1].map(|(seq, at_ms)| (Seq(seq), at_ms))),
        every_page,
        damage,
    })
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// What SQLite finds wrong with the tables that are not large, and their indexes.
fn small_tables(connection: &mut SqliteConnection) -> Result<Option<String>, Failure> {
    let tables: Vec<Line> = diesel::sql_query(
        "SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
    )
    .load(connection)?;
    for Line { line: table } in tables {
        if APPENDED.iter().any(|appended| appended.table == table) {
            continue;
        }
        let lines: Vec<Line> =
            diesel::sql_query("SELECT quick_check AS line FROM pragma_quick_check(?)")
                .bind::<Text, _>(&table)
                .load(connection)?;
        if let Some(wrong) = lines.into_iter().find(|found| found.line != "ok") {
            return Ok(Some(wrong.line));
        }
    }
    Ok(None)
}

#[derive(QueryableByName)]
struct Slice {
    #[diesel(sql_type = Nullable<BigInt>)]
    last: Option<i64>,
}

/// Reads every row of a large table, slice by slice.
fn read_rows(
    connection: &mut SqliteConnection,
    Appended {
        table, key, heavy, ..
    }: &Appended,
) -> Result<(), Failure> {
    let mut reached = i64::MIN;
    loop {
        let begun = Instant::now();
        // Joined to a text, so that the whole value is read and not only its length.
        let slice: Slice = diesel::sql_query(format!(
            "SELECT max(key) AS last, sum(length(heavy || '')) AS bytes FROM (SELECT {key} AS key, {heavy} AS heavy FROM \"{table}\" \
             WHERE {key} > ? ORDER BY {key} LIMIT ?)"
        ))
        .bind::<BigInt, _>(reached)
        .bind::<BigInt, _>(SLICE_ROWS)
        .get_result(connection)?;
        match slice.last {
            Some(last) => reached = last,
            None => return Ok(()),
        }
        std::thread::sleep(begun.elapsed().max(SHORTEST_REST));
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;

    #[test]
    fn all_rows_are_read_and_a_damaged_page_is_met() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.db");
        let file = DatabaseFile::new(path.clone());
        file.create().expect("made");
        let mut connection = file.connect("PRAGMA page_size = 16384;").expect("connects");
        migrations::run(&mut connection).expect("a schema");
        connection
            .batch_execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                 INSERT INTO event (seq, installation_id, event_key, source, received_ms, payload)
                 SELECT i, 0, randomblob(16), 'long_connection', i, randomblob(400) FROM n;",
            )
            .expect("rows");
        let event_table = APPENDED.iter().find(|table| table.table == "event");
        let event_table = event_table.expect("it is large");
        read_rows(&mut connection, event_table).expect("sound");
        assert_eq!(small_tables(&mut connection).expect("readable"), None);
        drop(connection);
        let bytes = std::fs::read(&path).expect("readable");
        // The leaves of the large table are the last pages.
        let at = bytes.len() - 3 * 16_384;
        let mut damaged = bytes.clone();
        damaged[at..at + 4_096].fill(0xff);
        std::fs::write(&path, damaged).expect("written");
        let mut connection = file.connect(PRAGMAS).expect("connects");
        let met = read_rows(&mut connection, event_table).expect_err("damaged");
        assert_eq!(met.cause, Cause::Corrupt);
        let complaint = quick_check(&mut connection).expect("readable");
        assert!(complaint.is_some());
    }
}
