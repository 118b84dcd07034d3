//! Connections that the installation let go of and that still answer what they read, and the drain that waits for them and
//! for messages under way.

use super::Installation;
use super::messages::{Drain, Drained, LeaveToAnother};
use crate::clock::now;
use crate::socket::{Close, Finished};
use actix::Handler;
use longwire_actor::send;
use longwire_installation::Desired;
use longwire_link::session::CloseMode;
use longwire_link::{Generation, State};

/// A drain under way, until no connection answers any more and no message is under way.
#[derive(Default)]
pub(super) struct Draining {
    /// Events that the connections read and did not answer.
    unanswered: u64,
}

impl Installation {
    /// The installation let go of a connection, which still answers what it read.
    pub(super) fn finishes(&mut self, generation: Generation) {
        self.finishing.get_or_insert_default().push(generation);
    }

    /// Such a connection has ended, with so many events read and not answered. Its end may be reported twice.
    pub(super) fn finished(&mut self, generation: Generation, unanswered: u64) {
        if let Some(finishing) = &mut self.finishing {
            let before = finishing.len();
            finishing.retain(|of| *of != generation);
            if finishing.len() < before
                && let Some(drain) = &mut self.drain
            {
                drain.unanswered += unanswered;
            }
        }
        self.finishing.take_if(|finishing| finishing.is_empty());
        self.report_drained();
    }

    /// Ends a drain once nobody answers or sends any more.
    pub(super) fn report_drained(&mut self) {
        let has_ended = self.finishing.is_none() && !self.is_sending();
        if let Some(drain) = self.drain.take_if(|_| has_ended) {
            let drained = Drained {
                installation: self.bot.id,
                unanswered: drain.unanswered,
            };
            send(&*self.supervisor, drained);
        }
    }
}

impl Handler<Finished> for Installation {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        self.finished(finished.generation, finished.unanswered);
        self.drive(ctx);
    }
}

impl Handler<LeaveToAnother> for Installation {
    type Result = ();

    fn handle(&mut self, _: LeaveToAnother, ctx: &mut Self::Context) {
        match self.link.state() {
            State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::BackingOff { .. } => {
                self.link.handle_desired(Desired::Stop, now());
                self.drive(ctx);
            }
            // It reads until the platform ends the connection.
            State::Live { .. }
            // They begin nothing by themselves, or no permit is given to them.
            | State::Stopped
            | State::Webhook
            | State::Refused { .. }
            | State::Displaced { .. }
            | State::Restarting { .. } => {}
        }
    }
}

impl Handler<Drain> for Installation {
    type Result = ();

    fn handle(&mut self, Drain { within }: Drain, ctx: &mut Self::Context) {
        let beside = self.renewing.as_deref_mut();
        let connections = [
            self.connection.take(),
            beside.and_then(|renewing| renewing.connection.take()),
        ];
        self.link.handle_desired(Desired::Stop, now());
        self.drain = Some(Box::default());
        self.end_sender();
        for connection in connections.into_iter().flatten() {
            self.finishes(connection.generation);
            connection.socket.send(Close(CloseMode::Finish { within }));
        }
        self.report_drained();
        self.drive(ctx);
    }
}
