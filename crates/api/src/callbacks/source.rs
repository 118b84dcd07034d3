//! From which address a callback comes, and whether it may.
//!
//! Behind a reverse proxy the address of the connection is the proxy's. The proxy appends to `X-Forwarded-For` whom it was
//! asked by; whatever stands before that may be made up by the sender. So the header is read from its end, as long as the
//! address is one of a proxy that is trusted.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Whether an address is in a list.
pub type AddressTest = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// Where callbacks may come from.
#[derive(Clone, Default)]
pub struct CallbackSources {
    /// The addresses that callbacks may come from; `None` is any.
    pub allowed: Option<AddressTest>,
    /// The reverse proxies whose `X-Forwarded-For` is believed; `None` is no one's.
    pub proxies: Option<AddressTest>,
}

impl CallbackSources {
    /// Whether a callback may come from where this request does.
    pub(super) fn allow(&self, request: &HttpRequest) -> bool {
        let Some(allowed) = &self.allowed else {
            return true;
        };
        let Some(peer) = request.peer_addr() else {
            return false;
        };
        let values = request.headers().get_all(FORWARDED_FOR);
        let values: Vec<&str> = values
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        let is_proxy = |address| self.proxies.as_ref().is_some_and(|test| test(address));
        client(peer.ip(), &values, is_proxy).is_some_and(|client| allowed(client))
    }
}

/// Whom the first proxy that is not trusted, or the sender itself, connected from. `forwarded` has the values of all headers in
/// their order. `None` where a trusted proxy says what is no address.
fn client(peer: IpAddr, forwarded: &[&str], is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = peer.to_canonical();
    let hops = forwarded.iter().rev().flat_map(|value| value.rsplit(','));
    for hop in hops {
        if !is_proxy(client) {
            break;
        }
        client = address(hop.trim())?.to_canonical();
    }
    Some(client)
}

/// An address, which some proxies write with its port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    address.or_else(|| {
        let socket: std::net::SocketAddr = text.parse().ok()?;
        Some(socket.ip())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_believed_as_far_as_its_writers() {
        let is_proxy =
            |address: IpAddr| address.is_loopback() || address.to_string().starts_with("10.");
        let check = |peer: &str, forwarded: &[&str], expected: Option<&str>| {
            let found = client(peer.parse().expect("an address"), forwarded, is_proxy);
            let found = found.map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{peer} {forwarded:?}");
        };
        check("203.0.113.7", &[], Some("203.0.113.7"));
        check("203.0.113.7", &["198.51.100.1"], Some("203.0.113.7"));
        check("127.0.0.1", &["198.51.100.1"], Some("198.51.100.1"));
        check("::1", &["198.51.100.1"], Some("198.51.100.1"));
        check("127.0.0.1", &[], Some("127.0.0.1"));
        // What the sender wrote itself stands before what the proxy appended.
        check(
            "127.0.0.1",
            &["198.51.100.1, 203.0.113.9"],
            Some("203.0.113.9"),
        );
        check(
            "127.0.0.1",
            &["198.51.100.1", "203.0.113.9,10.0.0.2"],
            Some("203.0.113.9"),
        );
        check("127.0.0.1", &["10.0.0.3, 10.0.0.2"], Some("10.0.0.3"));
        check(
            "::ffff:127.0.0.1",
            &["::ffff:198.51.100.1"],
            Some("198.51.100.1"),
        );
        check("127.0.0.1", &["198.51.100.1:4711"], Some("198.51.100.1"));
        check("127.0.0.1", &["[2001:db8::1]:4711"], Some("2001:db8::1"));
        check("127.0.0.1", &["[2001:db8::1]"], Some("2001:db8::1"));
        for wrong in ["unknown", "", "198.51.100.1,", "_hidden"] {
            check("127.0.0.1", &[wrong], None);
        }
        check("203.0.113.7", &["unknown"], Some("203.0.113.7"));
    }
}
