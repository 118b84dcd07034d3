//! The checks at the end of every story, which the story itself need not ask for.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use longwire_sim::Control;

use crate::gateway::Gateway;
use crate::process::Signal;

/// The exceptions that a story allows.
#[derive(Default)]
pub(crate) struct Expectations {
    errors: Mutex<Vec<String>>,
    without_row: Mutex<HashSet<String>>,
}

impl Expectations {
    pub(crate) fn error(&self, words: &str) {
        lock(&self.errors).push(words.to_owned());
    }

    pub(crate) fn no_row(&self, event_id: &str) {
        lock(&self.without_row).insert(event_id.to_owned());
    }
}

/// Locks the exceptions. After a panic elsewhere they are still complete.
fn lock<T>(expectations: &Mutex<T>) -> MutexGuard<'_, T> {
    expectations.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway {
    /// Ends the process if it runs, and returns all violations.
    fn violations(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(mut process) = self.process.take() {
            process.signal(Signal::Term);
            let status = process.wait();
            if status.code() != Some(0) {
                complaints.push(format!("SIGTERM ended it with {status} instead of code 0"));
            }
        }
        complaints.extend(self.unexpected_errors());
        complaints.extend(self.acknowledged_and_missing());
        complaints
    }

    fn unexpected_errors(&self) -> Vec<String> {
        let expected = lock(&self.expectations.errors);
        let is_unexpected =
            |line: &String| !expected.iter().any(|words| line.contains(words.as_str()));
        let alarms = self.log.alarms().into_iter().filter(is_unexpected);
        alarms
            .map(|line| format!("nobody expected this in the log: {line}"))
            .collect()
    }

    /// Checks that every ACKed event has a row.
    fn acknowledged_and_missing(&self) -> Vec<String> {
        let answered = |platform: &Control| {
            let over_http = platform.http_delivered_ids();
            platform.acked_event_ids().into_iter().chain(over_http)
        };
        let platforms = self.setup.platforms.iter();
        let acked: Vec<String> = platforms.flat_map(answered).collect();
        if acked.is_empty() {
            return Vec::new();
        }
        let without_row = lock(&self.expectations.without_row);
        let recorded: HashSet<String> = self
            .events()
            .into_iter()
            .filter_map(|event| event.event_id)
            .map(String::from)
            .collect();
        let is_missing = |id: &String| !recorded.contains(id) && !without_row.contains(id);
        let missing = acked.into_iter().filter(is_missing);
        missing
            .map(|id| format!("event {id} was acknowledged and is not in the store"))
            .collect()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The story has failed already; its reader needs the log, and the process has to end.
            eprintln!("the gateway's last words:\n{}", self.log.tail());
            return;
        }
        let complaints = self.violations();
        assert!(
            complaints.is_empty(),
            "the story went well, but:\n- {}\nthe gateway's last words:\n{}",
            complaints.join("\n- "),
            self.log.tail()
        );
    }
}

#[cfg(test)]
mod tests {
    use longwire_sim::Behaviour;

    use crate::{Setup, app_id, message, platform, wait_until};

    /// A repeat with a new id has no row of its own, and so looks like a lost event.
    #[test]
    #[should_panic(expected = "event evt-fresh was acknowledged and is not in the store")]
    fn an_acknowledged_event_without_a_row_is_noticed() {
        let sim = platform(|_| ());
        let control = sim.control();
        let _gateway = Setup::new(&sim).bot("a").start();
        for event_id in ["evt-1", "evt-fresh"] {
            control.push(&app_id("a"), message(event_id, "om-1"));
        }
        wait_until("both are acknowledged", || match control.ledger().acked {
            2 => Ok(()),
            acked => Err(acked.to_string()),
        });
    }

    #[test]
    #[should_panic(expected = "nobody expected this in the log")]
    fn an_error_nobody_announced_is_noticed() {
        let sim = platform(|_| ());
        sim.control().behaviour(None, Behaviour::auth_failed());
        let gateway = Setup::new(&sim).bot("a").start();
        gateway.wait_installation("a", "refused", |view| view["state"] == "refused");
    }
}
