//! The engine of a store beside a running one.

use std::time::{Duration, Instant};

use longwire_wire::event::{NewEvent, Seq};

use super::bytes::{Answer, decode_answer, encode_batch};
use super::{Forward, ForwardError};
use crate::cause::{Cause, Failure};
use crate::engine::{Batch, Change, LastFiles, WriteEngine};
use crate::figures::DiskUsage;
use crate::group::EventOwner;
use crate::open::OpenError;
use crate::receipt::{Committed, EventOutcome, RecordOutcome};
use crate::retention::{RetentionStep, StepDone};
use crate::write_error::WriteError;

/// How long a batch waits for the lock of a process that lets go of the database. A little less than an event may wait for its
/// answer.
const LOCK_WAIT: Duration = Duration::from_millis(2_000);
/// How often the lock is tried meanwhile.
const LOCK_TRY: Duration = Duration::from_millis(5);

/// Opens the database for this process alone. It fails with [`OpenError::Held`] while another process has the lock.
pub(crate) type OpenOwn = Box<dyn FnMut() -> Result<Box<dyn WriteEngine>, OpenError> + Send>;

/// Records through another process, until that lets go of the database.
pub(crate) struct ForwardingEngine {
    stage: Stage,
    open: OpenOwn,
    newest: Option<Seq>,
}

enum Stage {
    /// Another process records.
    Forwarding(Box<dyn Forward>),
    /// That process has let go, or is gone; the lock was not had yet.
    LetGo,
    /// The database is open here.
    Own(Box<dyn WriteEngine>),
}

impl ForwardingEngine {
    /// Batches go over `forward`. When that ends, `open` opens the database. `newest` is the newest event now.
    pub(crate) fn new(forward: Box<dyn Forward>, open: OpenOwn, newest: Option<Seq>) -> Self {
        Self {
            stage: Stage::Forwarding(forward),
            open,
            newest,
        }
    }

    /// Opens the database as soon as its lock is free.
    fn open_own(&mut self) -> Result<&mut dyn WriteEngine, Failure> {
        let until = Instant::now() + LOCK_WAIT;
        while !matches!(self.stage, Stage::Own(_)) {
            match (self.open)() {
                Ok(engine) => {
                    tracing::info!("the store is open here; this process records from now on");
                    self.stage = Stage::Own(engine);
                }
                Err(OpenError::Held { .. }) if Instant::now() < until => {
                    std::thread::sleep(LOCK_TRY);
                }
                Err(error) => return Err(failure(&error)),
            }
        }
        match &mut self.stage {
            Stage::Own(engine) => Ok(&mut **engine),
            Stage::Forwarding(_) | Stage::LetGo => Err(not_open()),
        }
    }

    /// Has the groups recorded by the other process. `None` if that has let go.
    fn forward<'a>(
        forward: &mut dyn Forward,
        groups: impl Iterator<Item = (EventOwner, &'a [NewEvent])>,
        events: usize,
    ) -> Result<Option<Vec<EventOutcome>>, Failure> {
        let bytes = match forward.forward(&encode_batch(groups)) {
            Ok(bytes) => bytes,
            Err(ForwardError::Gone) => return Ok(None),
            Err(error @ ForwardError::Silent(_)) => {
                return Err(Failure::new(Cause::Stalled, error.to_string()));
            }
        };
        match decode_answer(&bytes, events) {
            Ok(Answer::Recorded(outcomes)) => Ok(Some(outcomes)),
            Ok(Answer::Failed(failure)) => Err(failure),
            Ok(Answer::Ended) => Ok(None),
            Err(error) => Err(Failure::new(Cause::Other, error.to_string())),
        }
    }
}

fn not_open() -> Failure {
    Failure::new(Cause::WriterGone, "the database is not open")
}

/// Why the database does not open, as a failure of the batch that waited for it.
fn failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Database { source, .. } => source.clone(),
        OpenError::Held { .. } => Failure::new(Cause::Held, error.to_string()),
        OpenError::DiskFull { .. } => Failure::new(Cause::DiskFull, error.to_string()),
        other => Failure::new(Cause::Other, other.to_string()),
    }
}

impl WriteEngine for ForwardingEngine {
    fn is_owner(&self) -> bool {
        matches!(self.stage, Stage::Own(_))
    }

    fn take_over(&mut self) -> Result<(), Failure> {
        if matches!(self.stage, Stage::Forwarding(_)) {
            self.stage = Stage::LetGo;
        }
        self.open_own().map(drop)
    }

    fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Own(engine) => engine.is_open(),
            Stage::Forwarding(_) | Stage::LetGo => true,
        }
    }

    fn is_ready(&self) -> bool {
        match &self.stage {
            Stage::Own(engine) => engine.is_ready(),
            Stage::Forwarding(_) | Stage::LetGo => true,
        }
    }

    fn recover(&mut self) -> Result<(), Failure> {
        let told = match &mut self.stage {
            Stage::Own(engine) => return engine.recover(),
            Stage::LetGo => None,
            Stage::Forwarding(forward) => Self::forward(&mut **forward, std::iter::empty(), 0)?,
        };
        match told {
            Some(_) => Ok(()),
            None => {
                self.stage = Stage::LetGo;
                self.open_own().map(drop)
            }
        }
    }

    fn close(&mut self, failure: &Failure) {
        match &mut self.stage {
            Stage::Own(engine) => engine.close(failure),
            // Nothing is open here.
            Stage::Forwarding(_) | Stage::LetGo => {}
        }
    }

    fn record(&mut self, batch: Batch<'_>) -> Result<Committed, Failure> {
        let outcomes = match &mut self.stage {
            Stage::Own(engine) => return engine.record(batch),
            Stage::LetGo => None,
            Stage::Forwarding(forward) => {
                let groups = batch.groups.iter().map(|queued| &queued.group);
                let events = groups.clone().map(|group| group.events.len()).sum();
                let groups = groups.map(|group| (group.owner(), &*group.events));
                Self::forward(&mut **forward, groups, events)?
            }
        };
        match outcomes {
            Some(outcomes) => {
                let newest = outcomes.iter().filter_map(|outcome| match outcome {
                    EventOutcome::Recorded(RecordOutcome::Recorded(seq)) => Some(*seq),
                    EventOutcome::Recorded(RecordOutcome::Repeat { .. })
                    | EventOutcome::Poison(_) => None,
                });
                self.newest = self.newest.max(newest.max());
                // The process that has the database sends outcomes after its commit has returned, and nothing else is an answer.
                Ok(Committed::after_commit(outcomes))
            }
            None => {
                self.stage = Stage::LetGo;
                self.open_own()?.record(batch)
            }
        }
    }

    fn change(&mut self, change: &mut Change<'_>) -> Result<(), WriteError> {
        match &mut self.stage {
            Stage::Own(engine) => engine.change(change),
            Stage::Forwarding(_) | Stage::LetGo => Err(WriteError::TakingOver),
        }
    }

    fn retain(&mut self, step: &RetentionStep) -> Result<StepDone, Failure> {
        match &mut self.stage {
            Stage::Own(engine) => engine.retain(step),
            // The janitor begins when this process has the database.
            Stage::Forwarding(_) | Stage::LetGo => Err(not_open()),
        }
    }

    fn end(&mut self) -> LastFiles {
        match &mut self.stage {
            Stage::Own(engine) => engine.end(),
            // Nothing is open here.
            Stage::Forwarding(_) | Stage::LetGo => LastFiles::InDoubt,
        }
    }

    fn look_after(&mut self) -> Result<(), Failure> {
        match &mut self.stage {
            Stage::Own(engine) => engine.look_after(),
            Stage::Forwarding(_) | Stage::LetGo => Ok(()),
        }
    }

    fn newest(&self) -> Option<Seq> {
        match &self.stage {
            Stage::Own(engine) => engine.newest(),
            Stage::Forwarding(_) | Stage::LetGo => self.newest,
        }
    }

    fn disk(&self) -> DiskUsage {
        match &self.stage {
            Stage::Own(engine) => engine.disk(),
            Stage::Forwarding(_) | Stage::LetGo => DiskUsage::default(),
        }
    }

    #[cfg(test)]
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
