//! Decides the route to a target: an explicit proxy, the environment's proxy, or none. Nothing here connects.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use url::Url;

use crate::address_filter::AddressFilter;
use crate::environment::{ProxyEnvironment, UnusableProxy};
use crate::no_proxy::NoProxy;
use crate::proxy::{ProxyUrl, ProxyUrlError};

/// The proxy setting of an installation or of the whole gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum ProxyPolicy {
    /// As the environment variables said when the process started.
    #[default]
    Environment,
    /// No proxy; the environment is ignored.
    Direct,
    /// This proxy; the environment's proxy is ignored.
    Url(ProxyUrl),
}

impl FromStr for ProxyPolicy {
    type Err = ProxyUrlError;

    /// Reads a setting: `direct` in any case, or the address of a proxy. The error never holds the text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("direct") {
            Ok(Self::Direct)
        } else {
            text.parse().map(Self::Url)
        }
    }
}

/// The route to one target. `Display` never shows credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Directly to the target.
    Direct,
    /// Through a `CONNECT` tunnel of this proxy.
    Proxy(ProxyUrl),
    /// No route: this environment variable should name the proxy and cannot be used.
    Unusable {
        /// The variable's name.
        variable: &'static str,
    },
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Proxy(proxy) => write!(f, "through {proxy}"),
            Self::Unusable { variable } => write!(f, "none, since {variable} cannot be used"),
        }
    }
}

/// The host and port that a connection is wanted to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) secure: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn of_url(url: &'a Url) -> Option<Self> {
        let secure = matches!(url.scheme(), "https" | "wss");
        Some(Self {
            host: url.host_str()?,
            port: url.port_or_known_default()?,
            secure,
        })
    }

    pub(crate) fn address(&self) -> Option<IpAddr> {
        let host = self.host.strip_prefix('[').unwrap_or(self.host);
        host.strip_suffix(']').unwrap_or(host).parse().ok()
    }

    /// Whether the host, as it is written, is in a network that `filter` allows.
    pub(crate) fn is_own(&self, filter: &AddressFilter) -> bool {
        let address = self.address();
        let loopback = self.is_loopback().then_some(Ipv4Addr::LOCALHOST.into());
        address
            .or(loopback)
            .is_some_and(|address| filter.is_own(address))
    }

    /// Whether the host is `localhost` or a loopback address.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self
                .address()
                .is_some_and(|address| address.to_canonical().is_loopback())
    }
}

/// Decides the route of every connection made under one policy.
#[derive(Debug, Clone)]
pub(crate) struct Routing {
    pub(crate) policy: ProxyPolicy,
    pub(crate) no_proxy: NoProxy,
    pub(crate) environment: ProxyEnvironment,
}

impl Routing {
    /// The proxy for `target`, or `None` for a direct connection. Both bypass lists apply to every policy.
    ///
    /// The environment's proxy is never used for loopback targets, as in Go's `ProxyFromEnvironment`. An explicit proxy
    /// is used for all targets that the lists do not exempt.
    pub(crate) fn proxy_to(&self, target: Target<'_>) -> Result<Option<&ProxyUrl>, UnusableProxy> {
        let exempt = |list: &NoProxy| list.matches(target.host, target.port);
        if exempt(&self.no_proxy) || exempt(&self.environment.no_proxy) {
            return Ok(None);
        }
        match &self.policy {
            ProxyPolicy::Direct => Ok(None),
            ProxyPolicy::Url(proxy) => Ok(Some(proxy)),
            ProxyPolicy::Environment if target.is_loopback() => Ok(None),
            ProxyPolicy::Environment if target.secure => self.environment.https.proxy(),
            ProxyPolicy::Environment => self.environment.http.proxy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::environment::InvalidVariable;

    fn check(policy: &str, variables: &[(&str, &str)], no_proxy: &str, url: &str, expected: &str) {
        let routing = Routing {
            policy: match policy {
                "environment" => ProxyPolicy::Environment,
                word => word.parse().expect("a proxy"),
            },
            no_proxy: no_proxy.parse().expect("a list"),
            environment: ProxyEnvironment::from_vars(variables.iter().copied()),
        };
        let url = Url::parse(url).expect("a url");
        let shown = match routing.proxy_to(Target::of_url(&url).expect("a target")) {
            Ok(proxy) => proxy.map_or("direct".to_owned(), ToString::to_string),
            Err(UnusableProxy { variable }) => format!("unusable {variable}"),
        };
        assert_eq!(shown, expected, "{policy} {variables:?} {no_proxy} {url}");
    }

    #[test]
    fn explicit_goes_before_environment_goes_before_direct() {
        let env = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2")];
        check("environment", &env, "", "https://a.example/", "http://s:1");
        check("environment", &env, "", "wss://a.example/", "http://s:1");
        check("environment", &env, "", "http://a.example/", "http://p:2");
        check("environment", &env, "", "ws://a.example/", "http://p:2");
        check("direct", &env, "", "https://a.example/", "direct");
        check("http://x:3", &env, "", "https://a.example/", "http://x:3");
        check("environment", &[], "", "https://a.example/", "direct");
    }

    #[test]
    fn variables() {
        let check_env = |variables: &[(&str, &str)], url, expected| {
            check("environment", variables, "", url, expected);
        };
        check_env(&[("https_proxy", "l:1")], "https://a.example", "http://l:1");
        check_env(
            &[("https_proxy", "l:1"), ("HTTPS_PROXY", "u:1")],
            "wss://a.example",
            "http://u:1",
        );
        check_env(
            &[("https_proxy", "l:1"), ("HTTPS_PROXY", "")],
            "wss://a.example",
            "http://l:1",
        );
        check_env(&[("HTTP_PROXY", "u:1")], "https://a.example", "direct");
        check_env(&[("ALL_PROXY", "u:1")], "https://a.example", "http://u:1");
        check_env(
            &[("all_proxy", "u:1"), ("HTTP_PROXY", "h:1")],
            "ws://a.example",
            "http://h:1",
        );
        check_env(
            &[("ALL_PROXY", "u:1"), ("NO_PROXY", "a.example")],
            "https://a.example",
            "direct",
        );
        check_env(&[("ALL_PROXY", "u:1")], "http://127.0.0.1:80/", "direct");
        check_env(&[("ALL_PROXY", "u:1")], "http://localhost/", "direct");
    }

    #[test]
    fn bypass_lists_rule_over_explicit_proxies() {
        check(
            "http://x:3",
            &[],
            "a.example",
            "https://a.example/",
            "direct",
        );
        check(
            "http://x:3",
            &[("no_proxy", "a.example")],
            "",
            "https://a.example/",
            "direct",
        );
        check("http://x:3", &[], "", "http://127.0.0.1:80/", "http://x:3");
        check(
            "http://x:3",
            &[],
            "127.0.0.0/8",
            "http://127.0.0.1:80/",
            "direct",
        );
    }

    /// Whoever set a proxy did not mean "none".
    #[test]
    fn a_proxy_that_cannot_be_used_is_not_the_straight_way() {
        let check_env = |variables: &[(&str, &str)], url, expected| {
            check("environment", variables, "", url, expected);
        };
        for value in ["socks5://u:1", "https://u:1", "http://u:99999", "http://"] {
            let https = [("HTTPS_PROXY", value), ("HTTP_PROXY", "h:1")];
            check_env(&https, "wss://a.example", "unusable HTTPS_PROXY");
            check_env(&https, "http://a.example", "http://h:1");
            check_env(&https, "https://localhost", "direct");
            let all = [("all_proxy", value), ("HTTPS_PROXY", "s:1")];
            check_env(&all, "https://a.example", "http://s:1");
            check_env(&all, "ws://a.example", "unusable all_proxy");
            let exempt = [("HTTPS_PROXY", value), ("NO_PROXY", "a.example")];
            check_env(&exempt, "https://a.example", "direct");
            check("direct", &https, "", "https://a.example", "direct");
            check(" Direct\n", &https, "", "https://a.example", "direct");
            assert!(value.parse::<ProxyPolicy>().is_err(), "{value}");
            check("http://x:3", &https, "", "https://a.example", "http://x:3");
        }
        // A proxy of its own that cannot be used is not covered by the one for all.
        check_env(
            &[("HTTPS_PROXY", "socks5://u:1"), ("ALL_PROXY", "a:1")],
            "https://a.example",
            "unusable HTTPS_PROXY",
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_without_its_value() {
        let environment = ProxyEnvironment::from_vars([
            (
                OsStr::new("ALL_PROXY"),
                OsStr::new("socks5://user:canary@proxy"),
            ),
            (
                OsStr::new("HTTPS_PROXY"),
                OsStr::from_bytes(b"http://u:canary\xff@proxy"),
            ),
            (OsStr::new("no_proxy"), OsStr::new("10.0.0.0/99")),
        ]);
        let told = |list: &[InvalidVariable]| list.iter().map(|it| it.variable).collect::<Vec<_>>();
        assert_eq!(told(environment.unusable()), ["HTTPS_PROXY", "ALL_PROXY"]);
        assert_eq!(told(environment.ignored()), ["no_proxy"]);
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
