//! The gateway in a process of its own, as `serve` runs it, watched over its admin interface.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::JsonClient;
use super::process::Process;
use crate::error::{BenchError, Role, StandError};
use crate::program::Program;

/// A running one. Dropping it kills it.
pub(crate) struct GatewayProcess {
    pub(crate) process: Process,
    listeners: Option<Listeners>,
    /// Where it leaves the token to ask it with.
    token_file: PathBuf,
}

/// Where it is asked.
struct Listeners {
    admin: JsonClient,
    /// Probes, metrics, and what applications use.
    api: JsonClient,
    /// The base URL of probes.
    probed: String,
}

/// One installation, as far as the stand uses it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ObservedInstallation {
    state: String,
    pub(crate) generation: u64,
}

impl ObservedInstallation {
    pub(crate) fn is_live(&self) -> bool {
        self.state == "live"
    }
}

/// How many actors there are of a kind.
#[derive(Deserialize)]
struct CountedActors {
    matched: u64,
}

/// The answer about a new token.
#[derive(Deserialize)]
struct AddedToken {
    token: String,
}

/// Probes a running gateway with a new connection each time, as monitoring systems do.
pub(crate) struct Prober(JsonClient);

impl Prober {
    /// How long the answer takes.
    pub(crate) async fn probe(&self, path: &str) -> Result<Duration, StandError> {
        let began = Instant::now();
        self.0.touch(path).await?;
        Ok(began.elapsed())
    }
}

/// What it says of itself: the part of its overview that the stand uses. Counted since its start.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct GatewayOverview {
    by_state: BTreeMap<String, u64>,
    pub(crate) events: EventCounts,
    pub(crate) answers: AnswerCounts,
    pub(crate) connections: ConnectionCounts,
    pub(crate) ack_latency_us: LatencySummary,
    pub(crate) record_latency_us: LatencySummary,
    pub(crate) store: StoreCounts,
    #[serde(default)]
    pub(crate) connection_limit: ConnectionLimit,
    /// By kind.
    malformed: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct EventCounts {
    pub(crate) recorded: u64,
    repeats_by_event_id: u64,
    repeats_by_message: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct AnswerCounts {
    pub(crate) refused: u64,
    pub(crate) refused_late: u64,
    pub(crate) shed: u64,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct ConnectionCounts {
    pub(crate) attempts: u64,
    pub(crate) opened: u64,
    pub(crate) lost: u64,
    pub(crate) silent: u64,
}

/// From the read of an event's last byte until it is durable, and its ACK, where one is asked for, is encoded; in
/// microseconds.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
pub(crate) struct LatencySummary {
    #[serde(rename(serialize = "p50_us"))]
    pub(crate) p50: u64,
    #[serde(rename(serialize = "p99_us"))]
    pub(crate) p99: u64,
    #[serde(rename(serialize = "max_us"))]
    pub(crate) max: u64,
}

/// The connections that the limit on open files allows.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct ConnectionLimit {
    /// Installations that wait for one.
    pub(crate) waiting: u64,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct StoreCounts {
    pub(crate) commits: u64,
    /// Why nothing is recorded.
    pub(crate) cause: Option<String>,
}

impl GatewayOverview {
    /// Installations that are connected and have had their first pong.
    pub(crate) fn live(&self) -> u64 {
        self.by_state.get("live").copied().unwrap_or(0)
    }

    /// Input that was not understood or not kept.
    pub(crate) fn malformed(&self) -> u64 {
        self.malformed.values().sum()
    }

    /// Answers 500, for whatever reason.
    pub(crate) fn refusals(&self) -> u64 {
        self.answers.refused + self.answers.refused_late + self.answers.shed
    }

    /// Events that came again and were recognized.
    pub(crate) fn repeats(&self) -> u64 {
        self.events.repeats_by_event_id + self.events.repeats_by_message
    }
}

impl GatewayProcess {
    /// Starts one and does not wait for it. `open_files` is how many files it may have open; without it, as many as this
    /// process may.
    pub(super) fn spawn(
        program: &Program,
        config: &Path,
        token_file: PathBuf,
        open_files: Option<u32>,
    ) -> Result<Self, StandError> {
        let arguments = ["serve", "--end-with-parent", "--log=json", "--config"].map(OsStr::new);
        let arguments = [&arguments[..], &[config.as_os_str()]].concat();
        let process = match open_files {
            None => Process::spawn(program, Role::Gateway, &arguments, listeners)?,
            Some(limit) => {
                // The shell's own `ulimit`, both limits at once, and then the shell is the gateway.
                let mut shell = Command::new("/bin/sh");
                shell
                    .args(["-c", "ulimit -n \"$0\" && exec \"$@\""])
                    .arg(limit.to_string())
                    .arg(&program.executable)
                    .args(arguments);
                Process::run(Role::Gateway, shell, listeners)?
            }
        };
        Ok(Self {
            process,
            listeners: None,
            token_file,
        })
    }

    /// Starts one that takes over from this one, with the same configuration.
    pub(super) fn spawn_successor(
        &self,
        program: &Program,
        config: &Path,
    ) -> Result<Self, StandError> {
        let arguments = [
            "serve",
            "--takeover",
            "--end-with-parent",
            "--log=json",
            "--config",
        ];
        let arguments = [&arguments.map(OsStr::new)[..], &[config.as_os_str()]].concat();
        Ok(Self {
            process: Process::spawn(program, Role::Gateway, &arguments, summary)?,
            listeners: None,
            token_file: self.token_file.clone(),
        })
    }

    /// Waits until it has taken over from `before`, which has ended then. It is asked at the same addresses from then on.
    pub(crate) async fn taken_over(
        &mut self,
        mut before: Self,
        limit: Duration,
    ) -> Result<TakeoverSummary, BenchError> {
        before.listeners().await?;
        let line = self.process.line_within(limit, "take over").await?;
        before.process.ended_within(limit).await?;
        self.listeners = before.listeners.take();
        let summary = serde_json::from_str(&line).map_err(std::io::Error::from);
        summary.map_err(BenchError::io("read the summary of a takeover"))
    }

    async fn listeners(&mut self) -> Result<&Listeners, BenchError> {
        Ok(match &mut self.listeners {
            Some(listeners) => listeners,
            none => {
                let addresses = self.process.address().await?;
                let (admin, api) = addresses.split_once(' ').unwrap_or((&addresses, ""));
                // It has been written by whoever says where it listens.
                let token = read_token(&self.token_file)?;
                let client = |address: &str| {
                    let client = JsonClient::new(Role::Gateway, format!("http://{address}"), None)?;
                    Ok::<_, BenchError>(client.with_token(token.clone()))
                };
                none.insert(Listeners {
                    admin: client(admin)?,
                    api: client(api)?,
                    probed: format!("http://{api}"),
                })
            }
        })
    }

    /// What it says of itself, as soon as it can.
    pub(crate) async fn view(&mut self) -> Result<GatewayOverview, BenchError> {
        let admin = &self.listeners().await?.admin;
        Ok(admin.get("/admin/v1/overview").await?)
    }

    /// What it says of the installation of this name.
    pub(crate) async fn installation(
        &mut self,
        name: &str,
    ) -> Result<ObservedInstallation, BenchError> {
        let admin = &self.listeners().await?.admin;
        let path = format!("/admin/v1/installations/{name}");
        Ok(admin.get(&path).await?)
    }

    /// Connections of applications that are open now.
    pub(crate) async fn application_connections(&mut self) -> Result<u64, BenchError> {
        let admin = &self.listeners().await?.admin;
        let path = "/admin/v1/actors?kind=relay_connection&limit=1";
        Ok(admin.get::<CountedActors>(path).await?.matched)
    }

    /// For probes of the listener that service managers watch.
    pub(crate) async fn prober(&mut self) -> Result<Prober, BenchError> {
        let probed = self.listeners().await?.probed.clone();
        Ok(Prober(JsonClient::new(Role::Gateway, probed, None)?))
    }

    /// The base URL of what applications ask.
    pub(crate) async fn api_url(&mut self) -> Result<String, BenchError> {
        Ok(self.listeners().await?.probed.clone())
    }

    /// The token to ask it with.
    pub(super) fn token(&self) -> Result<SecretString, BenchError> {
        read_token(&self.token_file)
    }

    /// Makes a token that may do this.
    pub(crate) async fn add_token(
        &mut self,
        name: &str,
        scopes: &[&str],
    ) -> Result<SecretString, BenchError> {
        let admin = &self.listeners().await?.admin;
        let asked = json!({ "name": name, "scopes": scopes });
        let added: AddedToken = admin.post("/admin/v1/tokens", &asked).await?;
        Ok(SecretString::from(added.token))
    }

    /// For what applications ask.
    pub(super) async fn api(&mut self) -> Result<&JsonClient, BenchError> {
        Ok(&self.listeners().await?.api)
    }

    /// How long the answer to a question takes, in which everything is looked at.
    pub(crate) async fn answer_time(&mut self, path: &str) -> Result<Duration, BenchError> {
        // Connected and asked once before the time counts.
        self.view().await?;
        let admin = &self.listeners().await?.admin;
        let began = Instant::now();
        let _: Value = admin.get(path).await?;
        Ok(began.elapsed())
    }

    /// Drains it. It answers everything it has read, then ends.
    pub(crate) async fn end(self) -> Result<(), StandError> {
        self.process.end(Duration::from_secs(60)).await
    }
}

fn read_token(file: &Path) -> Result<SecretString, BenchError> {
    let read = BenchError::io(format!("read {}", file.display()));
    let token = std::fs::read_to_string(file).map_err(read)?;
    Ok(SecretString::from(token.trim()))
}

/// What a takeover says of itself in the end.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TakeoverSummary {
    pub(crate) moved: u64,
    /// Of these, bots of a platform that displaces.
    pub(crate) wecom_bots: u64,
    /// Bots that were connected before and are not yet.
    pub(crate) not_connected: u64,
    pub(crate) wecom_gap_p50_ms: u64,
    pub(crate) wecom_gap_max_ms: u64,
    /// Seconds, as text.
    pub(crate) took_s: String,
}

/// The line that says what came of a takeover.
fn summary(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    let is_it = value["message"].as_str()?.starts_with("taken over");
    is_it.then(|| line.to_owned())
}

/// The addresses of both listeners in the line that says it serves: the admin one, a blank, and the other.
fn listeners(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line["message"] != "serving" {
        return None;
    }
    Some(format!(
        "{} {}",
        line["admin"].as_str()?,
        line["api"].as_str()?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_stand_in_the_line_that_says_serving() {
        let line =
            r#"{"level":"INFO","api":"127.0.0.1:1","admin":"127.0.0.1:2","message":"serving"}"#;
        assert_eq!(listeners(line).as_deref(), Some("127.0.0.1:2 127.0.0.1:1"));
        let other = r#"{"admin":"127.0.0.1:2","api":"127.0.0.1:1","message":"other"}"#;
        assert_eq!(listeners(other), None);
        assert_eq!(listeners("serving"), None);
    }
}
