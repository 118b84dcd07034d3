//! A new process that takes over from the gateway of a story.

use std::process::ExitStatus;

use super::Gateway;
use super::start::{announced, answers};
use crate::log::Log;
use crate::process::{Process, Signal};
use crate::wait::wait_until;

/// A process that takes over. It has the gateway's files and log. Dropping it kills it.
pub struct Successor {
    process: Process,
    log: Log,
    /// Log entries that were there before it.
    said_before: usize,
}

impl Successor {
    /// Waits until its log, or that of the gateway, has an entry that contains `words` since it was started.
    #[track_caller]
    pub fn wait_says(&self, words: &str) {
        wait_until(&format!("the log says `{words}`"), || {
            let said = self.log.entries().split_off(self.said_before);
            let says = |entry: &serde_json::Value| {
                let message = entry["message"].as_str();
                message.is_some_and(|message| message.contains(words))
            };
            match said.iter().any(says) {
                true => Ok(()),
                false => Err(self.log.tail()),
            }
        });
    }

    /// Kills it, and waits for its end.
    #[track_caller]
    pub fn kill(mut self) {
        self.process.signal(Signal::Kill);
        self.process.wait();
    }

    /// Waits until it has ended by itself.
    #[track_caller]
    pub fn wait_end(&mut self) -> ExitStatus {
        self.process.wait()
    }
}

impl Gateway {
    /// Starts a process that takes over, and does not wait for it.
    #[must_use]
    pub fn begin_takeover(&self) -> Successor {
        let said_before = self.log.entries().len();
        let process = Process::serve_with(
            &["--takeover"],
            self.directory.path(),
            self.log.path(),
            &self.setup.environment,
            self.setup.open_files,
        );
        Successor {
            process,
            log: self.log.clone(),
            said_before,
        }
    }

    /// Waits until the process that takes over serves, and the one before it has ended, if it had not yet. From then on it is
    /// the gateway of the story. Returns how the one before it ended.
    #[track_caller]
    pub fn end_takeover(&mut self, successor: Successor) -> Option<ExitStatus> {
        let Successor {
            mut process,
            log,
            said_before,
        } = successor;
        let (public, admin) = wait_until("the new process announces its listeners", || {
            if let Some(status) = process.ended() {
                panic!("the new process ended with {status}:\n{}", log.tail());
            }
            announced(&self.setup, self.directory.path(), &log, said_before)
        });
        let status = self.process.take().map(|mut before| before.wait());
        wait_until("the admin interface answers", || answers(admin));
        (self.process, self.public, self.admin) = (Some(process), public, admin);
        status
    }
}
