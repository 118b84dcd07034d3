//! A call that is counted, and told to the audit if it changes something, whatever becomes of it.

use std::sync::Arc;

use longwire_access::Grant;
use longwire_store::InstallationRecord;
use tokio::time::Instant;

use super::audit::CallAudit;
use super::figures::{Figures, RelayedOutcome};

/// A call under way. Dropped without an outcome, its caller has gone.
pub(crate) struct CountedCall<'a> {
    pub(crate) figures: &'a Figures,
    pub(crate) audit: &'a Arc<CallAudit>,
    pub(crate) began: Instant,
    pub(crate) grant: &'a Grant,
    pub(crate) bot: &'a InstallationRecord,
    pub(crate) method: &'static str,
    pub(crate) template: &'a str,
    pub(crate) outcome: RelayedOutcome,
}

impl CountedCall<'_> {
    /// What came of it.
    pub(crate) fn is(mut self, outcome: RelayedOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for CountedCall<'_> {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        (self.figures).count(self.method, self.template, self.outcome, took);
        if self.method != "GET" {
            let bot = self.bot.public_id;
            (self.audit).called(self.grant, bot, self.method, self.template, self.outcome);
        }
    }
}
