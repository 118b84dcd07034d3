//! Why a measured run came to nothing.

use std::time::Duration;
use std::{fmt, io};

/// What is done to have the SDKs of the peers.
pub(crate) const INSTALL: &str = "in a checkout of the source, run tests/conformance/install";

/// A process of the stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The simulated platform.
    Platform,
    /// The gateway.
    Gateway,
    /// The applications.
    Receiver,
    /// One that connects as an official SDK does.
    Application,
    /// A client that the gateway is compared with.
    Peer(&'static str),
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Platform => "the simulated platform",
            Self::Gateway => "the gateway",
            Self::Receiver => "the receiver of webhooks",
            Self::Application => "the application",
            Self::Peer(name) => name,
        })
    }
}

/// What went wrong on the stand.
#[derive(Debug, thiserror::Error)]
pub enum StandError {
    /// The process did not start.
    #[error("cannot start {role}")]
    Spawn {
        /// Which.
        role: Role,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The process ended without being told to.
    #[error("{role} ended by itself, {how}; its last words: {last_words}")]
    Ended {
        /// Which.
        role: Role,
        /// Its exit code, or the signal that ended it.
        how: String,
        /// The end of what it wrote.
        last_words: String,
    },
    /// It did not become what it was started for.
    #[error("{role} did not {done} within {} s", limit.as_secs())]
    Slow {
        /// Which.
        role: Role,
        /// What it was to do.
        done: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// It does not answer over HTTP.
    #[error("{role} does not answer {path}: {reason}")]
    Deaf {
        /// Which.
        role: Role,
        /// What was asked.
        path: String,
        /// What happened.
        reason: String,
    },
    /// An official SDK is not there.
    #[error("the SDK of {peer} is not installed")]
    NoSdk {
        /// The peer.
        peer: &'static str,
    },
    /// Its figures cannot be read.
    #[error("cannot read the figures of {role}")]
    Unmeasured {
        /// Which.
        role: Role,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// Not everybody connected.
    #[error("{live} of {wanted} connections are live after {} s", limit.as_secs())]
    NotLive {
        /// Those that are.
        live: u64,
        /// All.
        wanted: u64,
        /// How long they had.
        limit: Duration,
    },
    /// The store cannot have a file system of its own.
    #[error("cannot make a file system for the store alone")]
    NoVolume {
        /// What was refused.
        #[source]
        source: io::Error,
    },
    /// That file system does not suffer what it is told to.
    #[error("the store's file system cannot be brought into trouble")]
    Untroubled {
        /// What was refused.
        #[source]
        source: io::Error,
    },
    /// Fewer files may be open than there will be connections.
    #[error("this needs {needed} open files in one process, and {allowed} are allowed")]
    OpenFiles {
        /// Connections and a few more.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
}

impl StandError {
    /// What to do about it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::OpenFiles { .. } => {
                Some("raise the hard limit (`ulimit -Hn`, LimitNOFILE), or ask for fewer")
            }
            Self::Unmeasured { .. } => {
                Some("processor time and memory are read from /proc, which only Linux has")
            }
            Self::NotLive { .. } | Self::Slow { .. } => {
                Some("ask for fewer, or try again on a host with less to do")
            }
            Self::NoSdk { .. } => Some(INSTALL),
            Self::NoVolume { .. } | Self::Untroubled { .. } => Some(
                "a full disk and a stalled one are real ones: that takes root, a loop device, util-linux and e2fsprogs. \
                 Kills and stops alone need none of it",
            ),
            Self::Spawn { .. } | Self::Ended { .. } | Self::Deaf { .. } => None,
        }
    }
}
