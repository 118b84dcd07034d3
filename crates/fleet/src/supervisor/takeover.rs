//! A takeover, bot by bot: which bots are this process's to connect.

use super::Supervisor;
use crate::installation::{Drain, Installation, LeaveToAnother};
use actix::{Handler, Message, ResponseFuture};
use longwire_actor::{Child, Context};
use longwire_installation::InstallationId;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an installation may take to end its attempt.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);

/// This process connects the bot from now on. From the fleet's handle, once for each bot that another process had.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ConnectHere(pub(crate) InstallationId);

/// Another process is about to connect the bot. From the fleet's handle; answered when no attempt is under way.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Announce(pub(crate) InstallationId);

/// Another process has connected the bot. From the fleet's handle; answered when the bot has nothing in hand any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Give {
    pub(crate) id: InstallationId,
    pub(crate) within: Duration,
}

/// All bots are this process's. From the fleet's handle, when the other process is gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct TakeBack;

impl Supervisor {
    /// A bot that was given away has nothing in hand any more, or is gone.
    pub(super) fn is_given(&mut self, id: InstallationId) {
        if let Some(told) = self.giving.remove(&id) {
            // Whoever asked may have given up.
            let _ = told.send(());
        }
    }

    /// No attempt for the bot begins here from now on. Its installation, if it runs.
    fn leave(
        &mut self,
        id: InstallationId,
        ctx: &mut Context<Self>,
    ) -> Option<&Child<Installation>> {
        self.fleet.elsewhere.insert(id);
        self.scheduler.withdraw(id);
        self.start_attempts(ctx);
        self.entries.get(&id)?.running.as_ref()
    }

    fn connect_here(&mut self, id: InstallationId) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        match &entry.running {
            Some(running) => running.send(entry.configure()),
            None => self.start(id),
        }
    }
}

impl Handler<ConnectHere> for Supervisor {
    type Result = ();

    fn handle(&mut self, ConnectHere(id): ConnectHere, _: &mut Context<Self>) {
        self.fleet.elsewhere.remove(id);
        self.connect_here(id);
    }
}

impl Handler<Announce> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Announce(id): Announce, ctx: &mut Context<Self>) -> Self::Result {
        let running = self.leave(id, ctx);
        let left = running.map(|running| running.ask(LeaveToAnother, LEAVE_LIMIT));
        Box::pin(async move {
            if let Some(left) = left {
                // One that does not answer begins nothing either.
                let _ = left.await;
            }
        })
    }
}

impl Handler<Give> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Give { id, within }: Give, ctx: &mut Context<Self>) -> Self::Result {
        let running = self.leave(id, ctx);
        let (told, given) = oneshot::channel();
        match running {
            Some(running) => {
                running.send(Drain { within });
                self.giving.insert(id, told);
            }
            None => drop(told.send(())),
        }
        Box::pin(async move {
            // An error means that it was asked for once more.
            drop(given.await);
        })
    }
}

impl Handler<TakeBack> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: TakeBack, _: &mut Context<Self>) {
        if self.drain.is_some() {
            return;
        }
        for id in self.fleet.elsewhere.take_all() {
            self.connect_here(id);
        }
    }
}
