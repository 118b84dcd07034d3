//! What the demo plays on: the simulated platform, and a configuration in a temporary directory.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use longwire_sim::{Sim, SimSettings};
use longwire_wire::endpoint::ClientConfig;
use tempfile::TempDir;

use crate::cli;
use crate::config::{Config, InstallationSection, Loaded, PlatformName, SecretRef};
use crate::exit::Failure;

/// Seconds between pings, as the simulated platform asks.
const PING_INTERVAL_S: i64 = 4;
/// How long a ping may stay unanswered.
const PONG_GRACE: Duration = Duration::from_secs(2);
/// The platform's repeats come ten times as fast: the first after 1.5 s.
const TIME_FACTOR: f64 = 10.0;
/// Records the simulator keeps for the verdict; beyond it the oldest events are counted, but no longer compared.
const KEPT_RECORDS: usize = 500_000;
/// The address the admin interface has in a `serve`, if it is free.
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7701);

/// Platform, configuration and the place both need.
pub(super) struct Stage {
    pub(super) sim: Sim,
    pub(super) loaded: Loaded,
    /// Names of the bots, each also its app's id.
    pub(super) names: Vec<String>,
    pub(super) rate: f64,
    directory: TempDir,
}

impl Stage {
    pub(super) fn build(command: &cli::Demo) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new()
            .prefix("longwire-demo-")
            .tempdir()
            .map_err(Failure::io("make a temporary directory"))?;
        let sim = Sim::start(settings())?;
        let secret = directory.path().join("app.secret");
        std::fs::write(&secret, "no-real-secret")
            .map_err(Failure::io(format!("write {}", secret.display())))?;
        let digits = command.bots.to_string().len();
        let names: Vec<String> = (1..=command.bots)
            .map(|number| format!("bot-{number:0digits$}"))
            .collect();
        let base_url = sim.base_url().parse().ok();
        let installations = names.iter().map(|name| InstallationSection {
            name: name.clone(),
            platform: PlatformName::Feishu,
            app_id: Some(name.clone()),
            app_secret: Some(SecretRef::File(PathBuf::from("app.secret"))),
            bot_id: None,
            secret: None,
            base_url: base_url.clone(),
            proxy: Some(crate::config::ProxySetting::Direct),
            take_back_after: None,
            take_back_per_day: None,
            enabled: true,
        });
        let mut config = Config {
            installations: installations.collect(),
            ..Config::default()
        };
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.server.admin_listen = command.admin_listen.unwrap_or_else(free_admin_address);
        config.connect.per_second = config.connect.per_second.max(command.bots / 4);
        config.timing.pong_grace = PONG_GRACE;
        Ok(Self {
            sim,
            loaded: Loaded {
                config,
                file: PathBuf::from("demo"),
                directory: directory.path().to_owned(),
                overrides: Vec::new(),
            },
            names,
            rate: command.rate,
            directory,
        })
    }

    /// Ends the platform and removes the directory.
    pub(super) fn clear(self) {
        self.sim.stop();
        if let Err(error) = self.directory.close() {
            tracing::error!(%error, "the temporary directory cannot be removed");
        }
    }
}

fn settings() -> SimSettings {
    SimSettings {
        seed: crate::moment::now_ms().unsigned_abs(),
        time_factor: TIME_FACTOR,
        // A short ladder again and again, so that the verdict does not wait for the platform's six hours.
        ladder: vec![Duration::from_secs(15); 12],
        // The deadline for an ACK stays the real one: 3 s after the factor.
        ack_deadline: Duration::from_secs_f64(3.0 * TIME_FACTOR),
        client_config: ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(2),
            reconnect_nonce: Some(1),
            ping_interval: Some(PING_INTERVAL_S),
        },
        // Longer than it takes the gateway to notice, so that it is the gateway who ends it.
        half_open_kept: Duration::from_secs_f64(9.0 * TIME_FACTOR),
        keep_records: KEPT_RECORDS,
        ..SimSettings::default()
    }
}

/// The usual address, or with it taken a free port.
fn free_admin_address() -> SocketAddr {
    match TcpListener::bind(ADMIN) {
        Ok(_) => ADMIN,
        Err(_) => SocketAddr::new(ADMIN.ip(), 0),
    }
}
