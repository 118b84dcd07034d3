//! The process under test: started, told, and never left behind.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::binary;
use crate::wait::wait_until;

/// What an operator or the system sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End in order.
    Term,
    /// Ctrl-C.
    Interrupt,
    /// The terminal is gone, or read your configuration again.
    Hangup,
    /// Whatever a program makes of it.
    User1,
    /// The same.
    User2,
    /// End now; cannot be caught.
    Kill,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Interrupt => "INT",
            Self::Hangup => "HUP",
            Self::User1 => "USR1",
            Self::User2 => "USR2",
            Self::Kill => "KILL",
        }
    }
}

/// A started gateway. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    /// `longwire serve` in `directory`, with an environment of nothing but `environment`.
    ///
    /// `open_files` is how many files it may have open; without it, as many as this process may.
    pub(crate) fn serve(
        directory: &Path,
        log: &Path,
        environment: &[(String, String)],
        open_files: Option<u32>,
    ) -> Self {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("the story's directory is ours");
        let errors = output.try_clone().expect("a file can be held twice");
        Self::serve_into(
            directory,
            output.into(),
            errors.into(),
            environment,
            open_files,
        )
    }

    /// The same with its standard output and error somewhere else.
    pub(crate) fn serve_into(
        directory: &Path,
        output: Stdio,
        errors: Stdio,
        environment: &[(String, String)],
        open_files: Option<u32>,
    ) -> Self {
        let mut command = match open_files {
            None => Command::new(binary::longwire()),
            // The shell's own `ulimit`, both limits at once, and then the shell is the gateway.
            Some(limit) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()]);
                shell.arg(binary::longwire());
                shell
            }
        };
        let child = command
            .args(["serve", "--config", "longwire.toml"])
            .current_dir(directory)
            // Proxy variables and LONGWIRE_ overrides of whoever runs the tests are none of the story's.
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("the binary starts");
        Self { child, ended: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal; nothing happens when the process has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        // The shell's own `kill`: present wherever a shell is, and no code of ours is unsafe.
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal.name()])
            .arg(self.id().to_string())
            .stderr(Stdio::null())
            .status()
            .expect("there is a shell");
        assert!(
            sent.success() || self.ended().is_some(),
            "signal {signal:?} was not delivered"
        );
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("we are its parent");
        }
        self.ended
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_until("the process ends", || {
            self.ended().ok_or_else(|| "it runs".to_owned())
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended().is_none() {
            // Both fail only when it is gone already.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
