//! Administrative writes: in turn with the batches, on the one writing connection, and waited for no longer than is said.
//!
//! While the writer thread runs, a change is a job in its inbox. While there is none (before the fleet starts, after a panic,
//! in a command), a thread of its own takes the connection, carries out what is in its inbox, and passes the connection on.
//! So a disk that hangs holds that thread and nobody else: not the asker, not who starts the next writer, not who ends the
//! process.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use longwire_access::AuditEntry;

use super::slot::{CommandChannel, WriterRun, WriterSlot};
use super::{JOBS, Store};
use crate::engine::{Tables, WriteEngine};
use crate::write_error::WriteError;
use crate::writer::{DatabaseState, Job};

/// How long a change is waited for. Longer than a write lock is waited for (1 s), and than it takes until a disk that
/// hangs is told (3 s): whoever hears that it took too long finds the reason in the health.
const PATIENCE: Duration = Duration::from_secs(5);

/// And for each installation of a list: two secrets to seal and a row to write, in a build without optimisation.
const PATIENCE_PER_INSTALLATION: Duration = Duration::from_millis(10);

/// How long a list of so many is waited for.
pub(super) fn patience_for(installations: usize) -> Duration {
    let installations = u32::try_from(installations).unwrap_or(u32::MAX);
    PATIENCE.saturating_add(PATIENCE_PER_INSTALLATION.saturating_mul(installations))
}

/// Whether a change is made: the thread that begins it and the thread that gives it up both ask, and the first one decides.
#[derive(Debug, Default)]
struct Decided(AtomicBool);

impl Decided {
    /// Whether nobody was here before.
    fn is_first(&self) -> bool {
        !self.0.swap(true, SeqCst)
    }
}

impl Store {
    /// Runs `work` in a transaction of the one writing connection, wherever that is.
    pub(super) fn administer<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut dyn Tables) -> Result<T, WriteError> + Send + 'static,
    ) -> Result<T, WriteError> {
        self.administer_and(patience, work, |_| ())
    }

    /// The same, and calls `committed` as soon as the transaction is durable, also if nobody waits for it any more.
    pub(super) fn administer_and<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut dyn Tables) -> Result<T, WriteError> + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, WriteError> {
        let audited = self.audited.clone();
        self.on_engine(
            patience,
            move |engine| change(engine, audited.as_deref(), work),
            committed,
        )
    }

    /// Runs `work` with the one writing connection, wherever that is, and calls `committed` when it succeeded.
    pub(super) fn on_engine<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut dyn WriteEngine) -> Result<T, WriteError> + Send + 'static,
        committed: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, WriteError> {
        let (answer, answered) = bounded(1);
        let decided = Arc::new(Decided::default());
        let begins = Arc::clone(&decided);
        let job: Job = Box::new(move |engine| {
            if !begins.is_first() {
                return DatabaseState::Untried;
            }
            let (outcome, state) = match engine {
                Ok(engine) => {
                    let outcome = work(engine);
                    if let Ok(made) = &outcome {
                        committed(made);
                    }
                    let failure = outcome
                        .as_ref()
                        .err()
                        .and_then(WriteError::database_failure);
                    let state = failure.map_or(DatabaseState::Works, DatabaseState::Fails);
                    (outcome, state)
                }
                Err(failure) => (
                    Err(WriteError::Refused(failure.clone())),
                    DatabaseState::Fails(failure.clone()),
                ),
            };
            // Whoever asked may have gone; the change is made or not either way.
            let _ = answer.send(outcome);
            state
        });
        self.hand_in(job)?;
        match answered.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(WriteError::WriterGone),
            Err(RecvTimeoutError::Timeout) if decided.is_first() => {
                Err(WriteError::NotBegun { after: patience })
            }
            // It may have come just now.
            Err(RecvTimeoutError::Timeout) => answered
                .try_recv()
                .unwrap_or(Err(WriteError::Overdue { after: patience })),
        }
    }

    /// Opens the database for this process, after [`open_beside`](Self::open_beside), as soon as the other process has let go of
    /// it; does nothing if it is open here already. What was recorded by then is known, and what waited is written. Blocks for
    /// `patience` at most.
    ///
    /// # Errors
    /// When the other process still has the lock, or the database does not open. Nothing is lost, and this can be tried again.
    pub fn take_over(&self, patience: Duration) -> Result<(), WriteError> {
        let (answer, answered) = bounded(1);
        let (head, queue) = (Arc::clone(&self.open.head), Arc::clone(&self.open.queue));
        let job: Job = Box::new(move |engine| {
            let taken = match engine {
                Ok(engine) => engine.take_over().map(|()| {
                    head.reaches(engine.newest());
                    queue.counters.set_disk(engine.disk());
                    queue.lane.wake_writer();
                }),
                Err(failure) => Err(failure.clone()),
            };
            let state = match &taken {
                Ok(()) => DatabaseState::Works,
                // The other process may take its time; batches go on waiting and being refused by their own deadlines.
                Err(_) => DatabaseState::Untried,
            };
            // Whoever asked may have gone.
            let _ = answer.send(taken.map_err(WriteError::Refused));
            state
        });
        self.hand_in(job)?;
        match answered.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Disconnected) => Err(WriteError::WriterGone),
            Err(RecvTimeoutError::Timeout) => Err(WriteError::NotBegun { after: patience }),
        }
    }

    /// Gives a job to whoever has the connection. Waits for nothing.
    pub(super) fn hand_in(&self, job: Job) -> Result<(), WriteError> {
        let open = &self.open;
        let mut slot = open.slot();
        // Sent under the lock, so that whoever gives the connection up under it has seen all of them.
        match &*slot {
            WriterSlot::Taken(CommandChannel { jobs, .. }) | WriterSlot::Lent { jobs, .. } => {
                return jobs.try_send(job).map_err(|_| WriteError::Busy);
            }
            WriterSlot::Free(_) | WriterSlot::Changing => {}
        }
        let WriterSlot::Free(state) = mem::replace(&mut *slot, WriterSlot::Changing) else {
            return Err(WriteError::Busy);
        };
        let (jobs, inbox) = bounded(JOBS);
        *slot = WriterSlot::Lent { jobs, next: None };
        drop(slot);
        let mut run = WriterRun {
            open: Arc::clone(open),
            state: Some(state),
            handed_over: None,
        };
        std::thread::Builder::new()
            .name("longwire-change".to_owned())
            .spawn(move || {
                // This change, then those that come meanwhile.
                if let Some(state) = &mut run.state {
                    state.do_job(job);
                }
                run.pass_on(&inbox);
            })
            .map(drop)
            .map_err(|_| WriteError::WriterGone)
    }
}

/// Makes a change and its entry in the audit in a transaction of its own, and says what it returned.
fn change<T>(
    engine: &mut dyn WriteEngine,
    audited: Option<&AuditEntry>,
    work: impl FnOnce(&mut dyn Tables) -> Result<T, WriteError>,
) -> Result<T, WriteError> {
    let mut work = Some(work);
    let mut made = None;
    engine.change(&mut |tables| {
        if let Some(work) = work.take() {
            made = Some(work(tables)?);
            if let Some(entry) = audited {
                tables.keep_audit(entry)?;
            }
        }
        Ok(())
    })?;
    made.ok_or(WriteError::WriterGone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_first_decides() {
        let decided = Decided::default();
        assert!(decided.is_first(), "it is begun, or given up");
        assert!(
            !decided.is_first(),
            "it may have been made, or nobody waits for it"
        );
    }

    #[test]
    fn a_long_list_takes_its_time() {
        assert_eq!(patience_for(1), Duration::from_millis(5_010));
        assert_eq!(patience_for(10_000), Duration::from_secs(105));
    }
}
