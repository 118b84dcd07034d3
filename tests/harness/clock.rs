//! Gives the gateway a wrong time of day, which can be changed while it runs.
//!
//! A small library is compiled and preloaded into the gateway. It shifts the time of day that the process reads. Timers
//! and deadlines use monotonic clocks, which it does not change, as when an operator sets the system's clock.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::setup::Setup;

const SOURCE: &str = include_str!("clock.c");
const LIBRARY: &str = "clock.so";
const SHIFT: &str = "shift";

/// The clock of one gateway. It has to outlive the process.
#[derive(Debug)]
pub struct Clock {
    directory: TempDir,
    shift: File,
}

impl Clock {
    /// A clock that is right. It needs the C compiler that Rust uses for linking.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("longwire-clock-").expect("a temporary directory");
        compile(&directory.path().join(LIBRARY));
        let shift = File::create_new(directory.path().join(SHIFT)).expect("the directory is ours");
        let clock = Self { directory, shift };
        clock.shift_by(0);
        clock
    }

    /// Shifts the gateway's time of day by this many seconds from now on.
    pub fn shift_by(&self, seconds: i64) {
        self.shift
            .write_all_at(&seconds.to_ne_bytes(), 0)
            .expect("eight bytes are written");
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[track_caller]
fn compile(library: &Path) {
    let mut compiler = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-x", "c", "-o"])
        .arg(library)
        .arg("-")
        .stdin(Stdio::piped())
        .spawn()
        .expect("there is a C compiler, as Rust needs one to link");
    let mut source = compiler.stdin.take().expect("it is piped");
    source
        .write_all(SOURCE.as_bytes())
        .expect("the compiler reads");
    drop(source);
    let status = compiler.wait().expect("it ends");
    assert!(status.success(), "the clock does not compile");
}

impl Setup {
    /// Gives the gateway a time of day of its own.
    #[must_use]
    pub fn clock(self, clock: &Clock) -> Self {
        let path = |name: &str| clock.directory.path().join(name).display().to_string();
        self.environment("LD_PRELOAD", &path(LIBRARY))
            .environment("STORY_CLOCK", &path(SHIFT))
    }
}
