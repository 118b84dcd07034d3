use proptest::prelude::*;

use super::*;

fn fragment(assembly: &mut Assembly, id: &str, sum: u16, seq: u16, text: &str) -> Outcome {
    assembly.handle_fragment(
        usize::MAX,
        id,
        sum,
        seq,
        Bytes::copy_from_slice(text.as_bytes()),
        now(),
    )
}

/// One instant for all tests that do not move time.
fn now() -> Instant {
    static NOW: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *NOW.get_or_init(Instant::now)
}

fn complete(text: &str) -> Outcome {
    Outcome::Complete(Bytes::copy_from_slice(text.as_bytes()))
}

/// S21, S22: the whole once, in the order of `seq`.
#[test]
fn joins_in_seq_order_whatever_the_arrival() {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    assert_eq!(fragment(&mut assembly, "m", 3, 2, "c"), Outcome::Waiting);
    assert_eq!(fragment(&mut assembly, "m", 3, 0, "a"), Outcome::Waiting);
    assert_eq!((assembly.open(), assembly.held_bytes()), (1, 3));
    assert_eq!(fragment(&mut assembly, "m", 3, 1, "b"), complete("abc"));
    assert_eq!((assembly.open(), assembly.held_bytes()), (0, 0));
}

/// The Go and Python SDKs run the handler a second time here.
#[test]
fn a_repeat_after_completion_does_nothing() {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    fragment(&mut assembly, "m", 2, 0, "a");
    assert_eq!(fragment(&mut assembly, "m", 2, 0, "a"), Outcome::Waiting);
    assert_eq!(fragment(&mut assembly, "m", 2, 1, "b"), complete("ab"));
    assert_eq!(
        fragment(&mut assembly, "m", 2, 1, "b"),
        Outcome::AlreadyComplete
    );
    assert_eq!(assembly.open(), 0);
}

#[test]
fn a_refused_message_may_come_again_at_once() {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    for _ in 0..2 {
        assert_eq!(fragment(&mut assembly, "m", 2, 0, "a"), Outcome::Waiting);
        assert_eq!(fragment(&mut assembly, "m", 2, 1, "b"), complete("ab"));
        assembly.handle_refused("m");
    }
}

#[test]
fn what_is_shared_with_others_bounds_small_parts_as_well() {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    let most_bytes = 64 * 1024;
    let mut kept = 0;
    for seq in 0..1024 {
        for id in ["a", "b", "c"] {
            let part = Bytes::from_static(b"x");
            match assembly.handle_fragment(most_bytes, id, 1024, seq, part, now()) {
                Outcome::Waiting => kept += 1,
                Outcome::Dropped(DropReason::NoRoom) => {}
                other => panic!("{other:?}"),
            }
            assert!(assembly.cost_bytes() <= most_bytes);
        }
    }
    assert!((400..520).contains(&kept), "{kept} parts of a byte each");
    assembly.handle_timeout(now() + AssemblyLimits::default().ttl);
    assert_eq!((assembly.open(), assembly.cost_bytes()), (0, 0));
}

/// The Go and Python SDKs never complete a message with an empty fragment.
#[test]
fn an_empty_fragment_counts() {
    let mut assembly = Assembly::new(AssemblyLimits::default());
    assert_eq!(fragment(&mut assembly, "m", 2, 0, ""), Outcome::Waiting);
    assert_eq!(fragment(&mut assembly, "m", 2, 1, "b"), complete("b"));
    assert_eq!(
        fragment(&mut assembly, "n", 1, 0, "alone"),
        complete("alone")
    );
}

/// S23: the time runs from the last fragment.
#[test]
fn what_waits_too_long_is_dropped() {
    let limits = AssemblyLimits::default();
    let mut assembly = Assembly::new(limits);
    let start = now();
    let late = start + limits.ttl - Duration::from_millis(1);
    assembly.handle_fragment(usize::MAX, "m", 3, 0, Bytes::from_static(b"a"), start);
    assembly.handle_fragment(usize::MAX, "m", 3, 1, Bytes::from_static(b"b"), late);
    assert_eq!(assembly.poll_timeout(), Some(late + limits.ttl));
    assert_eq!(assembly.handle_timeout(start + limits.ttl), 0);
    assert_eq!(assembly.handle_timeout(late + limits.ttl), 1);
    assert_eq!((assembly.open(), assembly.held_bytes()), (0, 0));
    assert_eq!(assembly.poll_timeout(), None);
}

/// A repeat comes after 15 s, possibly under the same id, and must not be taken for a late duplicate.
#[test]
fn a_completed_message_is_soon_forgotten() {
    let limits = AssemblyLimits::default();
    let mut assembly = Assembly::new(limits);
    let start = now();
    let again = start + Duration::from_secs(15);
    for at in [start, again] {
        assembly.handle_fragment(usize::MAX, "m", 2, 0, Bytes::from_static(b"a"), at);
        let whole = assembly.handle_fragment(usize::MAX, "m", 2, 1, Bytes::from_static(b"b"), at);
        assert_eq!(whole, complete("ab"));
    }
    assert!(assembly.poll_timeout().is_some());
    assembly.handle_timeout(again + limits.ttl);
    assert_eq!(assembly.poll_timeout(), None);
}

#[test]
fn every_limit_has_its_reason() {
    let limits = AssemblyLimits {
        max_parts: 4,
        max_message_bytes: 10,
        max_open_messages: 2,
        max_held_bytes: 20,
        ..AssemblyLimits::default()
    };
    let mut assembly = Assembly::new(limits);
    let a = &mut assembly;
    let dropped = Outcome::Dropped;
    assert_eq!(
        fragment(a, "", 2, 0, "x"),
        dropped(DropReason::BadMessageId)
    );
    assert_eq!(
        fragment(a, &"m".repeat(257), 2, 0, "x"),
        dropped(DropReason::BadMessageId)
    );
    assert_eq!(fragment(a, "m", 0, 0, "x"), dropped(DropReason::BadSum));
    assert_eq!(fragment(a, "m", 5, 0, "x"), dropped(DropReason::BadSum));
    assert_eq!(fragment(a, "m", 2, 2, "x"), dropped(DropReason::BadSeq));
    assert_eq!(a.open(), 0, "nothing of these was kept");

    assert_eq!(fragment(a, "m", 3, 0, "123456789"), Outcome::Waiting);
    assert_eq!(fragment(a, "m", 4, 1, "x"), dropped(DropReason::SumChanged));
    assert_eq!(fragment(a, "n", 2, 0, "123456789"), Outcome::Waiting);
    assert_eq!(a.held_bytes(), 20);
    assert_eq!(
        fragment(a, "o", 2, 0, "x"),
        dropped(DropReason::TooManyOpen)
    );
    assert_eq!(fragment(a, "m", 3, 1, "0"), dropped(DropReason::NoRoom));
    assert_eq!(
        fragment(a, "m", 3, 1, "01"),
        dropped(DropReason::MessageTooLarge)
    );
    assert_eq!((a.open(), a.held_bytes()), (1, 10), "the large one is gone");
    assert_eq!(fragment(a, "n", 2, 1, "0"), complete("1234567890"));
}

#[test]
fn remembers_no_more_than_allowed() {
    let mut assembly = Assembly::new(AssemblyLimits {
        remember: 2,
        ..AssemblyLimits::default()
    });
    for id in ["a", "b", "c"] {
        assert_eq!(fragment(&mut assembly, id, 1, 0, id), complete(id));
    }
    assert_eq!(
        fragment(&mut assembly, "c", 1, 0, "c"),
        Outcome::AlreadyComplete
    );
    assert_eq!(fragment(&mut assembly, "a", 1, 0, "a"), complete("a"));
}

proptest! {
    /// Some messages cut anywhere, their fragments repeated and in any order among each other: each whole
    /// comes out once, unchanged.
    #[test]
    fn any_order_gives_each_payload_once(
        (parts, order) in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 2..8),
            1..5,
        )
        .prop_flat_map(|messages| {
            let mut order: Vec<_> = messages
                .iter()
                .enumerate()
                .flat_map(|(message, parts)| (0..parts.len()).map(move |seq| (message, seq)))
                .collect();
            order.extend(order.clone());
            (Just(messages), Just(order).prop_shuffle())
        }),
    ) {
        let mut assembly = Assembly::new(AssemblyLimits::default());
        let mut wholes = vec![Vec::new(); parts.len()];
        for (message, seq) in order {
            let sum = u16::try_from(parts[message].len()).expect("a few");
            let payload = Bytes::copy_from_slice(&parts[message][seq]);
            let seq = u16::try_from(seq).expect("a few");
            match assembly.handle_fragment(usize::MAX, &format!("m{message}"), sum, seq, payload, now()) {
                Outcome::Complete(whole) => wholes[message].push(whole),
                Outcome::Waiting | Outcome::AlreadyComplete => {}
                Outcome::Dropped(reason) => prop_assert!(false, "{reason:?}"),
            }
        }
        for (whole, parts) in wholes.iter().zip(&parts) {
            prop_assert_eq!(whole, &vec![Bytes::from(parts.concat())]);
        }
        prop_assert_eq!((assembly.open(), assembly.held_bytes()), (0, 0));
    }

    /// Whatever comes in, the limits hold and the books balance.
    #[test]
    fn garbage_stays_within_the_limits(
        fragments in proptest::collection::vec((0_u8..12, 0_u16..7, 0_u16..7, 0_usize..40, 0_u64..3000), 0..300),
    ) {
        let limits = AssemblyLimits {
            max_parts: 5,
            max_message_bytes: 60,
            max_open_messages: 4,
            max_held_bytes: 100,
            ttl: Duration::from_secs(10),
            remember: 3,
        };
        let mut assembly = Assembly::new(limits);
        let mut now = now();
        for (id, sum, seq, size, gap_ms) in fragments {
            now += Duration::from_millis(gap_ms);
            let id = if id == 0 { String::new() } else { format!("m{id}") };
            let outcome = assembly.handle_fragment(usize::MAX, &id, sum, seq, Bytes::from(vec![id.len() as u8; size]), now);
            if let Outcome::Complete(whole) = outcome {
                prop_assert!(whole.len() <= limits.max_message_bytes);
            }
            prop_assert!(assembly.open() <= limits.max_open_messages);
            prop_assert!(assembly.held_bytes() <= limits.max_held_bytes);
            prop_assert!(assembly.cost_bytes() >= assembly.held_bytes());
            prop_assert!(assembly.finished.len() <= limits.remember);
            let counted: usize = assembly.open.iter().map(|(id, p)| id.len() + p.size_bytes).sum();
            prop_assert_eq!(assembly.held_bytes(), counted);
            prop_assert!(assembly.poll_timeout().is_none_or(|due| due > now && due <= now + limits.ttl));
        }
        assembly.handle_timeout(now + limits.ttl);
        prop_assert_eq!((assembly.open(), assembly.held_bytes(), assembly.poll_timeout()), (0, 0, None));
        prop_assert_eq!(assembly.cost_bytes(), 0);
    }
}
