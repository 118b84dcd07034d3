//! A store beside a running one: for as long as another process has the database, batches are recorded by that process.
//!
//! ```text
//! this process                                        the process that has the database
//! sockets ─▶ writer ─▶ ForwardingEngine ──batch──▶ Store::record_forwarded ─▶ its writer ─▶ COMMIT
//!    ▲                      │        ◀──outcomes──────────────┘
//!    └──── receipts ◀───────┘
//! ```
//! It is for a takeover: a new process holds connections before the old one lets go of the database. A receipt is made of the
//! outcomes, which the other process sends after its commit has returned, so an acknowledgement still follows a durable
//! record. Both processes' events meet one event index, so each repeat is recognized.
//!
//! When the other process ends or lets go, the engine takes the lock, opens the database and writes to it itself. Queries
//! are answered from the file all the time. Small writes wait in memory until the database is opened; administrative changes
//! are refused until then.
//!
//! How the bytes travel is not decided here: [`Forward`] carries them.

pub(crate) mod bytes;
mod engine;

pub(crate) use engine::{ForwardingEngine, OpenOwn};

/// Carries batches to the process that has the database.
pub trait Forward: Send {
    /// Sends a batch and waits for its answer. Called on the writer thread, one batch at a time.
    ///
    /// # Errors
    /// If there is no answer. Nothing is known then of what became of the batch; what was recorded of it is recognized when
    /// it comes again.
    fn forward(&mut self, batch: &[u8]) -> Result<Vec<u8>, ForwardError>;
}

/// A batch got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The other process has ended, or has closed the connection.
    #[error("the process that had the store is gone")]
    Gone,
    /// It does not answer.
    #[error("the process that has the store does not answer")]
    Silent(#[source] std::io::Error),
}

#[cfg(test)]
mod tests;
