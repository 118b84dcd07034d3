//! Who has the writing connection, and how it changes hands: between the writer thread, the threads that make administrative
//! changes while there is none, and nobody.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::Shared;
use crate::Cause;
use crate::failure::Failure;
use crate::writer::{Desk, Job};

/// The ways to the writer thread besides its queue of events. To tell it to stop never waits: a thread that a disk
/// holds in the kernel takes no mail, and must not hold whoever ends the process.
pub(super) struct Mail {
    pub(super) jobs: Sender<Job>,
    pub(super) stop: Sender<()>,
}

/// Who has the writing connection. Locked for a moment only, never while the disk is written to.
pub(super) enum Seat {
    /// Nobody: whoever locks the seat may take it.
    Free(Box<Desk>),
    /// The writer thread.
    Taken(Mail),
    /// A thread that makes [administrative changes](super::administer) while there is no writer thread.
    Lent {
        jobs: Sender<Job>,
        /// The writer thread that has the connection after it.
        next: Option<Successor>,
    },
    /// For the moment in which it changes hands.
    Changing,
}

/// A writer thread that waits for the connection.
pub(super) struct Successor {
    pub(super) mail: Mail,
    pub(super) desk: Sender<Box<Desk>>,
}

/// A thread's hold on the desk. When a panic takes the thread away, or it never comes to life, the desk is cleared of the
/// connection, whose state nobody knows then, and freed for the next thread.
pub(super) struct Sitting {
    pub(super) shared: Arc<Shared>,
    pub(super) desk: Option<Box<Desk>>,
    /// Where the desk comes from, when somebody else has it yet.
    pub(super) coming: Option<Receiver<Box<Desk>>>,
}

impl Sitting {
    pub(super) fn with(shared: Arc<Shared>, desk: Box<Desk>) -> Self {
        Self {
            shared,
            desk: Some(desk),
            coming: None,
        }
    }

    /// The writer thread's life.
    pub(super) fn work(mut self, inbox: &Receiver<Job>, stopped: &Receiver<()>) {
        if let Some(coming) = self.coming.take() {
            self.desk = coming.recv().ok();
        }
        let Some(desk) = &mut self.desk else {
            tracing::warn!("the writer runs already");
            return;
        };
        desk.run(inbox, stopped);
        self.pass_on(inbox);
    }

    /// Gives the desk up to whoever is next, after the jobs that came meanwhile. These are done without the lock, because
    /// the disk may take any time.
    pub(super) fn pass_on(mut self, inbox: &Receiver<Job>) {
        let shared = Arc::clone(&self.shared);
        loop {
            while let (Some(desk), Ok(job)) = (&mut self.desk, inbox.try_recv()) {
                desk.do_job(job);
            }
            let mut seat = shared.seat();
            // They are sent under the lock.
            if inbox.is_empty() {
                if let Some(desk) = self.desk.take() {
                    seat.pass_on(desk);
                }
                return;
            }
        }
    }
}

impl Seat {
    /// To the writer thread that waits for it, or to nobody.
    fn pass_on(&mut self, desk: Box<Desk>) {
        *self = match mem::replace(self, Self::Changing) {
            Self::Lent {
                next: Some(Successor { mail, desk: next }),
                ..
            } => match next.try_send(desk) {
                Ok(()) => Self::Taken(mail),
                // Its thread never came to life.
                Err(unsent) => Self::Free(unsent.into_inner()),
            },
            _ => Self::Free(desk),
        };
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        if let Some(desk) = &mut self.desk {
            if let Some(log) = desk.log.take() {
                let earlier = desk.left.take();
                desk.left = Some(log.leave(Cause::WriterGone).after(earlier));
            }
            desk.retry_at = Instant::now();
            let failure = Failure::new(
                Cause::WriterGone,
                "the writer thread panicked or could not be started",
            );
            // Until there is another thread nothing is recorded, and whoever asks is to know.
            desk.health.degrade(&failure);
            desk.trouble = Some(failure);
        }
        let shared = Arc::clone(&self.shared);
        let mut seat = shared.seat();
        if let Some(coming) = self.coming.take() {
            // This thread never came to life, and whoever has the desk is not to wait for it.
            if let Seat::Lent { next, .. } = &mut *seat {
                *next = None;
            }
            self.desk = coming.try_recv().ok();
        }
        if let Some(desk) = self.desk.take() {
            seat.pass_on(desk);
        }
    }
}
