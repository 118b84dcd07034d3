//! The running gateway of a story.

mod bots;
mod consumers;
mod relay;
mod start;
mod store;
mod takeover;
mod views;

use std::path::Path;
use std::process::ExitStatus;

use longwire_bench::disk::Volume;
use tempfile::TempDir;

use crate::admin::Admin;
use crate::expectations::Expectations;
use crate::log::Log;
use crate::process::{Process, Signal};
use crate::setup::Setup;

pub use start::free_address;
pub use takeover::Successor;
pub use views::time_ms;

/// A gateway in a directory of its own. When this value is dropped, the gateway is ended and checked; see the crate's
/// documentation.
pub struct Gateway {
    pub(crate) setup: Setup,
    /// Dropped before the directory, in which it is mounted, is removed.
    volume: Option<Volume>,
    pub(crate) directory: TempDir,
    pub(crate) log: Log,
    pub(crate) process: Option<Process>,
    pub(crate) expectations: Expectations,
    admin: Admin,
    public: Admin,
}

impl Gateway {
    /// The operator's interface.
    #[must_use]
    pub fn admin(&self) -> Admin {
        self.admin
    }

    /// The listener of probes, metrics and applications.
    #[must_use]
    pub fn public(&self) -> Admin {
        self.public
    }

    /// The text of its first token.
    #[track_caller]
    #[must_use]
    pub fn token(&self) -> String {
        let path = self.setup.token_file(self.directory.path());
        let text = std::fs::read_to_string(path).expect("it has made its first token");
        text.trim().to_owned()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The directory of its configuration, database and log.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A figure of `/proc/<pid>/status`, such as `VmRSS`, in KiB.
    #[track_caller]
    #[must_use]
    pub fn memory_kib(&self, figure: &str) -> u64 {
        let process = self.process.as_ref().expect("the gateway runs");
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))
            .expect("this is Linux, and the gateway runs");
        status
            .lines()
            .filter_map(|line| line.strip_prefix(figure)?.strip_prefix(':'))
            .find_map(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {figure} in {status}"))
    }

    /// The number of files it has open.
    #[track_caller]
    #[must_use]
    pub fn open_files(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.id()));
        open.expect("this is Linux, and the gateway runs").count()
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("the gateway runs").id()
    }

    /// Sends a signal.
    pub fn signal(&mut self, signal: Signal) {
        self.process
            .as_mut()
            .expect("the gateway runs")
            .signal(signal);
    }

    /// Waits until the process has ended by itself or by a signal sent before.
    #[track_caller]
    pub fn wait_end(&mut self) -> ExitStatus {
        let status = self.process.as_mut().expect("the gateway runs").wait();
        self.process = None;
        status
    }

    /// Its exit status, if the process has ended by itself or by a signal sent before.
    pub fn try_end(&mut self) -> Option<ExitStatus> {
        let status = self.process.as_mut()?.ended()?;
        self.process = None;
        Some(status)
    }

    /// Kills it, as a power cut would end it.
    #[track_caller]
    pub fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.wait_end();
    }

    /// Allows any number of error-level log lines that contain `words`.
    pub fn expect_error(&self, words: &str) {
        self.expectations.error(words);
    }

    /// Allows that an event is ACKed without a row with its id, because it repeats another one or cannot be read.
    pub fn expect_no_row_for(&self, event_id: &str) {
        self.expectations.no_row(event_id);
    }

    /// Ends it with SIGTERM and checks it, as dropping it does.
    pub fn stop(self) {
        drop(self);
    }
}
