//! Connections of a platform's SDK.

use super::*;
use crate::delivery::ReaderId;

const A: ReaderId = ReaderId(2);
const B: ReaderId = ReaderId(3);

fn play() -> Play {
    let policy = DeliveryPolicy {
        give_up: GiveUp {
            attempts: NonZeroU32::new(3),
            age: None,
        },
        ..DeliveryPolicy::default()
    };
    let mut play = Play::new(Receivers::Connections, policy);
    play.queue.handle_reader(A, 64);
    play
}

#[test]
fn a_chat_has_one_event_under_way() {
    let mut play = play();
    let first = play.message("a");
    play.message("a");
    let other = play.message("b");
    assert_eq!(play.all(), [first, other]);
}

#[test]
fn a_handler_that_is_slow_fails_at_its_limit_and_its_lane_waits() {
    let mut play = play();
    let slow = play.message("a");
    let delivery = play.next();
    let limit = delivery.deadline.expect("a limit");
    assert_eq!(limit, play.now.instant + RelayRoad::HANDLER_LIMIT);
    assert!(play.all().is_empty());
    play.now = play.now.after(RelayRoad::HANDLER_LIMIT);
    assert!(play.all().is_empty(), "it waits as after any failure");
    play.save();
    let due = play
        .queue
        .poll_timeout(play.now)
        .expect("it is tried again");
    let wait = due - play.now.instant;
    assert!((1.0..1.2).contains(&wait.as_secs_f64()), "{wait:?}");
    play.now = play.now.after(wait);
    assert_eq!(play.all(), [slow]);
    // The first call of the handler ends.
    assert_eq!(play.queue.handle_acked(&[Seq(slow)], play.now), 1);
    assert_eq!(play.queue.floor(), Seq(slow));
}

#[test]
fn an_event_that_nobody_handles_is_given_up_at_once() {
    let mut play = play();
    let first = play.message("a");
    let second = play.message("a");
    let delivery = play.next();
    play.queue
        .handle_failed(delivery.id, DeliveryFailure::Unhandled, play.now);
    let gave_up = ConsumerNews::GaveUp {
        seq: Seq(first),
        attempts: 1,
        failure: DeliveryFailure::Unhandled,
    };
    assert_eq!(play.queue.poll_news(), Some(gave_up));
    assert_eq!(play.all(), [second], "the lane goes on");
}

/// Where one message comes at a time, nobody has anything to do when the next chat begins.
#[test]
fn chats_are_shared_among_connections_that_have_nothing_to_do() {
    let mut play = play();
    play.queue.handle_reader(B, 64);
    let mut of_a = 0;
    for chat in 0..12 {
        play.message(&chat.to_string());
        let delivery = play.next();
        of_a += usize::from(delivery.reader == A);
        play.queue.handle_done(delivery.id, play.now);
    }
    assert_eq!(of_a, 6);
}

#[test]
fn a_click_goes_where_its_chat_is() {
    let mut play = play();
    play.message("a");
    assert_eq!(play.next().reader, A);
    play.queue.handle_reader(B, 64);
    play.message("b");
    assert_eq!(play.next().reader, B, "it has less to do");
    for (chat, reader) in [("a", A), ("b", B)] {
        play.event(chat, Urgent::Click);
        assert_eq!(play.next().reader, reader, "{chat}");
    }
    play.queue.handle_reader_gone(A, play.now);
    let mut moved = Vec::new();
    while let Some(delivery) = play.send() {
        assert_eq!(delivery.reader, B);
        moved.extend(delivery.events.iter().map(|event| event.redelivered));
    }
    assert_eq!(moved, [true, true]);
}
