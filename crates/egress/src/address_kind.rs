//! What an address is for, by the registries of special-purpose addresses (RFC 6890 and IANA's tables).

use std::fmt;
use std::net::IpAddr;

use crate::network::Network;

use AddressKind::{
    Benchmarking, Broadcast, CarrierGrade, Documentation, Embedded, LinkLocal, Loopback, Metadata,
    Multicast, Private, Public, Reserved, Unspecified,
};

/// What an address is for, as far as it decides whether an application's webhook may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Any address that is reached over the internet.
    Public,
    /// This host: `127.0.0.0/8`, `::1`.
    Loopback,
    /// A network of one's own: RFC 1918 and `fc00::/7`.
    Private,
    /// A carrier's network, `100.64.0.0/10`. Clouds and VPNs use it too.
    CarrierGrade,
    /// `198.18.0.0/15`, for measurements. Proxies that answer name lookups themselves use it too.
    Benchmarking,
    /// This link only: `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// A group of hosts.
    Multicast,
    /// No host: `0.0.0.0/8`, `::`.
    Unspecified,
    /// All hosts of a link.
    Broadcast,
    /// For examples in texts.
    Documentation,
    /// IPv6 with an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo), which would get around rules for IPv4.
    Embedded,
    /// Every other address that is not in use.
    Reserved,
}

/// The networks with a purpose. The first one that has an address decides.
const SPECIAL: [(Network, AddressKind); 38] = [
    // Metadata services that are not link-local: Alibaba Cloud, Volcano Engine (both within the carrier-grade network),
    // Azure's host agent (a public address), and over IPv6 AWS, Google Cloud and Scaleway (within the private network).
    (Network::v4([100, 100, 100, 200], 32), Metadata),
    (Network::v4([100, 96, 0, 96], 32), Metadata),
    (Network::v4([168, 63, 129, 16], 32), Metadata),
    (v6([0xfd00, 0xec2, 0, 0x254], 128), Metadata),
    (v6([0xfd20, 0xce, 0, 0x254], 128), Metadata),
    (v6([0xfd00, 0x42, 0, 0x42], 128), Metadata),
    (Network::v4([127, 0, 0, 0], 8), Loopback),
    (Network::v4([10, 0, 0, 0], 8), Private),
    (Network::v4([172, 16, 0, 0], 12), Private),
    (Network::v4([192, 168, 0, 0], 16), Private),
    (Network::v4([100, 64, 0, 0], 10), CarrierGrade),
    (Network::v4([198, 18, 0, 0], 15), Benchmarking),
    // The one address of it that most clouds answer at.
    (Network::v4([169, 254, 169, 254], 32), Metadata),
    (Network::v4([169, 254, 0, 0], 16), LinkLocal),
    (Network::v4([224, 0, 0, 0], 4), Multicast),
    (Network::v4([0, 0, 0, 0], 8), Unspecified),
    (Network::v4([255, 255, 255, 255], 32), Broadcast),
    (Network::v4([192, 0, 2, 0], 24), Documentation),
    (Network::v4([198, 51, 100, 0], 24), Documentation),
    (Network::v4([203, 0, 113, 0], 24), Documentation),
    // The relays of 6to4.
    (Network::v4([192, 88, 99, 0], 24), Embedded),
    (Network::v4([192, 0, 0, 0], 24), Reserved),
    (Network::v4([240, 0, 0, 0], 4), Reserved),
    (v6([0, 0, 0, 1], 128), Loopback),
    (v6([0, 0, 0, 0], 128), Unspecified),
    // IPv4-compatible (deprecated); IPv4-mapped `::ffff:a.b.c.d` and IPv4-translated `::ffff:0:a.b.c.d` (RFC 2765).
    (v6([0, 0, 0, 0], 96), Embedded),
    (Network::v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), Embedded),
    (Network::v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), Embedded),
    // NAT64, the well-known prefix and the local ones (RFC 8215).
    (v6([0x64, 0xff9b, 0, 0], 96), Embedded),
    (v6([0x64, 0xff9b, 1, 0], 48), Embedded),
    // 6to4 and Teredo.
    (v6([0x2002, 0, 0, 0], 16), Embedded),
    (v6([0x2001, 0, 0, 0], 32), Embedded),
    (v6([0x2001, 0xdb8, 0, 0], 32), Documentation),
    (v6([0x3fff, 0, 0, 0], 20), Documentation),
    // The rest of what IETF's protocols use.
    (v6([0x2001, 0, 0, 0], 23), Reserved),
    (v6([0xfc00, 0, 0, 0], 7), Private),
    (v6([0xfe80, 0, 0, 0], 10), LinkLocal),
    (v6([0xff00, 0, 0, 0], 8), Multicast),
];

/// The networks of IPv6 that are assigned to hosts of the internet.
const GLOBAL_V6: Network = v6([0x2000, 0, 0, 0], 3);

/// A network by the first three and the last group of its address.
const fn v6([a, b, c, last]: [u16; 4], prefix: u8) -> Network {
    Network::v6([a, b, c, 0, 0, 0, 0, last], prefix)
}

impl AddressKind {
    /// What `address` is for. An IPv4 address inside of an IPv6 address is not taken out.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let special = SPECIAL
            .iter()
            .find(|(network, _)| network.contains(address));
        match special {
            Some((_, kind)) => *kind,
            None if address.is_ipv4() || GLOBAL_V6.contains(address) => Public,
            None => Reserved,
        }
    }

    /// Whether the configuration can allow addresses of this kind.
    #[must_use]
    pub fn can_be_allowed(self) -> bool {
        match self {
            Public | Loopback | Private | CarrierGrade | Benchmarking => true,
            LinkLocal | Metadata | Multicast | Unspecified | Broadcast | Documentation
            | Embedded | Reserved => false,
        }
    }

    /// Whether all addresses of `network` have one purpose that the configuration cannot allow.
    pub(crate) fn is_never_allowed(network: &Network) -> bool {
        let special = SPECIAL.iter().find(|(other, _)| network.is_within(other));
        special.is_some_and(|(_, kind)| !kind.can_be_allowed())
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Public => "a public address",
            Loopback => "this host (loopback)",
            Private => "a private network",
            CarrierGrade => "a carrier-grade network",
            Benchmarking => "a network for measurements",
            LinkLocal => "a link-local address",
            Metadata => "a cloud's metadata service",
            Multicast => "a multicast address",
            Unspecified => "no host's address",
            Broadcast => "a broadcast address",
            Documentation => "an address for documentation",
            Embedded => "an IPv6 address with an IPv4 address inside",
            Reserved => "a reserved address",
        })
    }
}
