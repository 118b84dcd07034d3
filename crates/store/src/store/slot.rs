//! Which thread has the writing connection, and how the connection is handed over.
//!
//! It belongs to the writer thread, to a thread that makes administrative changes while no writer thread runs, or to no
//! thread.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use super::OpenStore;
use crate::cause::{Cause, Failure};
use crate::writer::{Job, WriterState};

/// What the writer thread is told besides its queue of events. To send `stop` never blocks: a writer thread that waits for a
/// disk in the kernel reads no commands, and must not hold up the end of the process.
pub(super) struct CommandChannel {
    pub(super) jobs: Sender<Job>,
    pub(super) stop: Sender<()>,
}

/// Which thread has the writing connection. The lock is held for a moment, never while the disk is written to.
pub(super) enum WriterSlot {
    /// No thread has it: whoever locks the slot may take it.
    Free(Box<WriterState>),
    /// The writer thread has it.
    Taken(CommandChannel),
    /// It is lent to a thread that makes [administrative changes](super::administer) while there is no writer thread.
    Lent {
        jobs: Sender<Job>,
        /// The writer thread that gets the connection next.
        next: Option<Successor>,
    },
    /// It is being handed over.
    Changing,
}

/// A writer thread that waits for the connection.
pub(super) struct Successor {
    pub(super) commands: CommandChannel,
    pub(super) state: Sender<Box<WriterState>>,
}

/// One thread's possession of the writer's state. When the thread panics or cannot be started, the connection is closed,
/// because nobody knows its state then, and the slot is free for the next thread.
pub(super) struct WriterRun {
    pub(super) open: Arc<OpenStore>,
    pub(super) state: Option<Box<WriterState>>,
    /// Brings the state, if another thread still has it.
    pub(super) handed_over: Option<Receiver<Box<WriterState>>>,
}

impl WriterRun {
    /// The writer thread's life.
    pub(super) fn work(mut self, inbox: &Receiver<Job>, stopped: &Receiver<()>) {
        if let Some(handed_over) = self.handed_over.take() {
            self.state = handed_over.recv().ok();
        }
        let Some(state) = &mut self.state else {
            tracing::warn!("the writer runs already");
            return;
        };
        self.open.thread.is_this();
        state.run(inbox, stopped);
        self.pass_on(inbox);
    }

    /// Carries out the jobs that came meanwhile, then hands the state to the next thread. The jobs run without the lock,
    /// because the disk may take any time.
    pub(super) fn pass_on(mut self, inbox: &Receiver<Job>) {
        let open = Arc::clone(&self.open);
        loop {
            while let (Some(state), Ok(job)) = (&mut self.state, inbox.try_recv()) {
                state.do_job(job);
            }
            let mut slot = open.slot();
            // Jobs are sent under the lock, so no other one can come now.
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
    /// Hands the state to the writer thread that waits for it, or leaves it to no thread.
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
                // The waiting thread could not be started.
                Err(unsent) => Self::Free(unsent.into_inner()),
            },
            Self::Free(_) | Self::Taken(_) | Self::Lent { next: None, .. } | Self::Changing => {
                Self::Free(state)
            }
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
            // Until another thread runs nothing is recorded, and the health has to say so.
            state.health.degrade(&failure);
            state.trouble = Some(failure);
        }
        let open = Arc::clone(&self.open);
        let mut slot = open.slot();
        if let Some(handed_over) = self.handed_over.take() {
            // This thread could not be started, and whoever has the state must not wait for it.
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
