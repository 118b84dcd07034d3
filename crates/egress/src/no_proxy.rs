//! The list of targets that are reached without the proxy: its syntax and its matching.

use std::net::IpAddr;
use std::str::FromStr;

use crate::network::{Network, unbracketed};

/// A list of targets that bypass the proxy, separated by commas or spaces.
///
/// - `*`: everything;
/// - `example.com`, `.example.com`, `*.example.com`: that host and every host below it;
/// - an address: `10.0.0.7`, `::1`;
/// - a network: `10.0.0.0/8`, `fd00::/8`, compared with targets that are addresses (names are not resolved
///   for it, because behind a proxy they often cannot be);
/// - any host or address with `:port` (`[::1]:443` for IPv6): only that port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    rules: Vec<Rule>,
}

/// An entry of a bypass list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither a host, an address nor a network")]
pub struct NoProxyError {
    /// The entry as written.
    pub entry: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    All,
    Host { name: String, port: Option<u16> },
    Address { address: IpAddr, port: Option<u16> },
    Network(Network),
}

impl NoProxy {
    /// Reads a list of separate entries, as a configuration file has them.
    pub fn from_entries<I>(entries: I) -> Result<Self, NoProxyError>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let rules = entries
            .into_iter()
            .map(|entry| Rule::parse(entry.as_ref().trim()))
            .collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// Reads the valid entries of an environment variable, and returns the errors of the others.
    pub(crate) fn lenient(list: &str) -> (Self, Vec<NoProxyError>) {
        let (mut rules, mut errors) = (Vec::new(), Vec::new());
        for entry in entries(list) {
            match Rule::parse(entry) {
                Ok(rule) => rules.push(rule),
                Err(error) => errors.push(error),
            }
        }
        (Self { rules }, errors)
    }

    /// Whether `host` (a name or an address, brackets allowed) on `port` is reached without the proxy.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = unbracketed(host).trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|it| it.to_canonical());
        self.rules
            .iter()
            .any(|rule| rule.matches(&host, address, port))
    }
}

impl FromStr for NoProxy {
    type Err = NoProxyError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        Self::from_entries(entries(list))
    }
}

fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', ' ', '\t'])
        .filter(|entry| !entry.is_empty())
}

impl Rule {
    fn parse(entry: &str) -> Result<Self, NoProxyError> {
        let refuse = || NoProxyError {
            entry: entry.to_owned(),
        };
        if entry == "*" {
            return Ok(Self::All);
        }
        if entry.contains('/') {
            return Network::parse(entry).map(Self::Network).ok_or_else(refuse);
        }
        // An IPv6 address without brackets has colons and no port.
        if let Ok(address) = unbracketed(entry).parse::<IpAddr>() {
            return Ok(Self::Address {
                address: address.to_canonical(),
                port: None,
            });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| refuse())?)),
            None => (entry, None),
        };
        if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
            return Ok(Self::Address {
                address: address.to_canonical(),
                port,
            });
        }
        let name = host.strip_prefix('*').unwrap_or(host).trim_matches('.');
        if name.is_empty()
            || name.contains(|c: char| c.is_whitespace() || "*:/@[]\u{fffd}".contains(c))
        {
            return Err(refuse());
        }
        Ok(Self::Host {
            name: name.to_ascii_lowercase(),
            port,
        })
    }

    fn matches(&self, host: &str, target: Option<IpAddr>, at: u16) -> bool {
        match self {
            Self::All => true,
            Self::Host { name, port } => {
                port.is_none_or(|port| port == at)
                    && host
                        .strip_suffix(name.as_str())
                        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
            Self::Address { address, port } => {
                port.is_none_or(|port| port == at) && target == Some(*address)
            }
            Self::Network(network) => target.is_some_and(|target| network.contains(target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_bypasses_the_proxy() {
        for (list, host, port, expected) in [
            ("", "example.com", 443, false),
            ("*", "example.com", 443, true),
            ("example.com", "example.com", 443, true),
            ("example.com", "EXAMPLE.com.", 443, true),
            ("example.com", "open.example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            (".example.com", "open.example.com", 443, true),
            (".example.com", "example.com", 443, true),
            ("*.example.com", "open.example.com", 443, true),
            ("other, example.com", "example.com", 443, true),
            ("other example.com", "example.com", 443, true),
            ("example.com:8443", "example.com", 443, false),
            ("example.com:8443", "example.com", 8443, true),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "1.127.0.0.1", 80, false),
            ("127.0.0.1:81", "127.0.0.1", 80, false),
            ("127.0.0.1", "::ffff:127.0.0.1", 80, true),
            ("::1", "[::1]", 80, true),
            ("[::1]:80", "::1", 80, true),
            ("[::1]:81", "::1", 80, false),
            ("10.0.0.0/8", "10.200.3.4", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8", "10.example.com", 80, false),
            ("0.0.0.0/0", "11.0.0.1", 80, true),
            ("10.0.0.1/32", "10.0.0.1", 80, true),
            ("10.0.0.1/32", "10.0.0.2", 80, false),
            ("fd00::/8", "[fd12::1]", 80, true),
            ("fd00::/8", "fe80::1", 80, false),
            ("::/0", "10.0.0.1", 80, false),
        ] {
            let no_proxy: NoProxy = list.parse().expect("a list");
            assert_eq!(
                no_proxy.matches(host, port),
                expected,
                "{list} / {host}:{port}"
            );
        }
    }

    #[test]
    fn entries_that_make_no_sense() {
        for entry in [
            "10.0.0.0/33",
            "fd00::/129",
            "name/8",
            "host:port",
            "a*b",
            ".",
            "caf\u{fffd}.example",
        ] {
            assert_eq!(
                entry.parse::<NoProxy>(),
                Err(NoProxyError {
                    entry: entry.to_owned()
                })
            );
        }
        let (list, errors) = NoProxy::lenient("host:port,example.com");
        assert!(list.matches("example.com", 443));
        assert_eq!(errors.len(), 1);
    }
}
