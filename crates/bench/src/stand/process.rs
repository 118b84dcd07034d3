//! A process of the stand, mostly this very program with other arguments: listened to, measured, never left behind.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use crate::error::{Role, StandError};
use crate::program::Program;

/// How long a process may take to say where it listens.
const START: Duration = Duration::from_secs(30);
/// How often a process that was told to end is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Lines kept of what it wrote, to be told should it end.
const LAST_LINES: usize = 3;
/// `/proc` counts processor time in hundredths of a second (`USER_HZ`) on every architecture Rust knows.
const TICKS_PER_SECOND: u64 = 100;

/// A running one. Dropping it kills it.
pub(crate) struct Process {
    role: Role,
    child: Child,
    /// Some peers end when it does, and some are asked there.
    stdin: Option<ChildStdin>,
    address: oneshot::Receiver<String>,
    written: Written,
}

/// What a process has in memory, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    pub(crate) now: u64,
    /// The most it ever had.
    pub(crate) most: u64,
}

impl Process {
    /// Starts the binary with `arguments`; `address` finds in a line it writes where it listens. The
    /// settings and proxies of this process's environment are not handed on.
    pub(crate) fn spawn(
        program: &Program,
        role: Role,
        arguments: &[&OsStr],
        address: fn(&str) -> Option<String>,
    ) -> Result<Self, StandError> {
        let mut command = Command::new(&program.executable);
        command.args(arguments);
        Self::run(role, command, address)
    }

    /// Starts another program.
    pub(super) fn run(
        role: Role,
        mut command: Command,
        address: fn(&str) -> Option<String>,
    ) -> Result<Self, StandError> {
        let failed = |source| StandError::Spawn { role, source };
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LONGWIRE_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (found, receiver) = oneshot::channel();
        let written = Written::default();
        let found = Arc::new(Mutex::new(Some(found)));
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as _),
            child.stderr.take().map(|pipe| Box::new(pipe) as _),
        ];
        for pipe in pipes.into_iter().flatten() {
            let (found, written) = (Arc::clone(&found), written.clone());
            // Ends with the process, whose end of the pipe it is.
            std::thread::spawn(move || listen(pipe, &written, &found, address));
        }
        Ok(Self {
            role,
            stdin: child.stdin.take(),
            child,
            address: receiver,
            written,
        })
    }

    /// Where it listens, once it has said so. Ask once.
    pub(crate) async fn address(&mut self) -> Result<String, StandError> {
        self.line_within(START, "say where it listens").await
    }

    /// What was found in the first line that it wrote for us, once it has written it. Ask once.
    pub(crate) async fn line_within(
        &mut self,
        limit: Duration,
        done: &'static str,
    ) -> Result<String, StandError> {
        match tokio::time::timeout(limit, &mut self.address).await {
            Ok(Ok(address)) => Ok(address),
            // Both of its pipes are closed, and a process closes them last.
            Ok(Err(_)) => Err(self.ended_by_itself()),
            Err(_) => Err(StandError::Slow {
                role: self.role,
                done,
                limit,
            }),
        }
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<(), StandError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(self.ended_by_itself()),
        }
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), StandError> {
        let written = match &mut self.stdin {
            Some(stdin) => writeln!(stdin, "{line}").and_then(|()| stdin.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|_| self.ended_by_itself())
    }

    /// The newest line of its last few that is wanted.
    pub(crate) fn latest<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let lines = self
            .written
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        lines.last.iter().rev().find_map(|line| wanted(line))
    }

    /// SIGKILL, and its end.
    pub(crate) fn end_now(&mut self) {
        // Both fail only when it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Sends a signal that may be caught, or stops and continues it.
    pub(crate) fn signal(&self, signal: Signal) {
        // Ours until it is waited for, so no other process can have its number.
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // Fails only when it has ended, which the next look at it finds.
            let _ = kill_process(pid, signal);
        }
    }

    /// Its end by itself within `limit`, in order.
    pub(crate) async fn ended_within(&mut self, limit: Duration) -> Result<(), StandError> {
        let until = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(_)) | Err(_) => return Err(self.ended_by_itself()),
                Ok(None) if Instant::now() >= until => {
                    return Err(StandError::Slow {
                        role: self.role,
                        done: "end",
                        limit,
                    });
                }
                Ok(None) => tokio::time::sleep(LOOK).await,
            }
        }
    }

    /// SIGTERM, and its end within `limit`.
    pub(crate) async fn end(mut self, limit: Duration) -> Result<(), StandError> {
        self.signal(Signal::TERM);
        let until = Instant::now() + limit;
        while self.check().is_ok() {
            if Instant::now() >= until {
                return Err(StandError::Slow {
                    role: self.role,
                    done: "end",
                    limit,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Processor time since its start, its own and the kernel's on its behalf.
    pub(crate) fn processor_time(&self) -> Result<Duration, StandError> {
        let text = self.read("stat")?;
        cpu_of(&text).ok_or_else(|| self.unmeasured(io::ErrorKind::InvalidData.into()))
    }

    /// Its memory.
    pub(crate) fn resident(&self) -> Result<Resident, StandError> {
        let text = self.read("status")?;
        resident_of(&text).ok_or_else(|| self.unmeasured(io::ErrorKind::InvalidData.into()))
    }

    /// Lines it has written so far, of log and data.
    pub(crate) fn lines(&self) -> u64 {
        self.written.count()
    }

    fn read(&self, file: &str) -> Result<String, StandError> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id()))
            .map_err(|source| self.unmeasured(source))
    }

    fn unmeasured(&self, source: io::Error) -> StandError {
        StandError::Unmeasured {
            role: self.role,
            source,
        }
    }

    fn ended_by_itself(&mut self) -> StandError {
        let how = match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        StandError::Ended {
            role: self.role,
            how,
            last_words: self.written.tell(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last lines a process wrote, and how many there were.
#[derive(Debug, Clone, Default)]
struct Written(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    last: VecDeque<String>,
    count: u64,
}

impl Written {
    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.count += 1;
        if lines.last.len() == LAST_LINES {
            lines.last.pop_front();
        }
        lines.last.push_back(line);
    }

    fn count(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    fn tell(&self) -> String {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.last.make_contiguous() {
            [] => "none".to_owned(),
            lines => lines.join(" / "),
        }
    }
}

fn listen(
    pipe: impl Read,
    written: &Written,
    found: &Mutex<Option<oneshot::Sender<String>>>,
    address: fn(&str) -> Option<String>,
) {
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if let Some(address) = address(&line)
            && let Some(found) = found.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // Nobody waits for it any more when the run was cut short.
            drop(found.send(address));
        }
        written.add(line);
    }
}

/// Fields 14 and 15 of `/proc/<pid>/stat`. The second one, the program's name, may hold anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let total = ticks()? + ticks()?;
    Some(Duration::from_millis(total * 1000 / TICKS_PER_SECOND))
}

fn resident_of(status: &str) -> Option<Resident> {
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    };
    Some(Resident {
        now: bytes("VmRSS:")?,
        most: bytes("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) R (b)) S 1 7 7 0 -1 4194560 2000 0 5 0 150 50 0 0 20 0 4 0 900 1000000 500 18446744073709551615";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_of("7 (a) S 1 7"), None);
    }

    #[test]
    fn memory_is_in_kibibytes() {
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let resident = Resident {
            now: 1 << 20,
            most: 2 << 20,
        };
        assert_eq!(resident_of(status), Some(resident));
        assert_eq!(resident_of("Name:\ta\n"), None);
    }

    #[test]
    fn last_words_are_the_last() {
        let written = Written::default();
        assert_eq!(written.tell(), "none");
        for line in ["a", "b", "c", "d"] {
            written.add(line.to_owned());
        }
        assert_eq!(written.tell(), "b / c / d");
        assert_eq!(written.count(), 4);
    }
}
