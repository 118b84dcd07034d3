//! The floor: the least that a client of the long connection can do.
//!
//! ```text
//! bare          bootstrap ─▶ upgrade ─▶ event ─▶ ACK
//! bare durable  bootstrap ─▶ upgrade ─▶ event ─▶ writer thread: one transaction of all that waits ─▶ ACK
//! bare append   the same, into a table without a key: it records a repeat once more
//! ```
//! longwire's figures mean something only beside those of a program that does as little as possible on the same
//! host in the same minute. This is that program. It shares no code with the gateway, so that neither's mistake nor
//! trick is in both, and it is written to be fast: one thread for all sockets, reads of 64 KiB, all answers of a
//! burst in one write.
//!
//! What it leaves out is what longwire is for: split events, deadlines, a bound on anything, half-open links, a
//! writer that survives an error, a word to whoever operates it. Never use it for more than a measurement.

mod bootstrap;
mod connection;
mod event;
mod frame;
mod log;
mod official;
mod websocket;

use std::path::PathBuf;

use tokio::task::JoinSet;

pub use crate::bootstrap::BootstrapError;
pub use crate::log::{LogError, Row, rows};
pub use crate::official::{NODE_PROGRAM, PYTHON_PROGRAM};

use crate::connection::Connection;
use crate::log::{Keys, Log};

/// What a floor program is started with.
#[derive(Debug, Clone)]
pub struct Floor {
    /// Scheme, host and port of the platform. Plain http only: nobody measures TLS here.
    pub base_url: String,
    /// Bots, one connection each: `cli_0000000000000001` and so on.
    pub connections: u32,
    /// What is done before an ACK.
    pub record: Record,
}

/// What the floor does with an event before it acknowledges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Nothing.
    Nothing,
    /// Commits it to this database; a repeat is one more event.
    Appended(PathBuf),
    /// Commits it to this database, where a unique key knows repeats.
    Keyed(PathBuf),
}

/// Why a floor program ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FloorError {
    /// The operating system gives no runtime.
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

/// Holds the connections until an error; there is no other end.
pub fn run(floor: &Floor) -> Result<(), FloorError> {
    let log = match &floor.record {
        Record::Nothing => None,
        Record::Appended(path) => Some(Log::open(path, Keys::None)?),
        Record::Keyed(path) => Some(Log::open(path, Keys::Unique)?),
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
                // The thread told why it ended, or panicked.
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
