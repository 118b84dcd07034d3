//! An application of the relay, in a process of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::TestStand;
use super::process::Process;
use crate::application::CONNECTED;
use crate::error::{BenchError, Role, StandError};

/// How long its connections may take, besides what the number of them demands.
const CONNECT: Duration = Duration::from_secs(30);
/// What each of them may take more.
const CONNECT_EACH: Duration = Duration::from_millis(10);

/// What an application is started with.
#[derive(Debug, Clone)]
pub(crate) struct ApplicationSettings {
    /// Of the gateway.
    pub(crate) base_url: String,
    pub(crate) bots: u32,
    /// Of each bot.
    pub(crate) connections: u32,
    pub(crate) token_file: PathBuf,
    pub(crate) notes: Option<PathBuf>,
}

impl TestStand {
    /// Writes a token where applications read it.
    pub(crate) fn keep_token(&self, token: &SecretString) -> Result<PathBuf, BenchError> {
        let path = self.directory().join("application.token");
        std::fs::write(&path, token.expose_secret())
            .map_err(BenchError::io(format!("write {}", path.display())))?;
        Ok(path)
    }

    /// Starts one, and does not wait for it.
    pub(crate) fn spawn_application(
        &self,
        settings: &ApplicationSettings,
    ) -> Result<Process, StandError> {
        let (bots, connections) = (settings.bots.to_string(), settings.connections.to_string());
        let mut arguments: Vec<&OsStr> = ["bench", "application", &settings.base_url, &bots]
            .map(OsStr::new)
            .to_vec();
        arguments.extend([
            OsStr::new("--connections"),
            OsStr::new(&connections),
            OsStr::new("--token-file"),
            settings.token_file.as_os_str(),
        ]);
        let notes = settings.notes.as_deref().map(Path::as_os_str);
        arguments.extend(
            notes
                .into_iter()
                .flat_map(|path| [OsStr::new("--notes"), path]),
        );
        Process::spawn(&self.program, Role::Application, &arguments, |line| {
            (line == CONNECTED).then(String::new)
        })
    }
}

impl ApplicationSettings {
    /// Waits until all connections have had their first pong. Ask once.
    pub(crate) async fn all_connected(&self, application: &mut Process) -> Result<(), StandError> {
        let limit = CONNECT + CONNECT_EACH * self.bots * self.connections;
        application.line_within(limit, "connect").await.map(drop)
    }
}
