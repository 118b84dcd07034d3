//! The test stand that `bench` and `torture` share: platform and gateway, each in a process of its own, so that the
//! cost of each is told apart.
//!
//! ```text
//! longwire sim ◀──────events, ACKs──────▶ longwire serve ──▶ store in a temporary directory
//!      ▲  control interface                  ▲  admin interface, /proc          │
//!      └──────────────── the run ────────────┘            verdict ◀─────────────┘
//! ```
//! The gateway is the one that `serve` runs, with the defaults of its configuration but for what a run names. Nothing
//! here decides what is measured; it only makes sure that both processes end with the run, however it ends.

mod application;
mod callback_secrets;
mod client;
mod configuration;
mod consumers;
mod counts;
mod ending;
mod gateway;
mod http;
mod platform;
mod process;
mod progress;
mod receiver;
mod recorded;
mod sdk_application;
mod sdks;
mod verdict;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::disk::Volume;
use crate::error::{BenchError, StandError};
use crate::program::Program;
use longwire_store::StoreSettings;

pub(crate) use application::ApplicationSettings;
pub(crate) use callback_secrets::CallbackSecretTexts;
pub(crate) use client::MeasuredClient;
pub(crate) use consumers::ObservedConsumerStatus;
pub(crate) use counts::PlatformCounts;
pub(crate) use gateway::{GatewayOverview, GatewayProcess, LatencySummary, Prober};
pub(crate) use platform::{Breakage, PlatformSettings, SimulatedPlatform};
pub(crate) use process::{Process, Resident};
pub(crate) use progress::ProgressLine;
pub(crate) use receiver::{ReceiverProcess, ReceivingApplication};
pub(crate) use recorded::RecordedIds;
pub(crate) use sdk_application::{SdkApplication, SdkCalls};
pub(crate) use sdks::Sdks;
pub(crate) use verdict::RunVerdict;

/// How long installations may take to connect, besides what the number of them and their budget demand.
const CONNECT: Duration = Duration::from_secs(30);

/// Platform, directory and store of one run.
pub(crate) struct TestStand {
    pub(crate) platform: SimulatedPlatform,
    program: Program,
    annex: Option<Annex>,
    per_second: u32,
    /// Where the gateway listens for applications.
    api: SocketAddr,
    /// What the installations check HTTP callbacks with, if they take any.
    callbacks: Option<CallbackSecretTexts>,
    /// What the gateway logs.
    log_filter: &'static str,
    /// Events that the gateway keeps; all of them unless it is set.
    keep_events: Option<u64>,
    /// Open files of the gateway; as many as this process may have unless it is set.
    open_files: Option<u32>,
    /// Where the store lies, if it has a file system of its own. Out of sight before the directory is removed.
    volume: Option<Volume>,
    directory: TempDir,
    /// Where the store lies when it is not to go with the run.
    kept: Option<PathBuf>,
}

/// A second platform with installations of its own in the same gateway, so that what is done to them and what the
/// others feel are told apart.
pub(crate) struct Annex {
    pub(crate) platform: SimulatedPlatform,
    pub(crate) installations: u32,
}

impl Annex {
    /// The app of the installation with this number, counted from 1.
    pub(crate) fn app(number: u32) -> String {
        format!("cli_annex{number:011}")
    }
}

impl TestStand {
    /// Starts the platform. `connections` are the most a process will hold at one time; `directory` is where the
    /// store is to lie, and `per_second` the gateway's budget of connection attempts.
    pub(crate) async fn build(
        program: &Program,
        connections: u64,
        directory: Option<&Path>,
        per_second: u32,
        settings: &PlatformSettings,
    ) -> Result<Self, BenchError> {
        allow_connections(program, connections)?;
        let directory = tempfile::Builder::new()
            .prefix("longwire-stand-")
            .tempdir_in(parent(directory))
            .map_err(BenchError::io("make a directory for the store"))?;
        Ok(Self {
            platform: SimulatedPlatform::start(program, settings, directory.path()).await?,
            program: program.clone(),
            annex: None,
            per_second,
            api: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            callbacks: None,
            log_filter: "longwire::commands::serve=info,error",
            keep_events: None,
            open_files: None,
            volume: None,
            directory,
            kept: None,
        })
    }

    /// Gives the store a file system of its own, before the first gateway is started.
    pub(crate) fn isolate_store(&mut self, size_bytes: u64) -> Result<(), StandError> {
        let volume = Volume::mount(self.directory.path(), size_bytes);
        self.volume = Some(volume.map_err(|source| StandError::NoVolume { source })?);
        Ok(())
    }

    /// The store's own file system.
    pub(crate) fn volume(&self) -> Option<&Volume> {
        self.volume.as_ref()
    }

    /// Puts the store of the gateways that are started from now on into a directory that outlives the run.
    pub(crate) fn keep_store_in(&mut self, directory: &Path) {
        self.kept = Some(directory.to_owned());
    }

    /// Gives the gateways that are started from now on another budget of attempts; 0 means none.
    pub(crate) fn budget(&mut self, per_second: u32) {
        self.per_second = per_second;
    }

    /// Lets the gateways that are started from now on keep so many events.
    pub(crate) fn keep_events(&mut self, events: u64) {
        self.keep_events = Some(events);
    }

    /// Lets the gateways that are started from now on have so many files open, and log as one that is in use does.
    pub(crate) fn limit_open_files(&mut self, limit: u32) {
        self.open_files = Some(limit);
        self.log_filter = "info";
    }

    /// Lets the gateways that are started from now on say what came of a takeover.
    pub(crate) fn log_takeovers(&mut self) {
        self.log_filter = "longwire::commands::serve=info,longwire::gateway=info,error";
    }

    /// Starts a gateway that takes over from a running one, and does not wait for it.
    pub(crate) fn spawn_successor(
        &self,
        before: &GatewayProcess,
    ) -> Result<GatewayProcess, BenchError> {
        let config = self.directory.path().join("longwire.toml");
        Ok(before.spawn_successor(&self.program, &config)?)
    }

    /// Lets all gateways that are started from now on listen for applications at the same address, one after the other.
    pub(crate) fn fix_api_address(&mut self) -> Result<(), BenchError> {
        // Free when it was asked for; who takes it meanwhile is a run that comes to nothing.
        let free = TcpListener::bind(self.api).and_then(|free| free.local_addr());
        self.api = free.map_err(BenchError::io("find a free port"))?;
        Ok(())
    }

    /// Where the gateway leaves its first token.
    fn token_file(&self) -> PathBuf {
        let settings = StoreSettings::at(self.store().display().to_string());
        let path = settings.token_file();
        path.expect("the store of a run is a file")
    }

    /// The database.
    pub(crate) fn store(&self) -> PathBuf {
        let volume = self.volume.as_ref().map(Volume::directory);
        let directory = self.kept.as_deref().or(volume);
        directory
            .unwrap_or(self.directory.path())
            .join("longwire.db")
    }

    /// What the store takes on disk, its write-ahead log included.
    pub(crate) fn store_bytes(&self) -> u64 {
        let mut log = self.store().into_os_string();
        log.push("-wal");
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        length(&self.store()) + length(Path::new(&log))
    }

    /// Starts a second platform; a gateway spawned from now on has so many installations there besides.
    pub(crate) async fn extend(
        &mut self,
        installations: u32,
        settings: &PlatformSettings,
    ) -> Result<(), BenchError> {
        self.annex = Some(Annex {
            platform: SimulatedPlatform::start(&self.program, settings, self.directory.path())
                .await?,
            installations,
        });
        Ok(())
    }

    /// The second platform, once there is one.
    pub(crate) fn annex(&self) -> Option<&Annex> {
        self.annex.as_ref()
    }

    /// Starts a gateway with so many installations, and does not wait for it.
    pub(crate) fn spawn(&self, installations: u32) -> Result<GatewayProcess, BenchError> {
        let write = |name: &str, text: &str| {
            let path = self.directory.path().join(name);
            std::fs::write(&path, text)
                .map(|()| path.clone())
                .map_err(BenchError::io(format!("write {}", path.display())))
        };
        write("bot.secret", "no-real-secret")?;
        if let Some(secrets) = &self.callbacks {
            write("bot.token", &secrets.verification_token)?;
            write("bot.key", &secrets.encrypt_key)?;
        }
        let config = write("longwire.toml", &self.config(installations))?;
        Ok(GatewayProcess::spawn(
            &self.program,
            &config,
            self.token_file(),
            self.open_files,
        )?)
    }

    /// Waits until so many installations are live; returns what the gateway then says.
    pub(crate) async fn all_live(
        &self,
        gateway: &mut GatewayProcess,
        wanted: u32,
    ) -> Result<GatewayOverview, BenchError> {
        let limit = CONNECT
            + Duration::from_millis(u64::from(wanted) * 10)
            + Duration::from_secs(u64::from(wanted / self.per_second.max(1)))
                * u32::from(self.per_second > 0);
        let wanted = u64::from(wanted);
        let until = Instant::now() + limit;
        loop {
            gateway.process.check()?;
            let view = gateway.view().await?;
            if view.live() >= wanted {
                return Ok(view);
            }
            if Instant::now() >= until {
                let live = view.live();
                return Err(StandError::NotLive {
                    live,
                    wanted,
                    limit,
                }
                .into());
            }
            tokio::time::sleep(look(wanted)).await;
        }
    }

    /// Where the store lies.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Where the directories of runs lie.
pub(crate) fn parent(directory: Option<&Path>) -> PathBuf {
    directory.map_or_else(std::env::temp_dir, Path::to_owned)
}

/// How often a fleet of this size is looked at: looking at thousands of installations takes some time itself.
pub(crate) fn look(installations: u64) -> Duration {
    Duration::from_millis((installations / 50).clamp(5, 100))
}

/// Says so when fewer files may be open in one process than so many connections need.
pub(crate) fn allow_connections(program: &Program, connections: u64) -> Result<(), StandError> {
    // The gateway keeps more of them for itself than the other processes need besides their connections.
    let needed = (program.open_files_needed)(connections);
    match program.open_files {
        Some(allowed) if allowed < needed => Err(StandError::OpenFiles { needed, allowed }),
        _ => Ok(()),
    }
}
