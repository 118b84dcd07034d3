//! The end of everybody: each installation finishes what it has in hand and reports; the last report, or the limit, ends
//! the drain.

use super::Supervisor;
use crate::installation::Drain;
use crate::view::Drained as DrainReport;
use crate::word::Word;
use actix::{Handler, Message, ResponseFuture};
use longwire_store::InstallationId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;

/// Finish what is in hand and stay away, all of you. From the fleet's handle, once; answered when every installation
/// did, or when time is up.
#[derive(Debug, Message)]
#[rtype(result = "DrainReport")]
pub(crate) struct DrainAll {
    pub(crate) within: Duration,
}

/// An installation has nothing in hand any more. From the installation, the answer to `Drain`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Drained {
    pub(crate) installation: InstallationId,
    pub(crate) unanswered: u64,
}

/// A drain under way.
pub(super) struct Farewell {
    pub(super) left: BTreeSet<InstallationId>,
    pub(super) report: DrainReport,
    pub(super) told: watch::Sender<Option<DrainReport>>,
}

impl Supervisor {
    /// One installation less to wait for.
    pub(super) fn tick_off(&mut self, id: InstallationId, unanswered: u64) {
        let Some(farewell) = &mut self.drain else {
            return;
        };
        if farewell.left.remove(&id) {
            farewell.report.closed += 1;
            farewell.report.unanswered += unanswered;
        }
        if farewell.left.is_empty() {
            farewell.told.send_replace(Some(farewell.report));
        }
    }
}

impl Handler<DrainAll> for Supervisor {
    type Result = ResponseFuture<DrainReport>;

    fn handle(&mut self, DrainAll { within }: DrainAll, _: &mut Self::Context) -> Self::Result {
        let _handling = self.handling(Word::Drain);
        self.shared.draining.store(true, Relaxed);
        self.turns.clear();
        let mut left = BTreeSet::new();
        for (id, place) in &self.places {
            if let Some(tenant) = &place.tenant {
                tenant.mailbox.send(Drain { within });
                left.insert(*id);
            }
        }
        let told = watch::Sender::new(None);
        let mut hears = told.subscribe();
        let report = DrainReport::default();
        if left.is_empty() {
            told.send_replace(Some(report));
        }
        self.drain = Some(Farewell { left, report, told });
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            // A little more than the installations themselves have, so that they report rather than vanish.
            let limit = within + Duration::from_millis(500);
            let heard = tokio::time::timeout(limit, hears.wait_for(Option::is_some)).await;
            match heard {
                Ok(Ok(report)) => report.unwrap_or_default(),
                _ => DrainReport {
                    abandoned: shared
                        .bots()
                        .iter()
                        .filter(|bot| bot.socket.is_present())
                        .count() as u64,
                    unanswered: shared
                        .bots()
                        .iter()
                        .map(|bot| bot.tally.unanswered.load(Relaxed))
                        .sum(),
                    ..DrainReport::default()
                },
            }
        })
    }
}

impl Handler<Drained> for Supervisor {
    type Result = ();

    fn handle(&mut self, drained: Drained, _: &mut Self::Context) {
        let _handling = self.handling(Word::Finished);
        self.tick_off(drained.installation, drained.unanswered);
    }
}
