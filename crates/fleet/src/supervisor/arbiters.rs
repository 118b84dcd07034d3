//! The threads that installations run on. None should end before its process. If one does, its installations end without
//! an `Ended` message, so the supervisor learns it from a guard here.

use super::Supervisor;
use crate::absence::Absence;
use crate::context::FleetContext;
use crate::failure::FleetFailure;
use actix::{Handler, Message};
use actix_rt::ArbiterHandle;
use longwire_actor::Mailbox;
use longwire_installation::InstallationId;
use std::future::pending;
use std::sync::Arc;

/// Arbiter 0 is the main one.
pub(super) fn number_of(index: usize) -> u16 {
    u16::try_from(index + 1).unwrap_or(u16::MAX)
}

/// A thread that installations run on has ended. From the guard in it, once.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ArbiterEnded {
    index: usize,
}

/// End the thread that this installation runs on. From the fleet's handle, when fault injection is on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct EndArbiterOf(pub(crate) InstallationId);

/// Held by a task that never ends, so it is dropped when the thread drops its tasks.
struct Guard {
    fleet: Arc<FleetContext>,
    supervisor: Arc<Mailbox<Supervisor>>,
    index: usize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Before the failure below makes somebody drain.
        self.supervisor.send(ArbiterEnded { index: self.index });
        let number = number_of(self.index);
        self.fleet.failure.is(FleetFailure::Arbiter { number });
    }
}

/// Watches an arbiter for the rest of its life.
pub(crate) fn watch(
    arbiter: &ArbiterHandle,
    index: usize,
    fleet: &Arc<FleetContext>,
    supervisor: &Arc<Mailbox<Supervisor>>,
) {
    let guard = Guard {
        fleet: Arc::clone(fleet),
        supervisor: Arc::clone(supervisor),
        index,
    };
    // If the arbiter has ended already, the guard is dropped here.
    arbiter.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
}

impl Handler<ArbiterEnded> for Supervisor {
    type Result = ();

    fn handle(&mut self, ArbiterEnded { index }: ArbiterEnded, _: &mut Self::Context) {
        let mut ended = Vec::new();
        for (id, entry) in &mut self.entries {
            if entry.arbiter != index {
                continue;
            }
            entry.running = None;
            self.bots.run_by(*id, None);
            for card in entry.bot.cards() {
                card.thread_ended();
            }
            entry.bot.orphaned(Absence::ArbiterEnded, None);
            ended.push(*id);
        }
        for id in ended {
            // A drain need not wait for it.
            self.tick_off(id, 0);
        }
    }
}

impl Handler<EndArbiterOf> for Supervisor {
    type Result = ();

    fn handle(&mut self, EndArbiterOf(id): EndArbiterOf, _: &mut Self::Context) {
        if let Some(entry) = self.entries.get(&id) {
            self.arbiters[entry.arbiter].stop();
        }
    }
}
