//! The end of a connection whose platform repeats nothing: what it brought is kept, and what it still brings too.
//!
//! ```text
//! told to finish, or lost ──▶ reading on ──the other side ends, or time is up──▶ keeping ──all is recorded──▶ over
//! ```
//! The close frame is written first and ends everything that is said; then the connection is read until the other side
//! ends it, since an event that was on its way comes on no other connection. A full window holds the reading back as ever. What
//! the reader has at the end is decoded in any case: it is here, and the last reads bound how much it is. A message that has not
//! wholly come is counted as cut off, or the connection as left unread where we ended the reading.
//!
//! A successor may be connected meanwhile. It reads, and hands nothing to the store before this one is over
//! ([`RecordOrder`](crate::record_order::RecordOrder)).

use super::inbound::Verdict;
use super::pump::{READS, Read, SCRATCH_BYTES, Step, poll_read, poll_read_within};
use super::{Phase, Socket};
use crate::clock::now;
use crate::kept::KeptPart;
use crate::loss;
use longwire_actor::Context;
use longwire_egress::BoxedSocket;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

/// An ended connection that brings nothing for so long brings nothing more. One whose platform is gone without a word
/// never says so, and its successor's events wait for it.
const QUIET: Duration = Duration::from_secs(3);

/// How long a connection that was lost may go on bringing something. The platform serves one connection of a bot, so it
/// ends with the successor's subscription at the latest.
const LOST_READS: Duration = Duration::from_secs(60);

/// What a message means that lacks its end.
const CUT_OFF: &str = "nothing to do if it is rare: the connection ended in the middle of a message, which nobody sends again";

/// A connection that is over for everybody else.
pub(super) struct Ending {
    /// `None` once it has brought everything.
    io: Option<BoxedSocket>,
    why: Why,
    /// When reading ends at the latest.
    until: Instant,
    /// When reading ends if nothing comes.
    quiet_at: Instant,
    /// Its part of what ended connections may keep, once it brings nothing more.
    kept: Option<KeptPart>,
    reading: Reading,
}

/// Why a connection ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody wants it to, and waits no longer than this.
    Told(Duration),
    /// It is lost, or given up for lost. Nobody waits for it but its successor.
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Goes,
    /// There is no room; at this moment that has lasted too long.
    HeldBack(Option<Instant>),
}

/// What of a connection's input is there when its reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Nothing,
    Unread,
}

impl Ending {
    pub(super) fn is_keeping(&self) -> bool {
        self.io.is_none()
    }

    /// There is room. While there was none nobody listened, and that may have been long ago: a disk that hangs makes no
    /// turn, so nothing moved the times on.
    fn go_on(&mut self, now: Instant) {
        if let Reading::HeldBack(_) = std::mem::replace(&mut self.reading, Reading::Goes) {
            self.quiet_at = now + QUIET;
            if self.why == Why::Lost {
                self.until = self.until.max(now + QUIET);
            }
        }
    }

    /// When something is to be done without input.
    pub(super) fn due(&self) -> Option<Instant> {
        self.io.as_ref()?;
        match self.reading {
            Reading::Goes => Some(self.until.min(self.quiet_at)),
            Reading::HeldBack(until) => until,
        }
    }
}

impl Socket {
    /// Ends the connection. What it brought and still brings is recorded first.
    pub(super) fn begin_ending(&mut self, io: BoxedSocket, why: Why) {
        self.outbound.close(1000);
        let now = now();
        let limit = match why {
            Why::Told(within) => within,
            Why::Lost => LOST_READS,
        };
        self.phase = Phase::Ending(Box::new(Ending {
            io: Some(io),
            why,
            until: now + limit,
            quiet_at: now + QUIET,
            kept: None,
            reading: Reading::Goes,
        }));
    }

    pub(super) fn turn_ending(
        &mut self,
        mut ending: Box<Ending>,
        ctx: &mut Context<Self>,
        task: &mut TaskContext<'_>,
    ) -> Step {
        let now = now();
        // Nothing can end it any more that ends a connection.
        drop(self.tend_session(now));
        self.submit();
        if let Some(mut io) = ending.io.take() {
            match self.read_on(&mut ending, &mut io, now, task) {
                Some(step) => {
                    ending.io = Some(io);
                    self.phase = Phase::Ending(ending);
                    return step;
                }
                None => self.take_rest(&mut ending, io, task),
            }
        }
        self.submit();
        if self.window.is_empty() {
            self.finish(ctx);
            return Step::Over;
        }
        self.phase = Phase::Ending(ending);
        Step::Wait
    }

    /// Reads what still comes; `None` when nothing does any more.
    fn read_on(
        &mut self,
        ending: &mut Ending,
        io: &mut BoxedSocket,
        now: Instant,
        task: &mut TaskContext<'_>,
    ) -> Option<Step> {
        if let Poll::Ready(Err(_)) = self.outbound.poll_flush(io, task, now) {
            // It may have been said before the other side stopped listening.
            self.outbound.give_up();
        }
        for _ in 0..READS {
            match self.take_messages(Self::has_room) {
                Verdict::Hungry => ending.go_on(now),
                // What ends a connection is no news here.
                Verdict::Over(_) => continue,
                Verdict::Closed(_) | Verdict::Broken(_) | Verdict::NoMemory { .. } => return None,
                Verdict::Full => {
                    self.submit();
                    return self.hold_back(ending, now);
                }
            }
            self.submit();
            match poll_read(io, task) {
                Poll::Ready(Read::Chunk(chunk)) => {
                    self.inbound.feed(chunk);
                    ending.quiet_at = now + QUIET;
                }
                Poll::Ready(Read::End | Read::Failed(_)) => return None,
                Poll::Pending if now < ending.until.min(ending.quiet_at) => {
                    return Some(Step::Wait);
                }
                Poll::Pending => return None,
            }
        }
        (now < ending.until).then_some(Step::Again)
    }

    /// There is no room for more: the store has to take something first. Whoever was told to finish waits for that as long as
    /// it may; of a bot's lost connections the oldest waits as long as it takes, with a descriptor and what the kernel holds
    /// for it, and those behind it not for long.
    fn hold_back(&mut self, ending: &mut Ending, now: Instant) -> Option<Step> {
        let until = match ending.why {
            Why::Told(_) => Some(ending.until),
            Why::Lost if self.may_record() => {
                ending.until = ending.until.max(now + QUIET);
                None
            }
            Why::Lost => Some(ending.until.min(ending.quiet_at)),
        };
        ending.reading = Reading::HeldBack(until);
        if until.is_none_or(|until| until > now) {
            // Where this very turn made room, nobody else would wake us.
            let step = if self.has_room() {
                Step::Again
            } else {
                Step::Wait
            };
            Some(step)
        } else {
            None
        }
    }

    /// Reading ends. What has come is taken, whether there is room or not: the reader's part, and a last turn of reads, as
    /// much as an open connection takes at a time. That there is more, or was about to come, is said.
    fn take_rest(&mut self, ending: &mut Ending, mut io: BoxedSocket, task: &mut TaskContext<'_>) {
        let was_held_back = matches!(ending.reading, Reading::HeldBack(_));
        let mut reads = 0;
        let mut rest = Rest::Nothing;
        loop {
            match self.take_messages(|_| true) {
                Verdict::Over(_) => continue,
                Verdict::Hungry | Verdict::Full => {}
                Verdict::Closed(_) | Verdict::Broken(_) => {
                    // Nothing behind that can be read.
                    rest = Rest::Nothing;
                    break;
                }
                Verdict::NoMemory { .. } => rest = Rest::Unread,
            }
            if rest == Rest::Unread {
                break;
            }
            // Only a read can tell whether there is more. One byte is enough for that.
            let most_bytes = if reads < READS { SCRATCH_BYTES } else { 1 };
            match poll_read_within(&mut io, most_bytes, task) {
                Poll::Ready(Read::Chunk(chunk)) => {
                    self.inbound.feed(chunk);
                    if reads == READS {
                        rest = Rest::Unread;
                    }
                }
                Poll::Ready(Read::End | Read::Failed(_)) => break,
                Poll::Pending => {
                    // The other side could not send the rest of this message as long as nothing was read.
                    if was_held_back && self.inbound.held_bytes() > 0 {
                        rest = Rest::Unread;
                    }
                    break;
                }
            }
            reads += 1;
        }
        if rest == Rest::Unread {
            loss::left_unread(&self.shared, &self.bot, self.generation);
        }
        self.outbound.give_up();
        self.let_go_of_unfinished(rest);
        self.end_session();
        self.submit();
        if self.window.is_empty() {
            return;
        }
        ending.kept = KeptPart::take(&self.shared, &self.bot, self.window.bytes_held());
        if ending.kept.is_none() {
            self.keep_nothing();
        }
    }

    /// Nobody will bring the rest of what has not wholly come.
    fn let_go_of_unfinished(&mut self, rest: Rest) {
        let (held_bytes, unfinished_bytes) = self.inbound.cut_off();
        self.shared.unfinished.change(unfinished_bytes, 0);
        // Otherwise its end is with what was left unread, and that is said.
        if held_bytes > 0 && rest == Rest::Nothing {
            self.bot.tally.malformed.fetch_add(1, Relaxed);
            let (malformed, bot) = (&self.shared.malformed, &self.bot.public_id);
            malformed.count_advised("message_cut_off", bot, held_bytes, Some(CUT_OFF));
        }
    }

    /// Whether what this bot's ended connections keep leaves no room for more events of this one. What a connection waits for
    /// never depends on a younger one.
    pub(super) fn is_held_back(&self) -> bool {
        // The oldest is read in any case: what is kept then belongs to younger ones, and they wait for it. So is one that is
        // not subscribed yet, or it would never be connected.
        if self.may_record() || !self.is_subscribed() {
            return false;
        }
        let kept_bytes = self.bot.kept.bytes();
        kept_bytes > 0 && kept_bytes + self.window.bytes_held() > self.shared.window_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a connection that is held back for as long as it takes.
    fn held_back(why: Why, until: Instant) -> Ending {
        Ending {
            io: None,
            why,
            until,
            quiet_at: until,
            kept: None,
            reading: Reading::HeldBack(None),
        }
    }

    #[test]
    fn a_lost_connection_is_read_after_however_long_a_pause() {
        let begun = now();
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
