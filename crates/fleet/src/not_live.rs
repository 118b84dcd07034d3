//! Which wanted bots are not live, by reason: a few names of each, however many there are.
//!
//! [`NotLive`] is made in one pass over the bots. It holds a bounded number of names, so that 10,000 bots that are not live cost
//! little more than three.

use std::collections::BTreeMap;

use longwire_installation::Desired;
use longwire_link::{Setback, State};

use crate::view::InstallationView;

/// Names that are kept of one reason.
const NAMES: usize = 10;

/// The wanted bots of a fleet.
#[derive(Debug, Clone, Default)]
pub struct WantedView {
    /// How many there are.
    pub counts: WantedCounts,
    /// Bots that are not wanted.
    pub stopped: u64,
    /// Wanted bots to which more came lately than could be recorded in time.
    pub overloaded: u64,
    /// Wanted bots that need a connection and have none, by state and reason.
    pub not_live: Vec<NotLiveGroup>,
}

/// Wanted bots that need a connection and have none, all of one state and for one reason.
#[derive(Debug, Clone)]
pub struct NotLiveGroup {
    /// Their state.
    pub state: &'static str,
    /// Why they are not live: a stable label.
    pub reason: Option<String>,
    /// The same for people, of the first of them.
    pub reason_text: Option<String>,
    /// What to do about it.
    pub next_step: Option<String>,
    /// How many there are.
    pub count: u64,
    /// Since when the first of them is so, Unix milliseconds.
    pub since_ms: i64,
    /// When the first of them is tried again by itself, Unix milliseconds.
    pub until_ms: Option<i64>,
    /// Some of them: those that have been so for longest.
    pub bots: Vec<NotLiveBot>,
}

/// A wanted bot that needs a connection and has none.
#[derive(Debug, Clone)]
pub struct NotLiveBot {
    /// Public id.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// Since when, Unix milliseconds.
    pub since_ms: i64,
    /// When it is tried again by itself, Unix milliseconds.
    pub until_ms: Option<i64>,
    /// Why it is not live, for people.
    pub reason_text: Option<String>,
}

/// How many bots are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WantedCounts {
    /// Bots that are wanted.
    pub wanted: u64,
    /// Of them, those that are connected.
    pub live: u64,
    /// Of them, those whose events come over HTTP, so that they need no connection.
    pub webhook: u64,
}

impl WantedCounts {
    /// Of them, those that need a connection and have none.
    #[must_use]
    pub fn not_live(&self) -> u64 {
        self.wanted - self.live - self.webhook
    }

    /// One more bot. Answers whether it is wanted, needs a connection and has none.
    pub(crate) fn add(&mut self, desired: Desired, state: &State) -> bool {
        if desired == Desired::Stop {
            return false;
        }
        self.wanted += 1;
        match state {
            State::Live { .. } => self.live += 1,
            State::Webhook => self.webhook += 1,
            State::Stopped
            | State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => return true,
        }
        false
    }
}

/// Collects them.
#[derive(Debug, Default)]
pub(crate) struct NotLive {
    groups: BTreeMap<(&'static str, Option<String>), NotLiveGroup>,
}

impl NotLive {
    /// One more. During an attempt the reason of the failure before it, `last`, says more than that it is tried: such a bot is
    /// counted with those that wait for their next attempt, so that nobody's trouble comes and goes with every attempt.
    pub(crate) fn add(&mut self, mut view: InstallationView, last: Option<Setback>) {
        if let (None, "queued" | "bootstrapping" | "dialing", Some(last)) =
            (&view.reason, view.state, last)
        {
            view.state = "backing_off";
            view.reason = Some(last.label().to_owned());
            view.reason_text = Some(last.to_string());
            view.next_step = Some(last.next_step().to_owned());
        }
        let key = (view.state, view.reason.clone());
        let group = self.groups.entry(key).or_insert_with(|| NotLiveGroup {
            state: view.state,
            reason: view.reason,
            reason_text: view.reason_text.clone(),
            next_step: view.next_step,
            count: 0,
            since_ms: view.state_since_ms,
            until_ms: None,
            bots: Vec::new(),
        });
        group.count += 1;
        group.since_ms = group.since_ms.min(view.state_since_ms);
        group.until_ms = group.until_ms.into_iter().chain(view.until_ms).min();
        let bots = &mut group.bots;
        let place = bots.partition_point(|bot| bot.since_ms <= view.state_since_ms);
        if place < NAMES {
            bots.truncate(NAMES - 1);
            bots.insert(
                place,
                NotLiveBot {
                    id: view.id,
                    name: view.name,
                    since_ms: view.state_since_ms,
                    until_ms: view.until_ms,
                    reason_text: view.reason_text,
                },
            );
        }
    }

    /// All groups: those that wait for somebody first, then the larger ones.
    pub(crate) fn into_groups(self) -> Vec<NotLiveGroup> {
        let mut groups: Vec<NotLiveGroup> = self.groups.into_values().collect();
        groups.sort_by_key(|group| (!waits_for_somebody(group.state), u64::MAX - group.count));
        groups
    }
}

/// Whether a bot in this state waits for an operator, rather than for the platform or its turn.
fn waits_for_somebody(state: &str) -> bool {
    matches!(state, "refused" | "displaced" | "restarting")
}

#[cfg(test)]
mod tests {
    use longwire_access::Space;

    use super::*;
    use crate::view::Lights;

    fn view(
        name: &str,
        state: &'static str,
        reason: Option<&str>,
        since_ms: i64,
    ) -> InstallationView {
        InstallationView {
            id: format!("ins_{name}"),
            name: name.to_owned(),
            space: Space::default(),
            platform: "feishu",
            app_id: "cli_1".to_owned(),
            desired: "run",
            state,
            legacy_state: "error",
            state_since_ms: since_ms,
            until_ms: Some(since_ms + 1_000),
            attempt: 1,
            reason: reason.map(str::to_owned),
            reason_text: reason.map(|reason| format!("{reason}, in words")),
            next_step: None,
            generation: 1,
            renewal: None,
            lights: Lights::default(),
            callbacks: None,
        }
    }

    #[test]
    fn they_are_grouped_by_reason_and_those_that_wait_for_somebody_come_first() {
        let mut not_live = NotLive::default();
        for at in 0..3_000 {
            // The newest first: the oldest are to be kept.
            let name = format!("bot-{at}");
            not_live.add(
                view(&name, "backing_off", Some("network"), 3_000 - at),
                None,
            );
        }
        not_live.add(view("wrong", "refused", Some("bad_secret"), 7), None);
        not_live.add(view("new", "queued", None, 9), None);
        let groups = not_live.into_groups();
        let shown: Vec<_> = groups
            .iter()
            .map(|group| (group.state, group.reason.as_deref(), group.count))
            .collect();
        assert_eq!(
            shown,
            [
                ("refused", Some("bad_secret"), 1),
                ("backing_off", Some("network"), 3_000),
                ("queued", None, 1),
            ]
        );
        let many = &groups[1];
        assert_eq!((many.since_ms, many.until_ms), (1, Some(1_001)));
        let since: Vec<i64> = many.bots.iter().map(|bot| bot.since_ms).collect();
        assert_eq!(since, (1..=10).collect::<Vec<_>>());
        assert_eq!(groups[0].bots[0].name, "wrong");
    }

    /// A bot whose attempts fail is one of those that fail, also in the midst of an attempt.
    #[test]
    fn an_attempt_after_a_failure_hides_no_reason() {
        let mut not_live = NotLive::default();
        let last = Setback::AuthFailed;
        not_live.add(
            view("waits", "backing_off", Some(last.label()), 1),
            Some(last),
        );
        for state in ["queued", "bootstrapping", "dialing"] {
            not_live.add(view(state, state, None, 2), Some(last));
        }
        let groups = not_live.into_groups();
        let [group] = groups.as_slice() else {
            panic!("{groups:?}");
        };
        assert_eq!((group.state, group.count), ("backing_off", 4));
        assert_eq!(group.reason.as_deref(), Some(last.label()));
    }
}
