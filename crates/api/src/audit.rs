//! Writes each change that a caller asks for into the audit, whatever came of it.
//!
//! A change of the store is kept together with its entry ([`audited`]), and a refusal of it alone ([`keep_refusal`]). What is no
//! change of the store has an entry of its own ([`keep`]), which a process that is killed just then loses.

use longwire_access::AuditAction;
use longwire_delivery::Deliveries;
use longwire_listener::{Caller, Problem};
use longwire_store::Store;

use crate::Api;
use crate::problem_code::ProblemCode;

/// Refuses a change while the process ends, and one that the audit could not tell of.
///
/// # Errors
/// The process is about to end, or the store has taken nothing for so long that no entry finds room.
pub(crate) fn admit(api: &Api) -> Result<(), Problem> {
    api.settings.draining.refuse()?;
    if api.settings.store.writer().has_room_for_audit() {
        return Ok(());
    }
    let detail = "the store takes nothing, so that this could not be written into the audit; nothing was changed";
    Err(ProblemCode::AuditFull.problem(detail))
}

/// Delivery, for one change by this caller, which is kept together with its entry.
pub(crate) fn audited(
    api: &Api,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
) -> Deliveries {
    let entry = caller.audit_entry(action, subject, None);
    api.settings.deliveries.audited_as(entry)
}

/// The store, for one change by this caller, which is kept together with its entry.
pub(crate) fn audited_store(
    api: &Api,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
) -> Store {
    let entry = caller.audit_entry(action, subject, None);
    api.settings.store.audited_as(entry)
}

/// Carries out a change of delivery that a caller asks for: `work` gets a handle whose change is kept together with its entry.
/// What is refused or fails is kept alone.
pub(crate) async fn change<T>(
    api: &Api,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
    work: impl AsyncFnOnce(Deliveries) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let outcome = match admit(api) {
        Ok(()) => work(audited(api, caller, action, subject)).await,
        Err(refused) => Err(refused),
    };
    keep_refusal(api, caller, action, subject, &outcome);
    outcome
}

/// Keeps that a change of the store was refused or failed.
pub(crate) fn keep_refusal<T>(
    api: &Api,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
    outcome: &Result<T, Problem>,
) {
    if outcome.is_err() {
        keep(api, caller, action, subject, outcome);
    }
}

/// Keeps what came of a change. It rides in the store's next transaction, so no caller waits for it.
pub(crate) fn keep<T>(
    api: &Api,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
    outcome: &Result<T, Problem>,
) {
    let refused = outcome.as_ref().err();
    let entry = caller.audit_entry(action, subject, refused);
    api.settings.store.audit(entry);
}
