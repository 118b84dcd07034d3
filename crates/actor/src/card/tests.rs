//! What a card says of the instances at its place and of what they handle.

use super::*;
use crate::kind::ActorKind;
use std::sync::Arc;

const KIND: ActorKind = ActorKind {
    label: "socket",
    parent: Some("installation"),
    capacity: 80,
};

struct Recorded;

fn view(card: &Card) -> ActorView {
    card.view(TreeEntry {
        kind: &KIND,
        path: "/x".into(),
        parent: None,
        children: 0,
        doing: String::new(),
        capacity: KIND.capacity,
    })
}

fn at(generation: u64) -> Place {
    Place {
        arbiter: 1,
        generation,
    }
}

fn handling(card: &Arc<Card>) -> Handling<Arc<Card>> {
    Handling::of_message::<Recorded>(Arc::clone(card))
}

/// Ten thousand bots have forty thousand of them.
#[test]
fn a_card_is_128_bytes() {
    assert_eq!(size_of::<Card>(), 128);
}

#[test]
fn depth_is_accepted_minus_handled() {
    let card = Arc::new(Card::new());
    card.started(at(7));
    card.accept();
    card.accept();
    assert_eq!(view(&card).mailbox.depth, 2);
    drop(handling(&card));
    let seen = view(&card);
    assert_eq!(
        (seen.mailbox.depth, seen.mailbox.high_water, seen.handled),
        (1, 2, 1)
    );
    assert_eq!(seen.last.map(|last| last.message), Some("Recorded"));
    assert_eq!(
        (seen.arbiter, seen.generation, seen.state),
        (1, Some(7), "ready")
    );
}

#[test]
fn a_handler_that_panics_is_handled_all_the_same() {
    let card = Arc::new(Card::new());
    let instance = card.started(at(1));
    card.accept();
    let inner = Arc::clone(&card);
    let caught = std::panic::catch_unwind(move || {
        let _handling = handling(&inner);
        panic!("boom");
    });
    assert!(caught.is_err());
    card.ended(instance, &Exit::Panicked("boom".into()));
    let seen = view(&card);
    assert_eq!(
        (seen.mailbox.depth, seen.state, seen.supervision.restarts),
        (0, "rebuilding", 1)
    );
    assert_eq!(
        seen.supervision.last_exit.map(|exit| exit.detail),
        Some("boom".into())
    );
}

#[test]
fn one_that_finishes_beside_its_successor_is_counted_until_it_ends() {
    let card = Arc::new(Card::new());
    let first = card.started(at(1));
    card.accept();
    card.accept();
    let second = card.started(at(2));
    card.accept();
    assert_eq!(view(&card).mailbox.depth, 3, "both have something to read");
    drop(handling(&card));
    drop(handling(&card));
    assert_eq!(view(&card).mailbox.depth, 1);
    card.ended(first, &Exit::Stopped);
    let seen = view(&card);
    assert_eq!(
        (seen.mailbox.depth, seen.state, seen.generation),
        (1, "ready", Some(2))
    );
    drop(handling(&card));
    card.accept();
    card.ended(second, &Exit::Stopped);
    card.started(at(3));
    assert_eq!(view(&card).mailbox.depth, 0, "unread, and gone with it");
}

#[test]
fn a_stuck_handler_shows_without_being_asked() {
    let card = Arc::new(Card::new());
    card.started(at(1));
    let handling = handling(&card);
    card.last_ms.store(unix_ms() - 5_000, Relaxed);
    let seen = view(&card);
    assert_eq!(seen.state, "busy");
    assert!(
        seen.warnings
            .iter()
            .any(|warning| warning.code == "handler_stuck")
    );
    drop(handling);
    assert_eq!(view(&card).state, "ready");
}
