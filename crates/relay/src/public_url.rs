//! Under which address applications reach the listener.

use std::fmt;
use std::str::FromStr;

/// Scheme and authority under which applications reach the listener, such as `https://bots.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    is_tls: bool,
    authority: String,
}

/// The text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is http:// or https://, a host and perhaps a port, without a path")]
pub struct PublicUrlError;

impl PublicUrl {
    /// What a URL of this authority begins with for WebSocket.
    pub(crate) fn websocket_origin(&self) -> String {
        websocket_origin(self.is_tls, &self.authority)
    }
}

/// `ws://HOST` or `wss://HOST`.
pub(crate) fn websocket_origin(is_tls: bool, authority: &str) -> String {
    let scheme = if is_tls { "wss" } else { "ws" };
    format!("{scheme}://{authority}")
}

/// Whether a text may stand as the authority of a URL that we hand out: a host of a request is whatever its sender wrote.
pub(crate) fn is_authority(text: &str) -> bool {
    let is_allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_allowed)
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(PublicUrlError),
        };
        if !is_authority(authority) {
            return Err(PublicUrlError);
        }
        Ok(Self {
            is_tls,
            authority: authority.to_owned(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_and_authority() {
        for (text, origin) in [
            ("https://bots.example.com", Some("wss://bots.example.com")),
            ("http://10.0.0.1:7700/", Some("ws://10.0.0.1:7700")),
            ("https://[::1]:7700", Some("wss://[::1]:7700")),
            ("https://bots.example.com/path", None),
            ("https://user@bots.example.com", None),
            ("wss://bots.example.com", None),
            ("bots.example.com", None),
            ("https://", None),
        ] {
            let url: Result<PublicUrl, _> = text.parse();
            let found = url.as_ref().ok().map(PublicUrl::websocket_origin);
            assert_eq!(found.as_deref(), origin, "{text}");
        }
    }
}
