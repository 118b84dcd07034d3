//! The URL of a connection, as the bootstrap gives it.

use std::fmt;

/// A connection URL like the platform's. `device_id` and `service_id` are never the first keys: a client that splits the
/// whole URL at `&`, as the Node SDK does, joins the path and the first key.
///
/// Its text holds the ticket and the access key, so the type has no `Debug`. The parts are inserted as they are; none of
/// the platform's needs escaping.
pub struct SocketUrl<'a> {
    /// Scheme and authority, such as `wss://example.com:7700`.
    pub origin: &'a str,
    /// The path, with its first slash.
    pub path: &'a str,
    /// The connection's id on the platform's side: 19 digits there.
    pub device_id: &'a str,
    /// 32 hex digits on the platform.
    pub access_key: &'a str,
    /// The number that all frames of this connection carry.
    pub service_id: i32,
    /// What lets the connection in, once.
    pub ticket: &'a str,
}

impl fmt::Display for SocketUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            path,
            device_id,
            access_key,
            service_id,
            ticket,
        } = self;
        write!(
            f,
            "{origin}{path}?fpid=493&aid=552564&device_id={device_id}&access_key={access_key}&service_id={service_id}&ticket={ticket}"
        )
    }
}

#[cfg(test)]
mod tests {
    use longwire_wire::endpoint::ConnectionUrl;

    use super::*;

    #[test]
    fn it_is_a_url_that_clients_understand() {
        let text = SocketUrl {
            origin: "ws://127.0.0.1:7700",
            path: "/ws/v2",
            device_id: "7400000000000000001",
            access_key: "0123456789abcdef0123456789abcdef",
            service_id: 33_554_678,
            ticket: "4f6c2b7e-1d0a-4c7e-9a51-0d8f6f3a2b10",
        }
        .to_string();
        let url = ConnectionUrl::parse(&text).expect("a connection URL");
        assert_eq!(url.service_id().0, 33_554_678);
        // As the Node SDK reads it.
        let keys: Vec<_> = text
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .collect();
        assert!(keys.contains(&"device_id") && keys.contains(&"service_id"));
    }
}
