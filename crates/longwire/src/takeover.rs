//! A new process takes over from a running server on the same store (`serve --takeover`, or SIGUSR2 to the server).
//!
//! ```text
//! running server                                    new process
//! TakeoverServer on <store>.takeover  ◀──Hello──    RunningServer::ask
//!   listeners, batch connection       ──Welcome─▶   store opened beside, fleet started beside
//!   gives its bots away               ◀──────────▶  RunningServer::take_over moves them
//!   batches recorded, answered        ◀──────────▶  BatchSender, on the writer thread
//!   Gateway::let_go, end              ◀──LetGo───   opens the store, starts delivery, answers on the listeners
//! ```
//! The machines of `longwire_takeover` decide what follows what; the files here move messages, bytes and calls. A connection that
//! ends says that the process on its other side has ended, however that came.

mod batches;
mod channel;
mod predecessor;
mod restart;
mod successor;

use std::io;
use std::path::PathBuf;

use longwire_store::OpenError;
use longwire_takeover::frame::TakeoverFrameError;
use longwire_takeover::{TakeoverFailure, TakeoverRefusal};

pub(crate) use predecessor::{HandedOver, TakeoverServer};
pub(crate) use restart::{Program, on_signal};
pub(crate) use successor::{OpenedStore, RunningServer};

/// A takeover came to nothing. The running server goes on, unless it says that it is about to end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeoverError {
    /// The server's socket cannot be used.
    #[error("the running server cannot be asked at {}", path.display())]
    Unreachable {
        /// Its socket.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The server says no.
    #[error(transparent)]
    Refused(#[from] TakeoverRefusal),
    /// What it says is no message.
    #[error("the running server says something that is no message of a takeover")]
    Garbage(#[from] TakeoverFrameError),
    /// It says something that has no place there.
    #[error("the running server does not welcome the takeover")]
    NotWelcome,
    /// The connection to it cannot be used.
    #[error("the connection to the running server cannot be used")]
    Channel(#[source] io::Error),
    /// The takeover did not get to its end.
    #[error(transparent)]
    Failed(#[from] TakeoverFailure),
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The server has ended, and its store does not open.
    #[error("the running server has ended, and its store does not open")]
    NotOpened(#[source] longwire_store::WriteError),
}

impl TakeoverError {
    /// What an operator does about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => {
                "run it as the user of the running server; without --takeover, stop that server first"
            }
            Self::Refused(refusal) => refusal.advice(),
            Self::Garbage(_) | Self::NotWelcome => TakeoverRefusal::Protocol.advice(),
            Self::Channel(_) => "look whether the running server has ended, and read its log",
            Self::Failed(TakeoverFailure::NoneConnected { .. }) => {
                "the running server goes on; read above why the bots do not connect, and try again"
            }
            Self::Failed(TakeoverFailure::DoesNotEnd { .. }) => {
                "end the running server by SIGKILL, and start again without --takeover"
            }
            Self::Store(error) => error.advice(),
            Self::NotOpened(_) => "read why above, and start again without --takeover",
        }
    }
}
