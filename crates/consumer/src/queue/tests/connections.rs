//! Connections of a platform's SDK.

use super::*;
use crate::delivery::ReaderId;
use crate::news::ReadWant;

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

/// A log of many chats is read once, whoever is behind: a reader that has all it may have is no reason to leave its chats in
/// the log, where no other has room for what would be read in their place.
#[test]
fn a_backlog_of_many_chats_is_read_once() {
    for readers in [&[A][..], &[A, B]] {
        let mut play = play();
        for reader in readers {
            play.queue.handle_reader(*reader, 64);
        }
        let last = 20_000;
        let mut done = 0;
        let mut read = 0;
        let mut under_way = VecDeque::new();
        while done < last {
            read += read_backlog(&mut play, last);
            while let Some(delivery) = play.send() {
                under_way.push_back(delivery.id);
            }
            // As its owner does: once more after what was sent.
            read += read_backlog(&mut play, last);
            let delivery = under_way.pop_front().expect("something is under way");
            play.queue.handle_done(delivery, play.now);
            done += 1;
        }
        assert!(read < last + 1_024, "{read} events were read");
    }
}

/// Reads all that the queue wants. Returns how many events that were.
fn read_backlog(play: &mut Play, last: i64) -> i64 {
    let mut read = 0;
    while let Some(want) = play.queue.poll_want(Seq(last)) {
        let until = want.until.map_or(last, |until| until.0);
        let (page, reached) = backlog_page(want, until);
        read += page.len() as i64;
        play.queue
            .handle_page(want.scope, want.after, page, Seq(reached), play.now);
        play.save();
    }
    read
}

/// What the log has behind `want.after`, of 256 chats in turn, and up to where it was read.
fn backlog_page(want: ReadWant, until: i64) -> (Vec<ReadEvent<i64>>, i64) {
    let installation = InstallationId(1);
    let limit = i64::try_from(want.limit).expect("it is small");
    let until = until.min(want.after.0 + limit);
    let event = |seq: i64| ReadEvent {
        seq: Seq(seq),
        installation,
        chat: Some(ChatKey::new(installation, &(seq % 256).to_string())),
        urgent: Urgent::No,
        recorded_ms: 1_800_000_000_000,
        size_bytes: 1_000,
        payload: seq,
    };
    ((want.after.0 + 1..=until).map(event).collect(), until)
}
