//! Which installations a caller may know of. One of another space is answered as one that does not exist.

use actix_web::web::Data;
use longwire_access::Space;
use longwire_fleet::{InstallationView, RequestError};
use longwire_listener::{Caller, Problem, blocking};
use longwire_store::{InstallationRecord, WriteError};

use crate::Admin;
use crate::request_problem::unanswered;
use crate::store_calls::{read, unchanged};

/// Whether the caller may know of an installation as the fleet sees it.
pub(crate) fn sees(caller: &Caller, view: &InstallationView) -> bool {
    let id = view.id.parse();
    id.is_ok_and(|id| caller.sees(&view.space, id))
}

/// The installation in the store, by id or name.
pub(crate) async fn stored(
    admin: &Data<Admin>,
    caller: &Caller,
    id_or_name: &str,
) -> Result<InstallationRecord, Problem> {
    find(admin, id_or_name, |record| {
        caller.sees(&record.space, record.public_id)
    })
    .await
}

/// The same, of a space for which the caller makes a token. Who sees the whole gateway makes them for every space.
pub(crate) async fn stored_in(
    admin: &Data<Admin>,
    caller: &Caller,
    space: &Space,
    id_or_name: &str,
) -> Result<InstallationRecord, Problem> {
    find(admin, id_or_name, |record| {
        let is_known = caller.is_gateway_wide() || caller.sees(&record.space, record.public_id);
        record.space == *space && is_known
    })
    .await
}

async fn find(
    admin: &Data<Admin>,
    id_or_name: &str,
    may_know: impl FnOnce(&InstallationRecord) -> bool,
) -> Result<InstallationRecord, Problem> {
    let store = admin.settings.store.clone();
    let wanted = id_or_name.to_owned();
    read(move || store.reader().installation(&wanted))
        .await?
        .filter(may_know)
        .ok_or_else(|| Problem::not_found(format!("there is no installation `{id_or_name}`")))
}

/// Changes installations where it may block. A refusal names another installation only to a caller that may know of it.
pub(crate) async fn change<T: Send + 'static>(
    admin: &Data<Admin>,
    caller: &Caller,
    change: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, Problem> {
    match blocking::run(change).await? {
        Err(WriteError::SameBot { name, other })
            if stored(admin, caller, &other).await.is_err() =>
        {
            let detail = format!("`{name}` is the same bot as one that is wanted already");
            Err(Problem::conflict("same_bot", detail))
        }
        outcome => outcome.map_err(|error| unchanged(&error)),
    }
}

/// Refuses a request to an installation that the caller may not know of, in the words for one that does not exist. Asks the
/// fleet's memory and no disk.
pub(crate) fn running(admin: &Admin, caller: &Caller, id_or_name: &str) -> Result<(), Problem> {
    let view = admin.settings.fleet.installation(id_or_name);
    match view.is_some_and(|view| sees(caller, &view)) {
        true => Ok(()),
        false => Err(unanswered(&RequestError::UnknownInstallation)),
    }
}
