//! Whoever reads what a command writes may stall or leave, and signals are served all the same.

use std::io::{BufRead as _, BufReader, ErrorKind, PipeWriter, Write as _, pipe};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{initialised, run, write};

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

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has a number"), signal).expect("it runs");
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
fn a_simulator_that_nobody_listens_to_lives_on() {
    for platform in ["feishu", "wecom"] {
        let directory = TempDir::new().expect("a temporary directory");
        let (errors, errors_at) = pipe().expect("a pipe");
        drop(errors);
        let mut sim = Running::start(
            longwire(directory.path())
                .args(["sim", "--platform", platform, "--listen", "127.0.0.1:0"])
                .stdout(Stdio::piped())
                .stderr(errors_at),
        );
        let mut line = String::new();
        let output = sim.0.stdout.take().expect("it is piped");
        let mut output = BufReader::new(output);
        output.read_line(&mut line).expect("it says where it is");
        let address = line
            .trim()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        drop(output);
        TcpStream::connect(&address).expect("it listens");
        sim.signal(Signal::TERM);
        assert_eq!(sim.ended().code(), Some(0), "{platform}");
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

#[test]
fn a_start_that_hangs_is_ended_by_the_first_sigterm() {
    let directory = initialised();
    let secret = directory.path().join("secret");
    rustix::fs::mkfifoat(rustix::fs::CWD, &secret, Mode::RWXU).expect("a named pipe is made");
    let config = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n[[installation]]\nname = \"a\"\napp_id = \"cli_1\"\napp_secret = { file = \"secret\" }\n";
    write(directory.path(), "longwire.toml", config);
    let mut serve = Running::start(
        longwire(directory.path())
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    // Opens only once somebody reads there; what is read never comes.
    let flags = OFlags::WRONLY | OFlags::NONBLOCK;
    let _held = wait_until("it reads the secret", || {
        rustix::fs::open(&secret, flags, Mode::empty()).ok()
    });
    serve.signal(Signal::TERM);
    assert_eq!(serve.ended().code(), Some(0));
}

#[test]
fn an_admin_interface_for_everybody_is_warned_of() {
    let directory = initialised();
    let warned = |listen: &str| {
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"{listen}\"\n[tls]\nca_file = \"gone.pem\"\n"
        );
        write(directory.path(), "longwire.toml", &config);
        // It has told before it finds that there is no such file.
        let (_, stderr) = run(super::longwire(directory.path()).arg("serve"), 3);
        stderr.contains("\"WARN\"") && stderr.contains("travel in clear")
    };
    assert!(warned("0.0.0.0:0"));
    assert!(!warned("127.0.0.1:0"));
    let config = "[server]\nadmin_listen = \"0.0.0.0:7701\"\n";
    write(directory.path(), "longwire.toml", config);
    let (stdout, _) = run(super::longwire(directory.path()).arg("check"), 7);
    assert!(stdout.contains("travel in clear"), "{stdout}");
}
