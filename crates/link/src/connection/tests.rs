//! The link in sequences of inputs that happen, in virtual time.

use std::time::Duration;

use longwire_wire::endpoint::ClientConfig;

use super::*;
use crate::connection_settings::IgnoredSetting;

mod attempt;
mod displacement;
mod failure;
mod operator;
mod platform;
mod priority;
mod renewal;
mod settings;
mod wecom;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn link() -> Link {
    Link::new(Timing::default(), 42)
}

fn actions(link: &mut Link) -> Vec<Action> {
    std::iter::from_fn(|| link.poll_action()).collect()
}

/// Lets the link come up and returns the generation that lives.
fn open(link: &mut Link, now: Instant) -> Generation {
    link.handle_desired(Desired::Run, now);
    go_live(link, now)
}

/// From the queue to a live connection.
fn go_live(link: &mut Link, now: Instant) -> Generation {
    let generation = link.generation();
    assert_eq!(actions(link), [Action::RequestPermit(generation)]);
    link.handle_permitted(generation, now);
    assert_eq!(actions(link), [Action::Bootstrap(generation)]);
    link.handle_bootstrapped(generation, None, now);
    assert_eq!(actions(link), [Action::Dial(generation)]);
    link.handle_opened(generation, now);
    assert_eq!(actions(link), []);
    assert_eq!(*link.state(), State::Live { since: now });
    generation
}

/// Lets the timer fire when it is due and returns that time.
fn fire(link: &mut Link) -> Instant {
    let due = link.poll_timeout().expect("a timer runs");
    link.handle_timeout(due);
    due
}

/// Lets the attempt that is queued fail before it opens.
fn fail(link: &mut Link, setback: Setback, now: Instant) {
    let generation = link.generation();
    assert_eq!(actions(link), [Action::RequestPermit(generation)]);
    link.handle_permitted(generation, now);
    assert_eq!(actions(link), [Action::Bootstrap(generation)]);
    link.handle_setback(generation, setback, now);
}

/// How long it waits from `now` on.
fn wait(link: &Link, now: Instant) -> Duration {
    link.poll_timeout().expect("a timer runs") - now
}
