//! The simulated platform in a process of its own, steered over its control interface. What tells the platforms apart on
//! the stand is here and nowhere else: their addresses and verbs, their counters, and how a bot of each is declared.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use longwire_sim::wecom::{self, Flood};
use longwire_sim::{Behaviour, ClosedLoop, HttpLoad, RequestUrls, Traffic};
use serde::Deserialize;
use serde_json::{Value, json};

use super::PlatformCounts;
use super::http::JsonClient;
use super::process::Process;
use crate::cli::Played;
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;

/// How a platform is started. Its defaults are those of the real one, but for the reconnect nonce: clients come
/// back at once, because their own speed is what is looked at.
#[derive(Debug, Clone)]
pub(crate) struct PlatformSettings {
    pub(crate) played: Played,
    pub(crate) tls: bool,
    pub(crate) seed: u64,
    /// Feishu: seconds between pings.
    pub(crate) ping_interval: u32,
    /// Divides its waiting times.
    pub(crate) time_factor: f64,
    /// Feishu: its waiting times before repeats, before they are divided.
    pub(crate) repeats: Vec<Duration>,
    /// Finished pushes whose ids it can still tell.
    pub(crate) keep_records: u32,
}

impl Default for PlatformSettings {
    fn default() -> Self {
        Self {
            played: Played::Feishu,
            tls: false,
            seed: crate::seed::fresh(),
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
            format!("--seed={}", self.seed),
            format!("--time-factor={}", self.time_factor),
            format!("--keep-records={}", self.keep_records),
        ];
        arguments.extend(match self.played {
            Played::Feishu => vec![
                "--reconnect-nonce=0".to_owned(),
                // What is measured is the gateway's own way with calls.
                "--no-call-limits".to_owned(),
                format!("--ping-interval={}", self.ping_interval),
                format!("--repeats={}", repeats.join(",")),
            ],
            Played::Wecom => vec!["--platform=wecom".to_owned()],
        });
        if let Some(path) = ca_file {
            arguments.push(format!("--tls-ca={}", path.display()));
        }
        arguments
    }
}

/// A running one.
pub(crate) struct SimulatedPlatform {
    pub(crate) played: Played,
    pub(crate) process: Process,
    /// What clients are given.
    pub(crate) base_url: String,
    /// Whom its clients have to trust.
    pub(crate) ca_file: Option<PathBuf>,
    http: JsonClient,
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

impl Breakage {
    fn fault(self) -> Value {
        match self {
            Self::Drop => json!("drop"),
            Self::Close => json!({ "close": 1001 }),
            Self::HalfOpen => json!("half_open"),
            Self::Recover => json!("recover"),
            Self::Oversized => json!({ "oversized_frame": 256 << 20 }),
        }
    }
}

#[derive(Deserialize)]
struct Faulted {
    connections: u64,
}

impl SimulatedPlatform {
    /// Starts one; what it writes lies in `directory`.
    pub(super) async fn start(
        program: &Program,
        settings: &PlatformSettings,
        directory: &Path,
    ) -> Result<Self, BenchError> {
        let ca_file = settings.tls.then(|| directory.join("platform-ca.pem"));
        let arguments = settings.arguments(ca_file.as_deref());
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        let mut process = Process::spawn(program, Role::Platform, &arguments, base_url)?;
        let base_url = process.address().await?;
        let control_url = match settings.played {
            Played::Feishu => base_url.clone(),
            // Both are served at one address: `ws` is to `wss` as `http` to `https`.
            Played::Wecom => base_url.replacen("ws", "http", 1),
        };
        let http = JsonClient::new(Role::Platform, control_url, ca_file.as_deref())?;
        Ok(Self {
            played: settings.played,
            process,
            base_url,
            ca_file,
            http,
        })
    }

    /// Its counters.
    pub(crate) async fn ledger(&self) -> Result<PlatformCounts, StandError> {
        const PATH: &str = "/sim/v1/ledger";
        Ok(match self.played {
            Played::Feishu => self.http.get::<longwire_sim::Ledger>(PATH).await?.into(),
            Played::Wecom => self.http.get::<wecom::Ledger>(PATH).await?.into(),
        })
    }

    /// The ids of the events that [`PlatformCounts::owed`] counts, as many as it keeps.
    pub(crate) async fn owed(&self) -> Result<Vec<String>, StandError> {
        let verbs = match self.played {
            Played::Feishu => &["/sim/v1/acked", "/sim/v1/http/delivered"][..],
            Played::Wecom => &["/sim/v1/delivered"],
        };
        let mut owed = Vec::new();
        for verb in verbs {
            owed.append(&mut self.http.get(verb).await?);
        }
        Ok(owed)
    }

    /// The lines of a configuration that say which bot of it this is and where it lives. Any secret will do.
    pub(super) fn declare(&self, identity: &str) -> String {
        let name = self.played.word();
        let (id, secret) = match self.played {
            Played::Feishu => ("app_id", "app_secret"),
            Played::Wecom => ("bot_id", "secret"),
        };
        format!(
            "platform = \"{name}\"\n{id} = \"{identity}\"\n{secret} = {{ file = \"bot.secret\" }}\nbase_url = \"{}\"\n",
            self.base_url
        )
    }

    /// The app or bot with this number, counted from 1.
    pub(crate) fn identity(&self, number: u32) -> String {
        match self.played {
            Played::Feishu => format!("cli_{number:016}"),
            Played::Wecom => format!("aib{number:016}"),
        }
    }

    /// Events at a rate.
    pub(crate) async fn pace(&self, traffic: &Traffic) -> Result<(), StandError> {
        self.traffic(json!({ "rate": traffic })).await
    }

    /// WeCom: events as fast as the connections take them.
    pub(crate) async fn flood(&self, flood: &Flood) -> Result<(), StandError> {
        self.traffic(json!({ "flood": flood })).await
    }

    /// Feishu: events as fast as they are answered.
    pub(crate) async fn close_loop(&self, closed: &ClosedLoop) -> Result<(), StandError> {
        self.traffic(json!({ "closed_loop": closed })).await
    }

    /// Feishu: callbacks as fast as they are answered, one at a time on each of so many kept connections.
    pub(crate) async fn post_callbacks(&self, load: &HttpLoad) -> Result<(), StandError> {
        let verb = json!({ "load": load });
        let _: Value = self.http.post("/sim/v1/http/load", &verb).await?;
        Ok(())
    }

    /// Saves the request URLs of the app with this number, which answer the platform's challenge.
    pub(crate) async fn save_request_urls(
        &self,
        number: u32,
        urls: &RequestUrls,
    ) -> Result<(), StandError> {
        let mut body = json!(urls);
        body["app"] = self.identity(number).into();
        let _: Value = self.http.post("/sim/v1/request_urls", &body).await?;
        Ok(())
    }

    /// No more events.
    pub(crate) async fn stop_traffic(&self) -> Result<(), StandError> {
        if self.played == Played::Feishu {
            let _: Value = self.http.post("/sim/v1/http/load", &json!("stop")).await?;
        }
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
        self.fault(json!("all"), breakage).await
    }

    /// Breaks the connection of the app or bot with this number; returns whether it had one.
    pub(crate) async fn break_one(
        &self,
        number: u32,
        breakage: Breakage,
    ) -> Result<bool, StandError> {
        let target = json!({ "app": self.identity(number) });
        Ok(self.fault(target, breakage).await? > 0)
    }

    async fn fault(&self, target: Value, breakage: Breakage) -> Result<u64, StandError> {
        let body = json!({ "target": target, "fault": breakage.fault() });
        let faulted: Faulted = self.http.post("/sim/v1/fault", &body).await?;
        Ok(faulted.connections)
    }

    /// From now on answers all its apps so.
    pub(crate) async fn behave(&self, behaviour: &Behaviour) -> Result<(), StandError> {
        let body = json!({ "behaviour": behaviour });
        let _: Value = self.http.post("/sim/v1/behaviour", &body).await?;
        Ok(())
    }
}

/// The first line of standard output.
fn base_url(line: &str) -> Option<String> {
    let is_address = line.starts_with("http") || line.starts_with("ws");
    is_address.then(|| line.to_owned())
}
