//! The audit of commands that have the store for themselves. A running server keeps its own (`longwire_admin`).

use std::io;

use longwire_access::{AuditAction, AuditEntry, AuditResult, Space};
use longwire_store::{AuditFull, Store};

use crate::moment;

/// Who such a command is in the audit.
const NAME: &str = "cli";

/// The change was made, and the audit does not say so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditLost {
    /// The store takes no entry.
    #[error("the change was made, but the audit takes no entry")]
    Full(#[from] AuditFull),
    /// The writer does not start.
    #[error("the change was made, but the audit could not be written")]
    Writer(#[source] io::Error),
}

/// A change that this command made.
pub(crate) fn entry(action: AuditAction, subject: &str) -> AuditEntry {
    AuditEntry {
        at_ms: moment::now_ms(),
        token: None,
        name: NAME.parse().expect("it keeps the rule for names"),
        space: Space::default(),
        action,
        subject: subject.into(),
        result: AuditResult::done(),
    }
}

/// Keeps a change of a command that ends afterwards: runs the writer, which records what waits for it and ends.
pub(crate) fn keep(store: &Store, action: AuditAction, subject: &str) -> Result<(), AuditLost> {
    let writer = store.run_writer(|_| {}).map_err(AuditLost::Writer)?;
    let kept = store.audit(entry(action, subject));
    store.stop_writer();
    // It ends with a panic or without one; the panic has been told.
    drop(writer.join());
    Ok(kept?)
}
