//! Whatever the platform does, no message is lost, sent out of order, or kept beyond its time.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Step {
    Offer(u8),
    Answer(usize, SendOutcome),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(SendOutcome::Over),
        1 => Just(SendOutcome::Again),
        1 => Just(SendOutcome::ChatLimited),
        1 => (0u64..5_000).prop_map(|ms| SendOutcome::AppLimited {
            retry_after: (ms > 0).then(|| Duration::from_millis(ms)),
        }),
    ];
    prop_oneof![
        3 => (0u8..4).prop_map(Step::Offer),
        3 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::Answer(which, outcome)),
        2 => (0u64..30_000).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_message_ends_once_and_in_order(steps in prop::collection::vec(step(), 1..200)) {
        let limits = SendLimits { messages: 8, under_way: 3, ..SendLimits::default() };
        let (mut queue, mut now) = (SendQueue::new(limits), Instant::now());
        let mut under_way: Vec<Sending<(u8, u32)>> = Vec::new();
        let mut open: BTreeSet<(u8, u32)> = BTreeSet::new();
        // The newest message of each chat that was sent.
        let mut newest: BTreeMap<u8, u32> = BTreeMap::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Offer(chat) => {
                    number += 1;
                    let taken = queue.offer(&chat.to_string(), (chat, number), now).is_ok();
                    prop_assert_eq!(taken, open.len() < limits.messages);
                    if taken {
                        open.insert((chat, number));
                    }
                }
                Step::Answer(which, outcome) if !under_way.is_empty() => {
                    let sending = under_way.swap_remove(which % under_way.len());
                    if let Some(over) = queue.handle_outcome(sending, outcome, now) {
                        prop_assert!(open.remove(&over));
                    }
                }
                Step::Answer(..) => {}
                Step::Pass(ms) => now += Duration::from_millis(ms),
            }
            while let Some(expired) = queue.poll_expired(now) {
                prop_assert!(open.remove(&expired));
            }
            while let Some(sending) = queue.poll_send(now) {
                let (chat, number) = sending.message;
                prop_assert!(open.contains(&(chat, number)));
                prop_assert!(under_way.iter().all(|other| other.message.0 != chat), "one per chat");
                let before = newest.insert(chat, number);
                prop_assert!(before.is_none_or(|before| before <= number), "in order");
                under_way.push(sending);
            }
            prop_assert!(under_way.len() <= limits.under_way);
            prop_assert_eq!(queue.waiting() + queue.under_way(), open.len());
            prop_assert_eq!(queue.under_way(), under_way.len());
            // Nothing that could be done now is left, and what waits has a time.
            let due = queue.poll_timeout();
            prop_assert!(due.is_none_or(|due| due > now));
            prop_assert_eq!(due.is_some(), queue.waiting() > 0);
        }
    }
}
