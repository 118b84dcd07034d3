//! The audit: each change that a caller asks for, and what came of it.
//!
//! A change of the store is kept together with its entry ([`audited`]), and a refusal of it alone ([`keep_refusal`]). What a
//! platform or an actor was asked for has an entry of its own ([`keep`]), which a process that is killed just then loses.

use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use longwire_access::AuditAction;
use longwire_api::QueryReader;
use longwire_listener::{Caller, Problem};
use longwire_store::Store;

use crate::Admin;
use crate::document::{AuditDocument, ListPage};
use crate::listed::PageQuery;
use crate::store_calls::read;

/// Refuses a change that the audit could not tell of.
///
/// # Errors
/// The store has taken nothing for so long that no entry finds room.
pub(crate) fn has_room(admin: &Admin) -> Result<(), Problem> {
    match admin.settings.store.writer().has_room_for_audit() {
        true => Ok(()),
        false => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "audit_full",
            "the store takes nothing, so that this could not be written into the audit; nothing was changed",
        )),
    }
}

/// The store, for one change by this caller, which is kept together with its entry.
pub(crate) fn audited(admin: &Admin, caller: &Caller, action: AuditAction, subject: &str) -> Store {
    let entry = caller.audit_entry(action, subject, None);
    admin.settings.store.audited_as(entry)
}

/// Keeps that a change of the store was refused or failed.
pub(crate) fn keep_refusal<T>(
    admin: &Admin,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
    outcome: &Result<T, Problem>,
) {
    if outcome.is_err() {
        keep(admin, caller, action, subject, outcome);
    }
}

/// Keeps what came of something that a caller asked for. It rides in the store's next transaction, so no caller waits for it.
pub(crate) fn keep<T>(
    admin: &Admin,
    caller: &Caller,
    action: AuditAction,
    subject: &str,
    outcome: &Result<T, Problem>,
) {
    let refused = outcome.as_ref().err();
    let entry = caller.audit_entry(action, subject, refused);
    admin.settings.store.audit(entry);
}

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Newest first.
pub(crate) async fn list(
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<Json<ListPage<AuditDocument>>, Problem> {
    let asked = PageQuery::read(QueryReader::of(request.query_string()))?;
    let before = asked.after(|text| text.parse::<i64>().ok())?;
    let store = admin.settings.store.clone();
    // One more says whether there is another page.
    let limit = asked.limit + 1;
    let records = read(move || store.reader().audit(before, limit)).await?;
    let page = asked.cut(records, None, |record| record.id.to_string());
    Ok(Json(page.map(|record| AuditDocument::from(&record))))
}
