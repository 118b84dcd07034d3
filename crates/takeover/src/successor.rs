//! The side of the new process.
//!
//! ```text
//! moving ──all bots moved, or nothing moves any more──▶ letting go ──predecessor gone──▶ owning ──store open──▶ done
//!    │                                                                                   ▲
//!    └── the predecessor is gone early ──────────────────────────────────────────────────┘
//! ```
//! Bots whose platform serves two connections connect at once. The others are taken some at a time: each is announced, connected
//! when the predecessor expects it, and told. A bot that the predecessor has connected is waited for; one that it has not is not.

mod summary;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::message::{BotId, LetGo, Live, Take, TakeoverMessage};
pub use summary::Summary;

/// The deadlines of a takeover.
#[derive(Debug, Clone, Copy)]
pub struct TakeoverTiming {
    /// How many bots are taken at the same time whose platform displaces the earlier connection.
    pub at_once: usize,
    /// How long a bot that was taken may need until the next one is taken in its place. It is still waited for.
    pub turn: Duration,
    /// How long no bot may move until the rest is left as it is.
    pub stall: Duration,
    /// How long the predecessor may need to end. Its own drain has a limit, which is shorter.
    pub ending: Duration,
}

/// How a bot gets from one process to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BotRoad {
    /// Its platform serves both connections for a while.
    Overlap,
    /// Its platform ends the first connection when the second one subscribes.
    Displace,
}

/// What the new process sees of a bot of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// It is being connected, or waits for its next attempt.
    Connecting,
    /// It is connected.
    Live,
    /// It is not to be connected, or somebody has to help first.
    Away,
}

/// What the process is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SuccessorAction {
    /// Send this to the predecessor.
    Send(TakeoverMessage),
    /// Begin to connect this bot.
    Connect(BotId),
    /// Open the store, whose lock is about to be free, then call [`Successor::handle_opened`].
    OpenStore,
}

/// Why a takeover comes to nothing. The predecessor goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeoverFailure {
    /// Bots that the predecessor has connected cannot be connected here, not even one.
    #[error("none of the {wanted} connected bots could be connected here within {} s", .within.as_secs())]
    NoneConnected {
        /// Bots that the predecessor has connected.
        wanted: usize,
        /// How long nothing moved.
        within: Duration,
    },
    /// The predecessor was told to end, and does not.
    #[error("the running process did not end within {} s", .within.as_secs())]
    DoesNotEnd {
        /// How long it was waited for.
        within: Duration,
    },
}

/// Where a takeover stands, as its successor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuccessorPhase {
    /// Bots are moved.
    Moving,
    /// The predecessor ends.
    LettingGo,
    /// The store is being opened.
    Owning,
    /// This process has everything.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not begun: it waits for its turn.
    Waiting,
    /// The predecessor was told that it is about to be taken.
    Asked,
    /// It is being connected.
    Connecting,
    /// It is connected since then (milliseconds since 1970), and the predecessor knows.
    Live { since_ms: i64 },
    /// The predecessor has no connection of it any more.
    Moved,
}

#[derive(Debug)]
struct Bot {
    road: BotRoad,
    stage: Stage,
    /// Whether the predecessor has it connected.
    was_live: bool,
    /// Until when it has its turn.
    turn_ends: Option<Instant>,
}

/// The new process.
#[derive(Debug)]
pub struct Successor {
    timing: TakeoverTiming,
    phase: SuccessorPhase,
    bots: BTreeMap<BotId, Bot>,
    /// Those that wait for their turn.
    waiting: VecDeque<BotId>,
    began: Instant,
    /// When a bot was moved last.
    last_move: Instant,
    /// Until when the predecessor is waited for.
    ending: Option<Instant>,
    failure: Option<TakeoverFailure>,
    gaps_ms: Vec<u64>,
    actions: VecDeque<SuccessorAction>,
}

impl Successor {
    /// A takeover of these bots. Of `live`, the predecessor has connections.
    #[must_use]
    pub fn new(
        timing: TakeoverTiming,
        bots: impl IntoIterator<Item = (BotId, BotRoad)>,
        live: &[BotId],
        now: Instant,
    ) -> Self {
        let bots = bots.into_iter().map(|(id, road)| {
            let stage = match road {
                BotRoad::Overlap => Stage::Connecting,
                BotRoad::Displace => Stage::Waiting,
            };
            let bot = Bot {
                road,
                stage,
                was_live: live.contains(&id),
                turn_ends: None,
            };
            (id, bot)
        });
        let bots: BTreeMap<BotId, Bot> = bots.collect();
        let is_displacing =
            |(id, bot): (&BotId, &Bot)| (bot.road == BotRoad::Displace).then_some(*id);
        let mut this = Self {
            timing,
            phase: SuccessorPhase::Moving,
            waiting: bots.iter().filter_map(is_displacing).collect(),
            bots,
            began: now,
            last_move: now,
            ending: None,
            failure: None,
            gaps_ms: Vec::new(),
            actions: VecDeque::new(),
        };
        this.go_on(now);
        this
    }

    /// What the process sees of a bot that it was told to connect, or that connects by itself, and since when that is so
    /// (milliseconds since 1970).
    pub fn handle_observed(&mut self, id: BotId, observed: Observed, since_ms: i64, now: Instant) {
        let Some(bot) = self.bots.get_mut(&id) else {
            return;
        };
        // Nearly every look at thousands of bots finds nothing new.
        if bot.stage != Stage::Connecting {
            return;
        }
        match observed {
            Observed::Connecting => return,
            Observed::Live => {
                bot.stage = Stage::Live { since_ms };
                if self.phase == SuccessorPhase::Moving {
                    let live = TakeoverMessage::Live(Live { bot: id });
                    self.actions.push_back(SuccessorAction::Send(live));
                }
            }
            // Nothing is to come of its turn.
            Observed::Away if bot.turn_ends.is_some() => bot.turn_ends = None,
            Observed::Away => return,
        }
        self.go_on(now);
    }

    /// The predecessor says something. What has no place here changes nothing.
    pub fn handle_message(&mut self, message: &TakeoverMessage, now: Instant) {
        match message {
            TakeoverMessage::Yours(yours) => {
                if let Some(bot) = self.bots.get_mut(&yours.bot)
                    && bot.stage == Stage::Asked
                {
                    bot.stage = Stage::Connecting;
                    self.actions.push_back(SuccessorAction::Connect(yours.bot));
                }
            }
            TakeoverMessage::Given(given) => {
                if let Some(bot) = self.bots.get_mut(&given.bot)
                    && let Stage::Live { since_ms } = bot.stage
                {
                    bot.stage = Stage::Moved;
                    bot.turn_ends = None;
                    self.last_move = now;
                    if bot.road == BotRoad::Displace && bot.was_live {
                        let gap = given.ended_ms.map_or(0, |ended_ms| since_ms - ended_ms);
                        self.gaps_ms.push(u64::try_from(gap).unwrap_or(0));
                    }
                }
            }
            TakeoverMessage::Hello(_)
            | TakeoverMessage::Welcome(_)
            | TakeoverMessage::Refused(_)
            | TakeoverMessage::Take(_)
            | TakeoverMessage::Live(_)
            | TakeoverMessage::LetGo(_) => {}
        }
        self.go_on(now);
    }

    /// The connection to the predecessor is gone, and so is the predecessor, or will be in a moment.
    pub fn handle_closed(&mut self, now: Instant) {
        match self.phase {
            SuccessorPhase::Moving | SuccessorPhase::LettingGo => {
                self.phase = SuccessorPhase::Owning;
                self.ending = None;
                self.actions.clear();
                self.connect_the_rest();
                self.actions.push_back(SuccessorAction::OpenStore);
            }
            SuccessorPhase::Owning | SuccessorPhase::Done => {}
        }
        self.last_move = now;
    }

    /// The store is open here.
    pub fn handle_opened(&mut self) {
        if self.phase == SuccessorPhase::Owning {
            self.phase = SuccessorPhase::Done;
        }
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. An early call changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            SuccessorPhase::Moving => {
                let is_over = |due: Option<Instant>| due.is_some_and(|due| due <= now);
                for bot in self.bots.values_mut() {
                    if is_over(bot.turn_ends) {
                        bot.turn_ends = None;
                    }
                }
                if now >= self.last_move + self.timing.stall {
                    self.stalled();
                }
            }
            SuccessorPhase::LettingGo => {
                if self.ending.is_some_and(|ending| ending <= now) {
                    self.failure = Some(TakeoverFailure::DoesNotEnd {
                        within: self.timing.ending,
                    });
                }
            }
            SuccessorPhase::Owning | SuccessorPhase::Done => {}
        }
        self.go_on(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            SuccessorPhase::Moving => {
                let turns = self.bots.values().filter_map(|bot| bot.turn_ends);
                let stall = self.last_move + self.timing.stall;
                turns.chain([stall]).min()
            }
            SuccessorPhase::LettingGo => self.ending,
            SuccessorPhase::Owning | SuccessorPhase::Done => None,
        }
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<SuccessorAction> {
        self.actions.pop_front()
    }

    /// Why it comes to nothing, if it does: then this process has to end.
    #[must_use]
    pub fn failure(&self) -> Option<&TakeoverFailure> {
        self.failure.as_ref()
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self) -> SuccessorPhase {
        self.phase
    }

    /// Bots that were moved, and those that the predecessor had connected.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        let moved = |bot: &&Bot| bot.was_live && bot.stage == Stage::Moved;
        let wanted = self.bots.values().filter(|bot| bot.was_live).count();
        (self.bots.values().filter(moved).count(), wanted)
    }

    /// What came of it until now.
    #[must_use]
    pub fn summary(&self, now: Instant) -> Summary {
        let left = self
            .bots
            .iter()
            .filter(|(_, bot)| bot.was_live && !bot.is_here());
        Summary {
            moved: self.progress().0,
            left: left.map(|(id, _)| *id).collect(),
            gaps_ms: self.gaps_ms.clone(),
            took: now.saturating_duration_since(self.began),
        }
    }

    /// Gives turns, and lets the predecessor go when all it had connected is here.
    fn go_on(&mut self, now: Instant) {
        if self.phase != SuccessorPhase::Moving || self.failure.is_some() {
            return;
        }
        let mut taken = self
            .bots
            .values()
            .filter(|bot| bot.turn_ends.is_some())
            .count();
        while taken < self.timing.at_once
            && let Some(id) = self.waiting.pop_front()
        {
            if let Some(bot) = self.bots.get_mut(&id) {
                bot.stage = Stage::Asked;
                bot.turn_ends = Some(now + self.timing.turn);
                let take = TakeoverMessage::Take(Take { bot: id });
                self.actions.push_back(SuccessorAction::Send(take));
                taken += 1;
            }
        }
        let mut wanted = self.bots.values().filter(|bot| bot.was_live);
        if wanted.all(|bot| bot.stage == Stage::Moved) {
            self.let_go(now);
        }
    }

    /// No bot has moved for long.
    fn stalled(&mut self) {
        let (moved, wanted) = self.progress();
        if moved == 0 && wanted > 0 {
            self.failure = Some(TakeoverFailure::NoneConnected {
                wanted,
                within: self.timing.stall,
            });
        } else {
            // Those that were not moved are connected when the predecessor has ended.
            self.let_go(self.last_move + self.timing.stall);
        }
    }

    fn let_go(&mut self, now: Instant) {
        self.phase = SuccessorPhase::LettingGo;
        self.ending = Some(now + self.timing.ending);
        let let_go = TakeoverMessage::LetGo(LetGo {});
        self.actions.push_back(SuccessorAction::Send(let_go));
    }

    /// Those that waited for their turn need none any more.
    fn connect_the_rest(&mut self) {
        self.waiting.clear();
        for (id, bot) in &mut self.bots {
            if matches!(bot.stage, Stage::Waiting | Stage::Asked) {
                bot.stage = Stage::Connecting;
                self.actions.push_back(SuccessorAction::Connect(*id));
            }
        }
    }
}

impl Bot {
    /// Whether it is connected here.
    fn is_here(&self) -> bool {
        match self.stage {
            Stage::Live { .. } | Stage::Moved => true,
            Stage::Waiting | Stage::Asked | Stage::Connecting => false,
        }
    }
}

#[cfg(test)]
mod tests;
