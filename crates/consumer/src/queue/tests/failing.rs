//! Deliveries and endpoints that fail: when they are tried again, and when they are given up.

use super::*;

#[test]
fn an_event_that_fails_is_tried_at_chat_speed() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(play.fail_next(status(500)).1);
        let other = play.message("b");
        let delivery = play.next();
        assert_eq!(delivery.events[0].seq.0, other, "others go on");
        play.queue.handle_done(delivery.id, play.now);
    }
    let delays: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (delay, least) in delays.iter().zip([1, 2, 4, 8]) {
        assert!((least..=least + 1).contains(delay), "{delays:?}");
    }
    assert_eq!(play.queue.state(), QueueState::Active);
}

/// An application that restarts for 20 s costs at most 2 s more, and nothing is lost or out of order.
#[test]
fn a_refused_connection_is_probed_each_second() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "a"] {
        play.message(chat);
    }
    let (mut times, mut second) = (Vec::new(), 0);
    while second < 20 {
        second = play.fail_next(REFUSED).1;
        times.push(second);
    }
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] <= 2),
        "{times:?}"
    );
    assert_eq!(play.news()[0], ConsumerNews::Paused { cause: REFUSED });
    let probe = play.next();
    assert!(probe.is_probe && play.all().is_empty(), "one at a time");
    let last = play.start.instant + Duration::from_secs(second + 1);
    assert!(play.now.instant <= last + Duration::from_millis(1_100));
    play.queue.handle_done(probe.id, play.now);
    assert!(matches!(play.news()[..], [ConsumerNews::Resumed { .. }]));
    assert_eq!(play.all().len(), 1, "the rest is sent at once");
    assert!(
        play.queue
            .open
            .values()
            .all(|event| event.tried.failures == 0)
    );
}

/// The probes of the first minute do not count as patience: whoever comes back in the second one waits seconds, not minutes.
#[test]
fn an_application_that_starts_slowly_is_found_soon() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let (mut last, mut longest) = (0, 0);
    while last < 120 {
        let (_, second) = play.fail_next(REFUSED);
        longest = longest.max(second - last);
        last = second;
    }
    assert!((16..=34).contains(&longest), "{longest}");
}

#[test]
fn an_outage_of_hours_is_probed_every_five_minutes_at_least() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let (mut last, mut longest) = (0, 0);
    while last < 7_200 {
        let (_, second) = play.fail_next(DeliveryFailure::Unreachable);
        longest = longest.max(second - last);
        last = second;
    }
    assert!((300..=331).contains(&longest), "{longest}");
}

#[test]
fn three_chats_that_fail_are_the_endpoint() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "c", "d"] {
        play.message(chat);
    }
    for _ in 0..3 {
        let delivery = play.send().expect("it is active");
        play.queue.handle_failed(delivery.id, status(500), play.now);
    }
    assert!(matches!(play.queue.state(), QueueState::Failing { .. }));
    assert_eq!(play.send().map(|delivery| delivery.id), None);
    // The fourth chat was not tried. One that comes later does not wait for the next probe but for 5 s.
    assert_eq!(play.fail_next(status(500)).0, 4);
    for _ in 0..12 {
        play.fail_next(status(500));
    }
    let fresh = play.message("e");
    let before = play.now.instant;
    let probe = play.next();
    assert_eq!(probe.events[0].seq.0, fresh);
    assert!(play.now.instant <= before + Duration::from_secs(5));
    play.queue.handle_done(probe.id, play.now);
    assert_eq!(play.queue.state(), QueueState::Active);
}

#[test]
fn retry_after_is_obeyed_within_an_hour() {
    for (seconds, expected) in [(30, 30), (1_000_000, 3_600)] {
        let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
        play.message("a");
        let failure = DeliveryFailure::Status {
            code: 429,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        play.fail_next(failure);
        assert_eq!(play.fail_next(failure).1, expected);
    }
}

#[test]
fn an_endpoint_that_is_gone_is_left_alone_until_an_operator_resumes() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    play.fail_next(status(410));
    assert_eq!(play.news(), [ConsumerNews::Stopped]);
    assert_eq!(play.queue.state(), QueueState::Stopped);
    play.now = play.now.after(Duration::from_secs(86_400));
    assert_eq!(play.all(), [] as [i64; 0]);
    play.queue.handle_resumed();
    assert_eq!(play.all(), [1]);
}

#[test]
fn nothing_is_given_up_but_by_policy() {
    let attempts = NonZeroU32::new(3);
    let give_up = GiveUp {
        attempts,
        age: None,
    };
    let mut play = Play::new(
        Receivers::Endpoint,
        DeliveryPolicy {
            give_up,
            ..DeliveryPolicy::default()
        },
    );
    let bad = play.message("a");
    let next = play.message("a");
    for _ in 0..3 {
        assert_eq!(play.fail_next(status(400)).0, bad);
    }
    let seq = Seq(bad);
    let failure = status(400);
    assert!(play.news().contains(&ConsumerNews::GaveUp {
        seq,
        attempts: 3,
        failure
    }));
    assert_eq!(play.next().events[0].seq.0, next);
    // A connection that fails is nobody's event.
    let mut play = Play::new(play.queue.settings.receivers, play.queue.policy.clone());
    play.message("a");
    for _ in 0..50 {
        play.fail_next(REFUSED);
    }
    assert_eq!(play.queue.held_events(), 1);
}
