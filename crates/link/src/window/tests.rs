use proptest::prelude::*;

use super::*;

const BUDGET: Duration = Duration::from_millis(2500);

#[test]
fn an_answered_event_frees_its_place() {
    let now = Instant::now();
    let mut window = Window::new(2, 1000, BUDGET);
    let first = window.admit("first", 10, now);
    assert!(window.has_room());
    let second = window.admit("second", 20, now);
    assert!(!window.has_room());
    assert_eq!((window.len(), window.bytes_held()), (2, 30));
    let answer = |kept| Released::Answer {
        kept,
        waited_since: now,
    };
    assert_eq!(window.release(second), answer("second"));
    assert_eq!(window.release(second), Released::Unknown);
    assert!(window.has_room());
    assert_eq!(window.release(first), answer("first"));
    assert!(window.is_empty());
    assert_eq!(window.poll_timeout(), None);
}

#[test]
fn bytes_bound_it_too() {
    let mut window = Window::new(100, 1000, BUDGET);
    window.admit((), 999, Instant::now());
    assert!(window.has_room());
    window.admit((), 1, Instant::now());
    assert!(!window.has_room());
}

/// S13, P8: refused in time, answered once, and the place kept for the store's late answer.
#[test]
fn what_waits_too_long_is_refused_once_and_keeps_its_place() {
    let start = Instant::now();
    let mut window = Window::new(2, 1000, BUDGET);
    let slow = window.admit("slow", 10, start);
    let later = window.admit("later", 10, start + Duration::from_secs(1));
    assert_eq!(window.poll_timeout(), Some(start + BUDGET));
    let due = start + BUDGET;
    assert_eq!(window.expire(due - Duration::from_nanos(1)).count(), 0);
    assert_eq!(
        window.expire(due).collect::<Vec<_>>(),
        [(slow, "slow", start)]
    );
    assert_eq!(window.expire(due).count(), 0);
    assert_eq!(window.poll_timeout(), Some(due + Duration::from_secs(1)));
    assert!(!window.has_room(), "the store still holds it");
    assert_eq!(window.release(slow), Released::Late);
    assert_eq!(window.release(slow), Released::Unknown);
    assert!(window.has_room());
    assert!(matches!(
        window.release(later),
        Released::Answer { kept: "later", .. }
    ));
}

#[test]
fn what_is_not_taken_from_the_iterator_comes_again() {
    let start = Instant::now();
    let mut window = Window::new(64, 1000, BUDGET);
    for nth in 0..3 {
        window.admit(nth, 1, start);
    }
    let due = start + BUDGET;
    assert_eq!(window.expire(due).map(|(_, nth, _)| nth).next(), Some(0));
    assert_eq!(
        window
            .expire(due)
            .map(|(_, nth, _)| nth)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn numbers_start_over_around_one_that_is_still_taken() {
    let now = Instant::now();
    let mut window = Window::new(64, 1000, BUDGET);
    let first = window.admit("stuck", 1, now);
    window.next = u32::MAX;
    assert_eq!(window.admit("last", 1, now), Ticket(u32::MAX));
    assert_eq!(window.admit("around", 1, now), Ticket(first.0 + 1));
    assert!(matches!(
        window.release(first),
        Released::Answer { kept: "stuck", .. }
    ));
}

/// One stuck event and a day of traffic: memory follows what is taken, not what has passed.
#[test]
fn a_stuck_event_does_not_make_traces_pile_up() {
    let now = Instant::now();
    let mut window = Window::new(64, 1 << 20, BUDGET);
    window.admit(0, 1, now);
    for nth in 1..10_000 {
        let ticket = window.admit(nth, 1, now);
        assert_eq!(window.len(), 2);
        assert!(matches!(window.release(ticket), Released::Answer { .. }));
        assert!(window.order.len() <= 2 * window.len() + 65);
    }
}

proptest! {
    /// Every admitted event gets exactly one answer, and the books balance.
    #[test]
    fn every_event_is_answered_exactly_once(
        inputs in proptest::collection::vec((0_u8..4, 0_usize..100, 0_u64..1500), 1..300),
    ) {
        let mut now = Instant::now();
        let mut window = Window::new(8, 200, BUDGET);
        // Ticket, size, admitted, refused.
        let mut taken: Vec<(Ticket, usize, Instant, bool)> = Vec::new();
        for (input, amount, gap_ms) in inputs {
            match input {
                0 | 1 => {
                    let ticket = window.admit(amount, amount, now);
                    prop_assert!(taken.iter().all(|one| one.0 != ticket));
                    taken.push((ticket, amount, now, false));
                }
                2 if !taken.is_empty() => {
                    let (ticket, size, since, refused) = taken.swap_remove(amount % taken.len());
                    let expected = if refused {
                        Released::Late
                    } else {
                        Released::Answer { kept: size, waited_since: since }
                    };
                    prop_assert_eq!(window.release(ticket), expected);
                }
                _ => {
                    now += Duration::from_millis(gap_ms);
                    for (ticket, size, since) in window.expire(now) {
                        let one = taken.iter_mut().find(|one| one.0 == ticket).expect("taken");
                        prop_assert_eq!((one.1, one.2, one.3), (size, since, false));
                        prop_assert!(now >= since + BUDGET);
                        one.3 = true;
                    }
                    prop_assert!(taken.iter().all(|one| one.3 || now < one.2 + BUDGET));
                }
            }
            prop_assert_eq!(window.len(), taken.len());
            let bytes: usize = taken.iter().map(|one| one.1).sum();
            prop_assert_eq!(window.bytes_held(), bytes);
            prop_assert_eq!(window.has_room(), taken.len() < 8 && bytes < 200);
            let oldest = taken.iter().filter(|one| !one.3).map(|one| one.2 + BUDGET).min();
            prop_assert_eq!(window.poll_timeout(), oldest);
        }
    }
}

#[test]
fn a_held_place_is_taken_and_has_no_deadline() {
    let now = Instant::now();
    let mut window = Window::new(4, 1000, Duration::from_secs(1));
    let ticket = window.admit('a', 100, now);
    assert!(window.may_hold(0) && window.may_hold(1) && !window.may_hold(2));
    assert!(matches!(window.release(ticket), Released::Answer { .. }));
    window.hold(ticket, 100, now);
    assert_eq!((window.len(), window.bytes_held()), (1, 100));
    assert_eq!(window.poll_timeout(), None);
    assert_eq!(window.expire(now + Duration::from_secs(9)).count(), 0);
    let other = window.admit('b', 400, now);
    assert_ne!(other, ticket, "the number is not given again");
    assert!(!window.may_hold(0), "half of the bytes are taken");
    assert_eq!(window.release(ticket), Released::Late);
    assert_eq!((window.len(), window.bytes_held()), (1, 400));
}
