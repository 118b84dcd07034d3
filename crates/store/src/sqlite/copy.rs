//! The store into a new database, while another process, or this one, writes to it.
//!
//! ```text
//! slices of the appended tables, until the newest row is reached ─▶ one look: what came since, and all other tables ─▶ indexes
//! ```
//! The rows of a slice are held in memory before they are written, so that a slow disk of the copy never prolongs a
//! transaction in which the store is read. Each of those keeps the write-ahead log from being used again from its beginning, so
//! the copy rests between two of them for as long as they take.
//!
//! The names of tables and columns are asked of the database, and Diesel knows neither `ATTACH` nor such names. So the
//! statements are text; what is put into them comes from this file or out of the schema.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::file::DatabaseFile;
use super::installations::{self, sealed_with};
use super::schema::event;
use super::{events, migrations, opening};
use crate::backup_error::BackupError;
use crate::backup_progress::BackupProgress;
use crate::cause::Failure;
use crate::draft::Draft;
use crate::event_index::BUCKETS;
use crate::identity::StoreIdentity;
use crate::open::OpenError;
use longwire_wire::event::Seq;

/// A table to which rows are added under rising numbers, and whose rows stay as they are until retention takes them.
pub(crate) struct Appended {
    pub(crate) table: &'static str,
    /// Its primary key.
    pub(crate) key: &'static str,
    /// About the bytes of a row.
    bytes: &'static str,
    /// The column that has most of a row.
    pub(crate) heavy: &'static str,
    /// Which rows may be taken before the last look.
    settled: Settled,
}

/// All others are read in the last look, whole. A table that is not here is copied all the same; a large one belongs here.
pub(crate) const APPENDED: [Appended; 5] = [
    Appended {
        table: "audit",
        key: "id",
        bytes: "200",
        heavy: "subject",
        settled: Settled::All,
    },
    Appended {
        table: "timeline",
        key: "id",
        bytes: "200",
        heavy: "detail",
        settled: Settled::All,
    },
    Appended {
        table: "journey",
        key: "id",
        bytes: "length(steps)",
        heavy: "steps",
        settled: Settled::All,
    },
    Appended {
        table: "event_index_page",
        key: "id",
        bytes: "length(keys)",
        heavy: "keys",
        settled: Settled::CompleteRuns,
    },
    Appended {
        table: "event",
        key: "seq",
        bytes: "length(payload) + 200",
        heavy: "payload",
        settled: Settled::All,
    },
];

/// Which rows of a table stay as they are.
#[derive(Copy, Clone)]
enum Settled {
    All,
    /// The pages of runs of the event index that are complete. Those of another run are written anew after a restart.
    CompleteRuns,
}

impl Settled {
    fn condition(self) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::CompleteRuns => {
                format!("id < (SELECT (max(id) + 1) * {BUCKETS} FROM main.event_index_run)")
            }
        }
    }
}

/// A slice has so many rows and bytes at most: it is read in a few milliseconds, and what came meanwhile is less.
const SLICE_ROWS: i64 = 1_024;
const SLICE_BYTES: i64 = 2 << 20;
/// Between two slices: long enough that a commit finds no reader.
const SHORTEST_REST: Duration = Duration::from_millis(2);
const LONGEST_REST: Duration = Duration::from_millis(200);
/// So many bytes are written between two waits for the disk. Without them a sync of the store would wait for all of ours.
const SYNC_BYTES: u64 = 8 << 20;

/// How far retention had come before the first row was read. What it takes of rows that are copied already stays in the copy,
/// which has to take it again: so the copy says of retention what was said then.
const FIRST_LOOK: &str = "CREATE TEMP TABLE first_retention AS SELECT * FROM main.retention;
    CREATE TEMP TABLE first_removed AS SELECT * FROM main.removed_installation;";
/// The list of events with rules of their own is made anew from the log, by a janitor that begins with an empty one.
const DERIVED: &str = "listed_event";
const RETENTION_BEGINS_AGAIN: &str = "DELETE FROM copy.retention;
    INSERT INTO copy.retention SELECT * FROM temp.first_retention;
    INSERT OR IGNORE INTO copy.removed_installation SELECT * FROM temp.first_removed
        WHERE installation_id IN (SELECT id FROM copy.installation);
    UPDATE copy.installation_retention SET listed_through = 0, hashed_through = 0, events = 0, bytes = 0;";
/// Bots that were removed, and of which nothing is left in the store.
const FORGOTTEN: &str =
    "FROM temp.first_removed WHERE installation_id NOT IN (SELECT id FROM copy.installation)";

const SOURCE_PRAGMAS: &str =
    "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;";
/// Whatever interrupts the copy, there is none: it needs no journal, and is synced as a whole.
const TARGET_PRAGMAS: &str =
    "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -32768;";

/// What was copied.
pub(crate) struct Copied {
    pub(crate) schema: String,
    pub(crate) identity: StoreIdentity,
    pub(crate) through: Option<Seq>,
    pub(crate) events: u64,
    pub(crate) installations: u64,
    pub(crate) key_ids: Vec<String>,
}

/// Which side failed.
enum CopyFailure {
    Source(Failure),
    Target(Failure),
}

fn of_source(error: impl Into<Failure>) -> CopyFailure {
    CopyFailure::Source(error.into())
}

fn of_target(error: impl Into<Failure>) -> CopyFailure {
    CopyFailure::Target(error.into())
}

/// Whether this build can copy the store.
pub(crate) fn inspect(file: &DatabaseFile) -> Result<(), BackupError> {
    opening::inspect(file).map_err(|error| match error {
        OpenError::OlderSchema { path } => BackupError::OlderSchema { path },
        error => error.into(),
    })
}

/// Copies the store into the draft, which is empty.
pub(crate) fn copy(
    file: &DatabaseFile,
    draft: &Draft,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Copied, BackupError> {
    let target = DatabaseFile::new(draft.path().to_owned());
    copy_into(file, &target, draft, progress).map_err(|failure| match failure {
        CopyFailure::Source(source) => BackupError::Source {
            path: file.path.clone(),
            source,
        },
        CopyFailure::Target(source) => BackupError::of_target(draft.path(), source),
    })
}

fn copy_into(
    file: &DatabaseFile,
    target: &DatabaseFile,
    draft: &Draft,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<Copied, CopyFailure> {
    let indexes = prepare(target).map_err(of_target)?;
    let mut source = Source::open(file, target, draft)?;
    let mut reached = [0; APPENDED.len()];
    let mut copied_events = 0;
    for (table, reached) in APPENDED.iter().zip(&mut reached) {
        let rows = source.slices(table, reached, progress)?;
        if table.table == "event" {
            copied_events += rows;
        }
    }
    let mut copied = source.last_look(&reached)?;
    copied.events += copied_events;
    drop(source);
    progress(BackupProgress::Finishing);
    finish(target, &indexes).map_err(of_target)?;
    Ok(copied)
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

/// The empty tables of the new database. Returns the indexes that are made when the rows are there: to add the rows of a
/// large table one by one to an index of random keys takes many times as long.
fn prepare(target: &DatabaseFile) -> Result<Vec<String>, Failure> {
    let mut connection = target.connect(TARGET_PRAGMAS)?;
    migrations::run(&mut connection)?;
    let mut indexes = Vec::new();
    for Appended { table, .. } in &APPENDED {
        let found: Vec<Definition> = diesel::sql_query(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        )
        .bind::<Text, _>(*table)
        .load(&mut connection)?;
        for Definition { name, sql } in found {
            connection.batch_execute(&format!("DROP INDEX \"{name}\""))?;
            indexes.push(sql);
        }
    }
    Ok(indexes)
}

/// Makes the indexes, and takes out what refers to rows that were deleted while the copy was made.
fn finish(target: &DatabaseFile, indexes: &[String]) -> Result<(), Failure> {
    let mut connection = target.connect(TARGET_PRAGMAS)?;
    for index in indexes {
        connection.batch_execute(index)?;
    }
    for Appended { table, .. } in &APPENDED {
        // Events of an installation that is gone are gone by now, and the events are many.
        if *table != "event" {
            connection.batch_execute(&format!(
                "DELETE FROM \"{table}\" WHERE rowid IN (SELECT \"rowid\" FROM pragma_foreign_key_check('{table}'))"
            ))?;
        }
    }
    connection.batch_execute(&format!(
        "DELETE FROM event_index_page WHERE id / {BUCKETS} NOT IN (SELECT id FROM event_index_run)"
    ))?;
    Ok(())
}

/// The store, with the new database attached.
struct Source<'a> {
    connection: SqliteConnection,
    draft: &'a Draft,
    expected_bytes: u64,
    synced_bytes: u64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    key: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

impl<'a> Source<'a> {
    fn open(
        file: &DatabaseFile,
        target: &DatabaseFile,
        draft: &'a Draft,
    ) -> Result<Self, CopyFailure> {
        let mut connection = file.connect(SOURCE_PRAGMAS).map_err(of_source)?;
        // Before the new database is attached, whose pages would count too.
        let expected: i64 = diesel::select(diesel::dsl::sql::<BigInt>(
            "(SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size)",
        ))
        .get_result(&mut connection)
        .map_err(of_source)?;
        diesel::sql_query("ATTACH ? AS copy")
            .bind::<Text, _>(target.uri("rw"))
            .execute(&mut connection)
            .map_err(of_target)?;
        connection
            .batch_execute(
                "PRAGMA copy.journal_mode = OFF; PRAGMA copy.synchronous = OFF; PRAGMA copy.cache_size = -8192;",
            )
            .map_err(of_target)?;
        connection.batch_execute(FIRST_LOOK).map_err(of_source)?;
        Ok(Self {
            connection,
            draft,
            expected_bytes: expected.cast_unsigned(),
            synced_bytes: 0,
        })
    }

    /// Copies the rows behind `reached`, until there are few. Returns how many.
    fn slices(
        &mut self,
        table: &Appended,
        reached: &mut i64,
        progress: &mut dyn FnMut(BackupProgress),
    ) -> Result<u64, CopyFailure> {
        let Appended {
            table: name, key, ..
        } = table;
        let columns = self.columns(name)?;
        self.run_on_source(&format!(
            "CREATE TEMP TABLE slice AS SELECT {columns} FROM main.\"{name}\" LIMIT 0"
        ))?;
        let mut rows = 0;
        loop {
            let begun = Instant::now();
            let (count, more) = self.take_slice(table, &columns, reached)?;
            self.connection
                .batch_execute(&format!(
                    "INSERT INTO copy.\"{name}\" ({columns}) SELECT {columns} FROM temp.slice ORDER BY {key}"
                ))
                .map_err(of_target)?;
            self.run_on_source("DELETE FROM temp.slice")?;
            rows += count;
            let done_bytes = self.sync_now_and_then()?;
            progress(BackupProgress::Copying {
                done_bytes,
                all_bytes: self.expected_bytes.max(done_bytes),
            });
            if !more {
                self.run_on_source("DROP TABLE temp.slice")?;
                return Ok(rows);
            }
            std::thread::sleep(begun.elapsed().clamp(SHORTEST_REST, LONGEST_REST));
        }
    }

    /// Takes the next rows into memory. Returns how many, and whether more follow at once.
    fn take_slice(
        &mut self,
        Appended {
            table,
            key,
            bytes,
            settled,
            ..
        }: &Appended,
        columns: &str,
        reached: &mut i64,
    ) -> Result<(u64, bool), CopyFailure> {
        let settled = settled.condition();
        let rows: Vec<Row> = diesel::sql_query(format!(
            "SELECT {key} AS key, {bytes} AS bytes FROM main.\"{table}\" WHERE {key} > ? AND {settled} ORDER BY {key} LIMIT ?"
        ))
        .bind::<BigInt, _>(*reached)
        .bind::<BigInt, _>(SLICE_ROWS)
        .load(&mut self.connection)
        .map_err(of_source)?;
        let Some(first) = rows.first() else {
            return Ok((0, false));
        };
        let mut last = first.key;
        let mut sum = 0_i64;
        let mut count = 0;
        for row in &rows {
            sum = sum.saturating_add(row.bytes);
            if count > 0 && sum > SLICE_BYTES {
                break;
            }
            last = row.key;
            count += 1;
        }
        let more = rows.len() as i64 == SLICE_ROWS || count < rows.len() as u64;
        diesel::sql_query(format!(
            "INSERT INTO temp.slice SELECT {columns} FROM main.\"{table}\" WHERE {key} > ? AND {key} <= ? ORDER BY {key}"
        ))
        .bind::<BigInt, _>(*reached)
        .bind::<BigInt, _>(last)
        .execute(&mut self.connection)
        .map_err(of_source)?;
        *reached = last;
        Ok((count, more))
    }

    /// Has the disk take what was written. Returns how much it is.
    fn sync_now_and_then(&mut self) -> Result<u64, CopyFailure> {
        let io = |error: std::io::Error| of_target(Failure::of_message(&error.to_string()));
        let found = self.draft.file().metadata().map_err(io)?;
        if found.len() >= self.synced_bytes + SYNC_BYTES {
            self.draft.file().sync_data().map_err(io)?;
            self.synced_bytes = found.len();
        }
        Ok(found.len())
    }

    /// What came since the slices, and all other tables, as they are at one moment.
    fn last_look(&mut self, reached: &[i64]) -> Result<Copied, CopyFailure> {
        let tables: Vec<Name> = diesel::sql_query(
            "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND (name NOT LIKE 'sqlite!_%' ESCAPE '!' OR name = 'sqlite_sequence')",
        )
        .load(&mut self.connection)
        .map_err(of_source)?;
        let mut parts = Vec::new();
        let tables = tables.into_iter().filter(|table| table.name != DERIVED);
        for (at, Name { name }) in tables.enumerate() {
            let columns = self.columns(&name)?;
            let appended = APPENDED.iter().position(|table| table.table == name);
            parts.push(Part {
                held: format!("held_{at}"),
                appended: appended.map(|at| (APPENDED[at].key, reached[at])),
                name,
                columns,
            });
        }
        let copied = self.hold(&parts).map_err(CopyFailure::Source)?;
        for part in &parts {
            let Part {
                held,
                name,
                columns,
                ..
            } = part;
            if part.appended.is_none() {
                // What the migrations put into the new database.
                let clear = format!("DELETE FROM copy.\"{name}\"");
                self.connection.batch_execute(&clear).map_err(of_target)?;
            }
            self.connection
                .batch_execute(&format!(
                    "INSERT INTO copy.\"{name}\" ({columns}) SELECT {columns} FROM temp.{held}"
                ))
                .map_err(of_target)?;
        }
        self.begin_retention_again().map_err(CopyFailure::Target)?;
        Ok(copied)
    }

    /// Has retention take again what it took while the copy was made.
    fn begin_retention_again(&mut self) -> Result<(), Failure> {
        self.connection.batch_execute(RETENTION_BEGINS_AGAIN)?;
        let forgotten: i64 = diesel::select(diesel::dsl::sql::<BigInt>(&format!(
            "(SELECT count(*) {FORGOTTEN})"
        )))
        .get_result(&mut self.connection)?;
        // There is no index for it, so only if there is one.
        if forgotten > 0 {
            self.connection.batch_execute(&format!(
                "DELETE FROM copy.event WHERE installation_id IN (SELECT installation_id {FORGOTTEN})"
            ))?;
        }
        Ok(())
    }

    /// Reads the parts into memory in one transaction, with what is said of the whole.
    fn hold(&mut self, parts: &[Part]) -> Result<Copied, Failure> {
        self.connection.transaction(|connection| {
            for part in parts {
                let condition = match part.appended {
                    Some((key, reached)) => format!("WHERE {key} > {reached} ORDER BY {key}"),
                    None => String::new(),
                };
                let Part {
                    held,
                    name,
                    columns,
                    ..
                } = part;
                connection.batch_execute(&format!(
                    "CREATE TEMP TABLE {held} AS SELECT {columns} FROM main.\"{name}\" {condition}"
                ))?;
            }
            let (_, reached) = parts
                .iter()
                .find(|part| part.name == "event")
                .and_then(|part| part.appended)
                .unwrap_or_default();
            let events: i64 = event::table
                .filter(event::seq.gt(reached))
                .count()
                .get_result(connection)?;
            Ok(Copied {
                schema: migrations::newest()?,
                identity: StoreIdentity::read(connection)?,
                through: events::last_seq(connection)?,
                events: events.cast_unsigned(),
                installations: installations::changed_after(
                    connection,
                    longwire_installation::Revision::NONE,
                )?
                .len() as u64,
                key_ids: sealed_with(connection)?
                    .into_iter()
                    .map(|(id, _)| id)
                    .collect(),
            })
        })
    }

    /// The names of a table's columns, as a list.
    fn columns(&mut self, table: &str) -> Result<String, CopyFailure> {
        let names: Vec<Name> =
            diesel::sql_query("SELECT name FROM pragma_table_info(?, 'main') ORDER BY cid")
                .bind::<Text, _>(table)
                .load(&mut self.connection)
                .map_err(of_source)?;
        let quoted = names.iter().map(|Name { name }| format!("\"{name}\""));
        Ok(quoted.collect::<Vec<_>>().join(", "))
    }

    fn run_on_source(&mut self, statements: &str) -> Result<(), CopyFailure> {
        self.connection.batch_execute(statements).map_err(of_source)
    }
}

/// A table's share in the last look.
struct Part {
    name: String,
    columns: String,
    /// Where it is held.
    held: String,
    /// Its key, and how far the slices came.
    appended: Option<(&'static str, i64)>,
}
