//! The log and the journeys of its events, for whoever reads along.

use std::time::Duration;

use bytes::Bytes;
use longwire_access::Space;
use longwire_consumer::{EventId, Expansions};
use longwire_store::{ConsumerId, JourneyRecord};
use tokio::sync::{mpsc, oneshot};

use super::{Deliveries, JourneyError, READ_ALONG_STREAMS, ReadAlongError, blocking};
use crate::read_along::{ReadAlong, ReadEnvelope, ReadPage};
use crate::root::{Follow, Read, ReadOne};

impl Deliveries {
    /// Reads at most so many events along. If there is none yet, waits so long for one.
    pub async fn read_along(
        &self,
        what: ReadAlong,
        limit: usize,
        wait: Duration,
    ) -> Result<ReadPage, ReadAlongError> {
        let (answer, page) = oneshot::channel();
        self.inner.root.send(Read {
            what,
            limit,
            wait,
            answer,
        });
        Ok(page.await.map_err(|_| ReadAlongError::Ended)??)
    }

    /// Opens a stream that reads along: chunks of `text/event-stream`. A reader that is slow holds nothing up but its own stream.
    pub async fn follow(&self, what: ReadAlong) -> Result<mpsc::Receiver<Bytes>, ReadAlongError> {
        let too_many = || ReadAlongError::TooMany {
            most: READ_ALONG_STREAMS,
        };
        let streams = std::sync::Arc::clone(&self.inner.read_along_streams);
        let permit = streams.try_acquire_owned().map_err(|_| too_many())?;
        let (answer, chunks) = oneshot::channel();
        self.inner.root.send(Follow {
            what,
            permit,
            answer,
        });
        chunks.await.map_err(|_| too_many())
    }

    /// One event with its envelope; none if there is none of this id that the space sees. What is to be looked up for it takes two
    /// seconds at most.
    pub async fn event(
        &self,
        space: &Space,
        id: EventId,
        expand: Expansions,
    ) -> Result<Option<ReadEnvelope>, ReadAlongError> {
        let (answer, event) = oneshot::channel();
        let space = space.clone();
        self.inner.root.send(ReadOne {
            space,
            id,
            expand,
            answer,
        });
        Ok(event.await.map_err(|_| ReadAlongError::Ended)??)
    }

    /// What happened to an event that the space sees, in the order of time. Steps of consumers of other spaces are left out.
    pub async fn journey(
        &self,
        space: &Space,
        id: EventId,
    ) -> Result<Vec<JourneyRecord>, JourneyError> {
        let event = self.event(space, id, Expansions::NONE).await;
        let seen = event.map_err(|error| match error {
            ReadAlongError::Read(error) => JourneyError::Read(error),
            ReadAlongError::Ended | ReadAlongError::TooMany { .. } => JourneyError::Ended,
        })?;
        let seq = id.seq_in(self.tag());
        let (Some(_), Some(seq)) = (seen, seq) else {
            return Err(JourneyError::Unknown);
        };
        let store = self.store().clone();
        let mut steps = blocking(move || store.reader().journey_of(seq)).await?;
        steps.retain(|step| step.consumer.is_none_or(|id| self.is_in(id, space)));
        Ok(steps)
    }

    /// The newest attempts of a consumer, of at most so many rows before the row `before`.
    pub async fn attempts(
        &self,
        space: &Space,
        name: &str,
        before: Option<i64>,
        rows: usize,
    ) -> Result<Vec<JourneyRecord>, JourneyError> {
        let entry = self.inner.index.find(space, name);
        let id = entry.ok_or(JourneyError::Unknown)?.id;
        let store = self.store().clone();
        Ok(blocking(move || store.reader().attempts(id, before, rows)).await?)
    }

    /// The name of a consumer of this space.
    #[must_use]
    pub fn name_of(&self, space: &Space, id: ConsumerId) -> Option<String> {
        let entry = self.inner.index.get(id)?;
        let record = entry.record();
        (record.space == *space).then(|| record.name.to_string())
    }

    fn is_in(&self, id: ConsumerId, space: &Space) -> bool {
        self.name_of(space, id).is_some()
    }
}
