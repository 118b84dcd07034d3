//! A running program: its output is kept, and its end is ours.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::program::{Given, Program};

/// For a step of a test: loading such a program alone takes up to a minute of computing, on a machine with other work.
const STEP: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of what the program wrote, what is shown when the test fails.
const SHOWN_BYTES: usize = 6_000;

/// A program in a directory of its own. Dropping it kills it and what it started.
pub(super) struct Running {
    child: Child,
    directory: TempDir,
}

impl Running {
    /// Starts the program; `None` if it is not installed.
    pub(super) fn start(program: Program, given: &Given) -> Option<Self> {
        let directory = TempDir::with_prefix("longwire-program-").expect("a temporary directory");
        let mut command = program.command(directory.path(), given)?;
        let output = File::create(directory.path().join("output")).expect("it is ours");
        let errors = output.try_clone().expect("a file can be held twice");
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Some are two processes.
            .process_group(0)
            .spawn()
            .expect("an installed program can be run");
        Some(Self { child, directory })
    }

    /// Waits until `look` finds something.
    pub(super) fn until<T>(&self, awaited: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + STEP;
        loop {
            if let Some(found) = look() {
                return found;
            }
            if Instant::now() >= end {
                self.complain(&format!("{awaited} did not happen"));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn complain(&self, what: &str) -> ! {
        let written = std::fs::read(self.directory.path().join("output")).unwrap_or_default();
        let shown = &written[written.len().saturating_sub(SHOWN_BYTES)..];
        panic!(
            "{what}\nthe program's output:\n{}",
            String::from_utf8_lossy(shown)
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if all of it ended by itself.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
