//! What one connection has read and the store has not recorded yet, in the order it came.
//!
//! ```text
//! push ──▶ waiting ──next_group──▶ the store ──answered─▶ recorded, or refused for good
//!             ▲                        │
//!             └───────put_back─────────┘  refused, and to be offered again
//! ```
//! The store records groups in the order in which it gets them, and refuses each by itself. Of two groups on their way
//! the first may be refused and the second recorded; offered again, the events of the first would follow those of the
//! second. So where refused events are offered again there is one group at a time ([`Flight::One`]). What comes meanwhile
//! waits and goes as the next, larger group, so that this costs hardly any throughput.

/// How many groups the store may have at a time.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Flight {
    /// Any number: whoever sent an event repeats it when it is refused, and its order is lost then anyway.
    Many,
    /// One: refused events are offered again, and keep their place.
    One,
}

/// Events between the read and the log. `E` is one event.
#[derive(Debug)]
pub struct Unrecorded<E> {
    flight: Flight,
    waiting: Vec<E>,
    in_flight: usize,
}

impl<E> Unrecorded<E> {
    /// None yet.
    #[must_use]
    pub fn new(flight: Flight) -> Self {
        Self {
            flight,
            waiting: Vec::new(),
            in_flight: 0,
        }
    }

    /// One more was read.
    pub fn push(&mut self, event: E) {
        self.waiting.push(event);
    }

    /// Everything that waits, as the next group for the store. `None` where nothing waits, or the store has to answer first.
    pub fn next_group(&mut self) -> Option<Vec<E>> {
        if !self.may_offer() {
            return None;
        }
        self.in_flight += self.waiting.len();
        Some(std::mem::take(&mut self.waiting))
    }

    /// Whether [`next_group`](Self::next_group) has one.
    #[must_use]
    pub fn may_offer(&self) -> bool {
        !self.waiting.is_empty() && (self.flight == Flight::Many || self.in_flight == 0)
    }

    /// The store has answered so many of those it has.
    pub fn handle_answered(&mut self, count: usize) {
        self.in_flight = self.in_flight.saturating_sub(count);
    }

    /// Of those that are answered, these have to be offered again. They came before all that wait.
    pub fn put_back(&mut self, mut events: Vec<E>) {
        events.append(&mut self.waiting);
        self.waiting = events;
    }

    /// Gives up what waits.
    pub fn give_up(&mut self) -> Vec<E> {
        std::mem::take(&mut self.waiting)
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many the store has.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Debug)]
    enum Input {
        Read(u8),
        Offer,
        /// The store has no room for the group that is offered next.
        Full,
        /// The store records its oldest group.
        Commit,
        /// It refuses it.
        Refuse,
        /// It records it but for one event that a rule forbids.
        Poison(prop::sample::Index),
        /// The oldest of its answers arrives.
        Hear,
    }

    fn input() -> impl Strategy<Value = Input> {
        prop_oneof![
            6 => (1_u8..5).prop_map(Input::Read),
            6 => Just(Input::Offer),
            1 => Just(Input::Full),
            3 => Just(Input::Commit),
            3 => Just(Input::Refuse),
            1 => any::<prop::sample::Index>().prop_map(Input::Poison),
            6 => Just(Input::Hear),
        ]
    }

    /// What the store says of one group.
    struct Answer {
        settled: usize,
        refused: Vec<u32>,
    }

    /// A connection and a store, with their answers on the way.
    struct World {
        unrecorded: Unrecorded<u32>,
        read: u32,
        queue: VecDeque<Vec<u32>>,
        answers: VecDeque<Answer>,
        log: Vec<u32>,
        poisoned: Vec<u32>,
    }

    impl World {
        fn new(flight: Flight) -> Self {
            Self {
                unrecorded: Unrecorded::new(flight),
                read: 0,
                queue: VecDeque::new(),
                answers: VecDeque::new(),
                log: Vec::new(),
                poisoned: Vec::new(),
            }
        }

        fn take(&mut self, input: Input) {
            match input {
                Input::Read(count) => {
                    for _ in 0..count {
                        self.unrecorded.push(self.read);
                        self.read += 1;
                    }
                }
                Input::Offer => self.queue.extend(self.unrecorded.next_group()),
                Input::Full => {
                    if let Some(group) = self.unrecorded.next_group() {
                        self.unrecorded.handle_answered(group.len());
                        self.unrecorded.put_back(group);
                    }
                }
                Input::Commit => self.answer(|log, _, group| {
                    log.extend(group);
                    Vec::new()
                }),
                Input::Refuse => self.answer(|_, _, group| group),
                Input::Poison(index) => self.answer(|log, poisoned, mut group| {
                    poisoned.push(group.remove(index.index(group.len())));
                    log.extend(group);
                    Vec::new()
                }),
                Input::Hear => {
                    if let Some(Answer { settled, refused }) = self.answers.pop_front() {
                        self.unrecorded.handle_answered(settled);
                        self.unrecorded.put_back(refused);
                    }
                }
            }
        }

        fn answer(
            &mut self,
            record: impl FnOnce(&mut Vec<u32>, &mut Vec<u32>, Vec<u32>) -> Vec<u32>,
        ) {
            if let Some(group) = self.queue.pop_front() {
                let settled = group.len();
                let refused = record(&mut self.log, &mut self.poisoned, group);
                self.answers.push_back(Answer { settled, refused });
            }
        }

        /// The trouble is over: everything is recorded.
        fn recover(&mut self) {
            while self.unrecorded.waiting() + self.unrecorded.in_flight() > 0 {
                self.take(Input::Offer);
                self.take(Input::Commit);
                self.take(Input::Hear);
            }
        }

        fn expected(&self) -> Vec<u32> {
            let read = 0..self.read;
            read.filter(|event| !self.poisoned.contains(event))
                .collect()
        }
    }

    proptest! {
        /// Whatever the store refuses, and whenever it is heard: each event is recorded once, in the order of the reads.
        #[test]
        fn refusals_change_no_order(inputs in prop::collection::vec(input(), 0..200)) {
            let mut world = World::new(Flight::One);
            for input in inputs {
                world.take(input);
                let in_order = world.log.is_sorted();
                prop_assert!(in_order, "{:?}", world.log);
            }
            world.recover();
            prop_assert_eq!(&world.log, &world.expected());
        }
    }

    /// Why there is one at a time.
    #[test]
    fn of_two_groups_the_refused_one_would_come_last() {
        let mut world = World::new(Flight::Many);
        for input in [
            Input::Read(1),
            Input::Offer,
            Input::Read(1),
            Input::Offer,
            Input::Refuse,
            Input::Commit,
            Input::Hear,
            Input::Hear,
        ] {
            world.take(input);
        }
        world.recover();
        assert_eq!(world.log, [1, 0]);
    }
}
