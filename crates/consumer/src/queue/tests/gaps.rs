//! Retention took events before they were done.

use super::*;
use crate::news::ConsumerNews;
use crate::position::UndoneEvent;

fn news(play: &mut Play) -> Vec<ConsumerNews> {
    std::iter::from_fn(|| play.queue.poll_news()).collect()
}

#[test]
fn the_next_event_says_how_many_are_missing() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.queue.handle_gone(Seq(40));
    assert_eq!(news(&mut play), [ConsumerNews::Gone { events: 40 }]);
    assert_eq!(play.queue.reached(), Seq(40));
    play.queue.handle_gone(Seq(40));
    assert_eq!(news(&mut play), [], "it is told once");
    play.head = 40;
    let first = play.message("a");
    let second = play.message("b");
    let sent: Vec<_> = std::iter::from_fn(|| play.queue.poll_delivery(play.now)).collect();
    let gaps: Vec<_> = (sent.iter().flat_map(|delivery| &delivery.events))
        .map(|event| (event.seq.0, event.gap_before))
        .collect();
    assert_eq!(gaps, [(first, 40), (second, 0)]);
}

#[test]
fn what_was_read_and_not_finished_counts_too() {
    let undone = [3, 7, 60].map(|seq| UndoneEvent {
        seq: Seq(seq),
        attempts: 1,
        failures: 0,
        first_failed_ms: 0,
    });
    let position = Position {
        undone: undone.to_vec(),
        ..Position::behind(Seq(100))
    };
    let mut play = Play::at(
        Receivers::Endpoint,
        DeliveryPolicy::default(),
        position,
        100,
    );
    play.queue.handle_gone(Seq(50));
    assert_eq!(news(&mut play), [ConsumerNews::Gone { events: 2 }]);
    assert_eq!(play.queue.floor(), Seq(59), "the third is there still");
    assert_eq!(play.queue.reached(), Seq(100));
}

#[test]
fn events_in_memory_are_delivered_though_they_are_gone() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    let event = play.message("a");
    play.queue.handle_gone(Seq(event));
    assert_eq!(news(&mut play), []);
    let sent = play.queue.poll_delivery(play.now).expect("it is sent");
    assert_eq!(
        (sent.events[0].seq.0, sent.events[0].gap_before),
        (event, 0)
    );
}
