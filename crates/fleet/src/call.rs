//! A call of the Open API by one bot: its way out, its base URL, its secret, and the tokens of its arbiter.

use crate::context::{ArbiterContext, FleetContext};
use crate::line::line;
use crate::setback;
use longwire_platform::feishu::{ApiCaller, CallingApp, NoSecretError};
use longwire_store::InstallationRecord;

/// Has the bot call. The error says which of its settings cannot be used; then nothing was sent.
pub(crate) async fn with_caller<T>(
    fleet: &FleetContext,
    arbiter: &ArbiterContext,
    record: &InstallationRecord,
    call: impl AsyncFnOnce(&ApiCaller<'_>) -> T,
) -> Result<T, String> {
    let egress = line(fleet, arbiter, record)?;
    let base = record.resolved_base_url();
    let base = base.map_err(|error| setback::chain(&error))?;
    let open_secret = || {
        let secret = fleet.store.open_secret(record);
        secret.map_err(|error| NoSecretError(setback::chain(&error)))
    };
    let app = CallingApp {
        egress: &egress,
        base: &base,
        app_id: &record.app_id,
        open_secret: &open_secret,
        deadline: fleet.timing.message_call,
    };
    let tokens = &arbiter.tokens;
    Ok(call(&ApiCaller { app, tokens }).await)
}
