//! Consumers in memory, with their positions and journeys.

use longwire_access::Space;
use longwire_installation::Revision;

use super::tables::MemoryTables;
use crate::cause::Failure;
use crate::consumer::{ConsumerRecord, ConsumerTable, SavedPosition};
use crate::ids::ConsumerId;
use crate::journey::{JourneyBatch, JourneyRecord};

impl MemoryTables {
    pub(super) fn keep_position(&mut self, id: ConsumerId, position: &SavedPosition) {
        if let Some(kept) = self.positions.get_mut(&id) {
            *kept = position.clone();
        }
    }

    pub(super) fn keep_journey(&mut self, batch: &JourneyBatch) {
        let known = |id| self.consumers.iter().any(|one| one.id == id);
        if !batch.consumer.is_none_or(known) {
            return;
        }
        for row in batch.rows() {
            self.given.1 += 1;
            let record = |step| JourneyRecord {
                batch: self.given.1,
                consumer: batch.consumer,
                step,
            };
            self.journeys.extend(row.into_iter().cloned().map(record));
        }
    }
}

impl ConsumerTable for MemoryTables {
    fn all(&mut self) -> Result<Vec<ConsumerRecord>, Failure> {
        Ok(self.consumers.clone())
    }

    fn named(&mut self, space: &Space, name: &str) -> Result<Option<ConsumerRecord>, Failure> {
        let is_it = |one: &&ConsumerRecord| one.space == *space && one.name.as_str() == name;
        Ok(self.consumers.iter().find(is_it).cloned())
    }

    fn of_id(&mut self, id: ConsumerId) -> Result<Option<ConsumerRecord>, Failure> {
        Ok(self.consumers.iter().find(|one| one.id == id).cloned())
    }

    fn next_revision(&mut self) -> Result<Revision, Failure> {
        Ok(self.revise())
    }

    fn add(
        &mut self,
        record: &ConsumerRecord,
        position: &SavedPosition,
    ) -> Result<ConsumerId, Failure> {
        self.given.0 += 1;
        let id = ConsumerId(self.given.0);
        let record = record.clone();
        self.consumers.push(ConsumerRecord { id, ..record });
        self.positions.insert(id, position.clone());
        Ok(id)
    }

    fn write(&mut self, record: &ConsumerRecord) -> Result<(), Failure> {
        if let Some(kept) = self.consumers.iter_mut().find(|one| one.id == record.id) {
            *kept = record.clone();
        }
        Ok(())
    }

    fn forget_journeys(&mut self, id: ConsumerId, limit: usize) -> Result<usize, Failure> {
        let of_it = |record: &&JourneyRecord| record.consumer == Some(id);
        let mut rows: Vec<i64> = self
            .journeys
            .iter()
            .filter(of_it)
            .map(|one| one.batch)
            .collect();
        rows.dedup();
        rows.truncate(limit);
        self.journeys.retain(|record| !rows.contains(&record.batch));
        Ok(rows.len())
    }

    fn forget(&mut self, id: ConsumerId) -> Result<(), Failure> {
        self.consumers.retain(|one| one.id != id);
        self.positions.remove(&id);
        Ok(())
    }
}
