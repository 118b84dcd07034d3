//! One installation as the supervisor keeps it.

use crate::bot::Bot;
use crate::config_fault::ConfigFault;
use crate::installation::{Configure, Installation};
use longwire_actor::{Child, RebuildBudget};
use longwire_link::Generation;
use longwire_store::InstallationRecord;
use std::sync::Arc;

/// An installation's arbiter, its row, and the actor while it runs.
pub(super) struct Entry {
    pub(super) arbiter: usize,
    pub(super) bot: Arc<Bot>,
    pub(super) record: Arc<InstallationRecord>,
    pub(super) config_fault: Option<Arc<ConfigFault>>,
    pub(super) rebuilds: RebuildBudget,
    /// The actor ends when this is dropped, also when the supervisor panics: without a supervisor it would get no permit to
    /// connect.
    pub(super) running: Option<Child<Installation>>,
    /// The attempt for which it asked for a permit last.
    pub(super) asked: Generation,
}

impl Entry {
    /// An installation that is about to be started for the first time.
    pub(super) fn new(
        arbiter: usize,
        bot: Arc<Bot>,
        record: Arc<InstallationRecord>,
        config_fault: Option<Arc<ConfigFault>>,
    ) -> Self {
        Self {
            arbiter,
            bot,
            record,
            config_fault,
            rebuilds: RebuildBudget::default(),
            running: None,
            asked: Generation::default(),
        }
    }

    /// The message that tells the actor its configuration.
    pub(super) fn configure(&self) -> Configure {
        Configure {
            record: Arc::clone(&self.record),
            config_fault: self.config_fault.clone(),
        }
    }
}
