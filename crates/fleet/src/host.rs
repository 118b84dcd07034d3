//! Where an installation's platform is.

use longwire_installation::Platform;
use longwire_platform::{feishu, wecom};
use longwire_store::InstallationRecord;
use std::sync::Arc;
use url::Url;

/// A platform's host and port, which all bots that are reached there share: the lane in which they wait for their turns
/// to connect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Host(Arc<str>);

impl Host {
    /// Of an installation. Those whose base URL cannot be read share one that nobody can dial.
    pub(crate) fn of(record: &InstallationRecord) -> Self {
        let url = base_url(record).ok();
        let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(Url::port_or_known_default);
        Self(format!("{name}:{}", port.unwrap_or_default()).into())
    }
}

/// Where the installation's platform is: at the usual place, unless its configuration names another.
pub(crate) fn base_url(record: &InstallationRecord) -> Result<Url, url::ParseError> {
    let usual = match record.platform {
        Platform::Feishu => feishu::FEISHU_BASE_URL,
        Platform::Lark => feishu::LARK_BASE_URL,
        Platform::Wecom => wecom::BASE_URL,
    };
    record.base_url.as_deref().unwrap_or(usual).parse()
}
