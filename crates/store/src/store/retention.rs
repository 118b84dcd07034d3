//! Retention: what the janitor asks of the store, and the rules of installations.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use longwire_installation::InstallationId;
use longwire_wire::event::Seq;

use super::{Store, administer};
use crate::read_error::ReadError;
use crate::retention::{InstallationRetention, RetentionState, RetentionStep, StepDone};
use crate::write_error::WriteError;

/// How long a step is waited for. It touches few rows, so whoever waits longer has a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

impl Store {
    /// What retention has to know, in one look. Blocks.
    pub fn retention(&self) -> Result<RetentionState, ReadError> {
        let state = self.reader().retention()?;
        // Another database may have been put in the place of this one.
        self.open.gone_through.store(state.gone_through, Relaxed);
        Ok(state)
    }

    /// Carries out one step of retention, in a transaction of its own between two batches of events. Blocks until it is durable,
    /// for some seconds at most.
    pub fn retain(&self, step: RetentionStep) -> Result<StepDone, WriteError> {
        let gone_through = Arc::clone(&self.open.gone_through);
        let (head, rewrites) = (Arc::clone(&self.open.head), Arc::clone(&self.open.rewrites));
        let replaces = matches!(
            step,
            RetentionStep::Hash { .. } | RetentionStep::Erase { .. }
        );
        self.on_engine(
            PATIENCE,
            move |engine| {
                let begun = Instant::now();
                let done = engine.retain(&step)?;
                let took_us = begun.elapsed().as_micros();
                Ok(StepDone {
                    took_us: u64::try_from(took_us).unwrap_or(u64::MAX),
                    ..done
                })
            },
            move |done| {
                gone_through.fetch_max(done.gone_through, Relaxed);
                if replaces && done.changed > 0 {
                    // What was replaced in the database is not to be read from memory.
                    head.forget();
                    rewrites.fetch_add(1, Relaxed);
                }
            },
        )
    }

    /// Gives an installation rules of its own for what is kept of its events; the default rules take them away. Blocks until it
    /// is durable, for some seconds at most.
    pub fn set_retention(
        &self,
        installation: InstallationId,
        rules: InstallationRetention,
    ) -> Result<(), WriteError> {
        self.set_retentions(vec![(installation, rules)])
    }

    /// The same for several of them, in one transaction.
    pub fn set_retentions(
        &self,
        rules: Vec<(InstallationId, InstallationRetention)>,
    ) -> Result<(), WriteError> {
        self.administer(administer::patience_for(rules.len()), move |tables| {
            for (installation, rules) in &rules {
                tables.keep_retention(*installation, *rules)?;
            }
            Ok(())
        })
    }

    /// Of all events up to here nothing but keys is left; 0 while nothing is gone. Cheap, at any time.
    #[must_use]
    pub fn gone_through(&self) -> Seq {
        Seq(self.open.gone_through.load(Relaxed))
    }

    /// How often payloads of recorded events were replaced by this process. Whoever keeps events in memory forgets them when it
    /// has changed. Cheap, at any time.
    #[must_use]
    pub fn rewrites(&self) -> u64 {
        self.open.rewrites.load(Relaxed)
    }
}
