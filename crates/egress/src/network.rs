//! Networks of addresses, written as `10.0.0.0/8` or `fd00::/8`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses that begin with the first `prefix` bits of `address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub(crate) const fn v4(address: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = address;
        Self {
            address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            prefix,
        }
    }

    pub(crate) const fn v6(groups: [u16; 8], prefix: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = groups;
        Self {
            address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)),
            prefix,
        }
    }

    fn single(address: IpAddr) -> Option<Self> {
        let prefix = if address.is_ipv4() { 32 } else { 128 };
        Some(Self { address, prefix })
    }

    /// Reads `address/bits`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= most).then_some(Self { address, prefix })
    }

    /// A network of IPv4 is another than the same network written as IPv6.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = u32::from(network) ^ u32::from(address);
                differing
                    .checked_shr(32 - u32::from(self.prefix))
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = u128::from(network) ^ u128::from(address);
                differing
                    .checked_shr(128 - u32::from(self.prefix))
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Whether all addresses of this network are in `other`.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.prefix >= other.prefix && other.contains(self.address)
    }
}

/// Networks, and single addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkList(Vec<Network>);

/// An entry of a list of networks that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither a network such as 10.0.0.0/8 nor an address")]
pub struct NetworkListError {
    /// The entry as written.
    pub entry: String,
}

impl NetworkList {
    /// Reads entries such as `203.0.113.0/24`, `2001:db8::/32` and `203.0.113.7`.
    pub fn from_entries<I>(entries: I) -> Result<Self, NetworkListError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let networks = entries.into_iter().map(|entry| {
            let entry = entry.as_ref().trim();
            let network = Network::parse(entry).or_else(|| Network::single(entry.parse().ok()?));
            network.ok_or_else(|| NetworkListError {
                entry: entry.to_owned(),
            })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether an entry contains this address. An IPv4 address that is written as IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }
}

/// `host` without the brackets that an IPv6 address has in a URL.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_networks_and_addresses() {
        let list = NetworkList::from_entries(["203.0.113.0/24", " 198.51.100.7", "2001:db8::/32"]);
        let list = list.expect("entries");
        for (address, is_in) in [
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("::ffff:198.51.100.7", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            let found = list.contains(address.parse().expect("an address"));
            assert_eq!(found, is_in, "{address}");
        }
        assert!(!NetworkList::default().contains(IpAddr::from([127, 0, 0, 1])));
        for wrong in ["", "loopback", "10.0.0.0/33", "10.0.0.0/", "example.com"] {
            let error = NetworkList::from_entries([wrong]).expect_err(wrong);
            assert_eq!(error.entry, wrong);
        }
    }
}
