//! What every arbiter's [`Egress`](crate::Egress) is made from.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use url::Url;

use crate::no_proxy::NoProxy;
use crate::policy::{ProxyEnvironment, ProxyPolicy, Route, Routing, Target, Unusable};
use crate::sockets::SocketBudget;

/// Settings of all outgoing traffic, made once and handed to every arbiter.
#[derive(Debug, Clone)]
pub struct EgressSettings {
    /// From [`tls_config`](crate::tls_config); shared so that sessions resume across arbiters.
    pub tls: Arc<ClientConfig>,
    /// The proxy of everything that does not bring its own.
    pub proxy: ProxyPolicy,
    /// Targets that bypass any proxy, in addition to the environment's `NO_PROXY`.
    pub no_proxy: NoProxy,
    /// The proxy variables, read once at start.
    pub environment: ProxyEnvironment,
    /// Hosts that `http://` and `ws://` are allowed to besides loopback: exact names or addresses, any
    /// case. Everything sent there can be read on the way, secrets included.
    pub plain_hosts: Vec<String>,
    /// Name lookups running at the same time, per arbiter. Each one occupies a thread.
    pub concurrent_lookups: usize,
    /// How long a resolved name is used again without another lookup. Beyond that, up to a week, its addresses are used only
    /// where a lookup takes longer than a second or fails.
    pub lookup_ttl: Duration,
    /// How many sockets all arbiters together may have open.
    pub sockets: SocketBudget,
}

impl EgressSettings {
    /// Straight or as the environment says, plain text to loopback only, four lookups at a time kept
    /// for 30 s, and as many sockets as the system gives.
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

    /// The way `url` would be reached under `policy`, for those who want to look before they dial.
    pub fn route(&self, policy: &ProxyPolicy, url: &Url) -> Route {
        let routing = self.routing(policy);
        match Target::of_url(url).map(|target| routing.proxy_to(target)) {
            None | Some(Ok(None)) => Route::Direct,
            Some(Ok(Some(proxy))) => Route::Proxy(proxy.clone()),
            Some(Err(Unusable { variable })) => Route::Unusable { variable },
        }
    }

    pub(crate) fn routing(&self, policy: &ProxyPolicy) -> Routing {
        Routing {
            policy: policy.clone(),
            no_proxy: self.no_proxy.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Whether `target` may be talked to as its scheme asks.
    pub(crate) fn allows(&self, target: Target<'_>) -> bool {
        target.secure
            || target.is_loopback()
            || self
                .plain_hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(target.host))
    }
}
