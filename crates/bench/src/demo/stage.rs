//! What the demo plays on: the simulated platforms with their bots, and a temporary directory.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::platform::DemoPlatform;
use super::sdk::SDK_BOT;
use crate::cli::{Demo, Played};
use crate::error::BenchError;

/// How long the gateway is to let a ping stay unanswered.
pub const PONG_GRACE: Duration = Duration::from_secs(2);
/// The file in the stage's directory that holds the secret of every bot.
pub const SECRET_FILE: &str = "bot.secret";

/// Platforms, and the place that the gateway needs.
#[derive(Debug)]
pub struct DemoStage {
    /// One, or both, each with a bot at least.
    pub(super) platforms: Vec<DemoPlatform>,
    pub(super) bots: u32,
    /// Events per second over all bots.
    pub(super) rate: f64,
    /// How long the traffic lasts; `None` without end.
    pub(super) seconds: Option<u64>,
    directory: TempDir,
}

/// A bot that the gateway has to have.
#[derive(Debug, Clone)]
pub struct DemoBot {
    /// Its name, and its app's or bot's id.
    pub name: String,
    /// The platform it lives on.
    pub platform: Played,
    /// Where that is.
    pub base_url: String,
}

impl DemoStage {
    /// Starts the platforms.
    ///
    /// # Errors
    /// When the arguments do not fit together, a platform does not start, or no file can be written.
    pub fn build(command: &Demo) -> Result<Self, BenchError> {
        let shares = shares(command)?;
        let directory = tempfile::Builder::new()
            .prefix("longwire-demo-")
            .tempdir()
            .map_err(BenchError::io("make a temporary directory"))?;
        let started: Result<Vec<DemoPlatform>, BenchError> = shares
            .into_iter()
            .map(|(played, bots)| DemoPlatform::start(played, bots))
            .collect();
        let mut platforms = started?;
        if command.sdk {
            let feishu = platforms.iter_mut();
            let feishu = feishu.filter(|platform| platform.played == Played::Feishu);
            if let Some(bot) = feishu.flat_map(|platform| platform.bots.first_mut()).next() {
                SDK_BOT.clone_into(bot);
            }
        }
        let secret = directory.path().join(SECRET_FILE);
        std::fs::write(&secret, "no-real-secret")
            .map_err(BenchError::io(format!("write {}", secret.display())))?;
        Ok(Self {
            platforms,
            bots: command.bots,
            rate: command.rate,
            seconds: command.seconds,
            directory,
        })
    }

    /// All bots.
    pub fn bots(&self) -> impl Iterator<Item = DemoBot> {
        self.platforms.iter().flat_map(|platform| {
            let base_url = platform.base_url();
            platform.bots.iter().map(move |name| DemoBot {
                name: name.clone(),
                platform: platform.played,
                base_url: base_url.clone(),
            })
        })
    }

    /// Where the gateway may write. It holds [`SECRET_FILE`].
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts the traffic, the same for every bot.
    pub(super) fn start_traffic(&self) {
        for platform in &self.platforms {
            let share = platform.bots.len() as f64 / f64::from(self.bots);
            platform.push_at_rate(self.rate * share);
        }
    }

    /// Ends the platforms and removes the directory.
    pub fn clear(self) {
        for platform in self.platforms {
            platform.stop();
        }
        if let Err(error) = self.directory.close() {
            tracing::error!(%error, "the temporary directory cannot be removed");
        }
    }
}

/// Which platforms are played, and for how many bots each. An odd one is Feishu's.
fn shares(command: &Demo) -> Result<Vec<(Played, u32)>, BenchError> {
    let bots = command.bots;
    if command.sdk && command.platform == Some(Played::Wecom) {
        return Err(BenchError::Usage(
            "--sdk is for Feishu's SDK, and --platform wecom leaves Feishu out".to_owned(),
        ));
    }
    match command.platform {
        Some(played) => Ok(vec![(played, bots)]),
        None if bots < 2 => Err(BenchError::Usage(
            "--bots 1 is too few for two platforms: name the one it lives on with --platform"
                .to_owned(),
        )),
        None => Ok(vec![
            (Played::Feishu, bots.div_ceil(2)),
            (Played::Wecom, bots / 2),
        ]),
    }
}
