//! The I/O of a socket: one future on the actor's own context.
//!
//! actix drains the mailbox first and polls this after, so every answer that came in at once leaves in one write. It
//! reads through a scratch buffer of the thread: a connection that is idle holds no buffer, and what a burst holds lives
//! as long as its events are unanswered.

use super::inbound::{Owed, Pause, Verdict};
use super::outbound::WriteFailure;
use super::{Phase, Socket};
use crate::clock::now;
use crate::pinger::{ReadingPaused, ReadingResumed};
use actix::fut::ActorFuture;
use bytes::Bytes;
use longwire_actor::Context;
use longwire_actor::send;
use longwire_egress::BoxedSocket;
use longwire_link::Setback;
use longwire_wire::websocket::Violation;
use std::cell::RefCell;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Sleep;

/// What one read takes at most.
pub(super) const SCRATCH_BYTES: usize = 64 * 1024;

/// Reads per poll; then the neighbours on this arbiter run.
pub(super) const READS: usize = 4;

/// A timer is set no closer than this, which is what timers can tell apart: whatever a turn leaves undone, it cannot keep the
/// arbiter from its other connections.
const TICK: Duration = Duration::from_millis(1);

/// A pause in reading shorter than this is ordinary back-pressure, and the pinger need not know.
const PAUSE_WORTH_TELLING: Duration = Duration::from_secs(1);

/// How long the platform has to hang up after our goodbye. One that is in order needs a round trip.
const LINGER: Duration = Duration::from_secs(1);

/// The close code for a message of which we cannot hold so much (RFC 6455, section 7.4.1).
const MESSAGE_TOO_BIG: u16 = 1009;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The I/O of a socket.
pub(super) struct Pump {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How a poll of the pump ends.
pub(super) enum Step {
    Wait,
    Again,
    Over,
}

/// How far a connection that ends in order has come.
enum Farewell {
    /// Answers are owed.
    Owed,
    /// Everything is answered, and the close frame is written.
    Said,
    /// It is over, one way or the other.
    Given,
}

/// What one read brought.
pub(super) enum Read {
    Chunk(Bytes),
    End,
    Failed(std::io::Error),
}

impl Pump {
    pub(super) fn new() -> Self {
        Self { sleep: None }
    }

    /// Keeps one timer for the next deadline. One that fires early is cheaper than one that is moved for every event.
    fn arm(&mut self, due: Option<Instant>, task: &mut TaskContext<'_>) -> Poll<()> {
        let Some(due) = due else {
            self.sleep = None;
            return Poll::Pending;
        };
        let due = tokio::time::Instant::from_std(due);
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                if sleep.deadline() > due {
                    sleep.as_mut().reset(due);
                }
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(due))),
        };
        match sleep.as_mut().poll(task) {
            Poll::Ready(()) => {
                self.sleep = None;
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl ActorFuture<Socket> for Pump {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        socket: &mut Socket,
        ctx: &mut Context<Socket>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        loop {
            let begun = now();
            match socket.turn(ctx, task) {
                Step::Over => return Poll::Ready(()),
                Step::Again => {
                    task.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Wait => {
                    let due = socket.due();
                    // A turn acts on all that is due. What it left alone would be due again at once, for ever.
                    debug_assert!(
                        due.is_none_or(|due| due > begun),
                        "a turn left something undone that was due"
                    );
                    let due = due.map(|due| due.max(begun + TICK));
                    if self.arm(due, task).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl Socket {
    /// One turn: answers out, input in, groups to the writer.
    fn turn(&mut self, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) -> Step {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        match phase {
            Phase::Open(mut io) => {
                let ended = self.turn_open(&mut io, task);
                self.phase = Phase::Open(io);
                match ended {
                    Ok(step) => step,
                    Err(end) => {
                        self.lose(end.setback, end.detail, ctx);
                        match self.phase {
                            Phase::Over => Step::Over,
                            _ => Step::Again,
                        }
                    }
                }
            }
            Phase::Finishing { mut io, until } => match self.turn_finishing(&mut io, until, task) {
                Farewell::Owed => {
                    self.phase = Phase::Finishing { io, until };
                    Step::Wait
                }
                Farewell::Said => {
                    let until = until.min(now() + LINGER);
                    self.phase = Phase::Leaving { io, until };
                    Step::Again
                }
                Farewell::Given => {
                    self.end_session();
                    self.finish(ctx);
                    Step::Over
                }
            },
            Phase::Leaving { mut io, until } => {
                let step = self.turn_leaving(&mut io, until, task);
                self.phase = Phase::Leaving { io, until };
                if matches!(step, Step::Over) {
                    self.finish(ctx);
                }
                step
            }
            Phase::Ending(ending) => self.turn_ending(ending, ctx, task),
            phase @ (Phase::Dialing | Phase::Over) => {
                self.phase = phase;
                Step::Over
            }
        }
    }

    fn turn_open(
        &mut self,
        io: &mut BoxedSocket,
        task: &mut TaskContext<'_>,
    ) -> Result<Step, Ended> {
        self.refuse_late();
        self.tend_session(now())?;
        if let Some(backlog) = self.inbound.backlog() {
            backlog.handle_timeout(now());
        }
        self.submit();
        self.flush(io, task)?;
        let mut is_held_back = false;
        for read in 0.. {
            match self.take_messages(Self::may_read) {
                Verdict::Hungry => {}
                Verdict::Full => {
                    is_held_back = true;
                    let is_unread = self.outbound.is_full();
                    if let Some(backlog) = self.inbound.backlog() {
                        // A platform that takes no answers is not to be sent more of them.
                        if is_unread {
                            backlog.handle_unread();
                        } else {
                            backlog.handle_held_back(now());
                        }
                    }
                    break;
                }
                Verdict::Closed(code) => {
                    self.submit();
                    self.outbound.close(code.unwrap_or(1000));
                    // Best effort: who closes does not wait for our politeness.
                    drop(self.flush(io, task));
                    return Err(Ended::new(Setback::ClosedByPlatform { code }));
                }
                Verdict::Broken(violation) => {
                    self.submit();
                    self.malformed(violation.label(), 0);
                    self.outbound.close(violation.close_code());
                    drop(self.flush(io, task));
                    return Err(Ended::violation(&violation));
                }
                Verdict::NoMemory { held_bytes } => {
                    self.submit();
                    self.malformed("no_room", held_bytes);
                    self.outbound.close(MESSAGE_TOO_BIG);
                    drop(self.flush(io, task));
                    return Err(Ended::new(Setback::NoMemory));
                }
                Verdict::Over(ended) => {
                    self.submit();
                    self.outbound.close(1000);
                    drop(self.flush(io, task));
                    return Err(ended);
                }
            }
            // What was decoded goes before the next read, so that the writer works while we read on.
            self.submit();
            if read == READS {
                self.flush(io, task)?;
                return Ok(Step::Again);
            }
            match poll_read(io, task) {
                Poll::Pending => {
                    if let Some(backlog) = self.inbound.backlog() {
                        backlog.handle_empty(now());
                    }
                    break;
                }
                Poll::Ready(Read::Chunk(chunk)) => {
                    let _working = self.working();
                    self.heard();
                    self.inbound.feed(chunk);
                }
                Poll::Ready(Read::End) => return Err(Ended::new(Setback::Reset)),
                Poll::Ready(Read::Failed(error)) => {
                    return Err(Ended {
                        setback: Setback::Reset,
                        detail: error.to_string(),
                    });
                }
            }
        }
        self.submit();
        self.flush(io, task)?;
        self.tell_pause();
        if is_held_back && self.may_read() {
            // There is room again, made by this very turn: nobody else would wake us for what still waits to be read.
            return Ok(Step::Again);
        }
        Ok(Step::Wait)
    }

    fn turn_finishing(
        &mut self,
        io: &mut BoxedSocket,
        until: Instant,
        task: &mut TaskContext<'_>,
    ) -> Farewell {
        self.refuse_late();
        self.submit();
        let answered = self.window.is_empty();
        let flushed = match self.outbound.poll_flush(io, task, now()) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => return Farewell::Given,
            Poll::Pending => false,
        };
        if answered && flushed {
            self.outbound.close(1000);
            return Farewell::Said;
        }
        if now() >= until {
            self.outbound.close(1000);
            drop(self.outbound.poll_flush(io, task, now()));
            return Farewell::Given;
        }
        Farewell::Owed
    }

    /// The goodbye is on its way. Were the connection closed now, with input unread, the kernel would send a reset, and
    /// that takes with it the answers the platform has not read yet. So what still comes is read away, unanswered, until
    /// the platform hangs up.
    fn turn_leaving(
        &mut self,
        io: &mut BoxedSocket,
        until: Instant,
        task: &mut TaskContext<'_>,
    ) -> Step {
        if let Poll::Ready(Err(_)) = self.outbound.poll_flush(io, task, now()) {
            return Step::Over;
        }
        for _ in 0..READS {
            match poll_read(io, task) {
                Poll::Ready(Read::Chunk(_)) => {}
                Poll::Ready(Read::End | Read::Failed(_)) => return Step::Over,
                Poll::Pending if now() < until => return Step::Wait,
                Poll::Pending => return Step::Over,
            }
        }
        if now() < until {
            Step::Again
        } else {
            Step::Over
        }
    }

    fn flush(&mut self, io: &mut BoxedSocket, task: &mut TaskContext<'_>) -> Result<(), Ended> {
        match self.outbound.poll_flush(io, task, now()) {
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
            Poll::Ready(Err(WriteFailure::Io(error))) => Err(Ended {
                setback: Setback::WriteFailed,
                detail: error.to_string(),
            }),
            Poll::Ready(Err(WriteFailure::Stuck)) => Err(Ended {
                setback: Setback::WriteFailed,
                detail: "the platform took nothing for the whole write deadline".to_owned(),
            }),
        }
    }

    /// Events whose receipt did not come within the budget are refused, so that the platform pushes them again; the
    /// commit that comes late is then found by its key.
    fn refuse_late(&mut self) {
        let now = now();
        if self.window.poll_timeout().is_none_or(|due| due > now) {
            return;
        }
        let late: Vec<_> = self.window.expire(now).collect();
        for (_, owed, since) in late {
            if let Owed::Answer(unanswered) = owed {
                self.shared.totals.refused_late.fetch_add(1, Relaxed);
                self.answer_refused(unanswered, since);
            }
        }
    }

    /// Lets the pinger know of a pause that lasts: while we do not read, silence proves nothing.
    fn tell_pause(&mut self) {
        let reads = self.may_read();
        let now = now();
        let pause = *self.inbound.pause();
        let next = match (reads, pause) {
            (true, Pause::Told) => {
                if let Some(pinger) = &self.pinger {
                    send(&**pinger, ReadingResumed);
                }
                Pause::Reading
            }
            (true, _) => Pause::Reading,
            (false, Pause::Reading) => Pause::Since(now),
            (false, Pause::Since(since))
                if now.saturating_duration_since(since) >= PAUSE_WORTH_TELLING =>
            {
                if let Some(pinger) = &self.pinger {
                    send(&**pinger, ReadingPaused);
                }
                Pause::Told
            }
            (false, pause) => pause,
        };
        *self.inbound.pause() = next;
    }

    /// The next moment at which something is due without input. Only what this phase's turn acts on counts.
    fn due(&mut self) -> Option<Instant> {
        let (until, pause, backlog) = match self.phase {
            // Only an open connection reads, so only there can a pause last.
            Phase::Open(_) => {
                let pause = match *self.inbound.pause() {
                    Pause::Since(since) => Some(since + PAUSE_WORTH_TELLING),
                    Pause::Reading | Pause::Told => None,
                };
                let backlog = self.inbound.backlog();
                let backlog = backlog.and_then(|backlog| backlog.poll_timeout(now()));
                (None, pause, backlog)
            }
            Phase::Finishing { until, .. } => (Some(until), None, None),
            // Nothing is answered any more.
            Phase::Leaving { until, .. } => {
                return Some(self.outbound.due().map_or(until, |due| due.min(until)));
            }
            Phase::Ending(ref ending) => (ending.due(), None, None),
            Phase::Dialing | Phase::Over => return None,
        };
        [
            self.window.poll_timeout(),
            self.outbound.due(),
            until,
            pause,
            backlog,
            self.inbound.offer_due(),
            self.session_due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// How a connection ended, for the installation.
pub(super) struct Ended {
    pub(super) setback: Setback,
    pub(super) detail: String,
}

impl Ended {
    pub(super) fn new(setback: Setback) -> Self {
        Self {
            setback,
            detail: String::new(),
        }
    }

    fn violation(violation: &Violation) -> Self {
        Self {
            setback: Setback::ProtocolViolation,
            detail: violation.to_string(),
        }
    }
}

pub(super) fn poll_read(io: &mut BoxedSocket, task: &mut TaskContext<'_>) -> Poll<Read> {
    poll_read_within(io, SCRATCH_BYTES, task)
}

/// Reads so many bytes at most, of those that one read may take.
pub(super) fn poll_read_within(
    io: &mut BoxedSocket,
    most_bytes: usize,
    task: &mut TaskContext<'_>,
) -> Poll<Read> {
    SCRATCH.with_borrow_mut(|scratch| {
        let most_bytes = most_bytes.min(scratch.len());
        let mut buffer = ReadBuf::new(&mut scratch[..most_bytes]);
        match Pin::new(io).poll_read(task, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Read::Failed(error)),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Read::End),
            Poll::Ready(Ok(())) => {
                Poll::Ready(Read::Chunk(Bytes::copy_from_slice(buffer.filled())))
            }
        }
    })
}
