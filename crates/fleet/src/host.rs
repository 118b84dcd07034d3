//! The host of an installation's platform. Bots of one host share a lane of the connect scheduler.

use longwire_store::InstallationRecord;
use std::sync::Arc;
use url::Url;

/// A platform's host and port, which all bots that are reached there share: the lane in which they wait for permits
/// to connect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Host(Arc<str>);

impl Host {
    /// The host of an installation's platform. Installations whose base URL cannot be read share one that nobody can dial.
    pub(crate) fn of(record: &InstallationRecord) -> Self {
        let url = record.resolved_base_url().ok();
        let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(Url::port_or_known_default);
        Self(format!("{name}:{}", port.unwrap_or_default()).into())
    }
}
