//! The side of the running process.
//!
//! ```text
//! free ──Hello──▶ giving ──LetGo──▶ ending
//!   ▲                │
//!   └──── closed ────┘  what was given away is connected again
//! ```
//! It gives one bot after the other as the successor asks, and can go on alone at any time before `LetGo`.

use std::collections::{BTreeSet, VecDeque};

use crate::PROTOCOL;
use crate::message::{BotId, Given, Hello, TakeoverMessage, Yours};
use crate::refusal::TakeoverRefusal;

/// What the process is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PredecessorAction {
    /// Send this to the successor.
    Send(TakeoverMessage),
    /// The successor is about to connect this bot: expect to be displaced, read until then, and do not connect it again. Then
    /// call [`Predecessor::handle_announced`].
    Announce(BotId),
    /// The successor has connected this bot: answer what was read of it and close its connection. Then call
    /// [`Predecessor::handle_given`].
    Give(BotId),
    /// The successor is gone: connect again all that was announced or given away.
    TakeBack,
    /// End delivery and the listeners, let go of the store, and end.
    LetGo,
}

/// Where a takeover stands, as its predecessor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredecessorPhase {
    /// Nobody takes over.
    Free,
    /// Bots are given away.
    Giving,
    /// The process ends.
    Ending,
}

/// The running process.
#[derive(Debug)]
pub struct Predecessor {
    phase: PredecessorPhase,
    announced: BTreeSet<BotId>,
    giving: BTreeSet<BotId>,
    given: BTreeSet<BotId>,
    actions: VecDeque<PredecessorAction>,
}

impl Default for Predecessor {
    fn default() -> Self {
        Self {
            phase: PredecessorPhase::Free,
            announced: BTreeSet::new(),
            giving: BTreeSet::new(),
            given: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }
}

impl Predecessor {
    /// A process asks. After `Ok` it gets a `Welcome`, and what it says goes to [`handle_message`](Self::handle_message).
    ///
    /// # Errors
    /// The takeover does not begin. The one that is under way, if there is one, goes on.
    pub fn handle_hello(&mut self, hello: &Hello) -> Result<(), TakeoverRefusal> {
        if hello.protocol != PROTOCOL {
            return Err(TakeoverRefusal::Protocol);
        }
        match self.phase {
            PredecessorPhase::Free => {
                self.phase = PredecessorPhase::Giving;
                Ok(())
            }
            PredecessorPhase::Giving => Err(TakeoverRefusal::Busy),
            PredecessorPhase::Ending => Err(TakeoverRefusal::Ending),
        }
    }

    /// The successor says something. What has no place here changes nothing.
    pub fn handle_message(&mut self, message: &TakeoverMessage) {
        if self.phase != PredecessorPhase::Giving {
            return;
        }
        match message {
            TakeoverMessage::Take(take) if self.announced.insert(take.bot) => {
                self.actions
                    .push_back(PredecessorAction::Announce(take.bot));
            }
            TakeoverMessage::Live(live) if !self.given.contains(&live.bot) => {
                if self.giving.insert(live.bot) {
                    self.actions.push_back(PredecessorAction::Give(live.bot));
                }
            }
            TakeoverMessage::LetGo(_) => {
                self.phase = PredecessorPhase::Ending;
                self.actions.push_back(PredecessorAction::LetGo);
            }
            TakeoverMessage::Take(_)
            | TakeoverMessage::Live(_)
            | TakeoverMessage::Hello(_)
            | TakeoverMessage::Welcome(_)
            | TakeoverMessage::Refused(_)
            | TakeoverMessage::Yours(_)
            | TakeoverMessage::Given(_) => {}
        }
    }

    /// The bot is left to the successor.
    pub fn handle_announced(&mut self, bot: BotId) {
        if self.phase == PredecessorPhase::Giving && self.announced.contains(&bot) {
            let yours = TakeoverMessage::Yours(Yours { bot });
            self.actions.push_back(PredecessorAction::Send(yours));
        }
    }

    /// The bot has no connection here any more. `ended_ms` says since when, if it ended before it was asked to.
    pub fn handle_given(&mut self, bot: BotId, ended_ms: Option<i64>) {
        if self.phase == PredecessorPhase::Giving && self.giving.remove(&bot) {
            self.given.insert(bot);
            let given = TakeoverMessage::Given(Given { bot, ended_ms });
            self.actions.push_back(PredecessorAction::Send(given));
        }
    }

    /// The connection to the successor is gone.
    pub fn handle_closed(&mut self) {
        if self.phase == PredecessorPhase::Giving {
            *self = Self::default();
            self.actions.push_back(PredecessorAction::TakeBack);
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<PredecessorAction> {
        self.actions.pop_front()
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> PredecessorPhase {
        self.phase
    }

    /// How many bots were given away.
    #[must_use]
    pub fn given(&self) -> usize {
        self.given.len()
    }
}

#[cfg(test)]
mod tests {
    use super::PredecessorAction::{Announce, Give, LetGo as EndAll, Send, TakeBack};
    use super::*;
    use crate::message::{LetGo, Live, Take};
    use proptest::prelude::*;

    fn hello() -> Hello {
        Hello {
            protocol: PROTOCOL,
            ..Hello::default()
        }
    }

    fn take(bot: BotId) -> TakeoverMessage {
        TakeoverMessage::Take(Take { bot })
    }

    fn live(bot: BotId) -> TakeoverMessage {
        TakeoverMessage::Live(Live { bot })
    }

    fn given(bot: BotId, ended_ms: Option<i64>) -> PredecessorAction {
        Send(TakeoverMessage::Given(Given { bot, ended_ms }))
    }

    fn actions(predecessor: &mut Predecessor) -> Vec<PredecessorAction> {
        std::iter::from_fn(|| predecessor.poll_action()).collect()
    }

    #[test]
    fn bots_are_given_one_by_one_and_then_the_process_ends() {
        let mut old = Predecessor::default();
        old.handle_hello(&hello()).expect("nobody else takes over");
        old.handle_message(&live(1));
        assert_eq!(actions(&mut old), [Give(1)]);
        old.handle_given(1, None);
        assert_eq!(actions(&mut old), [given(1, None)]);
        old.handle_message(&take(2));
        assert_eq!(actions(&mut old), [Announce(2)]);
        old.handle_announced(2);
        assert_eq!(
            actions(&mut old),
            [Send(TakeoverMessage::Yours(Yours { bot: 2 }))]
        );
        old.handle_message(&live(2));
        old.handle_given(2, Some(5));
        assert_eq!(actions(&mut old), [Give(2), given(2, Some(5))]);
        assert_eq!(old.given(), 2);
        old.handle_message(&TakeoverMessage::LetGo(LetGo {}));
        assert_eq!(actions(&mut old), [EndAll]);
        old.handle_closed();
        assert_eq!(actions(&mut old), [], "there is no way back from here");
        assert_eq!(old.handle_hello(&hello()), Err(TakeoverRefusal::Ending));
    }

    #[test]
    fn one_takes_over_at_a_time_and_a_second_one_disturbs_nothing() {
        let mut old = Predecessor::default();
        let other = Hello {
            protocol: PROTOCOL + 1,
            ..Hello::default()
        };
        assert_eq!(old.handle_hello(&other), Err(TakeoverRefusal::Protocol));
        assert_eq!(old.phase(), PredecessorPhase::Free);
        old.handle_hello(&hello()).expect("nobody else takes over");
        old.handle_message(&live(1));
        assert_eq!(old.handle_hello(&hello()), Err(TakeoverRefusal::Busy));
        old.handle_given(1, None);
        assert_eq!(actions(&mut old), [Give(1), given(1, None)]);
    }

    #[test]
    fn a_successor_that_is_gone_leaves_all_bots_here() {
        let mut old = Predecessor::default();
        old.handle_hello(&hello()).expect("nobody else takes over");
        old.handle_message(&take(1));
        old.handle_message(&live(2));
        old.handle_closed();
        assert_eq!(actions(&mut old), [TakeBack], "the rest is obsolete");
        // The drain of a moment ago ends now.
        old.handle_given(2, None);
        old.handle_announced(1);
        assert_eq!(actions(&mut old), []);
        old.handle_hello(&hello()).expect("another one may");
        old.handle_message(&live(2));
        assert_eq!(actions(&mut old), [Give(2)]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Hello,
        Take(BotId),
        Live(BotId),
        Announced(BotId),
        Given(BotId),
        LetGo,
        Closed,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => Just(Step::Hello),
            4 => (0..4_i64).prop_map(Step::Take),
            4 => (0..4_i64).prop_map(Step::Live),
            4 => (0..4_i64).prop_map(Step::Announced),
            4 => (0..4_i64).prop_map(Step::Given),
            1 => Just(Step::LetGo),
            1 => Just(Step::Closed),
        ]
    }

    proptest! {
        /// In any order of what it hears: each `Give` and `Announce` is for a bot once in a takeover, what is sent answers a
        /// request, and a successor that is gone has all taken back.
        #[test]
        fn any_life_gives_each_bot_once_or_takes_it_back(steps in proptest::collection::vec(step(), 0..60)) {
            let mut old = Predecessor::default();
            let (mut announced, mut asked) = (BTreeSet::new(), BTreeSet::new());
            for step in steps {
                let before = old.phase();
                let is_closed = matches!(step, Step::Closed);
                match step {
                    Step::Hello => drop(old.handle_hello(&hello())),
                    Step::Take(bot) => old.handle_message(&take(bot)),
                    Step::Live(bot) => old.handle_message(&live(bot)),
                    Step::Announced(bot) => old.handle_announced(bot),
                    Step::Given(bot) => old.handle_given(bot, None),
                    Step::LetGo => old.handle_message(&TakeoverMessage::LetGo(LetGo {})),
                    Step::Closed => old.handle_closed(),
                }
                for action in actions(&mut old) {
                    match action {
                        Announce(bot) => prop_assert!(announced.insert(bot)),
                        Give(bot) => prop_assert!(asked.insert(bot)),
                        Send(TakeoverMessage::Yours(yours)) => prop_assert!(announced.contains(&yours.bot)),
                        Send(TakeoverMessage::Given(given)) => prop_assert!(asked.contains(&given.bot)),
                        Send(other) => prop_assert!(false, "{:?}", other),
                        TakeBack => {
                            prop_assert!(is_closed && before == PredecessorPhase::Giving);
                            announced.clear();
                            asked.clear();
                        }
                        EndAll => prop_assert_eq!(old.phase(), PredecessorPhase::Ending),
                    }
                }
                if is_closed && before == PredecessorPhase::Giving {
                    prop_assert_eq!(old.phase(), PredecessorPhase::Free);
                }
            }
        }
    }
}
