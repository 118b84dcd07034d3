//! How a connection of WeCom ends, and what it still brings.

use std::time::Duration;

use super::super::world::Writer;
use super::{Life, Step, ack};
use crate::session::*;
use crate::setback::Setback;
use crate::timing::Timing;

#[test]
fn a_lost_connection_is_read_to_its_end() {
    let mut life = Life::subscribed(8);
    life.callback();
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.callback();
    life.world.turn();
    life.callback();
    life.world.is_input_over = true;
    life.world.turn();
    while life.world.finished.is_none() {
        life.world.commit(None);
        life.world.hear_store();
        life.world.turn();
    }
    assert_eq!(life.recorded(), [1, 2, 3]);
    assert_eq!((life.world.left_unread, life.world.events_lost), (0, 0));
}

#[test]
fn a_connection_that_says_nothing_more_ends_by_itself() {
    let mut life = Life::subscribed(8);
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.world.pass(Duration::from_millis(2_999));
    assert_eq!(life.world.finished, None);
    life.world.pass(Duration::from_millis(1));
    assert_eq!(life.world.finished, Some(0));
}

#[test]
fn what_is_left_in_the_kernel_when_the_time_is_up_is_said() {
    let mut life = Life::subscribed(2);
    life.world.writer = Writer::Full;
    for _ in 0..5_000 {
        life.callback();
    }
    life.world.turn();
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.pass(within);
    assert_eq!(life.world.left_unread, 1);
    life.world.recover();
    let decoded = life.world.received;
    assert!(decoded > 1_000, "the last reads are taken: {decoded}");
    assert_eq!(life.recorded().len() as u64, decoded);
}

#[test]
fn what_may_not_be_held_is_lost_and_counted() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    life.world.may_retain = false;
    // The oldest waits as long as it takes.
    life.world.tell(Input::HasPredecessors);
    life.callback();
    life.world.turn();
    life.world.pass(Duration::from_millis(10));
    life.callback();
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.world.is_input_over = true;
    life.world.pass(Duration::from_secs(100));
    assert_eq!(life.world.finished, Some(0));
    assert_eq!(life.world.events_lost, life.world.received);
}

#[test]
fn refusals_of_a_subscription_end_it_without_the_secret() {
    let mut life = Life::new(8);
    life.check();
    let req_id = life.unanswered.remove(0);
    life.say(&ack(&req_id, 40_001).replace("words", "s3cr3t-of-the-bot is wrong"));
    life.world.turn();
    let end = life.world.lost.as_ref().expect("it is lost");
    assert_eq!(end.setback, Setback::of_subscribe(Some(40_001)));
    assert!(!end.detail.contains("s3cr3t"), "{}", end.detail);
    let mut silent = Life::new(8);
    silent.world.pass(Timing::default().subscribe);
    let end = silent.world.lost.as_ref().expect("it is lost");
    assert_eq!(end.setback, Setback::SubscribeTimedOut);
}

/// The store refuses what it is given, for so long; then it takes everything.
fn in_trouble(life: &mut Life, time: Duration) {
    let end = life.world.now + time;
    while life.world.now < end {
        life.world.pass(Duration::from_millis(100));
        life.world.refuse();
        life.world.hear_store();
    }
    life.world.run();
}

#[test]
fn an_ended_connection_is_read_while_the_store_is_in_trouble() {
    let within = Duration::from_secs(20);
    for mode in [CloseMode::Abandon, CloseMode::Finish { within }] {
        for wait in [4, 6, 9] {
            let mut life = Life::subscribed(8);
            life.callback();
            life.world.turn();
            life.world.tell(Input::Close(mode));
            in_trouble(&mut life, Duration::from_secs(wait));
            assert_eq!(life.world.session.view().phase, "ending");
            life.callback();
            in_trouble(&mut life, Duration::from_secs(2));
            life.world.recover();
            assert_eq!(life.recorded(), [1, 2], "{mode:?} after {wait} s");
            assert_eq!((life.world.left_unread, life.world.events_lost), (0, 0));
        }
    }
}

#[test]
fn every_end_is_said_to_the_platform() {
    for (step, code) in [
        (Step::PlatformCloses, 1001),
        (Step::Violation, 1002),
        (Step::NoMemory, 1009),
        (Step::Displaced, 1000),
        (Step::Reset, 1000),
        (Step::Close(0), 1000),
        (Step::Close(3), 1000),
    ] {
        let is_displaced = matches!(step, Step::Displaced);
        let mut life = Life::subscribed(8);
        life.take(step.clone());
        if is_displaced {
            // The platform closes the connection with the same packet.
            life.take(Step::PlatformCloses);
            life.take(Step::Reset);
        }
        if matches!(step, Step::NoMemory) {
            life.take(Step::Half(80_000));
        }
        life.world.run();
        assert_eq!(life.world.close_codes(), [code], "{step:?}");
    }
}

#[test]
fn whoever_asked_is_told_when_the_connection_is_lost() {
    let mut life = Life::subscribed(8);
    life.request(3);
    life.world.turn();
    life.take(Step::Violation);
    life.world.turn();
    assert_eq!(
        life.world.lost.as_ref().map(|end| &end.setback),
        Some(&Setback::ProtocolViolation)
    );
    assert_eq!(
        life.world.told.get(&1),
        Some(&Err(RequestRefusal::ConnectionLost))
    );
}

#[test]
fn what_is_read_when_the_writer_fills_up_is_decoded_when_it_has_room() {
    let mut life = Life::subscribed(8);
    life.callback();
    life.world.turn();
    life.callback();
    life.world.turn();
    life.world.fills_up = true;
    life.callback();
    life.world.turn();
    assert_eq!(life.world.received, 2, "there is no room for the third");
    life.world.writer = Writer::Takes;
    life.world.commit(None);
    life.world.hear_store();
    life.world.pass(Duration::from_millis(10));
    assert_eq!(life.world.received, 3);
    assert_eq!(life.world.session.view().unread_bytes, 0);
}

#[test]
fn what_is_in_the_kernel_when_the_time_is_up_is_read() {
    let mut life = Life::subscribed(100_000);
    let within = Duration::from_secs(2);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.pass(within - Duration::from_millis(1));
    life.world.now += Duration::from_millis(1);
    while life.world.incoming.len() < 700_000 {
        life.callback();
    }
    let before = life.world.incoming.len();
    life.world.run();
    // Two turns' reads, and a byte that tells that there is more.
    let read = before - life.world.incoming.len();
    assert_eq!(read, 2 * READS_PER_TURN * 64 * 1024 + 1);
    assert_eq!(life.world.left_unread, 1);
}

#[test]
fn a_message_that_nobody_let_through_is_left_unread_and_not_cut_off() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.turn();
    life.callback();
    life.take(Step::Half(1_000));
    life.world.pass(within);
    assert_eq!((life.world.received, life.world.left_unread), (1, 1));
    assert!(
        life.world.malformed.is_empty(),
        "{:?}",
        life.world.malformed
    );
}

#[test]
fn each_loss_has_its_reason() {
    let mut life = Life::subscribed(8);
    for _ in 0..2 {
        life.callback();
        life.world.turn();
    }
    life.world.writer = Writer::Stopped;
    life.world.commit(Some(0));
    life.world.hear_store();
    life.world.turn();
    life.world.hear_store();
    let reasons = [(1, LossReason::Rule), (1, LossReason::ProcessEnds)];
    assert_eq!(life.world.losses, reasons);
}

#[test]
fn a_pause_is_told_to_each_pinger() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    life.callback();
    life.world.pass(Duration::from_millis(999));
    assert!(!life.world.is_paused());
    life.world.pass(Duration::from_millis(301));
    assert!(life.world.is_paused());
    life.world.tell(Input::PingerAttached);
    life.world.pass(Duration::from_millis(1_300));
    assert!(life.world.is_paused());
    life.world.writer = Writer::Takes;
    life.world.pass(Duration::from_millis(300));
    assert!(!life.world.is_paused());
}

#[test]
fn a_connection_that_reads_nothing_asks_the_writer_only_to_hand_over() {
    let mut life = Life::subscribed(8);
    for _ in 0..2 {
        life.callback();
        life.world.turn();
    }
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.world.is_input_over = true;
    life.world.run();
    assert_eq!(life.world.session.view().phase, "keeping");
    life.world.writer = Writer::Full;
    life.world.tell(Input::MayRecord);
    let turns = life.world.turns;
    life.world.pass(Duration::from_secs(10));
    assert_eq!(life.world.turns, turns + 1, "the message's own turn");
    life.world.writer = Writer::Takes;
    life.world.commit(None);
    life.world.hear_store();
    life.world.turn();
    assert_eq!(
        life.world.queue.len(),
        1,
        "the next group is offered at once"
    );
}
