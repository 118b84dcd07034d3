//! The address of a webhook.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::dial::peer;
use crate::policy::Target;
use crate::settings::EgressSettings;

/// The longest address, in bytes. Servers commonly take 8 KiB for the whole request line.
const MAX_BYTES: usize = 2048;

/// The `http` or `https` address of a webhook. It has a host, and neither user nor password.
///
/// Path and query often hold a secret of the receiver, so they are not printed: `Display` and `Debug` show scheme, host
/// and port.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// Why a text is not the address of a webhook. The error never holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointUrlError {
    /// The text is not a URL.
    #[error("the address is not a url")]
    Unparsable(#[source] url::ParseError),
    /// Another scheme.
    #[error("a webhook's address begins with https:// or http://, not {scheme}://")]
    Scheme {
        /// The scheme of the URL.
        scheme: String,
    },
    /// It has a user or a password.
    #[error("an address with a user or a password is not taken; set the header Authorization")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("what follows # is never sent; leave it out")]
    Fragment,
    /// It is too long.
    #[error("an address has at most {MAX_BYTES} bytes")]
    TooLong,
}

impl EndpointUrl {
    /// The address as it was given, in the form of the URL standard.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the host is a name, and not an address.
    pub fn is_named(&self) -> bool {
        matches!(self.0.host(), Some(Host::Domain(_)))
    }

    /// Whether posts to it go through a proxy. A proxy looks names up itself, so the [filter](crate::AddressFilter) sees the
    /// host as it is written, and not the addresses that the proxy dials.
    pub fn is_proxied(&self, egress: &EgressSettings) -> bool {
        let routing = egress.routing(&egress.proxy);
        matches!(routing.proxy_to(self.target()), Ok(Some(_)))
    }

    /// Whether the address begins with `https`.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// `host:port`.
    pub fn peer(&self) -> String {
        peer(self.host(), self.port())
    }

    pub(super) fn target(&self) -> Target<'_> {
        Target {
            host: self.host(),
            port: self.port(),
            secure: self.is_secure(),
        }
    }

    /// The host without brackets, for TLS.
    pub(super) fn server_name(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        }
    }

    /// The value of `Host`: without the port where it is the scheme's own.
    pub(super) fn authority(&self) -> String {
        match self.0.port() {
            Some(port) => peer(self.host(), port),
            None => self.host().to_owned(),
        }
    }

    /// Path and query, as they stand in a request.
    pub(super) fn path_and_query(&self) -> &str {
        &self.0[url::Position::BeforePath..url::Position::AfterQuery]
    }

    fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() > MAX_BYTES {
            return Err(EndpointUrlError::TooLong);
        }
        // Both schemes need a host, so a URL of them has one.
        let url = Url::parse(text).map_err(EndpointUrlError::Unparsable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointUrlError::Scheme {
                scheme: url.scheme().to_owned(),
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointUrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(EndpointUrlError::Fragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.authority())
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_request() {
        for (text, authority, path, peer, name) in [
            (
                "https://App.example",
                "app.example",
                "/",
                "app.example:443",
                "app.example",
            ),
            (
                " http://app:8080/a b?token=ä \n",
                "app:8080",
                "/a%20b?token=%C3%A4",
                "app:8080",
                "app",
            ),
            ("http://[::1]/x?", "[::1]", "/x?", "[::1]:80", "::1"),
            (
                "http://0x7f.1:80/",
                "127.0.0.1",
                "/",
                "127.0.0.1:80",
                "127.0.0.1",
            ),
        ] {
            let url: EndpointUrl = text.parse().expect("an address");
            assert_eq!(url.authority(), authority);
            assert_eq!(url.path_and_query(), path);
            assert_eq!(url.peer(), peer);
            assert_eq!(url.server_name(), name);
            assert!(!format!("{url} {url:?}").contains("token"));
        }
    }

    #[test]
    fn what_is_no_address() {
        let long = format!("https://a.example/{}", "x".repeat(MAX_BYTES));
        for (text, expected) in [
            ("ftp://a.example/", "not ftp://"),
            ("https://user@a.example/", "Authorization"),
            ("https://:pass@a.example/", "Authorization"),
            ("https://a.example/#x", "never sent"),
            ("a.example/hook", "not a url"),
            ("https://", "not a url"),
            (long.as_str(), "at most 2048"),
        ] {
            let refused = text.parse::<EndpointUrl>().expect_err("no address");
            assert!(refused.to_string().contains(expected), "{text}: {refused}");
        }
    }
}
