//! What rides, what waits, what is dropped, and when the writer is woken.

use super::waiting::{AUDITS, JOURNEY_BYTES, NOTES};
use super::*;
use crate::consumer::SavedPosition;
use crate::displacement::Displacement;
use crate::ids::ConsumerId;
use crate::journey::{Happening, JourneyBatch, JourneyStep};
use crate::timeline::{TimelineEntry, TimelineKind};
use bytes::Bytes;
use longwire_access::{AuditAction, AuditEntry, AuditResult, Space};
use longwire_installation::InstallationId;
use longwire_wire::event::Seq;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

fn displacement(installation: i64, at_ms: i64) -> SmallWrite {
    SmallWrite::Displacement(Displacement {
        installation: InstallationId(installation),
        claims: 0,
        displaced_ms: Some(at_ms),
        taken_back_ms: Vec::new(),
    })
}

fn note(at_ms: i64) -> SmallWrite {
    SmallWrite::Note(TimelineEntry {
        installation: InstallationId(1),
        at_ms,
        generation: 1,
        kind: TimelineKind::Lost,
        detail: String::new(),
    })
}

fn writes(batch: &LaneBatch<'_>) -> Vec<SmallWrite> {
    batch.writes().cloned().collect()
}

#[test]
fn the_newest_of_a_key_takes_the_place_of_the_older() {
    let lane = WriteLane::new();
    for write in [
        displacement(1, 1),
        note(2),
        displacement(2, 3),
        displacement(1, 4),
    ] {
        put(&lane, write);
    }
    let batch = lane.take();
    let expected = [displacement(1, 4), note(2), displacement(2, 3)];
    assert_eq!(writes(&batch), expected);
    batch.written();
    assert!(lane.is_empty());
}

#[test]
fn what_was_not_written_waits_again_before_the_others_unless_it_is_old() {
    let lane = WriteLane::new();
    put(&lane, displacement(1, 1));
    put(&lane, displacement(2, 2));
    put(&lane, note(3));
    put(&lane, displacement(3, 4));
    let batch = lane.take();
    put(&lane, displacement(4, 5));
    put(&lane, displacement(2, 6));
    drop(batch);
    assert_eq!(
        lane.notes_dropped(),
        1,
        "a note is not worth a second attempt"
    );
    put(&lane, displacement(3, 7));
    let expected = [
        displacement(1, 1),
        displacement(3, 7),
        displacement(4, 5),
        displacement(2, 6),
    ];
    assert_eq!(writes(&lane.take()), expected);
}

#[test]
fn only_so_many_ride_in_one_transaction_and_all_are_told() {
    let lane = WriteLane::new();
    let told = Arc::new(AtomicUsize::new(0));
    for installation in 0..600 {
        let told = Arc::clone(&told);
        let on_durable = move || {
            told.fetch_add(1, Relaxed);
        };
        put_and(&lane, displacement(installation, 1), Box::new(on_durable));
    }
    for expected in [256, 512, 600, 600] {
        lane.take().written();
        assert_eq!(told.load(Relaxed), expected);
    }
}

#[test]
fn a_callback_that_panics_keeps_no_other_from_being_called() {
    let lane = WriteLane::new();
    let told = Arc::new(AtomicUsize::new(0));
    for installation in 0..5 {
        let told = Arc::clone(&told);
        let on_durable = move || {
            assert_ne!(installation, 2, "as the test wants");
            told.fetch_add(1, Relaxed);
        };
        put_and(&lane, displacement(installation, 1), Box::new(on_durable));
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| lane.take().written()));
    assert!(outcome.is_err(), "the panic is not hidden");
    assert_eq!(told.load(Relaxed), 4);
    assert!(lane.is_empty(), "what is durable is not written again");
}

/// Looks, when it is dropped, whether the lane's lock is free.
struct LooksAtTheLock(Arc<WriteLane>, Arc<AtomicUsize>);

impl Drop for LooksAtTheLock {
    fn drop(&mut self) {
        if self.0.waiting.try_lock().is_ok() {
            self.1.fetch_add(1, Relaxed);
        }
    }
}

#[test]
fn what_is_replaced_is_dropped_while_the_lock_is_free() {
    let lane = Arc::new(WriteLane::new());
    let found_free = Arc::new(AtomicUsize::new(0));
    let put_one = |at_ms| {
        let looks = LooksAtTheLock(Arc::clone(&lane), Arc::clone(&found_free));
        let on_durable: OnDurable = Box::new(move || drop(looks));
        put_and(&lane, displacement(1, at_ms), on_durable);
    };
    put_one(1);
    put_one(2);
    assert_eq!(found_free.load(Relaxed), 1, "the first was replaced");
    let batch = lane.take();
    put_one(3);
    drop(batch);
    assert_eq!(found_free.load(Relaxed), 2, "the second came back too late");
    (0..NOTES).for_each(|_| put(&lane, note(1)));
    let looks = LooksAtTheLock(Arc::clone(&lane), Arc::clone(&found_free));
    let told: OnDurable = Box::new(move || drop(looks));
    let refused = lane.put(note(2), Urgency::Prompt, Some(told));
    assert!(refused.is_err());
    assert_eq!(found_free.load(Relaxed), 3, "too many wait");
    lane.take().written();
    assert_eq!(found_free.load(Relaxed), 4);
}

#[test]
fn notes_that_are_too_many_are_dropped_and_counted() {
    let lane = WriteLane::new();
    for at_ms in 0..20_000 {
        put(&lane, note(at_ms));
    }
    put(&lane, displacement(1, 1));
    assert_eq!(lane.len(), NOTES + 1);
    assert_eq!(lane.notes_dropped(), 20_000 - NOTES as u64);
}

fn put(lane: &WriteLane, write: SmallWrite) {
    // Some tests put more than may wait.
    let _ = lane.put(write, Urgency::Prompt, None);
}

fn put_and(lane: &WriteLane, write: SmallWrite, on_durable: OnDurable) {
    lane.put(write, Urgency::Prompt, Some(on_durable))
        .expect("there is room");
}

fn position(consumer: i64, floor: i64) -> SmallWrite {
    let position = SavedPosition {
        floor: Seq(floor),
        state: Bytes::new(),
    };
    SmallWrite::Position(ConsumerId(consumer), position)
}

fn journey(steps: usize, detail_bytes: usize) -> SmallWrite {
    let mut batch = JourneyBatch::new(None);
    for _ in 0..steps {
        batch.push(JourneyStep {
            seq: Seq(1),
            at_ms: 1,
            what: Happening::ReplyFailed {
                detail: "x".repeat(detail_bytes),
            },
        });
    }
    SmallWrite::Journey(batch)
}

fn audit(at_ms: i64) -> SmallWrite {
    SmallWrite::Audit(AuditEntry {
        at_ms,
        token: None,
        name: "cli".parse().expect("a name"),
        space: Space::default(),
        action: AuditAction::TokenCreate,
        subject: "a".into(),
        result: AuditResult::done(),
    })
}

/// Whether the writer was woken since the last look.
fn was_woken(lane: &WriteLane) -> bool {
    lane.wake.1.try_recv().is_ok()
}

#[test]
fn a_lazy_write_says_once_until_when_it_waits() {
    let lane = WriteLane::new();
    let begun = Instant::now();
    let lazy = |write| lane.put(write, Urgency::Lazy, None).expect("room");
    lazy(position(1, 1));
    assert!(was_woken(&lane), "the writer has to know until when");
    let due = lane.lazy_due().expect("it waits");
    assert!(due > begun);
    lazy(position(2, 1));
    lazy(position(1, 2));
    assert!(!was_woken(&lane), "the writer knows already");
    assert_eq!(lane.lazy_due(), Some(due), "none waits longer for others");
    let is_due = |at| lane.lock().is_due(at);
    assert!(!is_due(begun));
    assert!(is_due(due));
    let batch = lane.take();
    assert_eq!(writes(&batch), [position(1, 2), position(2, 1)]);
    assert_eq!(lane.lazy_due(), None);
    assert!(!is_due(due));
    // The database did not take them.
    drop(batch);
    assert!(lane.lazy_due().is_some(), "they wait again");
}

#[test]
fn a_prompt_write_makes_the_lazy_one_of_its_key_prompt() {
    let lane = WriteLane::new();
    let put = |floor, urgency| lane.put(position(1, floor), urgency, None).expect("room");
    put(1, Urgency::Lazy);
    assert!(!lane.is_due());
    put(2, Urgency::Prompt);
    assert!(lane.is_due());
    put(3, Urgency::Lazy);
    assert!(lane.is_due(), "somebody waits for what the second one said");
    let batch = lane.take();
    assert_eq!(writes(&batch), [position(1, 3)]);
    batch.written();
    assert!(!lane.is_due());
}

#[test]
fn an_audited_change_is_never_dropped_and_the_next_one_refused() {
    let lane = WriteLane::new();
    lane.put(audit(1), Urgency::Prompt, None).expect("room");
    lane.put(audit(2), Urgency::Prompt, None).expect("room");
    drop(lane.take());
    let batch = lane.take();
    assert_eq!(writes(&batch), [audit(1), audit(2)]);
    batch.written();
    let mut taken = 0;
    while lane.put(audit(3), Urgency::Prompt, None).is_ok() {
        taken += 1;
        assert_eq!(lane.has_room_for_audit(), taken < AUDITS / 2);
    }
    assert_eq!(taken, AUDITS);
}

/// Each batch ends with the one that reaches the bound, and closing takes no more batches than are told.
#[test]
fn only_so_many_bytes_ride_in_one_transaction() {
    let lane = WriteLane::new();
    for _ in 0..100 {
        put(&lane, journey(10, 10_000));
    }
    let told = lane.batches();
    let mut batches = 0;
    while !lane.is_empty() {
        let batch = lane.take();
        let bytes: usize = batch.writes().map(SmallWrite::held_bytes).sum();
        assert!(bytes < LANE_BYTES + 110_000, "{bytes}");
        batch.written();
        batches += 1;
    }
    assert!((10..=told).contains(&batches), "{batches} of {told}");
    // One that is larger than the bound is written too.
    put(&lane, journey(100, 10_000));
    assert_eq!(lane.take().writes().count(), 1);
}

#[test]
fn journeys_that_are_too_much_are_dropped_and_their_steps_counted() {
    let lane = WriteLane::new();
    let mut taken = 0;
    while lane.put(journey(3, 10_000), Urgency::Lazy, None).is_ok() {
        taken += 1;
    }
    assert!(
        (200..=JOURNEY_BYTES / 30_000 + 1).contains(&taken),
        "{taken}"
    );
    assert_eq!(lane.journey_steps_dropped(), 3);
    // What the database does not take is not tried again.
    while !lane.is_empty() {
        drop(lane.take());
    }
    assert_eq!(lane.journey_steps_dropped(), 3 * (taken as u64 + 1));
    assert_eq!(lane.notes_dropped(), 0);
    lane.put(journey(1, 1), Urgency::Lazy, None)
        .expect("room again");
}
