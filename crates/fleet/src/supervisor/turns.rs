//! Turns to connect: who may begin an attempt, and when. [`Turns`] decides; the supervisor asks it and sets its timer.

use super::Supervisor;
use crate::clock::now;
use crate::host::Host;
use crate::installation::Turn;
use actix::{Handler, Message};
use longwire_actor::{Context, Mailbox, Timer};
use longwire_installation::InstallationId;
use longwire_link::{Generation, NextTurn, Standing};
use std::sync::Arc;

/// May I begin an attempt? From an installation, one open question at most; the answer is a `Turn`, now or later.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AskTurn {
    pub(crate) installation: InstallationId,
    pub(crate) generation: Generation,
    pub(crate) standing: Standing,
}

/// An attempt that had a turn is over. From its [`AttemptPermit`], once per turn.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct AttemptOver(Host);

/// Permission for one attempt to be under way, from its turn until the connection is open or given up. However it is
/// dropped, the supervisor hears that the attempt is over.
pub(crate) struct AttemptPermit {
    host: Host,
    supervisor: Arc<Mailbox<Supervisor>>,
}

impl Drop for AttemptPermit {
    fn drop(&mut self) {
        self.supervisor.send(AttemptOver(self.host.clone()));
    }
}

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
        // Dropped, and so over, where nobody takes it.
        let permit = AttemptPermit {
            host,
            supervisor: Arc::clone(&self.me),
        };
        if let Some(entry) = self.entries.get(&installation)
            && let Some(running) = &entry.running
        {
            // One per question.
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
