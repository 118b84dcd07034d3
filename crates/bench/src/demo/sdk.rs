//! The official Node SDK as one more application of the demo: it connects to the gateway's relay as to the platform.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use longwire_terminal::grouped;

use super::application::KEY;
use crate::cli::PeerClient;
use crate::error::{BenchError, StandError};
use crate::program::Program;
use crate::stand::Sdks;

/// The bot of the SDK, which connects with no id but one of this form.
pub const SDK_BOT: &str = "cli_5d00000000000001";
const TEXT: (&str, &str) = ("sdk.cjs", include_str!("sdk.cjs"));

/// A process of its own, with a bot of its own. It ends when this is dropped.
#[derive(Debug)]
pub struct DemoSdk {
    child: Child,
    version: String,
    heard: Arc<Heard>,
}

/// What the program has said.
#[derive(Debug, Default)]
struct Heard {
    events: AtomicU64,
    bot: AtomicBool,
}

impl DemoSdk {
    /// Starts it in `directory`, for the bot [`SDK_BOT`] behind the gateway at `address`.
    ///
    /// # Errors
    /// Node or the SDK is not there, or the program does not start.
    pub fn start(
        program: &Program,
        directory: &Path,
        address: SocketAddr,
        token: &str,
    ) -> Result<Self, BenchError> {
        let sdks = Sdks::find(program, None);
        let peer = PeerClient::Node.name();
        let version = sdks.version(PeerClient::Node);
        let version = version.ok_or(StandError::NoSdk { peer })?.to_owned();
        let mut command = sdks.program(PeerClient::Node, TEXT, directory)?;
        let mut child = command
            .env("DOMAIN", format!("http://{address}"))
            .env("APP_ID", SDK_BOT)
            .env("APP_SECRET", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(BenchError::io("start node"))?;
        let heard = Arc::<Heard>::default();
        let stdout = child.stdout.take().expect("it is piped");
        let hearing = Arc::clone(&heard);
        std::thread::spawn(move || hearing.listen(stdout));
        Ok(Self {
            child,
            version,
            heard,
        })
    }

    /// Whether it has handled an event, and been told its bot.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.heard.bot.load(Ordering::Relaxed) && self.heard.events.load(Ordering::Relaxed) > 0
    }

    /// A row of the verdict.
    #[must_use]
    pub fn tell(&self) -> String {
        let events = grouped(self.heard.events.load(Ordering::Relaxed));
        let bot = match self.heard.bot.load(Ordering::Relaxed) {
            true => "and was told its bot",
            false => "and was not told its bot",
        };
        format!(
            "  {:<KEY$}{} handled {events} events of {SDK_BOT}, {bot}\n",
            "official SDK", self.version
        )
    }
}

impl Heard {
    fn listen(&self, stdout: ChildStdout) {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.starts_with("event ") {
                self.events.fetch_add(1, Ordering::Relaxed);
            } else if line.starts_with("bot ") {
                self.bot.store(true, Ordering::Relaxed);
            }
        }
    }
}

impl Drop for DemoSdk {
    fn drop(&mut self) {
        // Both fail only if it ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
