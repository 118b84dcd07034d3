//! Which position is kept, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use longwire_wire::event::Seq;

use super::ConsumerQueue;
use crate::moment::Moment;
use crate::news::{PositionSave, SavePace};
use crate::position::{Position, UndoneEvent};

/// Progress alone is saved at most so often. A crash repeats what was done since. Each save rides with events, or costs a
/// transaction of its own while none come.
const SAVE_EVERY: Duration = Duration::from_millis(50);

/// The positions that were given out and are not on disk, as far as is known.
#[derive(Debug)]
pub(super) struct Saves {
    /// Their numbers, and how far they reserve.
    given: VecDeque<(u64, i64)>,
    last: u64,
    unsaved: Unsaved,
    /// Progress alone is not saved before.
    not_before: Instant,
}

/// What is in the position and was not given out to be kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unsaved {
    /// Nothing.
    Nothing,
    /// Progress that nobody waits for.
    Progress,
    /// Progress that somebody is told of once it is on disk.
    Awaited,
}

impl Saves {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            given: VecDeque::new(),
            last: 0,
            unsaved: Unsaved::Nothing,
            not_before: now,
        }
    }

    /// The position is another one.
    pub(super) fn changed(&mut self) {
        self.unsaved = self.unsaved.max(Unsaved::Progress);
    }

    /// When progress may be saved.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_changed = self.unsaved > Unsaved::Nothing;
        (is_changed && self.given.is_empty()).then_some(self.not_before)
    }
}

impl<E: Clone> ConsumerQueue<E> {
    /// The position, if it has to be kept. A position replaces every earlier one, which need not be kept any more.
    pub fn poll_save(&mut self, now: Moment) -> Option<PositionSave> {
        let newest = self.open.last_key_value().map(|(seq, _)| *seq);
        let first = (self.saves.last == 0).then_some(self.read);
        let newest = newest.max(first);
        let pace = if newest.is_some_and(|newest| self.reservations.is_missing(newest)) {
            SavePace::Prompt
        } else if !self.saves.given.is_empty() {
            return None;
        } else if self.saves.unsaved == Unsaved::Awaited {
            SavePace::Prompt
        } else if newest.is_some_and(|newest| self.reservations.is_short(newest))
            || (self.saves.unsaved > Unsaved::Nothing && now.instant >= self.saves.not_before)
        {
            SavePace::Lazy
        } else {
            return None;
        };
        if let Some(newest) = newest {
            self.reservations.extend(newest.max(self.read));
        }
        Some(self.save(pace, now))
    }

    /// Somebody waits until what was done so far is on disk, such as a reader that acknowledged it. The next save has it, and is
    /// offered as soon as the one before is on disk: all who wait meanwhile share it.
    pub fn handle_save_awaited(&mut self) {
        self.saves.unsaved = Unsaved::Awaited;
    }

    /// The position for a process that is about to end: it reserves no more than may have been sent, so that little is labelled
    /// after the next start. Nothing may be polled behind it.
    pub fn final_save(&mut self, now: Moment) -> PositionSave {
        let mut save = self.save(SavePace::Prompt, now);
        let sent = |event: &&UndoneEvent| event.attempts > 0;
        let newest = save.position.undone.iter().rev().find(sent);
        let newest = newest.map_or(i64::MIN, |event| event.seq.0);
        let newest = newest.max(self.newest_out_of_turn());
        save.position.reserved = Seq(newest.max(self.label_until).max(save.position.floor().0));
        save
    }

    fn save(&mut self, pace: SavePace, now: Moment) -> PositionSave {
        let saves = &mut self.saves;
        saves.last += 1;
        saves.unsaved = Unsaved::Nothing;
        saves.not_before = now.instant + SAVE_EVERY;
        saves
            .given
            .push_back((saves.last, self.reservations.asked()));
        PositionSave {
            number: self.saves.last,
            position: self.position(),
            pace,
        }
    }

    /// The newest event that was done while an older one of its lane was not. It is sent again if the lane is left in the log
    /// after a restart.
    pub(super) fn newest_out_of_turn(&self) -> i64 {
        let newest = self.lanes.values().map(|lane| lane.newest_done);
        newest.max().unwrap_or(i64::MIN)
    }

    /// The position of that number, or a later one, is on disk.
    pub fn handle_saved(&mut self, number: u64) {
        while let Some((given, reserved)) = self.saves.given.front().copied()
            && given <= number
        {
            self.saves.given.pop_front();
            self.reservations.handle_durable(reserved);
        }
    }

    /// No position that was given out will be on disk: the store refused. A new one is offered.
    pub fn handle_not_saved(&mut self) {
        self.saves.given.clear();
        self.saves.unsaved = self.saves.unsaved.max(Unsaved::Progress);
        self.reservations.handle_lost();
    }

    /// How far the consumer is.
    #[must_use]
    pub fn position(&self) -> Position {
        let open = self.open.iter().map(|(seq, event)| UndoneEvent {
            seq: Seq(*seq),
            attempts: event.tried.attempts,
            failures: event.tried.failures,
            first_failed_ms: event.tried.first_failed_ms,
        });
        let mut undone: Vec<_> = open.chain(self.unfinished.iter().copied()).collect();
        undone.sort_by_key(|event| event.seq);
        Position {
            order: self.policy.order,
            reached: Seq(self.read),
            reserved: Seq(self.reservations.asked().max(self.label_until)),
            undone,
            deferred: self.deferred_chats(),
        }
    }
}
