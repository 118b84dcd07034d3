//! The journeys of events, told with each engine.

use std::slice::from_ref;

use longwire_access::{AuditAction, AuditEntry, AuditResult, Space};
use longwire_wire::event::Seq;

use super::consumers::{consumer, each_engine, keep, position};
use super::*;
use crate::ids::ConsumerId;
use crate::journey::{
    AttemptFailure, DeliveryAttempt, DeliveryOutcome, Happening, JourneyBatch, JourneyRecord,
    JourneyStep, KeptAnswer,
};
use crate::lane::Urgency;

fn attempt(seq: i64, number: u32, at_ms: i64, outcome: DeliveryOutcome) -> JourneyStep {
    JourneyStep {
        seq: Seq(seq),
        at_ms,
        what: Happening::Attempt(DeliveryAttempt {
            number,
            duration_us: 1_500,
            outcome,
            answer: KeptAnswer::shortened(b"ok"),
        }),
    }
}

/// Keeps steps, and waits until they are on disk: what is put on the lane later is written no earlier.
fn keep_steps(bench: &Bench, consumer: Option<ConsumerId>, steps: &[JourneyStep]) {
    let mut batch = JourneyBatch::new(consumer);
    for step in steps {
        batch.push(step.clone());
    }
    bench.store.writer().keep_journey(batch);
    keep(bench, ConsumerId(404), position(0, b""), Urgency::Prompt);
}

fn steps(records: &[JourneyRecord]) -> Vec<JourneyStep> {
    records.iter().map(|record| record.step.clone()).collect()
}

#[test]
fn the_journey_of_an_event_is_told_in_order() {
    each_engine(|bench| {
        let add = |name| bench.store.add_consumer(consumer(name)).expect("added").id;
        let (a, b) = (add("a"), add("b"));
        let refused = DeliveryOutcome::Failed(AttemptFailure::Refused);
        let first = attempt(7, 1, 100, refused);
        let second = attempt(7, 2, 300, DeliveryOutcome::Status(200));
        let of_b = attempt(7, 1, 200, DeliveryOutcome::Acked { reader: "r".into() });
        let acknowledged = JourneyStep {
            seq: Seq(7),
            at_ms: 50,
            what: Happening::Acknowledged { after_us: 900 },
        };
        let far = attempt(90_000, 1, 10, DeliveryOutcome::Status(204));
        keep_steps(bench, Some(a), &[first.clone(), far.clone()]);
        keep_steps(
            bench,
            Some(b),
            &[attempt(8, 1, 1, DeliveryOutcome::Status(500)), of_b.clone()],
        );
        keep_steps(bench, Some(a), from_ref(&second));
        keep_steps(bench, None, from_ref(&acknowledged));
        // Of a consumer that was removed meanwhile.
        keep_steps(bench, Some(ConsumerId(404)), from_ref(&second));
        let reader = bench.store.reader();
        let journey = reader.journey_of(Seq(7)).expect("readable");
        let expected = [acknowledged, first.clone(), of_b, second.clone()];
        assert_eq!(steps(&journey), expected);
        let who: Vec<_> = journey.iter().map(|record| record.consumer).collect();
        assert_eq!(who, [None, Some(a), Some(b), Some(a)]);
        assert_eq!(reader.journey_of(Seq(9)).expect("readable"), []);

        let newest = reader.attempts(a, None, 2).expect("readable");
        assert_eq!(steps(&newest), [second, far]);
        let before = newest.last().map(|record| record.batch);
        let older = reader.attempts(a, before, 2).expect("readable");
        assert_eq!(steps(&older), [first]);
    });
}

#[test]
fn what_a_removed_consumer_did_is_forgotten() {
    each_engine(|bench| {
        let add = |name| bench.store.add_consumer(consumer(name)).expect("added").id;
        let (a, b) = (add("a"), add("b"));
        // More rows than one transaction takes away.
        for seq in 0..300 {
            let far = 1 + seq * 5_000;
            let mut batch = JourneyBatch::new(Some(a));
            batch.push(attempt(far, 1, 1, DeliveryOutcome::Status(200)));
            bench.store.writer().keep_journey(batch);
        }
        let of_b = attempt(1, 1, 2, DeliveryOutcome::Status(200));
        keep_steps(bench, Some(b), from_ref(&of_b));
        let reader = bench.store.reader();
        while reader.attempts(a, None, 400).expect("readable").len() < 300 {
            keep(bench, ConsumerId(404), position(0, b""), Urgency::Prompt);
        }
        let audited = bench.store.audited_as(AuditEntry {
            at_ms: 1,
            token: None,
            name: "cli".parse().expect("a name"),
            space: Space::default(),
            action: AuditAction::ConsumerRemove,
            subject: "a".into(),
            result: AuditResult::done(),
        });
        audited.remove_consumer(a).expect("removed");
        let entries = reader.audit(None, 9).expect("readable");
        assert_eq!(entries.len(), 1, "one, for all transactions");
        assert_eq!(reader.attempts(a, None, 400).expect("readable"), []);
        let journey = reader.journey_of(Seq(1)).expect("readable");
        assert_eq!(steps(&journey), [of_b]);
    });
}
