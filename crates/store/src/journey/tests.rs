//! What is packed comes back, and whatever lies in a row is read without a panic.

use proptest::prelude::*;

use super::*;

fn happenings() -> impl Strategy<Value = Happening> {
    let reader = ".{0,12}";
    let outcome = prop_oneof![
        any::<u16>().prop_map(DeliveryOutcome::Status),
        (0..AttemptFailure::ALL.len())
            .prop_map(|at| DeliveryOutcome::Failed(AttemptFailure::ALL[at])),
        reader.prop_map(|reader| DeliveryOutcome::Acked { reader }),
        reader.prop_map(|reader| DeliveryOutcome::Nacked { reader }),
        reader.prop_map(|reader| DeliveryOutcome::Lapsed { reader }),
    ];
    let answer = prop::collection::vec(any::<u8>(), 0..600);
    let attempt = (any::<u32>(), any::<u64>(), outcome, answer).prop_map(
        |(number, duration_us, outcome, answer)| {
            Happening::Attempt(DeliveryAttempt {
                number,
                duration_us,
                outcome,
                answer: KeptAnswer::shortened(&answer),
            })
        },
    );
    prop_oneof![
        4 => attempt,
        1 => any::<u64>().prop_map(|after_us| Happening::Acknowledged { after_us }),
        1 => Just(Happening::ReplySent),
        1 => ".{0,30}".prop_map(|detail| Happening::ReplyFailed { detail }),
        1 => any::<u64>().prop_map(|after_us| Happening::CardAnswered { after_us }),
        1 => ".{0,30}".prop_map(|detail| Happening::CardDefaulted { detail }),
        1 => any::<u32>().prop_map(|attempts| Happening::GaveUp { attempts }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<JourneyStep>> {
    let step =
        (1..20_000_i64, any::<i64>(), happenings()).prop_map(|(seq, at_ms, what)| JourneyStep {
            seq: Seq(seq),
            at_ms,
            what,
        });
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn a_batch_comes_back_out_of_its_rows(steps in steps()) {
        let mut batch = JourneyBatch::new(Some(ConsumerId(1)));
        for step in &steps {
            batch.push(step.clone());
        }
        let mut found = Vec::new();
        for row in batch.rows() {
            let (first, last) = (row[0].seq, row[row.len() - 1].seq);
            prop_assert!(last.0 - first.0 < ROW_SPAN);
            let unpacked = decode(first, &encode(first, &row));
            prop_assert_eq!(unpacked.len(), row.len());
            found.extend(unpacked);
        }
        let mut expected = steps;
        expected.sort_by_key(|step| step.seq);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_read_to_where_they_make_sense(
        first in any::<i64>(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        decode(Seq(first), &bytes);
        if let Some(version) = bytes.first_mut() {
            *version = 1;
        }
        decode(Seq(first), &bytes);
    }

    #[test]
    fn a_row_that_was_cut_gives_what_is_before_the_cut(steps in steps(), part in 0.0..1.0_f64) {
        let mut batch = JourneyBatch::new(None);
        for step in steps {
            batch.push(step);
        }
        for row in batch.rows() {
            let packed = encode(row[0].seq, &row);
            let cut = (packed.len() as f64 * part) as usize;
            let found = decode(row[0].seq, &packed[..cut]);
            prop_assert!(found.len() < row.len());
            prop_assert!(found.iter().eq(row[..found.len()].iter().copied()));
        }
    }
}

/// Rows are on disk: the form of what is there never changes.
#[test]
fn the_form_is_fixed() {
    let step = JourneyStep {
        seq: Seq(7),
        at_ms: 1_700_000_000_000,
        what: Happening::Attempt(DeliveryAttempt {
            number: 2,
            duration_us: 300,
            outcome: DeliveryOutcome::Status(204),
            answer: KeptAnswer::default(),
        }),
    };
    let packed = encode(Seq(5), &[&step]);
    let expected = [
        1, 2, 128, 160, 171, 254, 249, 98, 1, 204, 1, 2, 172, 2, 0, 0,
    ];
    assert_eq!(packed, expected);
    assert_eq!(decode(Seq(5), &packed), [step]);
}

#[test]
fn an_answer_is_kept_whole_or_short() {
    let answer = vec![b'x'; 20_000];
    let whole = KeptAnswer::of(&answer);
    let short = KeptAnswer::shortened(&answer);
    assert_eq!((whole.bytes.len(), whole.total_bytes), (16_384, 20_000));
    assert_eq!((short.bytes.len(), short.total_bytes), (256, 20_000));
}
