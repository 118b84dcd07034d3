//! Decides which addresses a webhook of an application may be dialled at.
//!
//! An application names any host it likes, and the gateway stands in a network where more can be reached than from
//! outside. So the addresses are checked after the name was looked up and directly before they are dialled: a check at any
//! other time could see another answer of the name server.
//!
//! Behind a proxy the proxy looks the name up. Then only a host that is an address, or a name of loopback or of a metadata
//! service, can be checked; what the proxy reaches is for its own rules.

use std::net::IpAddr;

use crate::address_kind::AddressKind;
use crate::network::{Network, unbracketed};

/// The word for `127.0.0.0/8` and `::1`.
const LOOPBACK: &str = "loopback";
/// The names by which clouds' metadata services are reached inside of them: Google Cloud, AWS, Azure, Tencent Cloud, Equinix
/// and IBM Cloud. The others are addresses only, see [`AddressKind::Metadata`].
const METADATA_NAMES: [&str; 8] = [
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "api.metadata.cloud.ibm.com",
];
/// The address that most of them have.
const METADATA_ADDRESS: [u8; 4] = [169, 254, 169, 254];
/// The word for the networks of RFC 1918 and `fc00::/7`.
const PRIVATE: &str = "private";

/// Which addresses webhooks may be dialled at: public ones, and those of the networks that the configuration allows.
///
/// Never allowed are link-local, metadata, multicast, unspecified, broadcast, documentation and reserved addresses, and
/// IPv6 addresses with an IPv4 address inside. A network that holds some of them can be listed; they stay blocked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressFilter {
    allowed: Vec<Allowed>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Kind(AddressKind),
    Network(Network),
}

/// An entry of `webhooks.allow_networks` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowNetworkError {
    /// It is neither a word nor a network.
    #[error("`{entry}` is neither `loopback`, `private` nor a network such as 10.0.0.0/8")]
    Unreadable {
        /// The entry as written.
        entry: String,
    },
    /// All of its addresses are blocked in any case.
    #[error("`{entry}` can never be allowed: no webhook is delivered to such addresses")]
    Never {
        /// The entry as written.
        entry: String,
    },
}

/// An address that no webhook is delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {kind}, {}", remedy(.kind))]
pub struct BlockedAddress {
    /// The address that was not dialled.
    pub address: IpAddr,
    /// What the address is for.
    pub kind: AddressKind,
}

fn remedy(kind: &AddressKind) -> &'static str {
    if kind.can_be_allowed() {
        "which webhooks.allow_networks does not allow"
    } else {
        "where no webhook is delivered"
    }
}

impl AddressFilter {
    /// Reads the entries of `webhooks.allow_networks`: the words `loopback` and `private`, and networks such as
    /// `100.64.0.0/10`. Without any entry, public addresses alone are allowed.
    pub fn from_entries<I>(entries: I) -> Result<Self, AllowNetworkError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let allowed = entries
            .into_iter()
            .map(|entry| Allowed::parse(entry.as_ref().trim()))
            .collect::<Result<_, _>>()?;
        Ok(Self { allowed })
    }

    /// Whether a webhook may be dialled at `address`.
    pub fn check(&self, address: IpAddr) -> Result<(), BlockedAddress> {
        let kind = AddressKind::of(address);
        if kind == AddressKind::Public || self.is_own(address) {
            Ok(())
        } else {
            Err(BlockedAddress { address, kind })
        }
    }

    /// Whether the host of a URL may be dialled, as far as it can be told without a lookup: an address, with or without
    /// brackets, and the names of loopback and of metadata services. Any other name passes.
    pub fn check_host(&self, host: &str) -> Result<(), BlockedAddress> {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(address) = unbracketed(host).parse() {
            self.check(address)
        } else if name == "localhost" || name.ends_with(".localhost") {
            self.check(IpAddr::from([127, 0, 0, 1]))
        } else if METADATA_NAMES.contains(&&*name) {
            self.check(IpAddr::from(METADATA_ADDRESS))
        } else {
            Ok(())
        }
    }

    /// Whether `address` is in a network that the configuration allows, and not blocked in any case.
    pub(crate) fn is_own(&self, address: IpAddr) -> bool {
        let kind = AddressKind::of(address);
        kind.can_be_allowed() && self.allowed.iter().any(|it| it.has(address, kind))
    }

    /// Those of `addresses` that may be dialled, at least one, in their order; else the first one that may not.
    pub(crate) fn permitted(
        &self,
        mut addresses: Vec<IpAddr>,
    ) -> Result<Vec<IpAddr>, BlockedAddress> {
        let mut blocked = None;
        addresses.retain(|address| match self.check(*address) {
            Ok(()) => true,
            Err(error) => {
                blocked.get_or_insert(error);
                false
            }
        });
        match blocked {
            Some(blocked) if addresses.is_empty() => Err(blocked),
            _ => Ok(addresses),
        }
    }
}

impl Allowed {
    fn parse(entry: &str) -> Result<Self, AllowNetworkError> {
        match entry {
            LOOPBACK => return Ok(Self::Kind(AddressKind::Loopback)),
            PRIVATE => return Ok(Self::Kind(AddressKind::Private)),
            _ => {}
        }
        let network = Network::parse(entry).ok_or_else(|| AllowNetworkError::Unreadable {
            entry: entry.to_owned(),
        })?;
        if AddressKind::is_never_allowed(&network) {
            return Err(AllowNetworkError::Never {
                entry: entry.to_owned(),
            });
        }
        Ok(Self::Network(network))
    }

    fn has(&self, address: IpAddr, kind: AddressKind) -> bool {
        match self {
            Self::Kind(allowed) => *allowed == kind,
            Self::Network(network) => network.contains(address),
        }
    }
}

#[cfg(test)]
mod tests;
