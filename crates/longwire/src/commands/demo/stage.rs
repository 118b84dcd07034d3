//! What the demo plays on: the simulated platforms, and a configuration in a temporary directory.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::platform::Platform;
use crate::cli::{self, Played};
use crate::config::{Config, InstallationSection, Loaded, PlatformName, SecretRef};
use crate::exit::Failure;

/// Between pings: Feishu asks for it, for WeCom the gateway is configured so.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(4);
/// How long a ping may stay unanswered.
const PONG_GRACE: Duration = Duration::from_secs(2);
/// The address the admin interface has in a `serve`, if it is free.
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7701);

/// Platforms, configuration and the place they need.
pub(super) struct Stage {
    /// One, or both, each with a bot at least.
    pub(super) platforms: Vec<Platform>,
    pub(super) loaded: Loaded,
    pub(super) bots: u32,
    /// Events per second over all bots.
    pub(super) rate: f64,
    directory: TempDir,
}

impl Stage {
    pub(super) fn build(command: &cli::Demo) -> Result<Self, Failure> {
        let shares = shares(command)?;
        let directory = tempfile::Builder::new()
            .prefix("longwire-demo-")
            .tempdir()
            .map_err(Failure::io("make a temporary directory"))?;
        let started: Result<Vec<Platform>, Failure> = shares
            .into_iter()
            .map(|(played, bots)| Platform::start(played, bots))
            .collect();
        let platforms = started?;
        let secret = directory.path().join("bot.secret");
        std::fs::write(&secret, "no-real-secret")
            .map_err(Failure::io(format!("write {}", secret.display())))?;
        let mut config = Config {
            installations: platforms.iter().flat_map(installations).collect(),
            ..Config::default()
        };
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.server.admin_listen = command.admin_listen.unwrap_or_else(free_admin_address);
        config.connect.per_second = config.connect.per_second.max(command.bots / 4);
        config.timing.ping_interval = PING_INTERVAL;
        config.timing.pong_grace = PONG_GRACE;
        Ok(Self {
            platforms,
            loaded: Loaded {
                config,
                file: PathBuf::from("demo"),
                directory: directory.path().to_owned(),
                overrides: Vec::new(),
            },
            bots: command.bots,
            rate: command.rate,
            directory,
        })
    }

    /// Starts the traffic, the same for every bot.
    pub(super) fn start_traffic(&self) {
        for platform in &self.platforms {
            let share = platform.bots.len() as f64 / f64::from(self.bots);
            platform.push_at_rate(self.rate * share);
        }
    }

    /// Ends the platforms and removes the directory.
    pub(super) fn clear(self) {
        for platform in self.platforms {
            platform.stop();
        }
        if let Err(error) = self.directory.close() {
            tracing::error!(%error, "the temporary directory cannot be removed");
        }
    }
}

/// Which platforms are played, and for how many bots each. An odd one is Feishu's.
fn shares(command: &cli::Demo) -> Result<Vec<(Played, u32)>, Failure> {
    let bots = command.bots;
    match command.platform {
        Some(played) => Ok(vec![(played, bots)]),
        None if bots < 2 => Err(Failure::Usage(
            "--bots 1 is too few for two platforms: name the one it lives on with --platform"
                .to_owned(),
        )),
        None => Ok(vec![
            (Played::Feishu, bots.div_ceil(2)),
            (Played::Wecom, bots / 2),
        ]),
    }
}

fn installations(platform: &Platform) -> impl Iterator<Item = InstallationSection> {
    let base_url = platform.base_url().parse().ok();
    let secret = || SecretRef::File(PathBuf::from("bot.secret"));
    platform.bots.iter().map(move |name| {
        let bare = InstallationSection {
            name: name.parse().expect("a bot of the demo has a name"),
            platform: PlatformName::Feishu,
            app_id: None,
            app_secret: None,
            bot_id: None,
            secret: None,
            base_url: base_url.clone(),
            proxy: Some(crate::config::ProxySetting::Direct),
            take_back_after: None,
            take_back_per_day: None,
            enabled: true,
        };
        match platform.played {
            Played::Feishu => InstallationSection {
                app_id: Some(name.clone()),
                app_secret: Some(secret()),
                ..bare
            },
            Played::Wecom => InstallationSection {
                platform: PlatformName::Wecom,
                bot_id: Some(name.clone()),
                secret: Some(secret()),
                ..bare
            },
        }
    })
}

/// The usual address, or with it taken a free port.
fn free_admin_address() -> SocketAddr {
    match TcpListener::bind(ADMIN) {
        Ok(_) => ADMIN,
        Err(_) => SocketAddr::new(ADMIN.ip(), 0),
    }
}
