//! The supervisor's other child: the actor that keeps the store's writer alive.

use super::Supervisor;
use crate::clock::now;
use crate::dispatch::Dispatch;
use crate::failure::FleetFailure;
use actix::{Handler, Message};
use longwire_actor::{Exit, Place, Rebuild, start};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Dispatch is gone. From its watcher, once per instance.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct DispatchEnded(Exit);

/// Dispatch is started again, after its pause.
struct Rebuilding;

impl Supervisor {
    pub(super) fn start_dispatch(&mut self) {
        let fleet = Arc::clone(&self.fleet);
        let operations = Arc::clone(&self.operations);
        let me = Arc::clone(&self.me);
        let dispatch = start(
            self.fleet.dispatch.clone(),
            Place::default(),
            move |_, _| Dispatch::new(fleet, operations),
            move |ended| me.send(DispatchEnded(ended.exit)),
        );
        self.dispatch_seen.send_replace(Some(dispatch));
    }
}

impl Handler<DispatchEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, DispatchEnded(exit): DispatchEnded, ctx: &mut Self::Context) {
        if self.drain.is_some() {
            return;
        }
        match &exit {
            Exit::Panicked(text) => {
                self.fleet.totals.panics.fetch_add(1, Relaxed);
                tracing::error!(
                    panic = text,
                    "dispatch failed; it is built anew, the writer thread goes on"
                );
            }
            Exit::Stopped => {
                self.fleet.dispatch.stopped_unasked();
                tracing::error!("dispatch stopped without being told to; it is built anew");
            }
        }
        let pause = match self.dispatch_rebuilds.spend(now()) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => {
                // Nobody would start a writer that ends meanwhile.
                self.fleet.failure.is(FleetFailure::Writer {
                    how: exit.how().to_owned(),
                });
                until.saturating_duration_since(now())
            }
        };
        ctx.work_later::<Rebuilding>(pause, |this, _| this.start_dispatch());
    }
}
