//! One installation as the supervisor keeps it.

use crate::bot::Bot;
use crate::config_fault::ConfigFault;
use crate::installation::{Configure, Installation};
use longwire_actor::{Child, RebuildBudget};
use longwire_link::Generation;
use longwire_store::InstallationRecord;
use std::sync::Arc;

/// One installation: its arbiter, its row, and the actor while it runs.
pub(super) struct Entry {
    pub(super) arbiter: usize,
    pub(super) bot: Arc<Bot>,
    pub(super) record: Arc<InstallationRecord>,
    pub(super) config_fault: Option<Arc<ConfigFault>>,
    pub(super) rebuilds: RebuildBudget,
    /// It ends with this, also when the supervisor panics: without a supervisor it would never get a turn to connect again.
    pub(super) running: Option<Child<Installation>>,
    /// The attempt that it asked a turn for last.
    pub(super) asked: Generation,
}

impl Entry {
    /// Of a bot that is about to be started for the first time.
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

    /// What the actor has to know.
    pub(super) fn configure(&self) -> Configure {
        Configure {
            record: Arc::clone(&self.record),
            config_fault: self.config_fault.clone(),
        }
    }
}
