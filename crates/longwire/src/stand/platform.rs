//! The simulated platform in a process of its own, steered over its control interface.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longwire_sim::{ClosedLoop, Ledger, Traffic};
use serde::Deserialize;
use serde_json::{Value, json};

use super::StandError;
use super::http::Http;
use super::process::{Process, Role};
use crate::exit::Failure;

/// How a platform is started. Its defaults are those of the real one, but for the reconnect nonce: clients come
/// back at once, because their own speed is what is looked at.
#[derive(Debug, Clone)]
pub(crate) struct PlatformSettings {
    pub(crate) tls: bool,
    pub(crate) seed: u64,
    /// Seconds between pings.
    pub(crate) ping_interval: u32,
    /// Divides its waiting times.
    pub(crate) time_factor: f64,
    /// Its waiting times before repeats, before they are divided.
    pub(crate) repeats: Vec<Duration>,
    /// Finished pushes whose ids it can still tell.
    pub(crate) keep_records: u32,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            tls: false,
            seed: crate::moment::now_ms().unsigned_abs(),
            ping_interval: 120,
            time_factor: 1.0,
            // The first rung again and again, so that a verdict does not wait for the platform's six hours.
            repeats: vec![Duration::from_secs(15); 20],
            keep_records: 100_000,
        }
    }
}

impl PlatformSettings {
    fn arguments(&self, ca_file: Option<&Path>) -> Vec<String> {
        let repeats: Vec<String> = self
            .repeats
            .iter()
            .map(|pause| format!("{}ms", pause.as_millis()))
            .collect();
        let mut arguments = vec![
            "sim".to_owned(),
            "--end-with-parent".to_owned(),
            "--listen=127.0.0.1:0".to_owned(),
            "--reconnect-nonce=0".to_owned(),
            format!("--seed={}", self.seed),
            format!("--ping-interval={}", self.ping_interval),
            format!("--time-factor={}", self.time_factor),
            format!("--repeats={}", repeats.join(",")),
            format!("--keep-records={}", self.keep_records),
        ];
        if let Some(path) = ca_file {
            arguments.push(format!("--tls-ca={}", path.display()));
        }
        arguments
    }
}

/// A running one.
pub(crate) struct Platform {
    pub(crate) process: Process,
    pub(crate) base_url: String,
    /// Whom its clients have to trust.
    pub(crate) ca_file: Option<PathBuf>,
    http: Http,
}

/// Faults the stand puts on connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breakage {
    Drop,
    Close,
    HalfOpen,
    /// The end of `HalfOpen`.
    Recover,
    /// The header of a frame of 256 MiB.
    Oversized,
}

#[derive(Deserialize)]
struct Faulted {
    connections: u64,
}

impl Platform {
    /// Starts one; what it writes lies in `directory`.
    pub(super) async fn start(
        settings: &PlatformSettings,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let ca_file = settings.tls.then(|| directory.join("platform-ca.pem"));
        let arguments = settings.arguments(ca_file.as_deref());
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let mut process = Process::spawn(Role::Platform, &arguments, base_url)?;
        let base_url = process.address().await?;
        let http = Http::new(Role::Platform, base_url.clone(), ca_file.as_deref())?;
        Ok(Self {
            process,
            base_url,
            ca_file,
            http,
        })
    }

    /// Its counters.
    pub(crate) async fn ledger(&self) -> Result<Ledger, StandError> {
        self.http.get("/sim/v1/ledger").await
    }

    /// The ids of acknowledged events, as many as it keeps.
    pub(crate) async fn acked(&self) -> Result<Vec<String>, StandError> {
        self.http.get("/sim/v1/acked").await
    }

    /// Events at a rate.
    pub(crate) async fn pace(&self, traffic: &Traffic) -> Result<(), StandError> {
        self.traffic(json!({ "rate": traffic })).await
    }

    /// Events as fast as they are answered.
    pub(crate) async fn close_loop(&self, closed: &ClosedLoop) -> Result<(), StandError> {
        self.traffic(json!({ "closed_loop": closed })).await
    }

    /// No more events.
    pub(crate) async fn stop_traffic(&self) -> Result<(), StandError> {
        self.traffic(json!("stop")).await
    }

    async fn traffic(&self, verb: Value) -> Result<(), StandError> {
        let _: Value = self.http.post("/sim/v1/traffic", &verb).await?;
        Ok(())
    }

    /// Pushes so many events to an app over one connection, each cut into parts of which the last is not sent. What is
    /// sent of them takes turns, so all are incomplete at the same time. Their repeats come whole.
    pub(crate) async fn push_incomplete(
        &self,
        app: &str,
        events: usize,
        parts: usize,
        part_bytes: usize,
    ) -> Result<(), StandError> {
        let push = json!({
            "payload": { "made_up": { "bytes": parts * part_bytes } },
            "fragments": { "size_bytes": part_bytes, "drop": [parts - 1] },
        });
        let body = json!({ "app": app, "interleaved": vec![push; events] });
        let _: Value = self.http.post("/sim/v1/push", &body).await?;
        Ok(())
    }

    /// Breaks every live connection; returns how many there were.
    pub(crate) async fn break_all(&self, breakage: Breakage) -> Result<u64, StandError> {
        let fault = match breakage {
            Breakage::Drop => json!("drop"),
            Breakage::Close => json!({ "close": 1001 }),
            Breakage::HalfOpen => json!("half_open"),
            Breakage::Recover => json!("recover"),
            Breakage::Oversized => json!({ "oversized_frame": 256 << 20 }),
        };
        let body = json!({ "target": "all", "fault": fault });
        let faulted: Faulted = self.http.post("/sim/v1/fault", &body).await?;
        Ok(faulted.connections)
    }
}

/// The first line of standard output.
fn base_url(line: &str) -> Option<String> {
    line.starts_with("http").then(|| line.to_owned())
}
