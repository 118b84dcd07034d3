//! A drain: each installation finishes what it has in hand and reports. The last report, or the time limit, ends it.

use super::Supervisor;
use crate::bot::Bot;
use crate::installation::{Drain, Drained};
use crate::view::Drained as DrainReport;
use actix::{Handler, Message, ResponseFuture};
use longwire_installation::InstallationId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::watch;

/// Drain every installation. From the fleet's handle, once; answered when every installation has reported, or when time is
/// up.
#[derive(Debug, Message)]
#[rtype(result = "DrainReport")]
pub(crate) struct DrainAll {
    pub(crate) within: Duration,
}

/// A drain under way.
pub(super) struct Draining {
    /// The installations that have not reported yet.
    pub(super) left: BTreeSet<InstallationId>,
    pub(super) told: watch::Sender<Progress>,
}

/// How far a drain has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// The sum of the reports that came.
    report: DrainReport,
    left: u64,
}

impl Supervisor {
    /// An installation has reported, or is gone.
    pub(super) fn tick_off(&mut self, id: InstallationId, unanswered: u64) {
        let Some(draining) = &mut self.drain else {
            return;
        };
        if draining.left.remove(&id) {
            draining.told.send_modify(|progress| {
                progress.left -= 1;
                progress.report.closed += 1;
                progress.report.unanswered += unanswered;
            });
        }
    }
}

impl Handler<DrainAll> for Supervisor {
    type Result = ResponseFuture<DrainReport>;

    fn handle(&mut self, DrainAll { within }: DrainAll, _: &mut Self::Context) -> Self::Result {
        self.fleet.draining.store(true, Relaxed);
        self.scheduler.clear();
        let mut left = BTreeSet::new();
        let mut report = DrainReport::default();
        for (id, entry) in &self.entries {
            match &entry.running {
                Some(running) => {
                    running.send(Drain { within });
                    left.insert(*id);
                }
                // It failed and was not started again yet, or it is being started: it has nothing in hand.
                None => report.closed += 1,
            }
        }
        let progress = Progress {
            report,
            left: left.len() as u64,
        };
        let told = watch::Sender::new(progress);
        let mut seen = told.subscribe();
        self.drain = Some(Draining { left, told });
        let bots = Arc::clone(&self.bots);
        Box::pin(async move {
            // A little longer than the installations themselves have, so that their reports arrive.
            let limit = within + Duration::from_millis(500);
            let all = seen.wait_for(|progress| progress.left == 0);
            // At the limit, or without a supervisor, the reports until then count.
            let in_time = tokio::time::timeout(limit, all)
                .await
                .is_ok_and(|told| told.is_ok());
            let Progress { report, left } = *seen.borrow();
            if in_time {
                return report;
            }
            let unanswered = |bot: &Arc<Bot>| bot.tally.unanswered.load(Relaxed);
            DrainReport {
                abandoned: left,
                // Installations that reported show none any more, since their connections have ended.
                unanswered: report.unanswered + bots.bots().iter().map(unanswered).sum::<u64>(),
                ..report
            }
        })
    }
}

impl Handler<Drained> for Supervisor {
    type Result = ();

    fn handle(&mut self, drained: Drained, _: &mut Self::Context) {
        self.tick_off(drained.installation, drained.unanswered);
        self.is_given(drained.installation);
    }
}
