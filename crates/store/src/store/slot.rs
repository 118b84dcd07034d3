//! Who has the writing connection, and how it changes hands: between the writer thread, the threads that make administrative
//! changes while there is none, and nobody.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::OpenStore;
use crate::Cause;
use crate::failure::Failure;
use crate::writer::{Job, WriterState};

/// The ways to the writer thread besides its queue of events. To tell it to stop never waits: a thread that a disk
/// holds in the kernel takes no commands, and must not hold whoever ends the process.
pub(super) struct CommandChannel {
    pub(super) jobs: Sender<Job>,
    pub(super) stop: Sender<()>,
}

/// Who has the writing connection. Locked for a moment only, never while the disk is written to.
pub(super) enum WriterSlot {
    /// Nobody: whoever locks the slot may take it.
    Free(Box<WriterState>),
    /// The writer thread.
    Taken(CommandChannel),
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
    pub(super) commands: CommandChannel,
    pub(super) state: Sender<Box<WriterState>>,
}

/// A thread's hold on the state. When a panic takes the thread away, or it never comes to life, the state is cleared of the
/// connection, whose state nobody knows then, and freed for the next thread.
pub(super) struct WriterRun {
    pub(super) open: Arc<OpenStore>,
    pub(super) state: Option<Box<WriterState>>,
    /// Where the state comes from, when somebody else has it yet.
    pub(super) handed_over: Option<Receiver<Box<WriterState>>>,
}

impl WriterRun {
    pub(super) fn with(open: Arc<OpenStore>, state: Box<WriterState>) -> Self {
        Self {
            open,
            state: Some(state),
            handed_over: None,
        }
    }

    /// The writer thread's life.
    pub(super) fn work(mut self, inbox: &Receiver<Job>, stopped: &Receiver<()>) {
        if let Some(handed_over) = self.handed_over.take() {
            self.state = handed_over.recv().ok();
        }
        let Some(state) = &mut self.state else {
            tracing::warn!("the writer runs already");
            return;
        };
        state.run(inbox, stopped);
        self.pass_on(inbox);
    }

    /// Gives the state up to whoever is next, after the jobs that came meanwhile. These are done without the lock, because
    /// the disk may take any time.
    pub(super) fn pass_on(mut self, inbox: &Receiver<Job>) {
        let open = Arc::clone(&self.open);
        loop {
            while let (Some(state), Ok(job)) = (&mut self.state, inbox.try_recv()) {
                state.do_job(job);
            }
            let mut slot = open.slot();
            // They are sent under the lock.
            if inbox.is_empty() {
                if let Some(state) = self.state.take() {
                    slot.pass_on(state);
                }
                return;
            }
        }
    }
}

impl WriterSlot {
    /// To the writer thread that waits for it, or to nobody.
    fn pass_on(&mut self, state: Box<WriterState>) {
        *self = match mem::replace(self, Self::Changing) {
            Self::Lent {
                next:
                    Some(Successor {
                        commands,
                        state: next,
                    }),
                ..
            } => match next.try_send(state) {
                Ok(()) => Self::Taken(commands),
                // Its thread never came to life.
                Err(unsent) => Self::Free(unsent.into_inner()),
            },
            _ => Self::Free(state),
        };
    }
}

impl Drop for WriterRun {
    fn drop(&mut self) {
        if let Some(state) = &mut self.state {
            state.retry_at = Instant::now();
            let failure = Failure::new(
                Cause::WriterGone,
                "the writer thread panicked or could not be started",
            );
            state.engine.close(&failure);
            state.head.forget();
            // Until there is another thread nothing is recorded, and whoever asks is to know.
            state.health.degrade(&failure);
            state.trouble = Some(failure);
        }
        let open = Arc::clone(&self.open);
        let mut slot = open.slot();
        if let Some(handed_over) = self.handed_over.take() {
            // This thread never came to life, and whoever has the state is not to wait for it.
            if let WriterSlot::Lent { next, .. } = &mut *slot {
                *next = None;
            }
            self.state = handed_over.try_recv().ok();
        }
        if let Some(state) = self.state.take() {
            slot.pass_on(state);
        }
    }
}
