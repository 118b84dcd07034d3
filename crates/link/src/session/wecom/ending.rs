//! The end of a connection whose platform repeats nothing: what it brought is recorded, and what it still brings too.
//!
//! ```text
//! told to finish, or lost ──▶ Begun ──▶ Reading ⇄ HeldBack ──the other side ends, or time is up──▶ Rest ──▶ Keeping ──▶ over
//! ```
//! The close frame is written first and ends everything that is said; then the connection is read until the other side
//! ends it, since an event that was on its way comes on no other connection. A full window holds the reading back as ever. What
//! has come at the end is decoded in any case: it is here, and the last reads bound how much it is. A message that has not
//! wholly come is counted as cut off, or the connection as left unread where we ended the reading.
//!
//! A successor may be connected meanwhile. It reads, and hands nothing to the store before this one is over
//! ([`Input::HasPredecessors`](crate::session::Input::HasPredecessors)).

use std::time::{Duration, Instant};

use super::{Phase, Wecom};
use crate::session::READS_PER_TURN;
use crate::session::action::Action;
use crate::session::cards::AwaitedCards;
use crate::session::input::Surroundings;
use crate::session::transport::{InputEnd, Next, READ_BYTES};

/// An ended connection that brings nothing for so long brings nothing more. One whose platform is gone without a word
/// never says so, and its successor's events wait for it.
const QUIET: Duration = Duration::from_secs(3);

/// How long a connection that was lost may go on bringing something. The platform serves one connection of a bot, so it
/// ends with the successor's subscription at the latest.
const LOST_READS: Duration = Duration::from_secs(60);

/// How many reads may follow when the time is up: as many as an open connection is granted in one turn.
const LAST_READS: usize = READS_PER_TURN;

/// What a message means that lacks its end.
const CUT_OFF: &str = "nothing to do if it is rare: the connection ended in the middle of a message, which nobody sends again";

/// A connection that is over for everybody else.
#[derive(Debug)]
pub(super) struct Ending {
    why: Why,
    /// When reading ends at the latest.
    until: Instant,
    /// When reading ends if nothing comes.
    quiet_at: Instant,
    stage: Stage,
}

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// Somebody wants it to, and waits no longer than this.
    Told(Duration),
    /// It is lost, or given up for lost. Nobody waits for it but its successor.
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The close frame waits to be written. A read may be the last one, and nothing is written after that.
    Begun,
    /// `late_reads` is how many reads brought something since the time was up.
    Reading { late_reads: usize },
    /// There is no room; at this moment that has lasted too long.
    HeldBack(Option<Instant>),
    /// Reading ends: so many reads were made since.
    Rest { reads: usize, was_held_back: bool },
    /// Reading ended, and more would have come.
    MoreCame,
    /// Everything is decoded, and waits for the store.
    Keeping,
}

impl Ending {
    fn new(why: Why, now: Instant) -> Self {
        let limit = match why {
            Why::Told(within) => within,
            Why::Lost => LOST_READS,
        };
        Self {
            why,
            until: now + limit,
            quiet_at: now + QUIET,
            stage: Stage::Begun,
        }
    }

    pub(super) fn is_keeping(&self) -> bool {
        self.stage == Stage::Keeping
    }

    /// How many bytes the next read may bring, if everything is decoded.
    pub(super) fn wants_bytes(&self) -> usize {
        match self.stage {
            Stage::Reading { .. } => READ_BYTES,
            Stage::Rest { reads, .. } if reads < LAST_READS => READ_BYTES,
            // Only a read can tell whether there is more. One byte is enough for that.
            Stage::Rest { .. } => 1,
            Stage::Begun | Stage::HeldBack(_) | Stage::MoreCame | Stage::Keeping => 0,
        }
    }

    /// Whether another turn is to follow at once.
    pub(super) fn wants_turn(&self, has_room: bool) -> bool {
        match self.stage {
            Stage::Begun => true,
            Stage::HeldBack(_) => has_room,
            Stage::Reading { .. } | Stage::Rest { .. } | Stage::MoreCame | Stage::Keeping => false,
        }
    }

    /// When something is to be done without input.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.stage {
            Stage::Reading { .. } => Some(self.until.min(self.quiet_at)),
            Stage::HeldBack(until) => until,
            Stage::Begun | Stage::Rest { .. } | Stage::MoreCame | Stage::Keeping => None,
        }
    }

    /// What was to be written was offered to the kernel.
    pub(super) fn begin_turn(&mut self) {
        if self.stage == Stage::Begun {
            self.stage = Stage::Reading { late_reads: 0 };
        }
    }

    /// A read brought something.
    pub(super) fn handle_read(&mut self, now: Instant) {
        self.stage = match self.stage {
            Stage::Reading { late_reads } => {
                self.quiet_at = now + QUIET;
                let late_reads = late_reads + usize::from(now >= self.until);
                if late_reads < LAST_READS {
                    Stage::Reading { late_reads }
                } else {
                    Stage::Rest {
                        reads: 0,
                        was_held_back: false,
                    }
                }
            }
            Stage::Rest { reads, .. } if reads == LAST_READS => Stage::MoreCame,
            Stage::Rest {
                reads,
                was_held_back,
            } => Stage::Rest {
                reads: reads + 1,
                was_held_back,
            },
            stage @ (Stage::Begun | Stage::HeldBack(_) | Stage::MoreCame | Stage::Keeping) => stage,
        };
    }

    /// There is room. While there was none nobody listened, and that may have been long ago: a disk that hangs makes no
    /// turn, so nothing moved the times on.
    fn go_on(&mut self, now: Instant) {
        if let Stage::HeldBack(_) = self.stage {
            self.stage = Stage::Reading { late_reads: 0 };
            self.quiet_at = now + QUIET;
            if self.why == Why::Lost {
                self.until = self.until.max(now + QUIET);
            }
        }
    }

    /// There is no room for more: the store has to take something first. Whoever was told to finish waits for that as long as
    /// it may; of a bot's lost connections the oldest waits as long as it takes, with a descriptor and what the kernel holds
    /// for it, and those behind it not for long.
    fn hold_back(&mut self, is_oldest: bool, now: Instant) {
        let until = match self.why {
            Why::Told(_) => Some(self.until),
            Why::Lost if is_oldest => {
                self.until = self.until.max(now + QUIET);
                None
            }
            Why::Lost => Some(self.until.min(self.quiet_at)),
        };
        self.stage = if until.is_none_or(|until| until > now) {
            Stage::HeldBack(until)
        } else {
            Stage::Rest {
                reads: 0,
                was_held_back: true,
            }
        };
    }
}

impl<A> Wecom<A> {
    /// Ends the connection. What it brought and still brings is recorded first.
    pub(super) fn begin_ending(&mut self, why: Why, now: Instant) {
        self.transport.outbox.close(1000);
        // Nothing more is said over this connection, and over another one these ids mean nothing.
        self.cards = AwaitedCards::default();
        self.phase = Phase::Ending(Box::new(Ending::new(why, now)));
    }

    /// Everything that had come was read.
    pub(super) fn ending_found_empty(&mut self, now: Instant) {
        let Phase::Ending(ending) = &self.phase else {
            return;
        };
        match ending.stage {
            Stage::Reading { .. } if now < ending.until.min(ending.quiet_at) => {}
            Stage::Reading { .. } => self.end_reading(false),
            // The other side could not send the rest of this message as long as nothing was read.
            Stage::Rest { was_held_back, .. } => {
                self.end_reading(was_held_back && self.transport.held_bytes() > 0);
            }
            Stage::Begun | Stage::HeldBack(_) | Stage::MoreCame | Stage::Keeping => {}
        }
    }

    /// The other side sends nothing more.
    pub(super) fn ending_read_all(&mut self) {
        let Phase::Ending(ending) = &self.phase else {
            return;
        };
        match ending.stage {
            Stage::Reading { .. } | Stage::Rest { .. } => self.end_reading(false),
            Stage::Begun | Stage::HeldBack(_) | Stage::MoreCame | Stage::Keeping => {}
        }
    }

    /// Decodes what was read: as far as there is room, or all of it when the reading ends.
    pub(super) fn decode_ending(&mut self, around: Surroundings) {
        let now = around.now;
        self.recording.look_at_writer(around.writer_has_room, now);
        loop {
            let Phase::Ending(ending) = &self.phase else {
                return;
            };
            let needs_room = match ending.stage {
                Stage::Reading { .. } | Stage::HeldBack(_) => true,
                Stage::Rest { .. } | Stage::MoreCame => false,
                Stage::Begun | Stage::Keeping => return,
            };
            if self.unparsed.is_some() {
                // It goes on with the answer.
                return;
            }
            if needs_room && !self.has_room() {
                let is_oldest = !self.recording.has_predecessors();
                if let Phase::Ending(ending) = &mut self.phase {
                    ending.hold_back(is_oldest, now);
                    if matches!(ending.stage, Stage::HeldBack(_)) {
                        return;
                    }
                }
                continue;
            }
            match self.transport.next(around) {
                Next::Message(content) => {
                    // What ends a connection is no news here.
                    drop(self.take_message(content, around));
                }
                Next::Hungry => return self.ending_hungry(now),
                Next::End(end) => {
                    // Nothing behind this can be read.
                    let is_left_unread = matches!(end, InputEnd::NoMemory { .. });
                    return self.end_reading(is_left_unread);
                }
            }
        }
    }

    /// Everything that was read is decoded.
    fn ending_hungry(&mut self, now: Instant) {
        let Phase::Ending(ending) = &mut self.phase else {
            return;
        };
        match ending.stage {
            Stage::Reading { .. } | Stage::HeldBack(_) => ending.go_on(now),
            Stage::MoreCame => self.end_reading(true),
            Stage::Begun | Stage::Rest { .. } | Stage::Keeping => {}
        }
    }

    /// Reading is over. What is not recorded yet waits for the store.
    fn end_reading(&mut self, is_left_unread: bool) {
        if is_left_unread {
            self.transport.act(Action::LeftUnread);
        }
        self.transport.outbox.give_up();
        let held_bytes = self.transport.cut_off();
        // Otherwise its end is with what was left unread, and that is said.
        if held_bytes > 0 && !is_left_unread {
            self.transport.act(Action::Malformed {
                kind: "message_cut_off",
                size_bytes: held_bytes,
                next_step: Some(CUT_OFF),
            });
        }
        self.end_requests();
        self.transport.act(Action::HangUp);
        if let Phase::Ending(ending) = &mut self.phase {
            ending.stage = Stage::Keeping;
        }
        if self.recording.is_empty() {
            self.finish();
        } else {
            let bytes = self.recording.bytes_held();
            self.transport.act(Action::Retain(bytes));
        }
    }

    /// The last event that waited may have been recorded.
    pub(super) fn finish_if_recorded(&mut self) {
        if let Phase::Ending(ending) = &self.phase
            && ending.is_keeping()
            && self.recording.is_empty()
        {
            self.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a connection that is held back for as long as it takes.
    fn held_back(why: Why, until: Instant) -> Ending {
        Ending {
            why,
            until,
            quiet_at: until,
            stage: Stage::HeldBack(None),
        }
    }

    #[test]
    fn a_lost_connection_is_read_after_however_long_a_pause() {
        let begun = Instant::now();
        let later = begun + 10 * LOST_READS;
        let mut ending = held_back(Why::Lost, begun + LOST_READS);
        ending.go_on(later);
        assert_eq!(
            (ending.until, ending.quiet_at),
            (later + QUIET, later + QUIET)
        );
        ending.go_on(later + QUIET);
        assert_eq!(ending.until, later + QUIET, "only a pause counts");
        let mut told = held_back(Why::Told(QUIET), begun + QUIET);
        told.go_on(later);
        assert_eq!(told.until, begun + QUIET, "somebody waits for it no longer");
    }
}
