//! Erases what names a person, beside full load.
//!
//! The log is read in stretches on a reading connection. What names the person is erased in steps of few events, each in a
//! transaction of its own. At the end free pages are given back and the write-ahead log is emptied, so that the bytes are in no
//! file of the store any more. Whatever interrupts it, the same request goes on: what is erased names nobody.

use std::time::Duration;

use longwire_installation::InstallationId;
use longwire_store::{ReadError, RetentionStep, StepDone, WriteError};
use longwire_wire::event::Seq;

use crate::handle::JanitorHandle;
use crate::moment;
use crate::person::PersonId;

/// Events of the log that are looked at in one go: some megabytes.
const STRETCH: i64 = 1_024;
/// Events that are erased in one step.
const STEP: usize = 32;
/// Pages that are given back in one step.
const PAGES: u32 = 64;
/// The pause behind a step, as a multiple of it.
const PAUSE: u32 = 4;
/// How often the write-ahead log is tried to be emptied while a reader holds it up, and the pause between.
const TRIES: u32 = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// What was erased.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub struct Erased {
    /// Events that named the person.
    pub events: u64,
    /// Authorizations of the person that were forgotten.
    pub authorizations: u64,
    /// Up to this event the log was looked through.
    pub through: i64,
    /// Whether the bytes are in no file of the store any more. If not, a reader holds on to an old state, or the database
    /// cannot give pages back.
    pub is_out_of_files: bool,
}

/// Not everything was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Another one is under way.
    #[error("another erasure is under way; try again when it has ended")]
    Busy,
    /// The log was not read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// The store did not take a step.
    #[error("the store did not erase; the same request goes on where this one ended")]
    Write(#[from] WriteError),
}

impl JanitorHandle {
    /// Erases every event that names the person, with what was kept of its deliveries, and what the person agreed to. With
    /// `counts_only` nothing is changed. Takes as long as reading the log does.
    pub async fn erase(
        &self,
        person: &PersonId,
        installation: Option<InstallationId>,
        counts_only: bool,
    ) -> Result<Erased, EraseError> {
        let _one_at_a_time = (self.inner.erasures.try_acquire()).map_err(|_| EraseError::Busy)?;
        let mut erased = Erased::default();
        let newest = self.read(|store| store.reader().last_seq()).await?;
        let newest = newest.map_or(0, |seq| seq.0);
        let mut after = Seq(0);
        while after.0 < newest {
            let (found, through) = self.find(person, installation, after).await?;
            erased.events += found.len() as u64;
            if !counts_only {
                for events in found.chunks(STEP) {
                    let at_ms = moment::now().unix_ms;
                    let events = events.to_vec();
                    self.step(RetentionStep::Erase { events, at_ms }).await?;
                }
            }
            if through <= after {
                break;
            }
            after = through;
        }
        erased.through = newest.min(after.0);
        if counts_only {
            return Ok(erased);
        }
        let of_person = RetentionStep::ErasePerson {
            person: person.as_str().to_owned(),
            installation,
        };
        erased.authorizations = self.step(of_person).await?.changed;
        self.inner.shared.view().erased_events += erased.events;
        erased.is_out_of_files = self.clean_files().await?;
        Ok(erased)
    }

    async fn find(
        &self,
        person: &PersonId,
        installation: Option<InstallationId>,
        after: Seq,
    ) -> Result<(Vec<Seq>, Seq), ReadError> {
        let person = person.clone();
        self.read(move |store| {
            let names = |payload: &[u8], chat: Option<&str>| person.is_in(payload, chat);
            let reader = store.reader();
            reader.events_of_person(after, STRETCH, installation, &names)
        })
        .await
    }

    /// Gives free pages back and empties the write-ahead log. Returns whether nothing deleted is in a file any more.
    async fn clean_files(&self) -> Result<bool, EraseError> {
        let is_clean = loop {
            let state = self.read(|store| store.retention()).await?;
            if state.free_bytes == 0 || !state.gives_back {
                break state.gives_back;
            }
            self.step(RetentionStep::GiveBack { pages: PAGES }).await?;
        };
        for _ in 0..TRIES {
            if self.step(RetentionStep::EmptyWal).await?.changed > 0 {
                return Ok(is_clean);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        Ok(false)
    }

    async fn step(&self, step: RetentionStep) -> Result<StepDone, WriteError> {
        let store = self.inner.shared.store.clone();
        let done = tokio::task::spawn_blocking(move || store.retain(step)).await;
        let done = done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        tokio::time::sleep(Duration::from_micros(done.took_us) * PAUSE).await;
        Ok(done)
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&longwire_store::Store) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let store = self.inner.shared.store.clone();
        let found = tokio::task::spawn_blocking(move || read(&store)).await;
        found.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}
