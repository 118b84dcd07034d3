//! A time of day that is wrong for the gateway alone, and can be set while it runs.
//!
//! A library of a few lines is compiled and loaded before the gateway's own; it shifts what the process reads of the
//! time of day. Timers and deadlines are measured by monotonic clocks, which it leaves alone, as the system does when
//! somebody sets its clock.

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
    /// A clock that is right. Takes the C compiler that links Rust programs too.
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

    /// From now on the gateway's time of day is off by so many seconds.
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
