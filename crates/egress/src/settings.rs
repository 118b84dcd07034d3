//! The settings of all outgoing traffic, from which every arbiter makes its [`Egress`](crate::Egress).

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use url::Url;

use crate::environment::{ProxyEnvironment, UnusableProxy};
use crate::no_proxy::NoProxy;
use crate::policy::{ProxyPolicy, Route, Routing, Target};
use crate::sockets::SocketBudget;

/// The settings of all outgoing traffic, made once and cloned for every arbiter.
#[derive(Debug, Clone)]
pub struct EgressSettings {
    /// The configuration of [`tls_config`](crate::tls_config). It is shared so that TLS sessions resume across arbiters.
    pub tls: Arc<ClientConfig>,
    /// The proxy of installations without a proxy setting of their own.
    pub proxy: ProxyPolicy,
    /// Targets that bypass any proxy, in addition to the environment's `NO_PROXY`.
    pub no_proxy: NoProxy,
    /// The proxy variables, read once at start.
    pub environment: ProxyEnvironment,
    /// Hosts besides loopback that may be reached by `http://` and `ws://`: exact names or addresses, ignoring case.
    /// Traffic to them, secrets included, can be read on the way.
    pub plain_hosts: Vec<String>,
    /// The largest number of concurrent name lookups per arbiter. Each one occupies a thread.
    pub concurrent_lookups: usize,
    /// How long a resolved name is reused without another lookup. After that, up to a week, its addresses are used only
    /// if a lookup fails or takes longer than a second.
    pub lookup_ttl: Duration,
    /// The sockets that all arbiters together may have open.
    pub sockets: SocketBudget,
}

impl EgressSettings {
    /// The defaults: proxy as the environment says, plain text to loopback only, four concurrent lookups that are reused
    /// for 30 s, and no limit of sockets.
    pub fn new(tls: Arc<ClientConfig>, environment: ProxyEnvironment) -> Self {
        Self {
            tls,
            proxy: ProxyPolicy::Environment,
            no_proxy: NoProxy::default(),
            environment,
            plain_hosts: Vec::new(),
            concurrent_lookups: 4,
            lookup_ttl: Duration::from_secs(30),
            sockets: SocketBudget::unlimited(),
        }
    }

    /// The route to `url` under `policy`, to be shown without dialling.
    pub fn route(&self, policy: &ProxyPolicy, url: &Url) -> Route {
        let routing = self.routing(policy);
        match Target::of_url(url).map(|target| routing.proxy_to(target)) {
            None | Some(Ok(None)) => Route::Direct,
            Some(Ok(Some(proxy))) => Route::Proxy(proxy.clone()),
            Some(Err(UnusableProxy { variable })) => Route::Unusable { variable },
        }
    }

    pub(crate) fn routing(&self, policy: &ProxyPolicy) -> Routing {
        Routing {
            policy: policy.clone(),
            no_proxy: self.no_proxy.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Whether the scheme of `target` is allowed: a secure scheme always, plain text only to loopback and
    /// [`plain_hosts`](Self::plain_hosts).
    pub(crate) fn allows(&self, target: Target<'_>) -> bool {
        target.secure || target.is_loopback() || self.is_plain_host(target.host)
    }

    /// Whether `host` is one of [`plain_hosts`](Self::plain_hosts).
    pub(crate) fn is_plain_host(&self, host: &str) -> bool {
        let mut plain = self.plain_hosts.iter();
        plain.any(|plain| plain.eq_ignore_ascii_case(host))
    }
}
