//! Failures that no actor can repair: the process drains and ends, and a new one starts.
//!
//! Every actor that ends is built anew by its parent. Two things have no parent: the supervisor, and the threads that
//! carry installations. Their end is told here, and a new process is the only way on: a supervisor built anew would know
//! none of the installations that run, and would start each of them a second time.
//!
//! The store's writer has a parent, but what follows from a spent rebuild budget differs: one bot may be left alone for
//! ten minutes, recording for all of them may not.

use tokio::sync::watch;

/// Why a fleet has to be started again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FleetFailure {
    /// The supervisor ended. Its installations finish what they have in hand and end with it.
    #[error("the supervisor ended: {how}")]
    Supervisor {
        /// The text of its panic, or that it stopped.
        how: String,
    },
    /// The store's writer thread, or the actor that keeps it, ended too often within ten minutes: nothing is recorded.
    #[error("the store's writer ended too often: {how}")]
    Writer {
        /// How it ended the last time.
        how: String,
    },
    /// A thread that carries installations ended, and they with it.
    #[error("arbiter {number} ended, a thread that carries installations")]
    Arbiter {
        /// As the admin view numbers it; 1 is the first.
        number: u16,
    },
}

impl FleetFailure {
    /// The part that failed, as a stable label.
    #[must_use]
    pub fn part(&self) -> &'static str {
        match self {
            Self::Supervisor { .. } => "supervisor",
            Self::Writer { .. } => "writer",
            Self::Arbiter { .. } => "arbiter",
        }
    }
}

/// The first failure of a fleet, for whoever watches.
pub(crate) struct Failure(watch::Sender<Option<FleetFailure>>);

impl Failure {
    pub(crate) fn none() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Keeps the first one: the others follow from it.
    pub(crate) fn is(&self, failure: FleetFailure) {
        self.0.send_if_modified(|known| {
            let is_first = known.is_none();
            known.get_or_insert(failure);
            is_first
        });
    }

    pub(crate) fn get(&self) -> Option<FleetFailure> {
        self.0.borrow().clone()
    }

    /// Waits for one.
    pub(crate) async fn wait(&self) -> FleetFailure {
        let mut known = self.0.subscribe();
        match known.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(failure)) => failure.clone(),
            // Nobody can fail any more.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}
