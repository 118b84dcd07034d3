//! The proxy settings of the environment variables, read once when the process starts.
//!
//! A variable that cannot be read is kept as such, so that requests that need its proxy are refused.

use std::ffi::OsStr;

use crate::no_proxy::NoProxy;
use crate::proxy::{ProxyUrl, ProxyUrlError};

/// The proxy variables of the environment, read once when the process starts.
///
/// `HTTPS_PROXY` applies to `https` and `wss`, `HTTP_PROXY` to `http` and `ws`, `ALL_PROXY` to those of them that have no
/// variable of their own. `NO_PROXY` lists exceptions. An upper-case name has precedence over a lower-case one, and an
/// empty value counts as unset.
///
/// A proxy that cannot be used does not count as no proxy: requests that need it are refused. Sent directly, they
/// could be read on the way, or blocked by a network that requires a proxy.
#[derive(Debug, Clone, Default)]
pub struct ProxyEnvironment {
    pub(crate) https: SchemeProxy,
    pub(crate) http: SchemeProxy,
    pub(crate) no_proxy: NoProxy,
    unusable: Vec<InvalidVariable>,
    ignored: Vec<InvalidVariable>,
}

/// The proxy setting of one scheme.
#[derive(Debug, Clone, Default)]
pub(crate) enum SchemeProxy {
    #[default]
    Unset,
    Proxy(ProxyUrl),
    Unusable(&'static str),
}

impl SchemeProxy {
    fn or(self, other: &Self) -> Self {
        match self {
            Self::Unset => other.clone(),
            set => set,
        }
    }

    pub(crate) fn proxy(&self) -> Result<Option<&ProxyUrl>, UnusableProxy> {
        match self {
            Self::Unset => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy)),
            Self::Unusable(variable) => Err(UnusableProxy { variable }),
        }
    }
}

/// The environment variable that should name the proxy cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnusableProxy {
    pub(crate) variable: &'static str,
}

/// An environment variable, or an entry of one, that cannot be read. The gateway logs it at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidVariable {
    /// The variable's name.
    pub variable: &'static str,
    /// Why. It never holds the value, which may have a password.
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
        // A value that is not UTF-8 gets a replacement character, which no valid host, address or list has.
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
                return SchemeProxy::Unset;
            };
            let parsed = if value.contains(char::REPLACEMENT_CHARACTER) {
                Err("it is not utf-8".to_owned())
            } else {
                value
                    .parse()
                    .map_err(|error: ProxyUrlError| error.to_string())
            };
            match parsed {
                Ok(proxy) => SchemeProxy::Proxy(proxy),
                Err(reason) => {
                    unusable.push(InvalidVariable { variable, reason });
                    SchemeProxy::Unusable(variable)
                }
            }
        };
        let (https, http, all) = (read(https), read(http), read(all));
        let (no_proxy, ignored) = no_proxy.map_or_else(Default::default, |(variable, list)| {
            let (no_proxy, errors) = NoProxy::lenient(&list);
            let ignored = errors.into_iter().map(|error| InvalidVariable {
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

    /// The proxies that were set and cannot be used. Requests that need one of them are refused.
    pub fn unusable(&self) -> &[InvalidVariable] {
        &self.unusable
    }

    /// The entries of `NO_PROXY` that cannot be read. They exempt no target from the proxy.
    pub fn ignored(&self) -> &[InvalidVariable] {
        &self.ignored
    }
}
