//! Turns to connect: who may begin an attempt, and when. [`Turns`] decides; the supervisor asks it and sets its timer.

use super::Supervisor;
use crate::clock::now;
use crate::host::Host;
use crate::installation::{AskTurn, AttemptOver, AttemptPermit, Turn};
use actix::Handler;
use longwire_actor::{Context, Timer};
use longwire_installation::InstallationId;
use longwire_link::NextTurn;

impl Supervisor {
    /// Hands out turns as long as somebody may begin, and sets the timer of the next one.
    pub(super) fn give_turns(&mut self, ctx: &mut Context<Self>) {
        if self.drain.is_some() {
            return;
        }
        loop {
            match self.turns.poll(now()) {
                NextTurn::Given { bot, lane } => self.give_turn(bot, lane),
                // The instant is the same until the next turn is given.
                NextTurn::At(_) if self.next_turn.is_some() => return,
                NextTurn::At(due) => {
                    let pause = due.saturating_duration_since(now());
                    self.next_turn = Some(ctx.work_later::<Timer>(pause, |this, ctx| {
                        this.next_turn = None;
                        this.give_turns(ctx);
                    }));
                    return;
                }
                NextTurn::Nobody => return,
            }
        }
    }

    fn give_turn(&self, installation: InstallationId, host: Host) {
        // If nobody takes it, it is dropped, and the attempt is over.
        let permit = AttemptPermit {
            host,
            supervisor: self.me.address(),
        };
        if let Some(entry) = self.entries.get(&installation)
            && let Some(running) = &entry.running
        {
            // Bounded: one per question.
            running.send(Turn {
                generation: entry.asked,
                permit: Box::new(permit),
            });
        }
    }
}

impl Handler<AskTurn> for Supervisor {
    type Result = ();

    fn handle(&mut self, ask: AskTurn, ctx: &mut Self::Context) {
        if self.drain.is_some() {
            return;
        }
        let Some(entry) = self.entries.get_mut(&ask.installation) else {
            return;
        };
        entry.asked = ask.generation;
        let host = Host::of(&entry.record);
        self.turns.ask(ask.installation, host, ask.standing);
        self.give_turns(ctx);
    }
}

impl Handler<AttemptOver> for Supervisor {
    type Result = ();

    fn handle(&mut self, AttemptOver(host): AttemptOver, ctx: &mut Self::Context) {
        self.turns.finished(&host);
        self.give_turns(ctx);
    }
}
