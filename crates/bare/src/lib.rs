//! The floor of the benchmarks: clients that do the least that a client of the long connection can do.
//!
//! ```text
//! bare          bootstrap ─▶ upgrade ─▶ event ─▶ ACK
//! bare durable  bootstrap ─▶ upgrade ─▶ event ─▶ writer thread: one transaction of all that waits ─▶ ACK
//! bare append   the same, into a table without a key: it records a repeat once more
//! ```
//! Beside them stands the floor of deliveries ([`post`]): the least that a client of webhooks can do.
//!
//! The figures of longwire are compared with those of this program, on the same host in the same minute. It shares no
//! code with the gateway, so that no mistake and no trick is in both. It is written to be fast: one thread for all
//! sockets, reads of 64 KiB, all answers of a burst in one write.
//!
//! It has no split events, no deadlines, no limits, no detection of half-open connections, no writer that survives an
//! error, and no logs or metrics. Use it for measurements only.

mod bootstrap;
mod connection;
mod event;
mod frame;
mod log;
mod official;
mod posts;
mod websocket;

use std::path::PathBuf;

use tokio::task::JoinSet;

pub use crate::bootstrap::BootstrapError;
pub use crate::log::{LogError, RecordedEvent, recorded_events};
pub use crate::official::{NODE_APPLICATION, NODE_PROGRAM, PYTHON_APPLICATION, PYTHON_PROGRAM};
pub use crate::posts::{PostFloorError, PostFloorSettings, PostedByFloor, post};

use crate::connection::Connection;
use crate::log::{EventLog, Keys};

/// The settings of a floor program.
#[derive(Debug, Clone)]
pub struct FloorSettings {
    /// Scheme, host and port of the platform. Plain http only, because TLS is not measured here.
    pub base_url: String,
    /// Number of bots, one connection each: `cli_0000000000000001` and so on.
    pub connections: u32,
    /// What is done with an event before its ACK.
    pub record: Recording,
}

/// What the floor does with an event before it acknowledges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// Nothing.
    Nothing,
    /// Commits it to this database. A repeat is recorded as one more event.
    Appended(PathBuf),
    /// Commits it to this database, whose unique key recognises repeats.
    Keyed(PathBuf),
}

/// Why a floor program ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FloorError {
    /// The runtime cannot be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] std::io::Error),
    /// The platform cannot be reached or does not grant a connection.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// Events can no longer be recorded.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A connection's task panicked.
    #[error("a connection's task ended")]
    Task(#[source] tokio::task::JoinError),
}

/// Holds the connections until an error ends the program.
pub fn run(floor: &FloorSettings) -> Result<(), FloorError> {
    let log = match &floor.record {
        Recording::Nothing => None,
        Recording::Appended(path) => Some(EventLog::open(path, Keys::None)?),
        Recording::Keyed(path) => Some(EventLog::open(path, Keys::Unique)?),
    };
    let (log, ended) = log.unzip();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(FloorError::Runtime)?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for number in 1..=floor.connections {
            let connection = Connection::new(&floor.base_url, number, log.clone())?;
            tasks.spawn(connection.run());
        }
        drop(log);
        let connections = async {
            match tasks.join_next().await {
                Some(Err(error)) => Err(FloorError::Task(error)),
                Some(Ok(())) | None => Ok(()),
            }
        };
        let writer = async {
            match ended {
                // A thread that sent no reason has panicked.
                Some(ended) => Err(ended.await.unwrap_or(LogError::Panicked)),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = connections => ended,
            failed = writer => failed.map_err(FloorError::Log),
        }
    })
}
