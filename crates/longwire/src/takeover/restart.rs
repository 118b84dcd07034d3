//! SIGUSR2: the program at this process's path is started with the same arguments, to take over.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::sync::watch;

/// The argument of a process that takes over.
const TAKEOVER: &str = "--takeover";
/// The argument of a process that ends with the one that started it. A process that takes over outlives that one.
const END_WITH_PARENT: &str = "--end-with-parent";

/// How this process was started.
#[derive(Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// Without `--takeover`.
    arguments: Vec<OsString>,
}

impl Program {
    /// Called early: a package manager may put another file in its place later, and that one is to be started then.
    pub(crate) fn of_process() -> io::Result<Self> {
        Ok(Self {
            path: std::env::current_exe()?,
            arguments: (std::env::args_os().skip(1))
                .filter(|argument| argument != TAKEOVER)
                .collect(),
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments);
        // The watchdog of systemd is to be fed by whichever process serves.
        command.env_remove("WATCHDOG_PID");
        command
    }

    /// Becomes this program anew, without taking over from anybody. Returns only if that cannot be done.
    pub(crate) fn become_anew(&self) -> io::Error {
        self.command().exec()
    }

    /// Starts it beside this process, to take over from it.
    fn start_successor(&self) -> io::Result<()> {
        let mut command = Command::new(&self.path);
        let arguments = self.arguments.iter();
        let mut child = command
            .args(arguments.filter(|argument| *argument != OsStr::new(END_WITH_PARENT)))
            .arg(TAKEOVER)
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::null())
            .spawn()?;
        tracing::info!(
            new_pid = child.id(),
            program = %self.path.display(),
            "a new process is started to take over"
        );
        std::thread::Builder::new()
            .name("longwire-successor".to_owned())
            .spawn(move || match child.wait() {
                // It runs while this process does, unless it came to nothing.
                Ok(status) => tracing::error!(
                    new_pid = child.id(),
                    %status,
                    next_step = "read its own words in the log, and send SIGUSR2 again",
                    "the new process ended; this one goes on"
                ),
                Err(error) => tracing::warn!(%error, "the end of the new process is not heard"),
            })?;
        Ok(())
    }
}

/// Starts a new process whenever SIGUSR2 comes, also for one that came while this process started.
pub(crate) async fn on_signal(mut heard: watch::Receiver<u64>, program: Arc<Program>) {
    while heard.changed().await.is_ok() {
        if let Err(error) = program.start_successor() {
            tracing::error!(
                %error,
                program = %program.path.display(),
                next_step = "put the program in its place, and send SIGUSR2 again",
                "no new process could be started; this one goes on"
            );
        }
    }
}
