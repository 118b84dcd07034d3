//! The I/O of a socket, one future on the actor's own context: nothing else reads or writes the bytes of a connection.
//!
//! actix drains the mailbox first and polls this after, so every answer that came in at once leaves in one write. It
//! reads through a scratch buffer of the thread: a connection that is idle holds no buffer, and what a burst holds lives
//! as long as its events are unanswered.

use super::{Phase, Socket};
use crate::clock::now;
use actix::fut::ActorFuture;
use bytes::Bytes;
use longwire_actor::Context;
use longwire_egress::BoxedSocket;
use longwire_link::session::{Input, Outbox, READS_PER_TURN};
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What one read takes at most.
const SCRATCH_BYTES: usize = 64 * 1024;

/// A timer is set no closer than this, which is what timers can tell apart: whatever a turn leaves undone, it cannot keep the
/// arbiter from its other connections.
const TICK: Duration = Duration::from_millis(1);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// The I/O of a socket.
pub(super) struct Pump {
    sleep: Option<Pin<Box<Sleep>>>,
}

/// How a turn ends.
enum Step {
    Wait,
    Again,
    Over,
}

/// The network brought bytes, which is work that comes by no mailbox.
struct ReadBurst;

/// What one read brought.
enum Read {
    Chunk(Bytes),
    End,
    Failed(io::Error),
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
                    let due = socket.session.poll_timeout(now());
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
        if matches!(self.phase, Phase::Dialing | Phase::Over) {
            return Step::Over;
        }
        let step = match self.io.take() {
            Some(mut io) => {
                let step = self.turn_with(&mut io, ctx, task);
                match self.phase {
                    Phase::Open => self.io = Some(io),
                    // Best effort: nobody waits for our politeness.
                    Phase::Over => drop(poll_write(self.session.outbox(), &mut io, task, now())),
                    Phase::Dialing | Phase::HungUp => {}
                }
                step
            }
            None => {
                self.tend(ctx);
                Step::Wait
            }
        };
        match self.phase {
            Phase::Over | Phase::Dialing => Step::Over,
            Phase::Open | Phase::HungUp => step,
        }
    }

    fn turn_with(
        &mut self,
        io: &mut BoxedSocket,
        ctx: &mut Context<Self>,
        task: &mut TaskContext<'_>,
    ) -> Step {
        self.write(io, ctx, task);
        if self.phase == Phase::Over {
            return Step::Over;
        }
        self.tend(ctx);
        let mut reads = 0;
        let mut is_empty = false;
        while !is_empty {
            let most_bytes = self.session.wants_bytes();
            if most_bytes == 0 {
                break;
            }
            if reads == READS_PER_TURN {
                self.write(io, ctx, task);
                return Step::Again;
            }
            reads += 1;
            match poll_read(io, most_bytes, task) {
                Poll::Ready(Read::Chunk(chunk)) => {
                    let _working = ctx.working::<ReadBurst>();
                    self.take_in(Input::Bytes(chunk), ctx);
                }
                Poll::Ready(Read::End) => self.take_in(Input::InputEnded(String::new()), ctx),
                Poll::Ready(Read::Failed(error)) => {
                    self.take_in(Input::InputEnded(error.to_string()), ctx);
                }
                Poll::Pending => {
                    is_empty = true;
                    self.take_in(Input::Empty, ctx);
                }
            }
        }
        if self.phase == Phase::Over {
            return Step::Over;
        }
        self.write(io, ctx, task);
        if self.session.wants_turn() || !is_empty && self.session.wants_bytes() > 0 {
            // There is room again, made by this very turn: nobody else would wake us for what still waits.
            return Step::Again;
        }
        Step::Wait
    }

    /// Writes what the kernel takes.
    fn write(&mut self, io: &mut BoxedSocket, ctx: &mut Context<Self>, task: &mut TaskContext<'_>) {
        if let Err(error) = poll_write(self.session.outbox(), io, task, now()) {
            self.take_in(Input::WriteFailed(error.to_string()), ctx);
        }
    }
}

fn poll_write(
    outbox: &mut Outbox,
    io: &mut BoxedSocket,
    task: &mut TaskContext<'_>,
    now: Instant,
) -> io::Result<()> {
    while !outbox.unwritten().is_empty() {
        match Pin::new(&mut *io).poll_write(task, outbox.unwritten()) {
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(bytes)) => outbox.handle_written(bytes),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => {
                outbox.handle_blocked(now);
                return Ok(());
            }
        }
    }
    if outbox.needs_flush() {
        match Pin::new(io).poll_flush(task) {
            Poll::Ready(Ok(())) => outbox.handle_flushed(),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => outbox.handle_blocked(now),
        }
    }
    Ok(())
}

fn poll_read(io: &mut BoxedSocket, most_bytes: usize, task: &mut TaskContext<'_>) -> Poll<Read> {
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
