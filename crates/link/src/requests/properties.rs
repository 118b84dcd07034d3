//! Requests under any order of inputs, with a platform that answers late, in any order, or never.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::timing::Timing;

const KINDS: [RequestKind; 5] = [
    RequestKind::Subscribe,
    RequestKind::Ping,
    RequestKind::Respond,
    RequestKind::Send,
    RequestKind::Upload,
];

#[derive(Clone, Debug)]
enum Input {
    Submit(usize, usize),
    Transmit,
    /// The platform answers one of the frames it has, old ones included.
    Ack(prop::sample::Index),
    /// It loses one of them.
    Lose(prop::sample::Index),
    Foreign,
    Fire,
    Pass(u64),
    End,
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        8 => (0_usize..4, 0..KINDS.len()).prop_map(|(id, kind)| Input::Submit(id, kind)),
        8 => Just(Input::Transmit),
        6 => any::<prop::sample::Index>().prop_map(Input::Ack),
        1 => any::<prop::sample::Index>().prop_map(Input::Lose),
        1 => Just(Input::Foreign),
        3 => Just(Input::Fire),
        3 => (0_u64..8000).prop_map(Input::Pass),
        1 => Just(Input::End),
    ]
}

/// Both sides of the connection: who waits here, and what lies unanswered there.
#[derive(Default)]
struct World {
    /// Who waits, and under which id, in the order they came.
    waiting: BTreeMap<u32, usize>,
    /// Whose frames were handed out.
    sent: BTreeSet<u32>,
    /// Frames on the platform, unanswered; when its waiter was told of the timeout, if so.
    there: BTreeMap<u32, (usize, Option<Instant>)>,
    next: u32,
}

impl World {
    fn tell(&mut self, told: Vec<GivenUp<u32>>, now: Instant) -> Result<(), TestCaseError> {
        for GivenUp {
            waiter, was_sent, ..
        } in told
        {
            prop_assert!(
                self.waiting.remove(&waiter).is_some(),
                "{waiter} told twice"
            );
            prop_assert_eq!(was_sent, self.sent.contains(&waiter));
            if let Some((_, timed_out)) = self.there.get_mut(&waiter) {
                *timed_out = Some(now);
            }
        }
        Ok(())
    }

    /// The platform answers `frame`.
    fn ack(
        &mut self,
        frame: u32,
        all: &mut Requests<u32>,
        now: Instant,
    ) -> Result<(), TestCaseError> {
        let (id, timed_out) = self.there.remove(&frame).expect("it is there");
        match all.handle_ack(&name(id), now) {
            Acked::Answered { waiter, .. } => {
                prop_assert_eq!(waiter, frame, "told by another's answer");
                prop_assert!(
                    self.waiting.remove(&waiter).is_some(),
                    "{waiter} told twice"
                );
            }
            Acked::Late => prop_assert!(timed_out.is_some(), "{frame} was in time"),
            Acked::Unknown => prop_assert!(false, "{frame} is known"),
        }
        Ok(())
    }
}

fn name(id: usize) -> String {
    format!("id {id}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// A waiter is told exactly once, and never by the answer to another frame.
    #[test]
    fn every_waiter_is_told_once_and_by_its_own_answer(
        inputs in proptest::collection::vec(input(), 1..200),
    ) {
        let limits = RequestLimits { most: 12, most_bytes: 64, ..RequestLimits::from(&Timing::default()) };
        let mut all = Requests::new(limits);
        let mut world = World::default();
        let mut now = Instant::now();
        for input in inputs {
            match input {
                Input::Submit(id, kind) => {
                    let number = world.next;
                    world.next += 1;
                    let frame = Bytes::copy_from_slice(&number.to_be_bytes());
                    match all.submit(&name(id), KINDS[kind], frame, number) {
                        Ok(()) => {
                            world.waiting.insert(number, id);
                        }
                        Err(SubmitError::Unanswered(back)) => {
                            prop_assert_eq!(back, number);
                            let owed = |(there, timed_out): &(usize, Option<Instant>)| *there == id && timed_out.is_some();
                            // What the platform lost is owed too, as far as we know.
                            prop_assert!(all.lanes.contains_key(name(id).as_str()) || world.there.values().any(owed));
                        }
                        Err(SubmitError::Full(back)) => {
                            prop_assert_eq!(back, number);
                            prop_assert!(!KINDS[kind].is_vital());
                            prop_assert!(all.places >= limits.most || world.waiting.len() > 1);
                        }
                    }
                }
                Input::Transmit => {
                    if let Some(frame) = all.poll_transmit(now) {
                        let number = u32::from_be_bytes(frame.as_ref().try_into().expect("four bytes"));
                        let id = *world.waiting.get(&number).expect("it waits");
                        prop_assert!(world.sent.insert(number), "sent twice");
                        prop_assert!(
                            world.there.values().all(|(there, _)| *there != id),
                            "two at once under one id"
                        );
                        let first = world.waiting.iter().find(|(_, of)| **of == id);
                        prop_assert_eq!(first.map(|(first, _)| *first), Some(number), "out of order");
                        world.there.insert(number, (id, None));
                    }
                }
                Input::Ack(index) => {
                    if !world.there.is_empty() {
                        let frame = *index.get(&Vec::from_iter(world.there.keys().copied()));
                        world.ack(frame, &mut all, now)?;
                    }
                }
                Input::Lose(index) => {
                    if !world.there.is_empty() {
                        let frame = *index.get(&Vec::from_iter(world.there.keys().copied()));
                        world.there.remove(&frame);
                    }
                }
                Input::Foreign => prop_assert_eq!(all.handle_ack("of nobody", now), Acked::Unknown),
                Input::Fire => {
                    now = all.poll_timeout().map_or(now, |due| due.max(now));
                    world.tell(all.handle_timeout(now), now)?;
                    prop_assert!(all.poll_timeout().is_none_or(|due| due > now), "a busy loop");
                }
                Input::Pass(ms) => {
                    now += Duration::from_millis(ms);
                    world.tell(all.handle_timeout(now), now)?;
                    prop_assert!(all.poll_timeout().is_none_or(|due| due > now), "a busy loop");
                }
                Input::End => {
                    let told = all.end();
                    prop_assert!(told.is_sorted_by_key(|one| one.waiter));
                    world.tell(told, now)?;
                    prop_assert!(world.waiting.is_empty(), "not told: {:?}", world.waiting);
                    prop_assert!((all.places == 0) && all.poll_transmit(now).is_none());
                    world.there.clear();
                }
            }
            // No answer comes later than it is owed.
            world.there.retain(|_, (_, timed_out)| timed_out.is_none_or(|at| now < at + limits.owed_for));
            prop_assert!(all.places >= world.waiting.len());
            prop_assert_eq!(all.places == 0, !(0..4).any(|id| all.lanes.contains_key(name(id).as_str())));
        }

        // A platform that says no more: everybody is told, and then nothing is left.
        let start = now;
        while all.places != 0 {
            while let Some(frame) = all.poll_transmit(now) {
                world.sent.insert(u32::from_be_bytes(frame.as_ref().try_into().expect("four bytes")));
            }
            now = all.poll_timeout().expect("nobody waits without a timer");
            world.tell(all.handle_timeout(now), now)?;
            prop_assert!(now < start + Duration::from_secs(700), "for ever");
        }
        prop_assert!(world.waiting.is_empty(), "not told: {:?}", world.waiting);
    }
}
