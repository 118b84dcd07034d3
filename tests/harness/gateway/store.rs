//! The gateway's store: its file, its events, and its write lock.

use std::path::PathBuf;

use longwire_bench::WriteLock;
use longwire_bench::disk::Volume;
use longwire_store::{EventQuery, EventRecord, Reader, Source, Store, StoreSettings};

use super::Gateway;
use crate::wait::wait_until;

impl Gateway {
    /// The database's file.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        let volume = self.volume.as_ref().map(Volume::directory);
        volume.unwrap_or(self.directory.path()).join("longwire.db")
    }

    /// The store's own file system.
    #[track_caller]
    #[must_use]
    pub fn volume(&self) -> &Volume {
        let volume = self.volume.as_ref();
        volume.expect("the story asked for one")
    }

    /// A reader of the database, while the process runs or after its end.
    #[track_caller]
    #[must_use]
    pub fn reader(&self) -> Reader {
        let settings = StoreSettings::at(format!("sqlite:{}", self.database().display()));
        Reader::open(&settings).expect("the gateway has made its database")
    }

    /// The store, while the process does not run. What the last one left of its lock may be with a process that another story
    /// is about to start.
    #[track_caller]
    pub(super) fn store(&self) -> Store {
        let settings = StoreSettings::at(format!("sqlite:{}", self.database().display()));
        wait_until("nobody has the store", || {
            Store::open(&settings).map_err(|error| error.to_string())
        })
    }

    /// Every recorded event of the platforms, oldest first.
    #[track_caller]
    #[must_use]
    pub fn events(&self) -> Vec<EventRecord> {
        let mut events = self.log_of_all();
        events.retain(|event| event.source != Source::Operational);
        events
    }

    /// Every recorded operational event, oldest first.
    #[track_caller]
    #[must_use]
    pub fn operational_events(&self) -> Vec<EventRecord> {
        let mut events = self.log_of_all();
        events.retain(|event| event.source == Source::Operational);
        events
    }

    fn log_of_all(&self) -> Vec<EventRecord> {
        let reader = self.reader();
        let mut all: Vec<EventRecord> = Vec::new();
        let mut after = None;
        loop {
            let page = reader
                .events(EventQuery {
                    after,
                    installations: None,
                    limit: 1_000,
                })
                .expect("the database answers");
            after = page.reached;
            all.extend(page.events);
            if !page.more {
                return all;
            }
        }
    }

    /// The recorded event of this id, if any.
    #[track_caller]
    #[must_use]
    pub fn event(&self, event_id: &str) -> Option<EventRecord> {
        self.events()
            .into_iter()
            .find(|event| event.event_id.as_deref() == Some(event_id))
    }

    /// Takes the write lock of the store, so that the gateway records nothing until the lock is dropped.
    #[track_caller]
    #[must_use]
    pub fn lock_store(&self) -> WriteLock {
        self.expect_error("events are not recorded");
        WriteLock::take(&self.database()).expect("the database can be locked")
    }
}
