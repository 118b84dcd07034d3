//! The process under test: starts it, sends it signals, and kills it at the latest when it is dropped.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::binary;
use crate::wait::wait_until;

/// A signal that an operator or the system sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: an orderly stop.
    Term,
    /// Ctrl-C.
    Interrupt,
    /// SIGHUP: the terminal is gone, or the configuration has to be read again.
    Hangup,
    /// SIGUSR1: its meaning is the program's choice.
    User1,
    /// SIGUSR2: its meaning is the program's choice.
    User2,
    /// SIGKILL: an end that cannot be caught.
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
    /// Starts `longwire serve` in `directory` with `environment` as its whole environment.
    ///
    /// `open_files` limits its open files; without it the limit is that of this process.
    pub(crate) fn serve(
        directory: &Path,
        log: &Path,
        environment: &[(String, String)],
        open_files: Option<u32>,
    ) -> Self {
        Self::serve_with(&[], directory, log, environment, open_files)
    }

    /// The same with more arguments.
    pub(crate) fn serve_with(
        arguments: &[&str],
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
        Self::spawn(
            arguments,
            directory,
            output.into(),
            errors.into(),
            environment,
            open_files,
        )
    }

    /// Starts it with another standard output and error.
    pub(crate) fn serve_into(
        directory: &Path,
        output: Stdio,
        errors: Stdio,
        environment: &[(String, String)],
        open_files: Option<u32>,
    ) -> Self {
        Self::spawn(&[], directory, output, errors, environment, open_files)
    }

    fn spawn(
        arguments: &[&str],
        directory: &Path,
        output: Stdio,
        errors: Stdio,
        environment: &[(String, String)],
        open_files: Option<u32>,
    ) -> Self {
        let mut command = match open_files {
            None => Command::new(binary::longwire()),
            // The shell's `ulimit` sets both limits, and `exec` replaces the shell by the gateway.
            Some(limit) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &limit.to_string()]);
                shell.arg(binary::longwire());
                shell
            }
        };
        let child = command
            .args(["serve", "--config", "longwire.toml"])
            .args(arguments)
            .current_dir(directory)
            // Proxy variables and LONGWIRE_ overrides of the user who runs the tests must not reach the gateway.
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

    /// Sends a signal; does nothing if the process has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        // The shell's `kill` is available on every system with a shell, and needs no unsafe code.
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

    /// Its exit status, if it has ended.
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
            // Both fail only if the process has ended already.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
