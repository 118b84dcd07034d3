//! One official client as a child process, and what it tells of itself.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

/// For one step of a story.
pub(crate) const STEP: Duration = Duration::from_secs(30);
/// For the interpreter to load the client: some seconds of computing on a machine with other work.
const START: Duration = Duration::from_secs(90);

/// A line of a driver, `client.py` or `client.cjs`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum News {
    /// Loaded; about to connect.
    Started { version: String },
    /// The connection is lost.
    Reconnecting,
    /// There is a new one.
    Reconnected,
    /// The message handler was called.
    Event {
        event_id: String,
        message_id: String,
        content: String,
    },
    /// The card handler was called, and answers.
    Card { event_id: String, value: Value },
    /// The client will not try again.
    GaveUp { error: String },
}

/// A running official client. Dropping it kills it.
pub(crate) struct Client {
    child: Child,
    news: Receiver<News>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Client {
    /// Runs the driver and waits until it has loaded the client, which has to be of this version.
    pub(crate) fn start(mut command: Command, version: &str) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("an installed client can be run");
        let log = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let kept = Arc::clone(&log);
        thread::spawn(move || each_line(stderr, |line| keep(&kept, line)));
        let (tell, news) = channel();
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            each_line(stdout, |line| match serde_json::from_str(&line) {
                Ok(told) => drop(tell.send(told)),
                Err(error) => keep(&kept, format!("not news ({error}): {line}")),
            });
        });
        let client = Self { child, news, log };
        let started = client.next_within(START, "its start");
        assert_eq!(
            started,
            News::Started {
                version: version.to_owned()
            }
        );
        client
    }

    /// The next line, which is waited for.
    pub(crate) fn next(&self, awaited: &str) -> News {
        self.next_within(STEP, awaited)
    }

    fn next_within(&self, limit: Duration, awaited: &str) -> News {
        match self.news.recv_timeout(limit) {
            Ok(news) => {
                // Seen with `--nocapture` and when the test fails.
                println!("{:.300}", format!("{news:?}"));
                news
            }
            Err(error) => self.complain(&format!("no news of {awaited}: {error}")),
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
    fn complain(&self, what: &str) -> ! {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("{what}\nthe client's log:\n{}", log.join("\n"));
    }
}

impl Drop for Client {
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
