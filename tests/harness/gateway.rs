//! The running gateway of a story.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use longwire_store::{EventQuery, EventRecord, Reader, Store, StoreSettings};
use serde_json::Value;
use tempfile::TempDir;

use crate::admin::{Admin, Answer};
use crate::expectations::Expectations;
use crate::log::Log;
use crate::process::{Process, Signal};
use crate::setup::Setup;
use crate::wait::wait_until;
use longwire_bench::disk::Volume;

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
            answers(gateway.admin)
        });
        gateway
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

    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        let volume = self.volume.as_ref().map(Volume::directory);
        volume.unwrap_or(self.directory.path()).join("longwire.db")
    }

    /// The store's own file system.
    #[track_caller]
    #[must_use]
    pub fn volume(&self) -> &Volume {
        let volume = self.volume.as_ref();
        volume.expect("the story asked for one")
    }

    /// The overview of the fleet (`longwire_fleet::Overview`).
    #[track_caller]
    #[must_use]
    pub fn overview(&self) -> Value {
        self.admin.json("/admin/v1/overview")
    }

    /// One installation by name (`longwire_fleet::InstallationView`); null before the fleet has it.
    #[track_caller]
    #[must_use]
    pub fn installation(&self, name: &str) -> Value {
        let path = format!("/admin/v1/installations/{}", segment(name));
        self.admin.json(&path)["observed"].take()
    }

    /// All installations, oldest first.
    #[track_caller]
    #[must_use]
    pub fn installations(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/admin/v1/installations?limit=500".to_owned();
        loop {
            let mut page = self.admin.json(&path);
            match page["data"].take() {
                Value::Array(data) => all.extend(data),
                other => panic!("GET {path}: a page has a list, not {other}"),
            }
            match page["next"].as_str() {
                Some(next) => path = format!("/admin/v1/installations?limit=500&after={next}"),
                None => return all,
            }
        }
    }

    /// Tells an installation to `start` or `stop`.
    #[track_caller]
    pub fn tell(&self, name: &str, verb: &str) -> Answer {
        let path = format!("/admin/v1/installations/{}/{verb}", segment(name));
        let answer = self
            .admin
            .post(&path, None)
            .unwrap_or_else(|error| panic!("POST {path}: {error}"));
        assert!(
            (200..300).contains(&answer.status),
            "POST {path}: {} {}",
            answer.status,
            answer.body
        );
        answer
    }

    /// Waits until the installation is live, and returns it.
    #[track_caller]
    pub fn wait_live(&self, name: &str) -> Value {
        wait_until(&format!("{name} is live"), || {
            let view = self.installation(name);
            if view["state"] == "live" {
                Ok(view)
            } else {
                Err(view.to_string())
            }
        })
    }

    /// Waits until `wanted` holds for the installation, and returns it.
    #[track_caller]
    pub fn wait_installation(
        &self,
        name: &str,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        wait_until(&format!("{name}: {what}"), || {
            let view = self.installation(name);
            if wanted(&view) {
                Ok(view)
            } else {
                Err(view.to_string())
            }
        })
    }

    /// Waits until `wanted` holds for the overview, and returns it.
    #[track_caller]
    pub fn wait_overview(&self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        wait_until(what, || {
            let overview = self.overview();
            if wanted(&overview) {
                Ok(overview)
            } else {
                Err(overview.to_string())
            }
        })
    }

    /// The inspection of the actor at `path`; null if it does not answer.
    #[track_caller]
    #[must_use]
    pub fn inspect(&self, path: &str) -> Value {
        let target = format!("/admin/v1/actors/inspect?path={}", segment(path));
        let answer = self
            .admin
            .post(&target, None)
            .unwrap_or_else(|error| panic!("POST {target}: {error}"));
        answer.json()["words"].take()
    }

    /// A reader of the database, while the process runs or after its end.
    #[track_caller]
    #[must_use]
    pub fn reader(&self) -> Reader {
        let settings = StoreSettings::at(format!("sqlite:{}", self.database().display()));
        Store::open_reader(&settings).expect("the gateway has made its database")
    }

    /// Every recorded event, oldest first.
    #[track_caller]
    #[must_use]
    pub fn events(&self) -> Vec<EventRecord> {
        let reader = self.reader();
        let mut all: Vec<EventRecord> = Vec::new();
        let mut after = None;
        loop {
            let page = reader
                .events(EventQuery {
                    after,
                    installation: None,
                    limit: 1_000,
                })
                .expect("the database answers");
            after = page.reached;
            all.extend(page.events);
            if !page.more {
                return all;
            }
        }
    }

    /// The recorded event of this id, if any.
    #[track_caller]
    #[must_use]
    pub fn event(&self, event_id: &str) -> Option<EventRecord> {
        self.events()
            .into_iter()
            .find(|event| event.event_id.as_deref() == Some(event_id))
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

    /// Kills it, as a power cut would end it.
    #[track_caller]
    pub fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.wait_end();
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

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let mut segment = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
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
    let mut process = Process::serve(directory, log.path(), &setup.environment, setup.open_files);
    let (public, admin) = wait_until("the gateway announces its listeners", || {
        if let Some(status) = process.ended() {
            return Ok(Err(status));
        }
        let said = log.entries().split_off(said_before);
        let address = |key: &str| {
            let texts = said.iter().filter_map(|entry| entry[key].as_str());
            texts.filter_map(|text| text.parse().ok()).next()
        };
        match (address("api"), address("admin")) {
            (Some(public), Some(admin)) => Ok(Ok((Admin::at(public), Admin::at(admin)))),
            _ => Err(log.tail()),
        }
    })?;
    wait_until("the admin interface answers", || answers(admin));
    Ok((process, public, admin))
}

/// Whether the admin interface answers.
fn answers(admin: Admin) -> Result<(), String> {
    match admin.get("/admin/v1/overview") {
        Ok(answer) if answer.status == 200 => Ok(()),
        Ok(answer) => Err(format!("{} {}", answer.status, answer.body)),
        Err(error) => Err(error.to_string()),
    }
}

/// A free address. Another process may take it before it is used.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}
