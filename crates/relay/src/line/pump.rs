//! Moves the bytes of a line: one future on the context of the actor that owns it.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use actix::fut::ActorFuture;
use longwire_actor::{Context, TreeActor};
use longwire_platform_server::websocket::ClientMessage;
use tokio::io::ReadBuf;
use tokio::time::Sleep;

use super::{Line, LineEnd, Phase};
use crate::clock::now;

/// What one read takes at most.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Reads of one turn, after which other connections of the thread have theirs.
const READS_PER_TURN: usize = 4;
/// A timer is set no closer than this, which is what timers can tell apart.
const TICK: Duration = Duration::from_millis(1);

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// An actor that owns a line, and what the pump wants of it.
pub(crate) trait LineOwner: TreeActor {
    /// Its line.
    fn line(&mut self) -> &mut Line;

    /// The peer said this. A close frame is answered by the line and comes as [`LineOwner::over`].
    fn heard(&mut self, message: ClientMessage, now: Instant, ctx: &mut Context<Self>);

    /// After the mailbox and each read, and at the deadline that it returned last: takes what there is to send as long as
    /// [`Line::has_room`], acts on what is due, and says when it has to act next. `task` is woken when there is more to send.
    fn tend(
        &mut self,
        now: Instant,
        task: &mut TaskContext<'_>,
        ctx: &mut Context<Self>,
    ) -> Option<Instant>;

    /// The line is over. Called once; nothing is read or written any more.
    fn over(&mut self, end: LineEnd, ctx: &mut Context<Self>);
}

/// The network brought bytes, which is work that comes by no mailbox.
struct ReadBurst;

/// Moves the bytes of its actor's line until that is over.
pub(crate) struct Pump<A> {
    sleep: Option<Pin<Box<Sleep>>>,
    owner: PhantomData<fn(A)>,
}

impl<A: LineOwner> Pump<A> {
    pub(crate) fn new() -> Self {
        Self {
            sleep: None,
            owner: PhantomData,
        }
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
        let polled = sleep.as_mut().poll(task);
        if polled.is_ready() {
            self.sleep = None;
        }
        polled
    }
}

/// How a turn ends.
enum Turn {
    /// Nothing can be done before this, or before something comes.
    Wait(Option<Instant>),
    Again,
    Over,
}

impl<A: LineOwner> ActorFuture<A> for Pump<A> {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        actor: &mut A,
        ctx: &mut Context<A>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        loop {
            match turn(actor, ctx, task) {
                Turn::Over => return Poll::Ready(()),
                Turn::Again => {
                    task.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Turn::Wait(due) => {
                    // Whatever a turn leaves undone, it cannot keep the thread from its other connections.
                    let due = due.map(|due| due.max(now() + TICK));
                    if self.arm(due, task).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

fn turn<A: LineOwner>(actor: &mut A, ctx: &mut Context<A>, task: &mut TaskContext<'_>) -> Turn {
    let mut due = None;
    // A turn waits only after a read that found nothing, or nobody would wake it for what is left.
    for nth in 0..READS_PER_TURN {
        let was_paused = actor.line().is_reading_paused;
        let has_read = read(actor, ctx, task);
        // Once although nothing was read: something may have come by the mailbox, or be due.
        let is_room_wanted = std::mem::take(&mut actor.line().is_room_wanted);
        if has_read || nth == 0 || is_room_wanted {
            due = actor.tend(now(), task, ctx);
        }
        let line = actor.line();
        line.write_out(task, now());
        line.check_due(now());
        if let Phase::Ending(end) = &line.phase {
            let end = end.clone();
            // Best effort: nobody waits for our politeness.
            line.write_out(task, now());
            actor.over(end, ctx);
            return Turn::Over;
        }
        let is_resumed = was_paused && !line.is_reading_paused;
        if !has_read && !is_resumed && !line.is_wanted() {
            let due = due.into_iter().chain(line.due()).min();
            return Turn::Wait(due);
        }
    }
    Turn::Again
}

/// Reads once, and tells the actor what came. Returns whether there may be more.
fn read<A: LineOwner>(actor: &mut A, ctx: &mut Context<A>, task: &mut TaskContext<'_>) -> bool {
    let line = actor.line();
    if line.is_reading_paused || matches!(line.phase, Phase::Ending(_)) {
        return false;
    }
    let mut messages = Vec::new();
    let read = SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch);
        let read = Pin::new(&mut *line.socket).poll_read(task, &mut buffer);
        read.map_ok(|()| {
            let burst = buffer.filled();
            (!burst.is_empty()).then(|| line.reader.feed(burst, &mut messages))
        })
    });
    let violation = match read {
        Poll::Pending => return false,
        Poll::Ready(Ok(Some(fed))) => fed.err(),
        Poll::Ready(Ok(None)) => {
            line.end(LineEnd::HungUp);
            return false;
        }
        Poll::Ready(Err(error)) => {
            line.end(LineEnd::Failed(error.to_string()));
            return false;
        }
    };
    let _working = ctx.working::<ReadBurst>();
    for message in messages {
        match message {
            ClientMessage::Close(code) => actor.line().peer_closed(code),
            message => actor.heard(message, now(), ctx),
        }
    }
    if let Some(violation) = violation {
        actor.line().violated(violation);
    }
    true
}

impl Line {
    /// Whether its owner waits for room, and there is some.
    fn is_wanted(&self) -> bool {
        self.is_room_wanted
            && self.unwritten() < super::ROOM_BYTES
            && matches!(self.phase, Phase::Open)
    }

    /// Writes what the kernel takes.
    fn write_out(&mut self, task: &mut TaskContext<'_>, now: Instant) {
        while !self.outbox.unwritten().is_empty() {
            let socket = Pin::new(&mut *self.socket);
            match socket.poll_write(task, self.outbox.unwritten()) {
                Poll::Ready(Ok(0)) => return self.end(LineEnd::HungUp),
                Poll::Ready(Ok(bytes)) => self.outbox.handle_written(bytes),
                Poll::Ready(Err(error)) => return self.end(LineEnd::Failed(error.to_string())),
                Poll::Pending => return self.outbox.handle_blocked(now),
            }
        }
        if self.outbox.needs_flush {
            match Pin::new(&mut *self.socket).poll_flush(task) {
                Poll::Ready(Ok(())) => {
                    self.outbox.needs_flush = false;
                    self.outbox.blocked_since = None;
                }
                Poll::Ready(Err(error)) => self.end(LineEnd::Failed(error.to_string())),
                Poll::Pending => self.outbox.handle_blocked(now),
            }
        }
    }
}
