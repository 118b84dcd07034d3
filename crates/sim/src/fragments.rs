//! Decides the order in which the fragments of a payload are sent, and which of them.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use crate::push::{FragmentPlan, Order};

/// The `seq` numbers in the order of sending.
pub(crate) fn sequence(
    plan: &FragmentPlan,
    count: usize,
    attempt: u16,
    rng: &mut StdRng,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    match plan.order {
        Order::InOrder => {}
        Order::Reversed => order.reverse(),
        Order::Shuffled => order.shuffle(rng),
    }
    if attempt > 1 && !plan.every_attempt {
        return order;
    }
    let mut sent = Vec::with_capacity(count);
    for seq in order {
        if plan.drop.contains(&seq) {
            continue;
        }
        sent.push(seq);
        if plan.duplicate.contains(&seq) {
            sent.push(seq);
        }
    }
    if plan.repeat_last {
        sent.extend(sent.last().copied());
    }
    sent
}

/// Interleaves messages: one piece of each in turn.
pub(crate) fn interleave<T>(messages: Vec<Vec<T>>) -> Vec<T> {
    let mut messages: Vec<_> = messages.into_iter().map(Vec::into_iter).collect();
    let mut mixed = Vec::new();
    loop {
        let before = mixed.len();
        mixed.extend(messages.iter_mut().filter_map(Iterator::next));
        if mixed.len() == before {
            return mixed;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    fn check(plan: FragmentPlan, attempt: u16, wanted: &[usize]) {
        let mut rng = StdRng::seed_from_u64(3);
        assert_eq!(sequence(&plan, 3, attempt, &mut rng), wanted);
    }

    #[test]
    fn plans() {
        let plan = FragmentPlan::default;
        check(plan(), 1, &[0, 1, 2]);
        check(
            FragmentPlan {
                order: Order::Reversed,
                ..plan()
            },
            1,
            &[2, 1, 0],
        );
        check(
            FragmentPlan {
                duplicate: vec![1],
                repeat_last: true,
                ..plan()
            },
            1,
            &[0, 1, 1, 2, 2],
        );
        let dropping = FragmentPlan {
            drop: vec![0],
            ..plan()
        };
        check(dropping.clone(), 1, &[1, 2]);
        check(dropping.clone(), 2, &[0, 1, 2]);
        check(
            FragmentPlan {
                every_attempt: true,
                ..dropping
            },
            2,
            &[1, 2],
        );
    }

    #[test]
    fn shuffling_follows_the_seed() {
        let plan = FragmentPlan {
            order: Order::Shuffled,
            ..FragmentPlan::default()
        };
        let draw = |seed| sequence(&plan, 20, 1, &mut StdRng::seed_from_u64(seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn interleaving_takes_turns() {
        assert_eq!(
            interleave(vec![vec![1, 2, 3], vec![10], vec![20, 21]]),
            [1, 10, 20, 2, 21, 3]
        );
    }
}
