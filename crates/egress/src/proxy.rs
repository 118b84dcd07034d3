//! The address of an HTTP proxy and our credentials for it.
//!
//! It is parsed once, from configuration or environment. The credentials are stored as the value of
//! `Proxy-Authorization` and are never printed.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// The address `http://[user[:password]@]host[:port]` of a proxy that is used with `CONNECT`.
///
/// User and password are percent-decoded. The default port is 80. A bare `host:port` is read as `http://host:port`, as
/// environment variables are often written. `Display` and `Debug` show scheme, host and port only.
#[derive(Clone)]
pub struct ProxyUrl {
    host: String,
    port: u16,
    authorization: Option<SecretString>,
}

/// Why a text is not the address of a usable proxy. The error never holds the text, which may have a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// The text is not a URL.
    #[error("the proxy address is not a url")]
    Unparsable(#[source] url::ParseError),
    /// Another scheme than `http`, such as `https` or `socks5`.
    #[error("proxies are spoken to over http://, not {scheme}://")]
    Scheme {
        /// The scheme of the URL.
        scheme: String,
    },
    /// The URL has no host.
    #[error("the proxy address names no host")]
    NoHost,
    /// The URL has a path, query or fragment. It was probably meant for another setting.
    #[error("a proxy address ends after its port")]
    Trailing,
}

impl ProxyUrl {
    /// The host to dial: a name or an address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address has a user or a password.
    pub fn has_credentials(&self) -> bool {
        self.authorization.is_some()
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        }
        .map_err(ProxyUrlError::Unparsable)?;
        if url.scheme() != "http" {
            return Err(ProxyUrlError::Scheme {
                scheme: url.scheme().to_owned(),
            });
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError::Trailing);
        }
        let host = match url.host().ok_or(ProxyUrlError::NoHost)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let mut pair = percent_decoded(url.username());
            pair.push(b':');
            pair.extend(percent_decoded(url.password().unwrap_or_default()));
            SecretString::from(format!("Basic {}", STANDARD.encode(pair)))
        });
        Ok(Self {
            host,
            port: url.port_or_known_default().unwrap_or(80),
            authorization,
        })
    }
}

/// Decodes `%XX`. A `%` without two hex digits after it is kept, as in the URL standard.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%'
            && let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high << 4 | low);
            rest = after;
        } else {
            decoded.push(byte);
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    // A hex digit is below 16, so the cast loses nothing.
    char::from(digit).to_digit(16).map(|value| value as u8)
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

// Two addresses are equal if proxy and credentials are, so that their installations share connections.
impl PartialEq for ProxyUrl {
    fn eq(&self, other: &Self) -> bool {
        (&self.host, self.port, self.authorization())
            == (&other.host, other.port, other.authorization())
    }
}

impl Eq for ProxyUrl {}

impl Hash for ProxyUrl {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.host, self.port, self.authorization()).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_addresses() {
        for (text, shown, authorization) in [
            ("http://proxy:3128", "http://proxy:3128", None),
            ("proxy.corp:8080", "http://proxy.corp:8080", None),
            ("http://proxy/", "http://proxy:80", None),
            ("http://[::1]:3128", "http://[::1]:3128", None),
            ("http://u:p@proxy:1", "http://proxy:1", Some("u:p")),
            (
                "http://u:p%40ss%3A%25@proxy:1",
                "http://proxy:1",
                Some("u:p@ss:%"),
            ),
            ("http://u%zz@proxy:1", "http://proxy:1", Some("u%zz:")),
        ] {
            let proxy: ProxyUrl = text.parse().expect("a proxy address");
            assert_eq!(proxy.to_string(), shown);
            let expected = authorization.map(|pair| format!("Basic {}", STANDARD.encode(pair)));
            assert_eq!(proxy.authorization(), expected.as_deref(), "{text}");
        }
    }

    #[test]
    fn refused_addresses() {
        use ProxyUrlError as E;
        for (text, expected) in [
            (
                "socks5://proxy:1080",
                E::Scheme {
                    scheme: "socks5".into(),
                },
            ),
            (
                "https://proxy:443",
                E::Scheme {
                    scheme: "https".into(),
                },
            ),
            ("http://proxy:3128/path", E::Trailing),
            ("http://:80", E::Unparsable(url::ParseError::EmptyHost)),
            (
                "http://proxy:99999",
                E::Unparsable(url::ParseError::InvalidPort),
            ),
        ] {
            assert_eq!(
                text.parse::<ProxyUrl>().expect_err("refused"),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let proxy: ProxyUrl = "http://user:canary@proxy:1"
            .parse()
            .expect("a proxy address");
        assert!(!format!("{proxy} {proxy:?} {proxy:#?}").contains("canary"));
        let refused = "socks5://user:canary@proxy"
            .parse::<ProxyUrl>()
            .expect_err("refused");
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }
}
