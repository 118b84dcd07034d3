//! What comes from outside the fleet for the supervisor itself: a question for its state, and a fault to provoke.

use super::Supervisor;
use crate::view::SupervisorState;
use actix::{Handler, MessageResult};
use longwire_actor::{Inspect, handle_inject};

handle_inject!(Supervisor, "the supervisor");

impl Handler<Inspect<SupervisorState>> for Supervisor {
    type Result = MessageResult<Inspect<SupervisorState>>;

    fn handle(&mut self, _: Inspect<SupervisorState>, _: &mut Self::Context) -> Self::Result {
        let running = self
            .entries
            .values()
            .filter(|entry| entry.running.is_some());
        MessageResult(SupervisorState {
            installations: self.entries.len(),
            running: running.count(),
            arbiters: self.arbiters.len(),
            waiting_for_a_turn: self.scheduler.waiting(),
            attempts_under_way: self.scheduler.under_way(),
            draining: self.drain.is_some(),
        })
    }
}
