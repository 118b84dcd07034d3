//! A running gateway: the store, the fleet and the two listeners, started in an order that fails early and
//! stopped in an order that loses nothing.
//!
//! ```text
//! start   listeners bound → store open → declared installations kept → fleet → delivery → listeners answer
//! take over  listeners passed on → store beside → fleet beside → bots moved → store open → declared … as above
//! drain   readiness says no → feeds end → deliveries end → fleet answers what it has in hand → listeners closed → store closed
//! let go  nothing is accepted → deliveries end → listeners closed → fleet → store closed
//! ```
//!
//! `serve` and `demo` run the same one.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use longwire_delivery::{Deliveries, DeliveriesEnded, DeliverySettings, DeliveryTiming};
use longwire_egress::{EgressSettings, NoProxy, ProxyEnvironment, RootsReport, tls_config};
use longwire_fleet::{
    CardAnswering, CardBroker, ConfigFault, Drained, Fleet, FleetFailure, FleetSettings,
};
use longwire_installation::InstallationId;
use longwire_janitor::JanitorHandle;
use longwire_link::Setback;
use longwire_listener::Draining;
use longwire_store::{ClosedStore, InstallationRecord, Store, StoreSettings};
use longwire_takeover::Summary;

use crate::certificates;
use crate::config::{Config, Loaded};
use crate::exit::Failure;
use crate::files::OpenFiles;
use crate::fleet_access::{CardsOfConsumers, FleetLookups, FleetNames, FleetReplies};
use crate::listeners::{Bound, Listener, Listeners, Served};
use crate::reload::{ReloadParts, Reloader, Started};
use crate::retention;
use crate::takeover::{OpenedStore, RunningServer};
use crate::token_file::{self, FirstTokenError};

/// How long the disk has to take what is left of the write-ahead log: some 16 MiB.
const CLOSE: Duration = Duration::from_secs(5);
/// How long requests that are in hand at the end may take.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
/// The same of a server that hands over: who has asked it gets an answer, also on a host that has much to do. Nobody waits for
/// them longer than they take.
const REQUESTS_BEFORE: Duration = Duration::from_secs(10);
/// How long a connection that was accepted may wait for a worker. Usually it is less than a millisecond.
const LAST_ACCEPTED: Duration = Duration::from_millis(500);
/// What a server that hands over may need besides its limit for a drain.
const ENDING: Duration = Duration::from_secs(15);
/// Bots that the summary of a takeover names at most.
const NAMED: usize = 20;

/// Everything that runs.
pub(crate) struct Gateway {
    pub(crate) store: Store,
    pub(crate) fleet: Fleet,
    pub(crate) deliveries: Deliveries,
    /// Where probes and metrics are.
    pub(crate) api: SocketAddr,
    /// Where the admin interface is.
    pub(crate) admin: SocketAddr,
    /// Both listeners, for the process that takes over from this one.
    pub(crate) passed_on: [TcpListener; 2],
    listeners: Listeners,
    /// Reads the configuration file again.
    pub(crate) reloader: Reloader,
    janitor: JanitorHandle,
}

/// What a gateway lost and cannot replace. It drains still; then only a new process helps.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// A part of the fleet.
    #[error(transparent)]
    Fleet(#[from] FleetFailure),
    /// Delivery.
    #[error(transparent)]
    Delivery(#[from] DeliveriesEnded),
    /// A listener.
    #[error("a listener ended: {0:?}")]
    Listener(Listener),
}

impl Gateway {
    /// Starts everything. Inside an actix system.
    ///
    /// The declared installations are taken out of `loaded`: from then on the reloader has them.
    pub(crate) async fn start(loaded: &mut Loaded) -> Result<Self, Failure> {
        Self::start_after(loaded, None).await
    }

    /// The same, after a running server that hands over, if there is one.
    pub(crate) async fn start_after(
        loaded: &mut Loaded,
        mut before: Option<RunningServer>,
    ) -> Result<Self, Failure> {
        let config = &loaded.config;
        let [api, admin] = listeners_of(config, before.as_mut())?;
        let passed_on = [clone_of(&api)?, clone_of(&admin)?];
        tell_exposure(config.server.admin_listen);
        let arbiters = arbiters(config);
        let (egress, open_files) = outgoing(loaded, arbiters)?;
        let settings = loaded.store_settings();
        let cards = Arc::new(CardsOfConsumers::default());
        let parts = FleetParts {
            arbiters,
            egress: egress.clone(),
            cards: Arc::clone(&cards),
        };
        let (store, moved) = match before {
            None => (Store::open(&settings)?, None),
            Some(server) => take_over(server, config, &settings, &parts).await?,
        };
        first_token(&store, loaded)?;
        tell_exposed(&settings);
        let tls = certificates::start(loaded)?;
        let started = Started::of(loaded, &store)?;
        let config = &loaded.config;
        open_files.tell(store.reader().count_wanted()?);
        let (delivery_egress, relay_egress) = (egress.clone(), egress);
        let fleet = match moved {
            None => Fleet::start(parts.settings(config, &store, started.faults())).await,
            // The file may say something else of its bots than that of the server before.
            Some(fleet) => {
                fleet.declarations_read(started.faults());
                fleet
            }
        };
        let consumers = Arc::new(OnceLock::new());
        let deliveries = start_deliveries(config, &fleet, &store, delivery_egress).await?;
        cards.ask(deliveries.clone());
        // Delivery starts once.
        let _ = consumers.set(deliveries.clone());
        let janitor = retention::start(config, &store);
        let draining = Draining::default();
        let parts = ReloadParts {
            store: store.clone(),
            fleet: fleet.clone(),
            draining: draining.clone(),
            consumers,
            janitor: janitor.clone(),
        };
        let reloader = Reloader::start(started, parts);
        let listen = Failure::io("serve HTTP");
        let (api_address, admin_address) = (address(&api)?, address(&admin)?);
        let served = Served {
            fleet,
            deliveries,
            store,
            janitor,
            egress: relay_egress,
            open_files: open_files.limit(),
            draining,
            reloader: Some(reloader.clone()),
        };
        let bound = Bound { api, tls, admin };
        let listeners = Listeners::start(config, &served, bound).map_err(listen)?;
        let Served {
            fleet,
            deliveries,
            store,
            janitor,
            ..
        } = served;
        Ok(Self {
            store,
            fleet,
            deliveries,
            api: api_address,
            admin: admin_address,
            passed_on,
            listeners,
            reloader,
            janitor,
        })
    }

    /// Waits until it cannot go on.
    pub(crate) async fn broken(&self) -> Broken {
        let mut listeners = self.listeners.ended.clone();
        tokio::select! {
            failure = self.fleet.failed() => failure.into(),
            ended = self.deliveries.failed() => ended.into(),
            // Fails only without a listener that could end.
            Ok(ended) = async { listeners.wait_for(Option::is_some).await.map(|ended| *ended) } => {
                Broken::Listener(ended.unwrap_or(Listener::Api))
            }
        }
    }

    /// Ends everything for the process that has taken all bots over, within `limit` and a little more. Connections to the
    /// listeners wait in the kernel from now on, for that process.
    pub(crate) async fn let_go(self, limit: Duration) -> Drained {
        let begun = Instant::now();
        let [api, admin] = self.listeners.handles;
        let stopped = actix_rt::spawn(async move {
            tokio::join!(api.pause(), admin.pause());
            // A listener that stops drops connections that none of its workers has taken yet.
            tokio::time::sleep(LAST_ACCEPTED).await;
            tokio::join!(api.stop(true), admin.stop(true))
        });
        self.listeners.draining.begin();
        self.janitor.stop();
        self.reloader.end_notices();
        let left = self.deliveries.drain(limit / 2).await;
        if left > 0 {
            tracing::warn!(
                consumers = left,
                "consumers did not end in time; the next process repeats more"
            );
        }
        if tokio::time::timeout(REQUESTS_BEFORE, stopped)
            .await
            .is_err()
        {
            tracing::warn!("requests to a listener were not answered in time, and are cut off");
        }
        // The store comes last: until then the other process records through it.
        self.fleet
            .drain(limit.saturating_sub(begun.elapsed()))
            .await
    }

    /// Ends everything, within `limit` and a little more.
    pub(crate) async fn drain(self, limit: Duration) -> Drained {
        self.listeners.draining.begin();
        self.janitor.stop();
        // A bot that stops sends nothing more.
        self.reloader.end_notices();
        // Positions are kept by the writer, which ends with the fleet; clicks that wait are answered by default.
        let begun = Instant::now();
        let left = self.deliveries.drain(limit / 2).await;
        if left > 0 {
            tracing::warn!(
                consumers = left,
                "consumers did not end in time; they repeat more after the next start"
            );
        }
        let drained = self
            .fleet
            .drain(limit.saturating_sub(begun.elapsed()))
            .await;
        // Nothing of worth is under way on the listeners by now; those who still ask have had their answer.
        let [api, admin] = self.listeners.handles;
        let stopped = async { tokio::join!(api.stop(true), admin.stop(true)) };
        if tokio::time::timeout(LAST_REQUESTS, stopped).await.is_err() {
            tracing::debug!("a listener still had requests in hand");
        }
        close(self.store).await;
        drained
    }
}

/// Closes the store, as long as its disk answers, so that a copy of one file is a copy of the store.
async fn close(store: Store) {
    let closed = actix_rt::task::spawn_blocking(move || store.close());
    match tokio::time::timeout(CLOSE, closed).await {
        Ok(Ok(ClosedStore::OneFile)) => tracing::info!("the store is closed and is one file"),
        Ok(Ok(ClosedStore::WithWal(wal))) => tracing::warn!(
            wal = %wal.display(),
            next_step = "a copy needs the database and this file, or use `longwire backup`; `fuser` names the program",
            "another program has the store open, so its write-ahead log stays beside it"
        ),
        // A writer that did not end, or a disk that does not answer, has been told of before.
        Ok(Ok(ClosedStore::InDoubt) | Err(_)) | Err(_) => {}
    }
}

/// What a fleet is started with, besides the store and the configuration.
struct FleetParts {
    arbiters: usize,
    egress: EgressSettings,
    cards: Arc<CardsOfConsumers>,
}

impl FleetParts {
    fn settings(
        &self,
        config: &Config,
        store: &Store,
        config_faults: BTreeMap<InstallationId, ConfigFault>,
    ) -> FleetSettings {
        let broker: Arc<dyn CardBroker> = Arc::<CardsOfConsumers>::clone(&self.cards);
        FleetSettings {
            timing: config.timing.timing(),
            connect_per_second: config.connect.per_second,
            window_events: config.window.events,
            window_bytes: config.window.bytes,
            arbiters: self.arbiters,
            egress: self.egress.clone(),
            store: store.clone(),
            fault_injection: config.debug.fault_injection,
            config_faults,
            cards: CardAnswering {
                broker: Some(broker),
                settings: config.cards.settings(),
            },
            limits: config.limits.limits(),
        }
    }
}

/// Takes over from a running server: connects its bots as the store has them, and opens the store when it has ended. The fleet is
/// `None` if the server had to end before a bot could be connected.
async fn take_over(
    mut server: RunningServer,
    config: &Config,
    settings: &StoreSettings,
    parts: &FleetParts,
) -> Result<(Store, Option<Fleet>), Failure> {
    let store = match server.open_store(settings).await? {
        OpenedStore::Alone(store) => return Ok((store, None)),
        OpenedStore::Beside(store) => store,
    };
    let records = store.reader().installations()?;
    let one_by_one = RunningServer::one_by_one(&records);
    let fleet_settings = parts.settings(config, &store, BTreeMap::new());
    let fleet = Fleet::start_beside(fleet_settings, one_by_one).await;
    // The other process has the same limit, and a little more for each of its parts.
    let ending = config.server.drain + ENDING;
    let summary = server.take_over(&fleet, &store, &records, ending).await?;
    tell_takeover(&summary, &records);
    Ok((store, Some(fleet)))
}

/// The summary of a takeover, in one line.
fn tell_takeover(summary: &Summary, records: &[InstallationRecord]) {
    let names = records
        .iter()
        .filter(|record| summary.left.contains(&record.id.0));
    let left: Vec<&str> = names
        .map(|record| record.name.as_str())
        .take(NAMED)
        .collect();
    tracing::info!(
        moved = summary.moved,
        not_connected = summary.left.len(),
        not_connected_bots = left.join(" "),
        wecom_bots = summary.gaps_ms.len(),
        wecom_gap_p50_ms = summary.gap_p50_ms(),
        wecom_gap_max_ms = summary.gap_max_ms(),
        took_s = format!("{:.2}", summary.took.as_secs_f64()),
        "taken over: the store is open here",
    );
}

/// The public listener and the admin listener: those of the server before, where it listens at the same addresses.
fn listeners_of(
    config: &Config,
    mut before: Option<&mut RunningServer>,
) -> Result<[TcpListener; 2], Failure> {
    let mut one = |which, address, setting| {
        let passed = before
            .as_mut()
            .and_then(|server| server.listener(which, address));
        passed.map_or_else(|| bind(address, setting), Ok)
    };
    Ok([
        one(0, config.server.listen, "server.listen")?,
        one(1, config.server.admin_listen, "server.admin_listen")?,
    ])
}

fn clone_of(listener: &TcpListener) -> Result<TcpListener, Failure> {
    listener
        .try_clone()
        .map_err(Failure::io("keep a listener for the next process"))
}

/// Starts delivery to the consumers of the store, with what it needs of the fleet.
pub(crate) async fn start_deliveries(
    config: &Config,
    fleet: &Fleet,
    store: &Store,
    egress: EgressSettings,
) -> Result<Deliveries, Failure> {
    // Also those that were removed: their events are in the log.
    let records = store.reader().every_installation()?;
    let filter = config.webhooks.filter();
    let started = Deliveries::start(DeliverySettings {
        store: store.clone(),
        egress,
        filter: Arc::new(filter.expect("validation has accepted the entries")),
        names: Arc::new(FleetNames::new(fleet.clone(), records)),
        replies: Arc::new(FleetReplies(fleet.clone())),
        lookups: Arc::new(FleetLookups(fleet.clone())),
        timing: DeliveryTiming {
            post_timeout: config.webhooks.timeout,
            ..DeliveryTiming::default()
        },
        lower_priority: true,
        fault_injection: config.debug.fault_injection,
    })
    .await;
    Ok(started?)
}

/// Threads that carry installations.
pub(crate) fn arbiters(config: &Config) -> usize {
    match config.fleet.arbiters {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        arbiters => arbiters,
    }
}

/// A store of an earlier version has no token, and nobody could ask.
fn first_token(store: &Store, loaded: &Loaded) -> Result<(), Failure> {
    let path = token_file::path_of(loaded).map_err(FirstTokenError::File)?;
    let Some(made) = token_file::make_first(store, &path)? else {
        return Ok(());
    };
    tracing::info!(
        token = %made.id,
        file = %path.display(),
        "the store had no token: the first one is made, and commands on this host find it in its file"
    );
    Ok(())
}

fn tell_exposed(settings: &StoreSettings) {
    for exposed in settings.exposed() {
        tracing::warn!(
            path = %exposed.path.display(),
            mode = format!("{:04o}", exposed.mode),
            next_step = exposed.advice(),
            "others may read or change what belongs to the store",
        );
    }
}

fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|source| Failure::Listen {
        address,
        setting,
        source,
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener
        .local_addr()
        .map_err(Failure::io("learn the address that was bound"))
}

/// What the configuration says of outgoing traffic.
pub(crate) fn egress(loaded: &Loaded) -> Result<(EgressSettings, RootsReport), Failure> {
    let config = &loaded.config;
    let ca_file = config.tls.ca_file.as_deref().map(|path| loaded.path(path));
    let (tls, roots) = tls_config(ca_file.as_deref())?;
    let mut settings = EgressSettings::new(tls, ProxyEnvironment::from_vars(std::env::vars_os()));
    if let Some(proxy) = &config.proxy.url {
        settings.proxy = proxy.policy(&loaded.directory)?;
    }
    settings.no_proxy =
        NoProxy::from_entries(&config.proxy.no_proxy).expect("validation has accepted the entries");
    settings.plain_hosts = config.egress.plain_http_hosts.clone();
    Ok((settings, roots))
}

/// The same for a process that holds connections, and the files that it may open for them.
fn outgoing(loaded: &Loaded, arbiters: usize) -> Result<(EgressSettings, OpenFiles), Failure> {
    let (mut egress, roots) = egress(loaded)?;
    let open_files = OpenFiles::of_process(arbiters, &loaded.config.relay);
    egress.sockets = open_files.sockets();
    tell_roots(&roots);
    tell_proxies(&egress.environment);
    Ok((egress, open_files))
}

fn tell_exposure(admin: SocketAddr) {
    if !admin.ip().is_loopback() {
        tracing::warn!(
            %admin,
            "the admin interface can be reached from elsewhere, where tokens and secrets travel in clear; set server.admin_listen to 127.0.0.1 and put a proxy that speaks TLS in front"
        );
    }
}

fn tell_roots(roots: &RootsReport) {
    if roots.compiled_in > 0 {
        tracing::warn!(
            compiled_in = roots.compiled_in,
            "this system has no trusted certificate authorities; those compiled in are used. Install ca-certificates"
        );
    }
}

fn tell_proxies(environment: &ProxyEnvironment) {
    for unusable in environment.unusable() {
        tracing::error!(
            variable = unusable.variable,
            reason = unusable.reason,
            next_step = Setback::ProxyUnusable.next_step(),
            "this proxy cannot be used; bots that depend on it are not connected"
        );
    }
    for ignored in environment.ignored() {
        tracing::warn!(
            variable = ignored.variable,
            reason = ignored.reason,
            "an entry that exempts nobody from the proxy"
        );
    }
}
