//! The headers in which the platform says why it refused a WebSocket handshake.

/// Names of the response headers, in lower case (`ws/const.go`; their case differs between SDKs).
pub mod handshake {
    /// A decimal code, one of the same codes as [`code`](crate::endpoint::code).
    pub const STATUS: &str = "handshake-status";
    /// A text for people.
    pub const MESSAGE: &str = "handshake-msg";
    /// A decimal sub-code, meaningful with
    /// [`AUTH_FAILED`](crate::endpoint::code::AUTH_FAILED).
    pub const AUTH_ERROR_CODE: &str = "handshake-autherrcode";
}

/// The answer to an upgrade request whose status is not 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeRefusal {
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// `Handshake-Status`, if present and a number.
    pub status: Option<i64>,
    /// `Handshake-Msg`, if present.
    pub message: Option<String>,
    /// `Handshake-Autherrcode`, if present and a number.
    pub auth_error_code: Option<i64>,
}

impl HandshakeRefusal {
    /// Reads the answer's headers. `header` looks one up by name, ignoring case.
    pub fn read<'h>(
        http_status: u16,
        header: impl Fn(&str) -> Option<&'h str>,
    ) -> HandshakeRefusal {
        let number = |name| header(name).and_then(|value| value.trim().parse().ok());
        HandshakeRefusal {
            http_status,
            status: number(handshake::STATUS),
            message: header(handshake::MESSAGE).map(str::to_owned),
            auth_error_code: number(handshake::AUTH_ERROR_CODE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_one_by_one() {
        let check = |headers: &[(&str, &str)], status, message: Option<&str>, auth_error_code| {
            let refusal = HandshakeRefusal::read(403, |name| {
                let found = headers
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| *value)
            });
            let expected = HandshakeRefusal {
                http_status: 403,
                status,
                message: message.map(str::to_owned),
                auth_error_code,
            };
            assert_eq!(refusal, expected);
        };
        check(&[], None, None, None);
        check(
            &[
                ("Handshake-Status", "514"),
                ("Handshake-Msg", "too many"),
                ("Handshake-Autherrcode", "1000040350"),
            ],
            Some(514),
            Some("too many"),
            Some(1_000_040_350),
        );
        check(&[("handshake-status", "403")], Some(403), None, None);
        check(&[("handshake-status", "none")], None, None, None);
    }
}
