//! The headers of a request: those that the owner of an endpoint sets, and those of one delivery.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The most headers that an endpoint may have of its own.
const MAX_HEADERS: usize = 32;

/// The most bytes of these headers together.
const MAX_BYTES: usize = 8 * 1024;

/// Headers that follow from the request itself, or that would change how it is read.
const OURS: [&str; 15] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// What the headers of a signature begin with.
const SIGNATURE_PREFIX: &str = "webhook-";

/// Why a header cannot be sent. The error never holds the value, which may be a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefused {
    /// The name is empty or has characters that no name may have.
    #[error("`{name}` is no name of a header")]
    Name {
        /// The name as written, with other characters escaped.
        name: String,
    },
    /// The value has a line end or another control character.
    #[error("the value of the header `{name}` has a line end or a control character")]
    Value {
        /// The header's name.
        name: String,
    },
    /// The header is set by longwire.
    #[error("the header `{name}` is set by longwire")]
    Ours {
        /// The header's name.
        name: String,
    },
    /// There are too many.
    #[error("an endpoint has at most {MAX_HEADERS} headers, of {MAX_BYTES} bytes together")]
    TooMany,
}

/// The headers that the owner of an endpoint adds to each request, `Authorization` for example. Their values cannot be
/// printed.
#[derive(Clone)]
pub struct EndpointHeaders {
    lines: SecretString,
    has_user_agent: bool,
}

impl EndpointHeaders {
    /// Checks names and values. Refused are headers that longwire sets: `Host`, `Content-Type`, `Content-Length`, those of
    /// the connection and its codings, and everything that begins with `webhook-`. `User-Agent` replaces ours.
    pub fn new<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, HeaderRefused> {
        let mut lines = HeaderLines::default();
        let mut has_user_agent = false;
        for (index, (name, value)) in headers.into_iter().enumerate() {
            let lower = name.to_ascii_lowercase();
            if OURS.contains(&lower.as_str()) || lower.starts_with(SIGNATURE_PREFIX) {
                return Err(HeaderRefused::Ours {
                    name: name.to_owned(),
                });
            }
            lines.push(name, value.trim())?;
            if index == MAX_HEADERS || lines.text.len() > MAX_BYTES {
                return Err(HeaderRefused::TooMany);
            }
            has_user_agent |= lower == "user-agent";
        }
        Ok(Self {
            lines: lines.text.into(),
            has_user_agent,
        })
    }

    /// No header.
    #[must_use]
    pub fn none() -> Self {
        Self {
            lines: SecretString::default(),
            has_user_agent: false,
        }
    }

    /// Whether `User-Agent` is among them.
    pub(super) fn has_user_agent(&self) -> bool {
        self.has_user_agent
    }

    /// The lines of all headers, each with its line end.
    pub(super) fn lines(&self) -> &str {
        self.lines.expose_secret()
    }
}

impl fmt::Debug for EndpointHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.lines().lines();
        let names = names.filter_map(|line| Some(line.split_once(':')?.0));
        f.debug_list().entries(names).finish()
    }
}

/// The headers of one request, in a buffer that the next one uses again.
#[derive(Debug, Clone, Default)]
pub struct HeaderLines {
    text: String,
}

impl HeaderLines {
    /// Removes all headers and keeps the buffer.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Adds a header. Its name is a token of RFC 9110, and its value has no line end and no control character.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), HeaderRefused> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderRefused::Name {
                name: name.escape_debug().collect(),
            });
        }
        let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
        if value.bytes().any(is_control) {
            return Err(HeaderRefused::Value {
                name: name.to_owned(),
            });
        }
        for part in [name, ": ", value, "\r\n"] {
            self.text.push_str(part);
        }
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

/// Whether a header's name may have this byte (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> HeaderRefused {
        EndpointHeaders::new([(name, value)]).expect_err("refused")
    }

    #[test]
    fn headers_that_the_owner_may_set() {
        let headers = [("Authorization", " Bearer canary "), ("X-Räume", "")];
        assert!(matches!(
            EndpointHeaders::new(headers),
            Err(HeaderRefused::Name { .. })
        ));
        let headers = [
            ("Authorization", " Bearer canary "),
            ("user-agent", "mine\t1"),
        ];
        let headers = EndpointHeaders::new(headers).expect("both may be set");
        assert_eq!(
            headers.lines(),
            "Authorization: Bearer canary\r\nuser-agent: mine\t1\r\n"
        );
        assert!(headers.has_user_agent());
        let printed = format!("{headers:?}");
        assert_eq!(printed, r#"["Authorization", "user-agent"]"#);
    }

    #[test]
    fn headers_that_are_ours() {
        for name in OURS.iter().chain(&["webhook-id", "webhook-anything"]) {
            let name = name.to_uppercase();
            assert_eq!(refused(&name, "1"), HeaderRefused::Ours { name });
        }
    }

    #[test]
    fn nothing_can_be_slipped_in() {
        for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\0b", "\u{7f}"] {
            let name = "x".to_owned();
            assert_eq!(refused("x", value), HeaderRefused::Value { name });
        }
        for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
            assert!(matches!(refused(name, "1"), HeaderRefused::Name { .. }));
        }
    }

    #[test]
    fn there_is_a_limit() {
        let many = vec![("x", "1"); MAX_HEADERS];
        EndpointHeaders::new(many.iter().copied()).expect("as many as may be");
        let more = many.into_iter().chain([("x", "1")]);
        assert_eq!(
            EndpointHeaders::new(more).err(),
            Some(HeaderRefused::TooMany)
        );
        let long = "x".repeat(MAX_BYTES);
        assert_eq!(refused("x", &long), HeaderRefused::TooMany);
    }
}
