//! Positions come back as they went, stay small, and no bytes make the reader panic.

use proptest::prelude::*;

use super::*;

fn undone(seq: i64) -> UndoneEvent {
    UndoneEvent {
        seq: Seq(seq),
        attempts: 0,
        failures: 0,
        first_failed_ms: 0,
    }
}

pub(super) fn any_position() -> impl Strategy<Value = Position> {
    let order = prop_oneof![
        Just(DeliveryOrder::None),
        Just(DeliveryOrder::Chat),
        Just(DeliveryOrder::Installation)
    ];
    let event = (
        1_i64..5_000,
        any::<u32>(),
        0_u32..3,
        0_i64..2_000_000_000_000,
    );
    let chat = (any::<u64>(), 0_i64..90_000, 1_i64..90_000);
    (
        order,
        400_000_i64..i64::MAX / 8,
        0_i64..i64::MAX / 4,
        prop::collection::vec(event, 0..60),
        prop::collection::vec(chat, 0..20),
    )
        .prop_map(|(order, reached, reserved, events, chats)| {
            let mut seq = reached + 1;
            let mut undone: Vec<_> = events
                .into_iter()
                .map(|(back, attempts, failures, first_failed_ms)| {
                    seq -= back;
                    UndoneEvent {
                        seq: Seq(seq),
                        attempts,
                        failures,
                        first_failed_ms,
                    }
                })
                .collect();
            undone.reverse();
            let deferred = chats.into_iter().map(|(key, back, length)| DeferredChat {
                key: OrderKey(key),
                after: Seq(reached - back),
                last: Seq(reached - back + length),
            });
            Position {
                order,
                reached: Seq(reached),
                reserved: Seq(reserved),
                undone,
                deferred: deferred.collect(),
            }
        })
}

proptest! {
    #[test]
    fn a_position_comes_back(position in any_position()) {
        let bytes = position.to_bytes();
        prop_assert_eq!(Position::from_bytes(&bytes), Ok(position));
    }

    #[test]
    fn a_cut_position_is_none(position in any_position(), part in 0.0..1.0) {
        let bytes = position.to_bytes();
        let cut = (bytes.len() as f64 * part) as usize;
        prop_assert!(Position::from_bytes(&bytes[..cut]).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() {
            *first %= 3;
        }
        if let Ok(position) = Position::from_bytes(&bytes) {
            prop_assert_eq!(Position::from_bytes(&position.to_bytes()), Ok(position));
        }
    }
}

#[test]
fn what_is_done() {
    let key = OrderKey(7);
    let mut position = Position::behind(Seq(10));
    assert_eq!(position.floor(), Seq(10));
    position.reached = Seq(20);
    position.undone = vec![undone(13), undone(15)];
    assert_eq!(position.floor(), Seq(12));
    position.deferred = vec![DeferredChat {
        key,
        after: Seq(11),
        last: Seq(17),
    }];
    assert_eq!(position.floor(), Seq(11));
    let done = |seq, key| position.is_done(Seq(seq), OrderKey(key));
    assert!(done(11, 7) && !done(12, 7) && !done(17, 7) && done(18, 7));
    assert!(done(12, 8) && !done(13, 8) && !done(15, 8) && done(20, 8) && !done(21, 8));
}

/// What only the old order explains is not done in a new one.
#[test]
fn another_order_begins_at_the_earliest_deferred_event() {
    let mut position = Position::behind(Seq(20));
    position.undone = vec![undone(13), undone(15)];
    position.deferred = vec![DeferredChat {
        key: OrderKey(7),
        after: Seq(14),
        last: Seq(17),
    }];
    assert_eq!(position.clone().in_order(DeliveryOrder::Chat), position);
    let other = position.in_order(DeliveryOrder::Installation);
    assert_eq!((other.reached, other.floor()), (Seq(14), Seq(12)));
    assert!(other.deferred.is_empty());
}

/// The most that a consumer may have undone takes a page of the database.
#[test]
fn the_largest_position() {
    let mut position = Position::behind(Seq(1_000_000_000));
    for nth in (0..MAX_UNDONE as i64).rev() {
        position.undone.push(undone(position.reached.0 - 60 * nth));
    }
    for nth in 0..MAX_DEFERRED as i64 {
        position.deferred.push(DeferredChat {
            key: OrderKey(nth as u64),
            after: Seq(900_000_000 + nth),
            last: Seq(999_000_000),
        });
    }
    assert!(position.to_bytes().len() <= 16 * 1_024);
}
