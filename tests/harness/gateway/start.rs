//! Starts the process, again too, and finds its listeners.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use longwire_bench::disk::Volume;
use tempfile::TempDir;

use super::Gateway;
use crate::admin::Admin;
use crate::expectations::Expectations;
use crate::log::Log;
use crate::process::{Process, Signal};
use crate::setup::Setup;
use crate::wait::wait_until;

impl Gateway {
    pub(crate) fn start(setup: Setup) -> Self {
        let directory = TempDir::with_prefix("longwire-story-").expect("a temporary directory");
        Self::start_in(directory, None, setup)
    }

    /// Starts it with the store on a file system of its own; `None` if this user may not mount one.
    pub(crate) fn start_on_volume(setup: Setup, size_bytes: u64) -> Option<Self> {
        let directory = TempDir::with_prefix("longwire-story-").expect("a temporary directory");
        match Volume::mount(directory.path(), size_bytes) {
            Ok(volume) => {
                let setup = setup.set("store.url", "sqlite:volume/longwire.db");
                Some(Self::start_in(directory, Some(volume), setup))
            }
            Err(error) if std::env::var_os("CI").is_none() => {
                let what = "a disk in trouble takes root and a loop device";
                // Written to the real standard error, because the test harness hides the output of a passing test.
                let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {error}");
                None
            }
            Err(error) => panic!("here this story has to be told: {error}"),
        }
    }

    /// Starts it with another standard error than the log.
    pub(crate) fn start_logging_to(setup: Setup, errors: Stdio) -> Self {
        let directory = TempDir::with_prefix("longwire-story-").expect("a temporary directory");
        let (public, admin) = (free_address(), free_address());
        let setup = setup
            .set("server.listen", public.to_string())
            .set("server.admin_listen", admin.to_string());
        setup.write(directory.path());
        let log = Log::at(directory.path().join("longwire.log"));
        let process = Process::serve_into(
            directory.path(),
            Stdio::null(),
            errors,
            &setup.environment,
            setup.open_files,
        );
        let mut gateway = Self {
            setup,
            volume: None,
            directory,
            log,
            process: Some(process),
            expectations: Expectations::default(),
            admin: Admin::at(admin),
            public: Admin::at(public),
        };
        let process = gateway.process.as_mut().expect("it was just started");
        wait_until("the admin interface answers", || {
            if let Some(status) = process.ended() {
                panic!("the gateway ended with {status}");
            }
            // It makes its first token before it listens.
            let path = gateway.setup.token_file(gateway.directory.path());
            let token = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
            gateway.admin = gateway.admin.with_token(&token);
            answers(gateway.admin)
        });
        gateway.public = gateway.public.with_token(&gateway.token());
        gateway
    }

    /// Starts it and sends it the signal while its start waits for the file of this name, which is a named pipe.
    pub(crate) fn start_signalled(setup: Setup, pipe: &str, content: &str, signal: Signal) -> Self {
        let directory = TempDir::with_prefix("longwire-story-").expect("a temporary directory");
        setup.write(directory.path());
        let pipe = directory.path().join(pipe);
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("it is there").success(), "a named pipe is made");
        let log = Log::at(directory.path().join("longwire.log"));
        let mut process = Process::serve(
            directory.path(),
            log.path(),
            &setup.environment,
            setup.open_files,
        );
        // Opening it for writing waits for a reader, which is the start.
        let mut writing = OpenOptions::new()
            .write(true)
            .open(&pipe)
            .expect("the start reads it");
        process.signal(signal);
        writing
            .write_all(content.as_bytes())
            .expect("the start reads it");
        drop(writing);
        let (process, public, admin) = found(process, &setup, directory.path(), &log, 0)
            .unwrap_or_else(|status| panic!("the gateway ended with {status}:\n{}", log.tail()));
        Self {
            setup,
            volume: None,
            directory,
            log,
            process: Some(process),
            expectations: Expectations::default(),
            admin,
            public,
        }
    }

    fn start_in(directory: TempDir, volume: Option<Volume>, setup: Setup) -> Self {
        setup.write(directory.path());
        let log = Log::at(directory.path().join("longwire.log"));
        let (process, public, admin) = serve(&setup, directory.path(), &log);
        Self {
            setup,
            volume,
            directory,
            log,
            process: Some(process),
            expectations: Expectations::default(),
            admin,
            public,
        }
    }

    /// Starts it again with the same files, after it ended.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it still runs");
        let (process, public, admin) = serve(&self.setup, self.directory.path(), &self.log);
        (self.process, self.public, self.admin) = (Some(process), public, admin);
    }

    /// Starts it again if that may fail: returns once it is up, or with its exit status.
    #[track_caller]
    pub fn try_restart(&mut self) -> Option<ExitStatus> {
        assert!(self.process.is_none(), "it still runs");
        let started = try_serve(&self.setup, self.directory.path(), &self.log);
        match started {
            Ok((process, public, admin)) => {
                (self.process, self.public, self.admin) = (Some(process), public, admin);
                None
            }
            Err(status) => Some(status),
        }
    }
}

/// Starts the process and finds its listeners: probes and metrics, and the admin interface.
#[track_caller]
fn serve(setup: &Setup, directory: &Path, log: &Log) -> (Process, Admin, Admin) {
    try_serve(setup, directory, log)
        .unwrap_or_else(|status| panic!("the gateway ended with {status}:\n{}", log.tail()))
}

#[track_caller]
fn try_serve(
    setup: &Setup,
    directory: &Path,
    log: &Log,
) -> Result<(Process, Admin, Admin), ExitStatus> {
    let said_before = log.entries().len();
    let process = Process::serve(directory, log.path(), &setup.environment, setup.open_files);
    found(process, setup, directory, log, said_before)
}

/// Finds the listeners of a process that was started.
#[track_caller]
fn found(
    mut process: Process,
    setup: &Setup,
    directory: &Path,
    log: &Log,
    said_before: usize,
) -> Result<(Process, Admin, Admin), ExitStatus> {
    let (public, admin) = wait_until("the gateway announces its listeners", || {
        if let Some(status) = process.ended() {
            return Ok(Err(status));
        }
        announced(setup, directory, log, said_before).map(Ok)
    })?;
    wait_until("the admin interface answers", || answers(admin));
    Ok((process, public, admin))
}

/// The listeners that were announced since the log had so many entries: probes and metrics, and the admin interface.
pub(super) fn announced(
    setup: &Setup,
    directory: &Path,
    log: &Log,
    said_before: usize,
) -> Result<(Admin, Admin), String> {
    let said = log.entries().split_off(said_before);
    let address = |key: &str| {
        let texts = said.iter().filter_map(|entry| entry[key].as_str());
        texts.filter_map(|text| text.parse().ok()).next()
    };
    match (address("api"), address("admin")) {
        (Some(public), Some(admin)) => {
            let token = std::fs::read_to_string(setup.token_file(directory));
            let token = token.expect("it makes its first token before it listens");
            let with_token = |address| Admin::at(address).with_token(&token);
            Ok((with_token(public), with_token(admin)))
        }
        _ => Err(log.tail()),
    }
}

/// Whether the admin interface answers.
pub(super) fn answers(admin: Admin) -> Result<(), String> {
    match admin.get("/admin/v1/overview") {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{} {}", answer.status, answer.body)),
        Err(error) => Err(error.to_string()),
    }
}

/// A free address. Another process may take it before it is used.
/// An address of this host that nobody listens on. Another process may take it.
#[track_caller]
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}
