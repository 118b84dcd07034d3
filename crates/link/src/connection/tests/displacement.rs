//! Bots that displace each other, and take-backs.

use super::platform::Platform;
use super::wecom::{DAY, HOUR, link, open, take_back};
use super::*;

/// S160: other clients displace each other for ever.
#[test]
fn a_displaced_one_leaves_the_bot_alone() {
    let mut platform = Platform::new(vec![link(1), link(2)]);
    platform.wants(0, Desired::Run);
    platform.pass(secs(100));
    platform.wants(1, Desired::Run);
    let since = platform.now;
    let displaced = State::Displaced { since, until: None };
    assert_eq!(*platform.links[0].state(), displaced);
    platform.pass(secs(600));
    assert_eq!(platform.subscribed.len(), 2, "nobody connects again");
    assert_eq!(*platform.links[0].state(), displaced);
    assert_eq!(*platform.links[1].state(), State::Live { since });

    // Late news of the old connection, and actors that ended too often.
    let first = platform.links[0].generation();
    platform.links[0].handle_setback(first, Setback::Reset, platform.now);
    platform.links[0].handle_restarts_exhausted(platform.now + secs(1), platform.now);
    platform.pass(DAY);
    assert_eq!(*platform.links[0].state(), displaced);
}

/// A new link of a displaced installation leaves the bot alone too, until an operator or the policy takes it back.
#[test]
fn a_displaced_one_that_is_made_anew_leaves_the_bot_alone_too() {
    let since = Instant::now();
    let now = since + secs(10);
    let anew = |policy| link(7).with_take_back(policy).displaced(Some(since));

    let mut patient = anew(None);
    patient.handle_desired(Desired::Run, now);
    assert_eq!(*patient.state(), State::Displaced { since, until: None });
    assert_eq!(
        (patient.poll_action(), patient.poll_timeout()),
        (None, None)
    );
    // That was an operator's decision.
    patient.handle_desired(Desired::Stop, now);
    patient.handle_desired(Desired::Run, now);
    assert!(matches!(patient.state(), State::Queued));

    let policy = take_back(secs(300), 1);
    let mut willing = anew(Some(policy));
    willing.handle_desired(Desired::Run, now);
    let until = since + secs(300);
    assert_eq!(
        *willing.state(),
        State::Displaced {
            since,
            until: Some(until)
        }
    );
    willing.handle_timeout(until);
    let generation = willing.generation();
    assert_eq!(
        willing.poll_action(),
        Some(Action::RecordTakeBack(generation))
    );
    willing.handle_take_back_recorded(generation, until);
    assert!(matches!(willing.state(), State::Queued));

    let day_is_used_up = willing.taken_back();
    assert_eq!(day_is_used_up.len(), 1);
    let mut anew_again = anew(Some(policy)).taken_back_at(day_is_used_up);
    anew_again.handle_desired(Desired::Run, until);
    assert_eq!(
        *anew_again.state(),
        State::Displaced {
            since,
            until: Some(until + DAY)
        }
    );

    let mut stopped = anew(None);
    stopped.handle_desired(Desired::Stop, now);
    stopped.handle_desired(Desired::Run, now);
    assert!(
        matches!(stopped.state(), State::Queued),
        "decided while it was made anew"
    );
}

#[test]
fn an_operator_takes_the_bot_back() {
    let by_hand: [fn(&mut Platform); 3] = [
        |platform| {
            platform.links[0].handle_claimed(platform.now);
            platform.carry_out(0);
        },
        |platform| {
            platform.wants(0, Desired::Stop);
            platform.wants(0, Desired::Run);
        },
        |platform| {
            platform.links[0].handle_configured(platform.now);
            platform.carry_out(0);
        },
    ];
    for take in by_hand {
        let mut platform = Platform::new(vec![link(1), link(2)]);
        platform.wants(0, Desired::Run);
        platform.wants(1, Desired::Run);
        platform.pass(secs(600));
        platform.wants(0, Desired::Run);
        assert_eq!(platform.holder, Some(1), "a repeated start takes nothing");
        take(&mut platform);
        assert_eq!(platform.holder, Some(0));
        assert_eq!(platform.links[1].state().label(), "displaced");
    }
}

/// Another program takes the bot again each time, for three days.
#[test]
fn take_backs_are_slow_and_few() {
    let policy = take_back(secs(300), 4);
    let mut platform = Platform::new(vec![link(1).with_take_back(Some(policy)), link(2)]);
    platform.wants(0, Desired::Run);
    let end = platform.now + 3 * DAY;
    let mut taken = Vec::new();
    while platform.now < end {
        platform.wants(1, Desired::Stop);
        platform.wants(1, Desired::Run);
        let displaced_at = platform.now;
        assert_eq!(platform.links[0].state().label(), "displaced");
        let due = platform.links[0]
            .poll_timeout()
            .expect("the policy says so");
        platform.pass(due - displaced_at);
        assert_eq!(platform.holder, Some(0));
        assert!(platform.now - displaced_at >= policy.after());
        taken.push(platform.now);
        platform.pass(secs(60));
    }
    assert!(
        taken.len() >= 12,
        "it goes on the next day: {}",
        taken.len()
    );
    for five in taken.windows(5) {
        assert!(five[4] - five[0] >= DAY, "more than four within a day");
    }
}

#[test]
fn a_later_policy_holds_for_a_displacement_that_happened() {
    let mut platform = Platform::new(vec![link(1), link(2)]);
    platform.wants(0, Desired::Run);
    platform.wants(1, Desired::Run);
    let since = platform.now;
    platform.pass(secs(100));
    let after = secs(300);
    platform.links[0].handle_take_back(Some(take_back(after, 1)));
    let until = Some(since + after);
    assert_eq!(
        *platform.links[0].state(),
        State::Displaced { since, until }
    );
    platform.links[0].handle_take_back(None);
    platform.pass(HOUR);
    assert_eq!(platform.holder, Some(1), "the policy was withdrawn");
    platform.links[0].handle_take_back(Some(take_back(after, 1)));
    platform.pass(secs(0));
    assert_eq!(platform.holder, Some(0), "its time had come already");
}

/// A process that is killed while it takes a bot back must have counted that.
#[test]
fn a_take_back_is_recorded_before_it_is_done() {
    let since = Instant::now();
    let policy = take_back(secs(300), 1);
    let mut link = link(7).with_take_back(Some(policy)).displaced(Some(since));
    link.handle_desired(Desired::Run, since);
    let mut now = since + secs(300);
    link.handle_timeout(now);
    let generation = link.generation();
    let record = Some(Action::RecordTakeBack(generation));
    for _ in 0..3 {
        assert_eq!(link.poll_action(), record);
        assert_eq!(link.poll_action(), None, "no attempt yet");
        assert_eq!(link.state().label(), "displaced");
        let times: Vec<_> = link.taken_back().collect();
        assert_eq!(times, [since + secs(300)], "asked again, counted once");
        // The disk is slow, so the record is asked for again.
        let due = link.poll_timeout().expect("it is not forgotten");
        assert!(due > now);
        now = due;
        link.handle_timeout(now);
    }
    assert_eq!(link.poll_action(), record);
    link.handle_take_back_recorded(Generation(generation.0 + 1), now);
    assert_eq!(link.state().label(), "displaced", "news of another one");
    link.handle_take_back_recorded(generation, now);
    assert_eq!(*link.state(), State::Queued);

    // The operator stops it before the record: the answer changes nothing.
    let mut stopped = Link::new(Timing::default().for_wecom(), 7)
        .with_take_back(Some(policy))
        .displaced(Some(since));
    stopped.handle_desired(Desired::Run, since);
    stopped.handle_timeout(since + secs(300));
    stopped.handle_desired(Desired::Stop, now);
    stopped.handle_take_back_recorded(stopped.generation(), now);
    assert_eq!(*stopped.state(), State::Stopped);
}

#[test]
fn a_displacement_is_recorded() {
    let now = Instant::now();
    let mut link = link(7);
    let generation = open(&mut link, now);
    link.handle_setback(generation, Setback::Displaced, now);
    let actions: Vec<_> = std::iter::from_fn(|| link.poll_action()).collect();
    let close = Action::Close(generation, CloseReason::Lost(Setback::Displaced));
    assert_eq!(actions, [close, Action::RecordDisplaced]);
}
