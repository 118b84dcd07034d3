//! The URL of one connection, which carries the credentials for it.

use std::fmt;

use url::Url;

use super::ServiceId;

/// The URL of one connection. Its query is the credential and is valid for this connection only, so `Display` and
/// `Debug` print scheme, host, port and path only. The URL is passed on byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionUrl(Url);

/// Why a URL is not dialled. The texts never contain the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionUrlError {
    /// Not an absolute URL.
    #[error("the connection url cannot be parsed")]
    Unparsable(#[source] url::ParseError),
    /// Neither `ws` nor `wss`.
    #[error("the connection url is neither ws nor wss")]
    Scheme,
    /// A user name or password before the host.
    #[error("the connection url has user information")]
    UserInfo,
    /// A fragment after `#`, which is never sent to a server.
    #[error("the connection url has a fragment")]
    Fragment,
}

impl ConnectionUrl {
    /// Parses and checks a URL. Plain `ws` is accepted here; the dialler decides whether to allow it.
    pub fn parse(text: &str) -> Result<ConnectionUrl, ConnectionUrlError> {
        let url = Url::parse(text).map_err(ConnectionUrlError::Unparsable)?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(ConnectionUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConnectionUrlError::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(ConnectionUrlError::Fragment);
        }
        Ok(ConnectionUrl(url))
    }

    /// The whole URL, for dialling. It must not be printed.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The id that every ping of this connection carries.
    pub fn service_id(&self) -> ServiceId {
        ServiceId::from_url(&self.0)
    }

    /// The platform's id of this connection, if it gave one. It is no secret and may be logged.
    pub fn device_id(&self) -> Option<String> {
        let mut pairs = self.0.query_pairs();
        let (_, value) = pairs.find(|(key, _)| key == "device_id")?;
        Some(value.into_owned())
    }
}

impl fmt::Display for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or(""))?;
        if let Some(port) = url.port_or_known_default() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())?;
        if url.query().is_some() {
            f.write_str("?<redacted>")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "wss://msg.host.invalid/ws/v2?fpid=493&device_id=70&access_key=k%2F1&service_id=33&ticket=t";

    #[test]
    fn parts_of_a_connection_url() {
        let url = ConnectionUrl::parse(TEXT).expect("a connection url");
        assert_eq!(url.service_id(), ServiceId(33));
        assert_eq!(url.device_id().as_deref(), Some("70"));
        assert_eq!(url.expose().as_str(), TEXT);
    }

    #[test]
    fn the_query_is_never_printed() {
        let check = |text: &str, shown: &str| {
            let url = ConnectionUrl::parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
        };
        check(TEXT, "wss://msg.host.invalid:443/ws/v2?<redacted>");
        check("ws://127.0.0.1:9/", "ws://127.0.0.1:9/");
        check("ws://[::1]:9/a?b", "ws://[::1]:9/a?<redacted>");
    }

    #[test]
    fn addresses_we_do_not_dial() {
        use ConnectionUrlError::{Fragment, Scheme, Unparsable, UserInfo};
        let check = |text: &str, expected| {
            assert_eq!(ConnectionUrl::parse(text), Err(expected), "{text}");
        };
        check("https://host.invalid/", Scheme);
        check("file:///etc/hosts", Scheme);
        check("wss://user@host.invalid/", UserInfo);
        check("wss://:pass@host.invalid/", UserInfo);
        check("wss://host.invalid/#x", Fragment);
        check("", Unparsable(url::ParseError::RelativeUrlWithoutBase));
        check("wss://", Unparsable(url::ParseError::EmptyHost));
    }
}
