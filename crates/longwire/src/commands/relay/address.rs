//! The address by which programs reach the public listener, as the configuration says it.

use std::net::IpAddr;

use crate::config::Loaded;

/// How programs are told to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// `https://longwire.internal:7700`.
    pub(super) url: String,
    /// The same for a WebSocket: `wss://longwire.internal:7700`.
    pub(super) websocket_url: String,
}

impl Address {
    /// Of an address as it was given: scheme and authority.
    fn of(url: &str) -> Option<Self> {
        let url = url.trim_end_matches('/');
        let (scheme, authority) = url.split_once("://")?;
        let websocket = match scheme {
            "http" => "ws",
            "https" => "wss",
            _ => return None,
        };
        (!authority.is_empty() && !authority.contains('/')).then(|| Self {
            url: url.to_owned(),
            websocket_url: format!("{websocket}://{authority}"),
        })
    }

    /// The one that was named; else the one of the configuration: its public one, else of the listener, by the first of its
    /// names. `None` if what was named is no address.
    pub(super) fn from(named: Option<&str>, loaded: &Loaded) -> Option<Self> {
        let public = (loaded.config.relay.public_url.as_ref()).map(ToString::to_string);
        match named.map(str::to_owned).or(public) {
            Some(url) => Self::of(&url),
            None => Self::of(&listener(loaded)),
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.starts_with("https:")
    }
}

/// Scheme, host and port of the public listener.
fn listener(loaded: &Loaded) -> String {
    let config = &loaded.config;
    let scheme = match &config.api.tls {
        Some(_) => "https",
        None => "http",
    };
    let ip = config.server.listen.ip();
    let host = match config.api.names.first() {
        Some(name) => host_of(name),
        None if ip.is_loopback() => "localhost".to_owned(),
        None if ip.is_unspecified() => {
            let host = rustix::system::uname();
            host.nodename().to_string_lossy().into_owned()
        }
        None => host_of(&ip.to_string()),
    };
    match (scheme, config.server.listen.port()) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        (_, port) => format!("{scheme}://{host}:{port}"),
    }
}

/// As it stands in a URL.
fn host_of(name: &str) -> String {
    match name.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn address(text: &str, named: Option<&str>) -> Option<Address> {
        let loaded = Loaded::parse(text, Path::new("x.toml"), []).expect("it parses");
        Address::from(named, &loaded)
    }

    #[test]
    fn addresses_follow_from_the_configuration() {
        let tls = "[api]\ntls = \"self-signed\"\n";
        for (text, url) in [
            ("", "http://localhost:7700"),
            (tls, "https://localhost:7700"),
            ("[server]\nlisten = \"10.0.0.7:80\"", "http://10.0.0.7"),
            (
                "[server]\nlisten = \"[2001:db8::1]:7700\"",
                "http://[2001:db8::1]:7700",
            ),
            (
                "[server]\nlisten = \"0.0.0.0:443\"\n[api]\nnames = [\"lw.internal\"]\ntls = \"self-signed\"",
                "https://lw.internal",
            ),
            ("[api]\nnames = [\"::1\"]", "http://[::1]:7700"),
            (
                "[relay]\npublic_url = \"https://bots.example.com\"",
                "https://bots.example.com",
            ),
        ] {
            let found = address(text, None).expect("an address");
            assert_eq!(found.url, url, "{text}");
            let websocket = url.replacen("http", "ws", 1);
            assert_eq!(found.websocket_url, websocket, "{text}");
        }
        let named = address(tls, Some("http://10.1.1.1:1/")).expect("an address");
        assert_eq!(named.url, "http://10.1.1.1:1");
        for wrong in ["10.1.1.1", "ws://a", "https://", "https://a/b"] {
            assert_eq!(address(tls, Some(wrong)), None, "{wrong}");
        }
    }
}
