//! One client as a child process: what it tells of itself, and what it is asked to do.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::marker::PhantomData;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// For one step of a story.
pub(crate) const STEP: Duration = Duration::from_secs(30);
/// For the interpreter to load the client: some seconds of computing on a machine with other work.
pub(crate) const START: Duration = Duration::from_secs(90);
/// Of a line, what is printed.
const PRINTED: usize = 300;

/// A running client whose driver tells `News`, a JSON object a line. Dropping it kills it.
pub(crate) struct Client<News> {
    child: Child,
    lines: Receiver<Value>,
    log: Arc<Mutex<Vec<String>>>,
    news: PhantomData<fn() -> News>,
}

impl<News: DeserializeOwned + std::fmt::Debug> Client<News> {
    /// Runs the driver and waits until it has loaded the client, which has to be of this version.
    pub(crate) fn start(mut command: Command, version: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("an installed client can be run");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let kept = Arc::clone(&log);
        thread::spawn(move || each_line(stderr, |line| keep(&kept, line)));
        let (tell, lines) = channel();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            each_line(stdout, |line| match serde_json::from_str(&line) {
                Ok(told) => drop(tell.send(told)),
                Err(error) => keep(&kept, format!("not JSON ({error}): {line}")),
            });
        });
        let client = Self {
            child,
            lines,
            log,
            news: PhantomData,
        };
        let started = client.line_within(START, "its start");
        assert_eq!(started, json!({ "news": "started", "version": version }));
        client
    }

    /// The next line, which is waited for.
    pub(crate) fn next(&self, awaited: &str) -> News {
        let line = self.line_within(STEP, awaited);
        self.read(line)
    }

    /// A line that is there already.
    pub(crate) fn told(&self) -> Option<News> {
        self.lines.try_recv().ok().map(|line| self.read(line))
    }

    /// Gives the driver a line to read.
    pub(crate) fn order(&self, order: &impl Serialize) {
        let mut line = serde_json::to_vec(order).expect("orders are JSON");
        line.push(b'\n');
        let mut stdin = self.child.stdin.as_ref().expect("stdin is piped");
        if let Err(error) = stdin.write_all(&line).and_then(|()| stdin.flush()) {
            self.complain(&format!("it takes no orders: {error}"));
        }
    }

    fn line_within(&self, limit: Duration, awaited: &str) -> Value {
        match self.lines.recv_timeout(limit) {
            Ok(line) => line,
            Err(error) => self.complain(&format!("no news of {awaited}: {error}")),
        }
    }

    fn read(&self, line: Value) -> News {
        // Seen with `--nocapture` and when the test fails.
        println!("{:.PRINTED$}", line.to_string());
        match serde_json::from_value(line) {
            Ok(news) => news,
            Err(error) => self.complain(&format!("not news: {error}")),
        }
    }

    /// Waits until `look` finds something.
    pub(crate) fn until<T>(&self, awaited: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + STEP;
        loop {
            if let Some(found) = look() {
                return found;
            }
            if Instant::now() >= end {
                self.complain(&format!("{awaited} did not happen"));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Panics with the client's own log.
    pub(crate) fn complain(&self, what: &str) -> ! {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("{what}\nthe client's log:\n{}", log.join("\n"));
    }
}

impl<News> Drop for Client<News> {
    fn drop(&mut self) {
        // Fails only if the client ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(log: &Mutex<Vec<String>>, line: String) {
    log.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(line);
}

fn each_line(from: impl Read, mut take: impl FnMut(String)) {
    for line in BufReader::new(from).lines() {
        match line {
            Ok(line) => take(line),
            Err(_) => return,
        }
    }
}
