//! A running gateway: the store, the fleet and the two listeners, started in an order that fails early and
//! stopped in an order that loses nothing.
//!
//! ```text
//! start   listeners bound → store open → declared installations kept → fleet → listeners answer
//! drain   readiness says no → feeds end → fleet answers what it has in hand → listeners closed → store closed
//! ```
//!
//! `serve` and `demo` run the same one.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use longwire_egress::{EgressSettings, NoProxy, ProxyEnvironment, RootsReport, tls_config};
use longwire_fleet::{Drained, Fleet, FleetSettings};
use longwire_store::{NewInstallation, Store, StoreSettings};

use crate::config::{InstallationSection, Loaded};
use crate::exit::Failure;
use crate::files;
use crate::surface::{self, Surface};

/// Everything that runs.
pub(crate) struct Gateway {
    pub(crate) store: Store,
    pub(crate) fleet: Fleet,
    /// Where probes and metrics are.
    pub(crate) api: SocketAddr,
    /// Where the admin interface is.
    pub(crate) admin: SocketAddr,
    surface: Arc<Surface>,
    servers: [ServerHandle; 2],
}

impl Gateway {
    /// Starts everything. Inside an actix system.
    ///
    /// The declared installations are taken out of `loaded`: from then on the store has them, and thousands of them
    /// need not be kept twice.
    pub(crate) async fn start(loaded: &mut Loaded) -> Result<Self, Failure> {
        let installations = std::mem::take(&mut loaded.config.installations);
        let config = &loaded.config;
        let api = bind(config.server.listen, "server.listen")?;
        let admin = bind(config.server.admin_listen, "server.admin_listen")?;
        let (egress, roots) = egress(loaded)?;
        tell_roots(&roots);
        let declared = declared(&installations, &loaded.directory)?;
        drop(installations);
        let settings = loaded.store_settings();
        let store = Store::open(&settings)?;
        tell_exposed(&settings);
        // Always, even with none: what is no longer declared is to stop.
        store.put_from_file(declared)?;
        files::suffice_for(store.count_wanted()?);
        let fleet = Fleet::start(FleetSettings {
            timing: config.timing.timing(),
            connect_per_second: config.connect.per_second,
            window_events: config.window.events,
            window_bytes: config.window.bytes,
            arbiters: config.fleet.arbiters,
            egress,
            store: store.clone(),
            fault_injection: config.debug.fault_injection,
        })
        .await;
        let surface = Arc::new(Surface::new(fleet.clone(), store.clone(), config));
        let listen = Failure::io("serve HTTP");
        let (api_address, admin_address) = (address(&api)?, address(&admin)?);
        let servers = surface::serve(&surface, api, admin).map_err(listen)?;
        Ok(Self {
            store,
            fleet,
            api: api_address,
            admin: admin_address,
            surface,
            servers,
        })
    }

    /// Ends everything, within `limit` and a little more.
    pub(crate) async fn drain(self, limit: Duration) -> Drained {
        self.surface.begin_drain();
        let drained = self.fleet.drain(limit).await;
        // Nothing of worth is under way on the listeners by now; those who still ask have had their answer.
        let [api, admin] = self.servers;
        let stopped = async { tokio::join!(api.stop(true), admin.stop(true)) };
        if tokio::time::timeout(Duration::from_secs(2), stopped)
            .await
            .is_err()
        {
            tracing::debug!("a listener still had requests in hand");
        }
        drained
    }
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
    let environment =
        ProxyEnvironment::from_vars(std::env::vars_os().filter_map(|(name, value)| {
            // A proxy's address that is not UTF-8 is none.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
    for ignored in environment.ignored() {
        tracing::warn!(
            variable = ignored.variable,
            "proxy variable not used: {}",
            ignored.reason
        );
    }
    let mut settings = EgressSettings::new(tls, environment);
    if let Some(proxy) = &config.proxy.url {
        settings.proxy = proxy.policy(&loaded.directory)?;
    }
    // Validation has accepted the entries.
    settings.no_proxy = NoProxy::from_entries(&config.proxy.no_proxy).unwrap_or_default();
    settings.plain_hosts = config.egress.plain_http_hosts.clone();
    Ok((settings, roots))
}

fn tell_roots(roots: &RootsReport) {
    if roots.compiled_in > 0 {
        tracing::warn!(
            compiled_in = roots.compiled_in,
            "this system has no trusted certificate authorities; those compiled in are used. Install ca-certificates"
        );
    }
}

/// The file's installations with their secrets. All of them or none: a secret that is not there is a mistake in
/// the configuration, and starting without a bot would hide it.
fn declared(
    installations: &[InstallationSection],
    directory: &Path,
) -> Result<Vec<NewInstallation>, Failure> {
    let resolve = |section: &InstallationSection| section.resolve(directory);
    Ok(installations
        .iter()
        .map(resolve)
        .collect::<Result<_, _>>()?)
}
