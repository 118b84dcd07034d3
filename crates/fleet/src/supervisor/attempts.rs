//! Attempts to connect. The [`ConnectScheduler`](longwire_link::ConnectScheduler) decides which bot starts one, and when;
//! the supervisor asks it and sets its timer.

use super::Supervisor;
use crate::clock::now;
use crate::host::Host;
use crate::installation::{AttemptOver, AttemptPermit, Permitted, RequestPermit};
use actix::Handler;
use longwire_actor::{Context, Timer};
use longwire_installation::InstallationId;
use longwire_link::NextAttempt;

impl Supervisor {
    /// Gives permits as long as a bot may start an attempt, and sets the timer of the next one.
    pub(super) fn start_attempts(&mut self, ctx: &mut Context<Self>) {
        if self.drain.is_some() {
            return;
        }
        loop {
            match self.scheduler.poll(now()) {
                NextAttempt::Start { bot, lane } => self.start_attempt(bot, lane),
                // The instant is the same until the next permit is given.
                NextAttempt::At(_) if self.next_attempt.is_some() => return,
                NextAttempt::At(due) => {
                    let pause = due.saturating_duration_since(now());
                    self.next_attempt = Some(ctx.work_later::<Timer>(pause, |this, ctx| {
                        this.next_attempt = None;
                        this.start_attempts(ctx);
                    }));
                    return;
                }
                NextAttempt::Idle => return,
            }
        }
    }

    fn start_attempt(&self, installation: InstallationId, host: Host) {
        // If nobody takes it, it is dropped, and the attempt is over.
        let permit = AttemptPermit {
            host,
            supervisor: self.me.clone(),
        };
        if let Some(entry) = self.entries.get(&installation)
            && let Some(running) = &entry.running
        {
            // Bounded: one per question.
            running.send(Permitted {
                generation: entry.asked,
                permit: Box::new(permit),
            });
        }
    }
}

impl Handler<RequestPermit> for Supervisor {
    type Result = ();

    fn handle(&mut self, ask: RequestPermit, ctx: &mut Self::Context) {
        if self.drain.is_some() || self.fleet.elsewhere.contains(ask.installation) {
            return;
        }
        let Some(entry) = self.entries.get_mut(&ask.installation) else {
            return;
        };
        entry.asked = ask.generation;
        let host = Host::of(&entry.record);
        self.scheduler.ask(ask.installation, host, ask.priority);
        self.start_attempts(ctx);
    }
}

impl Handler<AttemptOver> for Supervisor {
    type Result = ();

    fn handle(&mut self, AttemptOver(host): AttemptOver, ctx: &mut Self::Context) {
        self.scheduler.finished(&host);
        self.start_attempts(ctx);
    }
}
