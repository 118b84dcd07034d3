//! An application on an official SDK, in a process of its own, which is asked how often its handler was called and how late.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::process::Process;
use super::{Sdks, TestStand};
use crate::cli::PeerClient;
use crate::error::{BenchError, Role, StandError};

/// How long an answer may take: at saturation a question waits behind the events that were read before it.
const ANSWER: Duration = Duration::from_secs(30);
/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// A running one. Dropping it kills it.
pub(crate) struct SdkApplication {
    pub(crate) process: Process,
    which: PeerClient,
    asked: u64,
}

/// How often its handler was called.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct SdkCalls {
    pub(crate) calls: u64,
    /// By its own clock, in microseconds since 1970.
    at_us: f64,
}

/// How late its handler was called, from the push of an event by the platform.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct SdkLateness {
    pub(crate) count: u64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

#[derive(Deserialize)]
struct Answered<T> {
    answer: u64,
    #[serde(flatten)]
    what: T,
}

#[derive(Deserialize)]
struct Begun {}

impl SdkCalls {
    /// Calls per second since an earlier look.
    pub(crate) fn per_second_since(&self, earlier: &Self) -> f64 {
        let seconds = (self.at_us - earlier.at_us) / 1e6;
        (self.calls - earlier.calls) as f64 / seconds
    }
}

impl TestStand {
    /// Starts one with the bot of this number, and does not wait for it. `secret_file` holds what it shows.
    pub(crate) fn spawn_sdk_application(
        &self,
        which: PeerClient,
        sdks: &Sdks,
        base_url: &str,
        number: u32,
        secret_file: &Path,
    ) -> Result<SdkApplication, BenchError> {
        let mut command = sdks.application(which, self.directory())?;
        command.args([base_url, &self.platform.identity(number)]);
        command.arg(secret_file);
        Ok(SdkApplication {
            process: Process::run(Role::Peer(which.name()), command, |_| None)?,
            which,
            asked: 0,
        })
    }
}

impl SdkApplication {
    /// The calls so far.
    pub(crate) async fn calls(&mut self) -> Result<SdkCalls, StandError> {
        self.ask("look").await
    }

    /// Begins to note how late calls are.
    pub(crate) async fn begin_timing(&mut self) -> Result<(), StandError> {
        self.ask::<Begun>("time").await.map(drop)
    }

    /// How late the calls were since then.
    pub(crate) async fn lateness(&mut self) -> Result<SdkLateness, StandError> {
        self.ask("late").await
    }

    async fn ask<T: DeserializeOwned>(&mut self, question: &str) -> Result<T, StandError> {
        self.asked += 1;
        let number = self.asked;
        self.process.tell(&format!("{question} {number}"))?;
        let until = Instant::now() + ANSWER;
        loop {
            let answer = self.process.latest(|line| {
                let answered: Answered<T> = serde_json::from_str(line).ok()?;
                (answered.answer == number).then_some(answered.what)
            });
            if let Some(answer) = answer {
                return Ok(answer);
            }
            self.process.check()?;
            if Instant::now() >= until {
                return Err(StandError::Slow {
                    role: Role::Peer(self.which.name()),
                    done: "answer",
                    limit: ANSWER,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
