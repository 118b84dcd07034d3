//! The way out of one bot: by its own proxy if it has one, by everybody's otherwise.

use crate::context::{ArbiterContext, FleetContext};
use crate::setback;
use longwire_egress::{Egress, ProxyUrlError};
use longwire_store::InstallationRecord;
use secrecy::ExposeSecret;

/// The HTTP and WebSocket client of a bot, without a permit of its own. The error says why its proxy cannot be used.
pub(crate) fn line(
    fleet: &FleetContext,
    arbiter: &ArbiterContext,
    record: &InstallationRecord,
) -> Result<Egress, String> {
    let proxy = fleet.store.open_proxy(record).map_err(|error| {
        format!(
            "the proxy setting cannot be unsealed: {}",
            setback::chain(&error)
        )
    })?;
    match proxy {
        None => Ok(arbiter.egress.clone()),
        Some(proxy) => (proxy.expose_secret().parse())
            .map(|policy| arbiter.egress.with_proxy(policy))
            .map_err(|error: ProxyUrlError| setback::chain(&error)),
    }
}
