//! The audit of commands that have the store for themselves. A running server keeps its own (`longwire_admin`).

use longwire_access::{AuditAction, AuditEntry, AuditResult, Space};
use longwire_store::Store;

use crate::moment;

/// Who such a command is in the audit.
const NAME: &str = "cli";

/// The store, for one change by this command, which is kept together with its entry.
pub(crate) fn audited(store: &Store, action: AuditAction, subject: &str) -> Store {
    store.audited_as(AuditEntry {
        at_ms: moment::now_ms(),
        token: None,
        name: NAME.parse().expect("it keeps the rule for names"),
        space: Space::default(),
        action,
        subject: subject.into(),
        result: AuditResult::done(),
    })
}
