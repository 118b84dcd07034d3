//! What is read of the store: out of the database, or, by those who follow the log, out of memory.

use super::Store;
use crate::{
    EventPage, EventQuery, HeadWatch, InstallationRecord, ReadError, Reader, Seq, TimelineRecord,
};
use longwire_installation::{InstallationId, Revision};

impl Store {
    /// All queries, as a handle that can be given to those who only read.
    pub fn reader(&self) -> &Reader {
        &self.open.reader
    }

    /// [`Reader::installations`].
    pub fn installations(&self) -> Result<Vec<InstallationRecord>, ReadError> {
        self.open.reader.installations()
    }

    /// [`Reader::installations_after`].
    pub fn installations_after(
        &self,
        revision: Revision,
    ) -> Result<Vec<InstallationRecord>, ReadError> {
        self.open.reader.installations_after(revision)
    }

    /// [`Reader::installation`].
    pub fn installation(&self, id_or_name: &str) -> Result<Option<InstallationRecord>, ReadError> {
        self.open.reader.installation(id_or_name)
    }

    /// [`Reader::count_wanted`].
    pub fn count_wanted(&self) -> Result<u64, ReadError> {
        self.open.reader.count_wanted()
    }

    /// [`Reader::timeline`].
    pub fn timeline(
        &self,
        installation: InstallationId,
        limit: usize,
    ) -> Result<Vec<TimelineRecord>, ReadError> {
        self.open.reader.timeline(installation, limit)
    }

    /// [`Reader::events`].
    pub fn events(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        self.open.reader.events(query)
    }

    /// A signal after each commit that recorded something. While somebody watches, the newest events are kept in memory.
    pub fn watch_head(&self) -> HeadWatch {
        self.open.head.watch()
    }

    /// What [`events`](Self::events) would answer, if the newest events that are in memory are enough for it. Never blocks
    /// on the disk.
    pub fn recent(&self, query: &EventQuery) -> Option<EventPage> {
        self.open.head.page(query)
    }

    /// The next stretch of the log for somebody who follows it: out of memory, or out of the database, which blocks.
    pub fn follow(&self, query: EventQuery) -> Result<EventPage, ReadError> {
        match self.recent(&query) {
            Some(page) => Ok(page),
            None => self.events(query),
        }
    }

    /// [`Reader::last_seq`].
    pub fn last_seq(&self) -> Result<Option<Seq>, ReadError> {
        self.open.reader.last_seq()
    }

    /// [`Reader::count_events`].
    pub fn count_events(&self) -> Result<u64, ReadError> {
        self.open.reader.count_events()
    }
}
