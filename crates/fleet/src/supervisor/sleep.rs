//! Notices that the host slept, and has every connection asked whether it still lives.

use super::Supervisor;
use crate::clock::clocks;
use crate::installation;
use actix::{AsyncContext, Handler, Message};
use longwire_actor::Context;
use longwire_link::SleepWatch;
use std::time::Duration;

/// The host slept for so long. The name of the supervisor's own watch, and a message from the fleet's handle as an injected fault.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Slept(pub(crate) Duration);

impl Supervisor {
    /// Looks at the clocks from now on.
    pub(super) fn watch_for_sleep(&self, ctx: &mut Context<Self>) {
        let mut watch = SleepWatch::new(clocks());
        ctx.run_interval(SleepWatch::PERIOD, move |this, ctx| {
            if let Some(slept) = watch.check(clocks()) {
                let _working = ctx.working::<Slept>();
                this.slept(slept);
            }
        });
    }

    fn slept(&self, slept: Duration) {
        tracing::warn!(
            slept_s = slept.as_secs(),
            "the host slept, or this process was held up; every connection is asked whether it lives"
        );
        for entry in self.entries.values() {
            if let Some(running) = &entry.running {
                // Bounded: one per installation and sleep.
                running.send(installation::Slept);
            }
        }
    }
}

impl Handler<Slept> for Supervisor {
    type Result = ();

    fn handle(&mut self, Slept(slept): Slept, _: &mut Self::Context) {
        self.slept(slept);
    }
}
