//! Which way a target is reached: explicit proxy, the environment's, or none.

use std::net::IpAddr;

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

/// The way to one target. `Display` is fit for an operator: it never shows credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Straight to the target.
    Direct,
    /// Through a `CONNECT` tunnel of this proxy.
    Proxy(ProxyUrl),
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Direct => f.write_str("direct"),
            Self::Proxy(proxy) => write!(f, "through {proxy}"),
        }
    }
}

/// The proxy variables of the environment, read once when the process starts.
///
/// `HTTPS_PROXY` serves `https` and `wss`, `HTTP_PROXY` serves `http` and `ws`, `ALL_PROXY` whatever has
/// none of its own; `NO_PROXY` exempts. Upper case goes before lower case, an empty value is an
/// unset one.
#[derive(Debug, Clone, Default)]
pub struct ProxyEnvironment {
    https: Option<ProxyUrl>,
    http: Option<ProxyUrl>,
    no_proxy: NoProxy,
    ignored: Vec<Ignored>,
}

/// A variable, or an entry of one, that we could not use. Worth a warning at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The variable's name.
    pub variable: &'static str,
    /// Why; never the value, which may hold a password.
    pub reason: String,
}

impl ProxyEnvironment {
    /// Reads the proxy variables among `variables`, usually `std::env::vars()`.
    pub fn from_vars<I, K, V>(variables: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: AsRef<str>,
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
        let mut found: [Option<String>; NAMES.len()] = Default::default();
        for (name, value) in variables {
            let value = value.as_ref().trim();
            if let Some(at) = NAMES.iter().position(|known| *known == name.as_ref())
                && !value.is_empty()
            {
                found[at] = Some(value.to_owned());
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

        let mut ignored = Vec::new();
        let mut usable = |variable: Option<(&'static str, String)>| {
            let (variable, value) = variable?;
            value
                .parse()
                .map_err(|error: ProxyUrlError| {
                    ignored.push(Ignored {
                        variable,
                        reason: error.to_string(),
                    });
                })
                .ok()
        };
        let (https, http, all) = (usable(https), usable(http), usable(all));
        let no_proxy = no_proxy.map_or_else(NoProxy::default, |(variable, list)| {
            let (no_proxy, errors) = NoProxy::lenient(&list);
            ignored.extend(errors.into_iter().map(|error| Ignored {
                variable,
                reason: error.to_string(),
            }));
            no_proxy
        });
        Self {
            https: https.or_else(|| all.clone()),
            http: http.or(all),
            no_proxy,
            ignored,
        }
    }

    /// What was set but could not be used.
    pub fn ignored(&self) -> &[Ignored] {
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
    pub(crate) fn proxy_to(&self, target: Target<'_>) -> Option<&ProxyUrl> {
        let proxy = match &self.policy {
            ProxyPolicy::Direct => return None,
            ProxyPolicy::Url(proxy) => proxy,
            ProxyPolicy::Environment if target.is_loopback() => return None,
            ProxyPolicy::Environment if target.secure => self.environment.https.as_ref()?,
            ProxyPolicy::Environment => self.environment.http.as_ref()?,
        };
        let exempt = |list: &NoProxy| list.matches(target.host, target.port);
        (!exempt(&self.no_proxy) && !exempt(&self.environment.no_proxy)).then_some(proxy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &str, variables: &[(&str, &str)], no_proxy: &str, url: &str, expected: &str) {
        let routing = Routing {
            policy: match policy {
                "environment" => ProxyPolicy::Environment,
                "direct" => ProxyPolicy::Direct,
                url => ProxyPolicy::Url(url.parse().expect("a proxy address")),
            },
            no_proxy: no_proxy.parse().expect("a list"),
            environment: ProxyEnvironment::from_vars(variables.iter().copied()),
        };
        let url = Url::parse(url).expect("a url");
        let proxy = routing.proxy_to(Target::of_url(&url).expect("a target"));
        let shown = proxy.map_or("direct".to_owned(), ToString::to_string);
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
            &[("ALL_PROXY", "socks5://u:1")],
            "https://a.example",
            "direct",
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

    #[test]
    fn what_could_not_be_used_is_told_without_its_value() {
        let environment = ProxyEnvironment::from_vars([
            ("ALL_PROXY", "socks5://user:canary@proxy"),
            ("no_proxy", "10.0.0.0/99"),
        ]);
        let told: Vec<_> = environment.ignored().iter().map(|it| it.variable).collect();
        assert_eq!(told, ["ALL_PROXY", "no_proxy"]);
        assert!(!format!("{environment:?}").contains("canary"));
    }
}
