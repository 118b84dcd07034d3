//! Which way a target is reached: explicit proxy, the environment's, or none.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

use crate::no_proxy::NoProxy;
use crate::proxy::{ProxyUrl, ProxyUrlError};

/// What an installation, or the whole gateway, wants of proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum ProxyPolicy {
    /// What the environment variables said when the process started.
    #[default]
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// This one, whatever the environment says.
    Url(ProxyUrl),
}

impl FromStr for ProxyPolicy {
    type Err = ProxyUrlError;

    /// Reads what people write for a proxy: `direct`, in any case, or an address. The error never repeats it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().eq_ignore_ascii_case("direct") {
            Ok(Self::Direct)
        } else {
            text.parse().map(Self::Url)
        }
    }
}

/// The way to one target. `Display` is fit for an operator: it never shows credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight to the target.
    Direct,
    /// Through a `CONNECT` tunnel of this proxy.
    Proxy(ProxyUrl),
    /// None: this variable of the environment should say which, and cannot be used.
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

/// The proxy variables of the environment, read once when the process starts.
///
/// `HTTPS_PROXY` serves `https` and `wss`, `HTTP_PROXY` serves `http` and `ws`, `ALL_PROXY` whatever has
/// none of its own; `NO_PROXY` exempts. Upper case goes before lower case, an empty value is an
/// unset one.
///
/// A proxy that cannot be used is not the same as none: what depends on it is refused, never sent
/// straight out, where a host that demands a proxy would not let it go or somebody may read it.
#[derive(Debug, Clone, Default)]
pub struct ProxyEnvironment {
    https: Variable,
    http: Variable,
    no_proxy: NoProxy,
    unusable: Vec<Unread>,
    ignored: Vec<Unread>,
}

/// What a variable says of the proxy of one scheme.
#[derive(Debug, Clone, Default)]
enum Variable {
    #[default]
    Unset,
    Proxy(ProxyUrl),
    Unusable(&'static str),
}

impl Variable {
    fn or(self, other: &Self) -> Self {
        match self {
            Self::Unset => other.clone(),
            set => set,
        }
    }

    fn proxy(&self) -> Result<Option<&ProxyUrl>, Unusable> {
        match self {
            Self::Unset => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy)),
            Self::Unusable(variable) => Err(Unusable { variable }),
        }
    }
}

/// The variable that should say which proxy to use cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(crate) variable: &'static str,
}

/// A variable, or an entry of one, that cannot be read. Worth a word at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The variable's name.
    pub variable: &'static str,
    /// Why; never the value, which may hold a password.
    pub reason: String,
}

impl ProxyEnvironment {
    /// Reads the proxy variables among `variables`, usually `std::env::vars_os()`.
    pub fn from_vars<I, K, V>(variables: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        const NAMES: [&str; 8] = [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
            "NO_PROXY",
            "no_proxy",
        ];
        // What is no UTF-8 has a replacement character, which no host, address or list has.
        let mut found: [Option<String>; NAMES.len()] = Default::default();
        for (name, value) in variables {
            let value = value.as_ref().to_string_lossy();
            if let Some(at) = NAMES.iter().position(|known| name.as_ref() == *known)
                && !value.trim().is_empty()
            {
                found[at] = Some(value.trim().to_owned());
            }
        }
        let mut first = |upper: usize| {
            let at = if found[upper].is_some() {
                upper
            } else {
                upper + 1
            };
            found[at].take().map(|value| (NAMES[at], value))
        };
        let (https, http, all, no_proxy) = (first(0), first(2), first(4), first(6));

        let mut unusable = Vec::new();
        let mut read = |variable: Option<(&'static str, String)>| {
            let Some((variable, value)) = variable else {
                return Variable::Unset;
            };
            let parsed = if value.contains(char::REPLACEMENT_CHARACTER) {
                Err("it is not utf-8".to_owned())
            } else {
                value
                    .parse()
                    .map_err(|error: ProxyUrlError| error.to_string())
            };
            match parsed {
                Ok(proxy) => Variable::Proxy(proxy),
                Err(reason) => {
                    unusable.push(Unread { variable, reason });
                    Variable::Unusable(variable)
                }
            }
        };
        let (https, http, all) = (read(https), read(http), read(all));
        let (no_proxy, ignored) = no_proxy.map_or_else(Default::default, |(variable, list)| {
            let (no_proxy, errors) = NoProxy::lenient(&list);
            let ignored = errors.into_iter().map(|error| Unread {
                variable,
                reason: error.to_string(),
            });
            (no_proxy, ignored.collect())
        });
        Self {
            https: https.or(&all),
            http: http.or(&all),
            no_proxy,
            unusable,
            ignored,
        }
    }

    /// The proxies that were set and cannot be used: what depends on one is refused.
    pub fn unusable(&self) -> &[Unread] {
        &self.unusable
    }

    /// The entries of `NO_PROXY` that say nothing: they exempt nobody from the proxy.
    pub fn ignored(&self) -> &[Unread] {
        &self.ignored
    }
}

/// Where a connection is wanted.
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

    /// `localhost` or a loopback address.
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
    /// The proxy to `target`, if one is to be used. Both bypass lists count under every policy.
    ///
    /// The environment's proxy never gets loopback targets, as with Go's `ProxyFromEnvironment`; an explicit
    /// one gets everything the lists leave to it.
    pub(crate) fn proxy_to(&self, target: Target<'_>) -> Result<Option<&ProxyUrl>, Unusable> {
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
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

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
            Err(Unusable { variable }) => format!("unusable {variable}"),
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
        let told = |list: &[Unread]| list.iter().map(|it| it.variable).collect::<Vec<_>>();
        assert_eq!(told(environment.unusable()), ["HTTPS_PROXY", "ALL_PROXY"]);
        assert_eq!(told(environment.ignored()), ["no_proxy"]);
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
