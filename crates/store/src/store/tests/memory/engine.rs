//! The writing connection to a database in memory.

use crate::cause::{Cause, Failure};
use crate::engine::{Batch, Change, WriteEngine};
use crate::event_index::EventIndex;
use crate::figures::DiskUsage;
use crate::lane::SmallWrite;
use crate::receipt::Committed;
use crate::recording::record_groups;
use crate::retention::{RetentionStep, StepDone};
use crate::write_error::WriteError;
use longwire_wire::event::Seq;

use super::MemoryDatabase;

/// The connection; open from the start.
pub(super) struct MemoryEngine {
    pub(super) database: MemoryDatabase,
    /// `None` while it is closed.
    pub(super) index: Option<EventIndex>,
    /// The log was compared with the one before it.
    pub(super) is_compared: bool,
    /// The newest number that the log before this one had given.
    pub(super) given: Option<Seq>,
}

impl MemoryEngine {
    /// No number is given a second time, whatever log is opened next.
    fn keep_given(&mut self) {
        let given = self.index.as_ref().and_then(EventIndex::given);
        self.given = self.given.max(given);
    }
}

impl WriteEngine for MemoryEngine {
    fn is_open(&self) -> bool {
        self.index.is_some()
    }

    fn is_ready(&self) -> bool {
        self.index.is_some() && self.is_compared
    }

    fn recover(&mut self) -> Result<(), Failure> {
        self.database.transact(|_| Ok::<_, Failure>(()))?;
        self.keep_given();
        let mut index = self.database.index();
        index.go_on_after(self.given);
        self.index = Some(index);
        self.is_compared = true;
        Ok(())
    }

    fn close(&mut self, _: &Failure) {
        self.keep_given();
        self.index = None;
        self.is_compared = false;
    }

    fn record(&mut self, batch: Batch<'_>) -> Result<Committed, Failure> {
        let events = batch.groups.iter().map(|queued| queued.group.events.len());
        let events = events.sum();
        let gate = {
            let mut memory = self.database.lock();
            memory.batches.push((events, batch.small.writes().count()));
            memory.gate.clone()
        };
        if let Some(gate) = gate {
            // When the sender is gone, nothing is held any more.
            let _ = gate.recv();
        }
        let index = self
            .index
            .as_mut()
            .ok_or_else(|| Failure::new(Cause::WriterGone, "the database is not open"))?;
        let recorded = self.database.transact(|tables| {
            let outcomes = record_groups(tables, index, batch.groups)?;
            for small in batch.small.writes() {
                match small {
                    SmallWrite::Note(note) => tables.note(note),
                    SmallWrite::Displacement(displacement) => tables.keep(displacement),
                    SmallWrite::Position(consumer, position) => {
                        tables.keep_position(*consumer, position);
                    }
                    SmallWrite::Journey(batch) => tables.keep_journey(batch),
                    SmallWrite::TokenUsed(used) => tables.keep_use(*used),
                    SmallWrite::Audit(entry) => tables.add_audit(entry),
                }
            }
            Ok::<_, Failure>(outcomes)
        });
        match recorded {
            Ok(outcomes) => {
                index.keep(None, 0);
                Ok(Committed::after_commit(outcomes))
            }
            Err(failure) => {
                index.undo();
                Err(failure)
            }
        }
    }

    fn change(&mut self, change: &mut Change<'_>) -> Result<(), WriteError> {
        self.database.transact(|tables| change(tables))
    }

    /// Everything is kept.
    fn retain(&mut self, _: &RetentionStep) -> Result<StepDone, Failure> {
        Ok(StepDone::default())
    }

    fn look_after(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn newest(&self) -> Option<Seq> {
        self.index.as_ref()?.through()
    }

    fn disk(&self) -> DiskUsage {
        DiskUsage::default()
    }

    fn end(&mut self) -> crate::engine::LastFiles {
        crate::engine::LastFiles::One
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}
