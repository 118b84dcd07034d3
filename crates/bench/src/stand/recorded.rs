//! What the store holds, read to the end.

use std::collections::HashSet;

use longwire_installation::InstallationId;
use longwire_store::{EventQuery, ReadError, Reader, Seq, Source};

/// Events read at a time.
const PAGE: usize = 1000;

/// The ids of the platforms' events in the store.
#[derive(Debug, Default)]
pub(crate) struct RecordedIds {
    ids: HashSet<String>,
    rows: u64,
}

impl RecordedIds {
    /// Reads the whole log.
    pub(crate) fn read(reader: &Reader) -> Result<Self, ReadError> {
        Self::read_of(reader, |_| true)
    }

    /// Reads the whole log, and keeps what belongs to some installations.
    pub(crate) fn read_of(
        reader: &Reader,
        is_wanted: impl Fn(InstallationId) -> bool,
    ) -> Result<Self, ReadError> {
        let mut recorded = Self::default();
        let mut after: Option<Seq> = None;
        loop {
            let page = reader.events(EventQuery {
                after,
                installations: None,
                limit: PAGE,
            })?;
            after = page.reached;
            for event in page.events {
                // No platform sent an operational event, and it has no id of one.
                // An event that retention took in this run has its id still.
                if event.source != Source::Operational && is_wanted(event.installation) {
                    recorded.rows += 1;
                    recorded.ids.extend(event.event_id.map(String::from));
                }
            }
            if !page.more {
                return Ok(recorded);
            }
        }
    }

    /// Takes the event ids of another log.
    pub(crate) fn gather(ids: impl Iterator<Item = String>) -> Self {
        let mut recorded = Self::default();
        for id in ids {
            recorded.rows += 1;
            recorded.ids.insert(id);
        }
        recorded
    }

    /// All rows.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows beyond the first with one event id.
    pub(crate) fn twice(&self) -> u64 {
        self.rows - self.ids.len() as u64
    }

    /// How many of these are not there.
    pub(crate) fn missing(&self, ids: &[String]) -> u64 {
        ids.iter().filter(|id| !self.ids.contains(*id)).count() as u64
    }

    #[cfg(test)]
    pub(crate) fn of(ids: &[&str]) -> Self {
        Self {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            rows: ids.len() as u64,
        }
    }
}
