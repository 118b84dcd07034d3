//! Tells once a second what the connections of many bots had for news.

use super::Supervisor;
use actix::AsyncContext;
use longwire_actor::Context;
use std::time::Duration;

/// A line a second is what a person follows.
const EVERY: Duration = Duration::from_secs(1);

/// The look for news to sum up, as cards name it.
struct SummingUp;

impl Supervisor {
    /// Sums up from now on.
    pub(super) fn sum_up_connections(&self, ctx: &mut Context<Self>) {
        ctx.run_interval(EVERY, |this, ctx| {
            if this.fleet.connection_log.is_due() {
                let _working = ctx.working::<SummingUp>();
                let counts = || this.bots.wanted_counts();
                this.fleet.connection_log.sum_up(counts);
            }
        });
    }
}
