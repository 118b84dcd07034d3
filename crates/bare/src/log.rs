//! The event log of the durable floor: one SQLite database and the thread that writes it.
//!
//! The thread takes all waiting events, writes them in one transaction with `synchronous=FULL`, and then returns the
//! answers that came with the events. Page size and checkpoints are SQLite's defaults. After an error the thread ends
//! and nothing is answered any more.

use std::ops::Range;
use std::path::Path;
use std::sync::mpsc;

use bytes::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::{mpsc as replies, oneshot};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS event (
        id INTEGER PRIMARY KEY,
        app INTEGER NOT NULL,
        event_id TEXT NOT NULL,
        payload BLOB NOT NULL
    );";
const KEY: &str = "CREATE UNIQUE INDEX IF NOT EXISTS event_key ON event (app, event_id);";
const INSERT: &str =
    "INSERT INTO event (app, event_id, payload) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
/// The value of `PRAGMA synchronous` for FULL.
const FULL: i64 = 2;

/// How repeats are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// A unique index over the events' ids.
    Unique,
    /// Not at all: a repeat is one more row.
    None,
}

/// Why events cannot be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// SQLite returned an error.
    #[error("the floor's log cannot be written or read")]
    Sqlite(#[from] rusqlite::Error),
    /// SQLite opened the file but did not accept the durable settings.
    #[error("the floor's log is not durable: journal {journal}, synchronous {synchronous}")]
    NotDurable {
        /// The value of `PRAGMA journal_mode`.
        journal: String,
        /// The value of `PRAGMA synchronous`.
        synchronous: i64,
    },
    /// The writer thread cannot be started.
    #[error("cannot start the floor's writer")]
    Thread(#[source] std::io::Error),
    /// The writer thread ended without a reason.
    #[error("the floor's writer panicked")]
    Panicked,
}

/// The position of an event in the bytes that were read.
#[derive(Debug, Clone)]
pub(crate) struct EventRange {
    pub(crate) id: Range<usize>,
    pub(crate) payload: Range<usize>,
}

/// The events of one read burst.
#[derive(Debug)]
pub(crate) struct ReadBurst {
    pub(crate) app: u32,
    /// The bytes that were read.
    pub(crate) chunk: Bytes,
    pub(crate) events: Vec<EventRange>,
    /// The answers, to be sent once all events are committed.
    pub(crate) answers: Vec<u8>,
    pub(crate) reply: replies::UnboundedSender<Vec<u8>>,
}

/// A handle to the writer thread, which ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct EventLog {
    bursts: mpsc::Sender<ReadBurst>,
}

impl EventLog {
    /// Opens or creates the database. The receiver gets the error that ended the thread.
    pub(crate) fn open(
        path: &Path,
        keys: Keys,
    ) -> Result<(Self, oneshot::Receiver<LogError>), LogError> {
        let connection = durable(path)?;
        if keys == Keys::Unique {
            connection.execute_batch(KEY)?;
        }
        let (bursts, waiting) = mpsc::channel();
        let (tell, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("bare-writer".to_owned())
            .spawn(move || {
                if let Err(error) = write(&connection, &waiting) {
                    // At the end of the program there is no receiver.
                    let _ = tell.send(LogError::Sqlite(error));
                }
            })
            .map_err(LogError::Thread)?;
        Ok((Self { bursts }, ended))
    }

    /// Sends events to the thread. After the thread's end they are dropped.
    pub(crate) fn record(&self, burst: ReadBurst) {
        let _ = self.bursts.send(burst);
    }
}

fn durable(path: &Path) -> Result<Connection, LogError> {
    let connection = Connection::open(path)?;
    let journal: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    connection.execute_batch("PRAGMA synchronous=FULL")?;
    let synchronous = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if journal != "wal" || synchronous != FULL {
        return Err(LogError::NotDurable {
            journal,
            synchronous,
        });
    }
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn write(connection: &Connection, waiting: &mpsc::Receiver<ReadBurst>) -> rusqlite::Result<()> {
    let mut begin = connection.prepare("BEGIN IMMEDIATE")?;
    let mut commit = connection.prepare("COMMIT")?;
    let mut insert = connection.prepare(INSERT)?;
    let mut bursts = Vec::new();
    while let Ok(first) = waiting.recv() {
        bursts.push(first);
        bursts.extend(waiting.try_iter());
        begin.execute([])?;
        for burst in &bursts {
            for EventRange { id, payload } in &burst.events {
                // The platform's ids are text. Other bytes are not an id.
                let id = str::from_utf8(&burst.chunk[id.clone()]).unwrap_or_default();
                insert.execute(params![burst.app, id, &burst.chunk[payload.clone()]])?;
            }
        }
        commit.execute([])?;
        for burst in bursts.drain(..) {
            // The connection may have ended. The platform then repeats the event, and the key recognises it.
            let _ = burst.reply.send(burst.answers);
        }
    }
    Ok(())
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Number of the bot.
    pub app: u32,
    /// The platform's id.
    pub event_id: String,
}

/// All events that a finished run has recorded, in the order of their commits.
pub fn recorded_events(path: &Path) -> Result<Vec<RecordedEvent>, LogError> {
    let connection = Connection::open(path)?;
    let mut query = connection.prepare("SELECT app, event_id FROM event ORDER BY id")?;
    let rows = query.query_map([], |row| {
        Ok(RecordedEvent {
            app: row.get(0)?,
            event_id: row.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(app: u32, ids: &[&str], reply: &replies::UnboundedSender<Vec<u8>>) -> ReadBurst {
        let chunk = ids.concat();
        let mut at = 0;
        let mut place = |id: &&str| {
            let id = at..at + id.len();
            at = id.end;
            EventRange {
                payload: id.clone(),
                id,
            }
        };
        ReadBurst {
            app,
            events: ids.iter().map(&mut place).collect(),
            chunk: chunk.into(),
            answers: ids.concat().into_bytes(),
            reply: reply.clone(),
        }
    }

    #[test]
    fn a_repeat_is_answered_and_not_written_again() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("bare.db");
        let (log, _ended) = EventLog::open(&path, Keys::Unique).expect("it opens");
        let (reply, mut answers) = replies::unbounded_channel();
        log.record(burst(1, &["a", "b"], &reply));
        log.record(burst(2, &["a"], &reply));
        log.record(burst(1, &["b"], &reply));
        let answered: Vec<_> = (0..3).map(|_| answers.blocking_recv()).collect();
        assert_eq!(answered, ["ab", "a", "b"].map(|of| Some(of.into())));
        let row = |app, id: &str| RecordedEvent {
            app,
            event_id: id.to_owned(),
        };
        assert_eq!(
            recorded_events(&path).expect("it is readable"),
            [row(1, "a"), row(1, "b"), row(2, "a")]
        );
    }

    #[test]
    fn without_a_key_a_repeat_is_one_more_row() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("bare.db");
        let (log, _ended) = EventLog::open(&path, Keys::None).expect("it opens");
        let (reply, mut answers) = replies::unbounded_channel();
        log.record(burst(1, &["a"], &reply));
        log.record(burst(1, &["a"], &reply));
        for _ in 0..2 {
            assert_eq!(answers.blocking_recv(), Some("a".into()));
        }
        assert_eq!(recorded_events(&path).expect("it is readable").len(), 2);
    }

    #[test]
    fn after_an_error_nothing_is_answered() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("bare.db");
        let (log, ended) = EventLog::open(&path, Keys::Unique).expect("it opens");
        let other = Connection::open(&path).expect("it opens");
        other.execute_batch("DROP TABLE event").expect("dropped");
        let (reply, mut answers) = replies::unbounded_channel();
        log.record(burst(1, &["a"], &reply));
        drop(reply);
        assert!(ended.blocking_recv().is_ok(), "the thread says why");
        assert_eq!(answers.blocking_recv(), None);
    }
}
