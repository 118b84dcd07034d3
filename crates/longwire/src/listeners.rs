//! The two listeners of a running gateway, and which routes each of them serves.
//!
//! ```text
//! api    the routes of `longwire_api`, and those of `longwire_relay` with its connections
//! admin  the same, and those of `longwire_admin`
//! ```
//!
//! Probes and metrics are open; every other route wants a token that the store knows. The admin listener answers only to names
//! of this host, and takes no request from a web page of another origin.

#[cfg(test)]
mod tests;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use longwire_access::TokenText;
use longwire_admin::{Admin, AdminSettings, RelaySource, ReloadSource};
use longwire_api::{Api, ApiSettings, InstallationRules, ReadAgain, RelayCalls};
use longwire_delivery::Deliveries;
use longwire_egress::EgressSettings;
use longwire_fleet::Fleet;
use longwire_janitor::JanitorHandle;
use longwire_listener::{
    AccessCheck, AccessSettings, Draining, ListenerSettings, Server, ServerHandle, ServerTls,
    StreamLimits, Timeouts, TokenRates, UpgradeFactory, serve,
};
use longwire_relay::proxy::{DURATION_EDGES_MS, RelayedOutcome};
use longwire_relay::{Relay, RelaySettings};
use longwire_store::Store;
use tokio::sync::watch;

use crate::config::{Config, parse_duration};
use crate::reload::Reloader;

/// Clients of applications at once, each with a stream or a request that waits, beside probes and scrapes; where open files
/// are few, one in sixteen of them, and at least [`LEAST_API_CONNECTIONS`].
const MOST_API_CONNECTIONS: usize = 512;
/// Enough for probes, scrapes and a few applications.
const LEAST_API_CONNECTIONS: usize = 64;
/// Clients of the admin listener: operators, their pages and commands, uploads.
const ADMIN_CONNECTIONS: usize = 32;

/// Clients of the public listener, if the process may open so many files; `None` is any number.
fn api_connections(open_files: Option<u64>) -> usize {
    let share = open_files.map_or(u64::MAX, |limit| limit / 16);
    usize::try_from(share)
        .unwrap_or(usize::MAX)
        .clamp(LEAST_API_CONNECTIONS, MOST_API_CONNECTIONS)
}

/// Clients of both listeners, which are that many open files.
pub(crate) fn connections(open_files: Option<u64>) -> usize {
    api_connections(open_files) + ADMIN_CONNECTIONS
}

/// Streams of events at most, fewer than the clients of the listener that serves them.
fn streams(api_connections: usize) -> StreamLimits {
    StreamLimits {
        per_space: api_connections / 2,
        per_process: api_connections * 3 / 4,
    }
}

/// Both listeners.
pub(crate) struct Listeners {
    /// Stop them: the public one first.
    pub(crate) handles: [ServerHandle; 2],
    /// The one that ended first, whoever ended it.
    pub(crate) ended: watch::Receiver<Option<Listener>>,
    /// Tells handlers that the process is about to end.
    pub(crate) draining: Draining,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    Api,
    Admin,
}

/// What the routes are served from.
pub(crate) struct Served {
    pub(crate) fleet: Fleet,
    pub(crate) deliveries: Deliveries,
    pub(crate) store: Store,
    pub(crate) janitor: JanitorHandle,
    /// How calls of the relay leave.
    pub(crate) egress: EgressSettings,
    /// Files that the process may open; `None` is any number.
    pub(crate) open_files: Option<u64>,
    /// Tells handlers that the process is about to end.
    pub(crate) draining: Draining,
    /// Reads the configuration file again; without it no route does.
    pub(crate) reloader: Option<Reloader>,
}

/// What the listeners listen on.
pub(crate) struct Bound {
    pub(crate) api: TcpListener,
    /// With it the public listener speaks TLS.
    pub(crate) tls: Option<ServerTls>,
    pub(crate) admin: TcpListener,
}

impl Listeners {
    /// Starts answering on both.
    pub(crate) fn start(config: &Config, served: &Served, bound: Bound) -> io::Result<Self> {
        let draining = served.draining.clone();
        let api_connections = api_connections(served.open_files);
        let access = access(&served.store, streams(api_connections));
        let relay = config
            .relay
            .enabled
            .then(|| relay(config, served, &access, &draining));
        let api_routes = api(config, served, relay.clone(), &access, &draining);
        let admin_routes = admin(config, served, relay.clone(), &draining);
        let public = ListenerSettings {
            name: "api",
            connections: api_connections,
            timeouts: Timeouts::default(),
            hosts: None,
            tls: bound.tls,
            upgrades: relay
                .as_ref()
                .map(|relay| UpgradeFactory::new(relay.upgrades())),
        };
        let private = ListenerSettings {
            name: "admin",
            connections: ADMIN_CONNECTIONS,
            timeouts: Timeouts::default(),
            hosts: Some(config.server.admin_hosts.clone()),
            tls: None,
            upgrades: None,
        };
        let routes = Arc::clone(&api_routes);
        let api = serve(public, bound.api, access.clone(), move || match &relay {
            Some(relay) => routes.routes().and(relay.routes()),
            None => routes.routes(),
        })?;
        let admin = serve(private, bound.admin, access, move || {
            api_routes.routes().and(admin_routes.routes())
        })?;
        let handles = [api.handle(), admin.handle()];
        let servers = [(Listener::Api, api), (Listener::Admin, admin)];
        Ok(Self {
            handles,
            ended: first_end(servers),
            draining,
        })
    }
}

/// Tells which of these servers ended first.
fn first_end(servers: [(Listener, Server); 2]) -> watch::Receiver<Option<Listener>> {
    let (tell, ended) = watch::channel(None);
    for (listener, server) in servers {
        let tell = tell.clone();
        actix_rt::spawn(async move {
            // The server has logged why it ended.
            drop(server.await);
            tell.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(listener);
                is_first
            });
        });
    }
    ended
}

fn relay(
    config: &Config,
    served: &Served,
    access: &AccessCheck,
    draining: &Draining,
) -> Arc<Relay> {
    Relay::new(RelaySettings {
        fleet: served.fleet.clone(),
        deliveries: served.deliveries.clone(),
        store: served.store.clone(),
        access: access.clone(),
        egress: served.egress.clone(),
        draining: draining.clone(),
        limits: config.relay.limits(served.open_files),
        handler_limit: config.relay.handler_limit,
        ping_interval: config.relay.ping_interval,
        pacing: config.relay.pacing(),
        public_url: config.relay.public_url.clone(),
    })
}

fn api(
    config: &Config,
    served: &Served,
    relay: Option<Arc<Relay>>,
    access: &AccessCheck,
    draining: &Draining,
) -> Arc<Api> {
    let janitor = served.janitor.clone();
    Api::new(ApiSettings {
        retention: Arc::new(move || Some(janitor.view())),
        fleet: served.fleet.clone(),
        store: served.store.clone(),
        deliveries: served.deliveries.clone(),
        read_again: read_again(served.reloader.clone()),
        installation_rules: installation_rules(config),
        ready_floor: config.server.ready_floor,
        draining: draining.clone(),
        access: access.clone(),
        compat: config.compat.settings(),
        version: env!("CARGO_PKG_VERSION"),
        log_lines_dropped: longwire_terminal::stderr::lost_lines,
        callbacks: config.callbacks.rules(),
        relay_calls: Arc::new(move || relay.as_deref().map_or_else(Vec::new, relay_calls)),
    })
}

fn admin(
    config: &Config,
    served: &Served,
    relay: Option<Arc<Relay>>,
    draining: &Draining,
) -> Arc<Admin> {
    let (actors_of, janitor) = (served.deliveries.clone(), served.janitor.clone());
    let consumers_of = served.deliveries.clone();
    Admin::new(AdminSettings {
        fleet: served.fleet.clone(),
        version: env!("CARGO_PKG_VERSION"),
        consumers: Arc::new(move || consumers_of.all_consumers()),
        other_actors: Arc::new(move || {
            let mut actors = actors_of.actors();
            actors.extend(janitor.actors());
            actors
        }),
        janitor: Some(served.janitor.clone()),
        relay: relay.map(|relay| RelaySource {
            deliveries: served.deliveries.clone(),
            relay,
            store: served.store.clone(),
        }),
        reload: served.reloader.clone().map(reload_source),
        store: served.store.clone(),
        draining: draining.clone(),
        fault_injection: config.debug.fault_injection,
        installation_rules: installation_rules(config),
        parse_duration,
    })
}

/// Has declared bots' secrets read again.
fn read_again(reloader: Option<Reloader>) -> ReadAgain {
    Arc::new(move |id| {
        let reloader = reloader.clone();
        Box::pin(async move {
            match reloader {
                Some(reloader) => reloader.read_again(id).await,
                None => Ok(()),
            }
        })
    })
}

/// Has the configuration file read again.
fn reload_source(reloader: Reloader) -> ReloadSource {
    Arc::new(move |run| {
        let reloader = reloader.clone();
        Box::pin(async move { reloader.reload(run).await })
    })
}

/// What metrics tell of the calls of applications.
fn relay_calls(relay: &Relay) -> Vec<RelayCalls> {
    let outcome = |outcome: Option<RelayedOutcome>| match outcome {
        Some(RelayedOutcome::Code(code)) => code.to_string(),
        Some(RelayedOutcome::Status(status)) => format!("http_{status}"),
        Some(RelayedOutcome::CallerGone) => "caller_gone".to_owned(),
        None => "other".to_owned(),
    };
    let edges = DURATION_EDGES_MS.iter().map(|&ms| ms as f64 / 1e3);
    let edges: Vec<f64> = edges.chain([f64::INFINITY]).collect();
    let paths = relay.proxy().figures().into_iter();
    let calls = paths.map(|((method, path), of)| RelayCalls {
        method,
        path,
        outcomes: (of.outcomes.into_iter())
            .map(|(one, count)| (outcome(one), count))
            .collect(),
        durations: edges.iter().copied().zip(of.durations).collect(),
        total_s: of.total_ms as f64 / 1e3,
    });
    calls.collect()
}

/// Decides by the tokens of this store, which are in memory.
fn access(store: &Store, streams: StreamLimits) -> AccessCheck {
    let tokens = store.tokens();
    AccessCheck::new(AccessSettings {
        tokens: Arc::new(move |presented: &TokenText, now_ms: i64| {
            tokens.authenticate(presented, now_ms)
        }),
        rates: TokenRates::default(),
        streams,
    })
}

/// What the configuration says of installations that are added or changed.
pub(crate) fn installation_rules(config: &Config) -> InstallationRules {
    InstallationRules {
        plain_hosts: config.egress.plain_http_hosts.clone(),
    }
}
