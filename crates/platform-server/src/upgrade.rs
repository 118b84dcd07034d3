//! The answers to `GET` with `Upgrade: websocket`, as heads of HTTP responses without a body.
//!
//! Offered extensions are ignored, and no subprotocol is chosen, as on both platforms.

use longwire_wire::endpoint::{code, handshake};

use crate::websocket;

/// The key of a request that asks for a WebSocket; `None` if it does not. `header` gives the value of a header by its name
/// in lower case.
pub fn key<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    let is_asked = header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    header("sec-websocket-key").filter(|_| is_asked)
}

/// The head that opens the connection.
#[must_use]
pub fn switching_protocols(key: &str) -> Vec<u8> {
    let accept = websocket::accept_key(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// A refusal with these headers, after which the server hangs up. A line break in a value becomes a space, as it would end
/// the header.
#[must_use]
pub fn refusal(http: u16, headers: &[(&str, String)]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {http} {}\r\n", reason(http));
    for (name, value) in headers {
        let value = value.replace(['\r', '\n'], " ");
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
    head.into_bytes()
}

/// Feishu's refusal of a connection: why is in its headers, which the SDKs read
/// ([`longwire_wire::endpoint::HandshakeRefusal`]).
#[must_use]
pub fn failed_auth(http: u16, msg: &str, sub_code: Option<i64>) -> Vec<u8> {
    let mut headers = vec![
        (handshake::STATUS, code::AUTH_FAILED.to_string()),
        (handshake::MESSAGE, msg.to_owned()),
    ];
    headers.extend(sub_code.map(|code| (handshake::AUTH_ERROR_CODE, code.to_string())));
    refusal(http, &headers)
}

/// The reason phrase of a status that an upgrade is refused with.
fn reason(http: u16) -> &'static str {
    match http {
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_only_with_the_upgrade() {
        let check = |upgrade: Option<&'static str>, key: Option<&'static str>, wanted| {
            let header = |name: &str| match name {
                "upgrade" => upgrade,
                "sec-websocket-key" => key,
                _ => None,
            };
            assert_eq!(super::key(header), wanted);
        };
        check(Some("WebSocket"), Some("k"), Some("k"));
        check(None, Some("k"), None);
        check(Some("h2c"), Some("k"), None);
        check(Some("websocket"), None, None);
    }

    #[test]
    fn a_text_cannot_add_a_header() {
        let head = failed_auth(403, "no\r\nSet-Cookie: a=b", Some(1_000_040_350));
        assert_eq!(
            String::from_utf8_lossy(&head),
            "HTTP/1.1 403 Forbidden\r\nhandshake-status: 514\r\nhandshake-msg: no  Set-Cookie: a=b\r\n\
             handshake-autherrcode: 1000040350\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
}
