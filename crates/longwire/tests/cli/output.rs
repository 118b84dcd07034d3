//! Whoever reads what a command writes may stall or leave.

use std::io::{BufRead as _, BufReader, ErrorKind, PipeWriter, Write as _, pipe};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tempfile::TempDir;

use super::initialised;

/// Far more than anything here takes.
const LONG: Duration = Duration::from_secs(60);

fn longwire(directory: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("longwire"));
    command
        .current_dir(directory)
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// Looks until there is something to return.
#[track_caller]
fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process that is not left behind.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the binary starts"))
    }

    #[track_caller]
    fn ended(&mut self) -> ExitStatus {
        wait_until("it ends", || self.0.try_wait().expect("we are its parent"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The end of a pipe that takes nothing, because it is full and nobody reads.
fn full(mut writer: PipeWriter) -> PipeWriter {
    let flags = fcntl_getfl(writer.as_fd()).expect("it is open");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it is open");
    while !matches!(writer.write(&[b'x'; 4096]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    {
    }
    fcntl_setfl(&writer, flags).expect("it is open");
    writer
}

#[test]
fn a_command_whose_reader_has_left_ends_quietly() {
    let directory = initialised();
    for arguments in [
        &["print", "config"][..],
        &["events", "tail", "-o", "json"],
        &["installations", "list"],
        &["installations", "list", "-o", "json"],
        &["check", "-o", "json"],
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let (errors, errors_at) = pipe().expect("a pipe");
        let mut command = Running::start(
            longwire(directory.path())
                .args(arguments)
                .stdout(writer)
                .stderr(errors_at),
        );
        assert_eq!(command.ended().code(), Some(0), "{arguments:?}");
        let said: Vec<_> = BufReader::new(errors)
            .lines()
            .map_while(Result::ok)
            .collect();
        let quiet = ["nothing is wrong"];
        assert!(
            said.iter().all(|line| quiet.contains(&line.as_str())),
            "{arguments:?}: {said:?}"
        );
    }
}

#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let directory = initialised();
    let show = ["installations", "show", "nobody"];
    let (reader, left) = pipe().expect("a pipe");
    drop(reader);
    let (_unread, stalled) = pipe().expect("a pipe");
    for errors in [left, full(stalled)] {
        let mut command = Running::start(longwire(directory.path()).args(show).stderr(errors));
        assert_eq!(command.ended().code(), Some(6));
    }
}

#[test]
fn a_demo_whose_reader_stalls_plays_on_and_ends() {
    let directory = TempDir::new().expect("a temporary directory");
    let (_picture, output) = pipe().expect("a pipe");
    let (_said, errors) = pipe().expect("a pipe");
    let arguments = ["demo", "--bots", "2", "--rate", "20", "--seconds", "1"];
    let mut demo = Running::start(
        longwire(directory.path())
            .args(arguments)
            .args(["--platform", "feishu", "--admin-listen", "127.0.0.1:0"])
            .env("TMPDIR", directory.path())
            .stdout(full(output))
            .stderr(full(errors)),
    );
    assert_eq!(
        demo.ended().code(),
        Some(0),
        "the verdict is good, if unread"
    );
}
