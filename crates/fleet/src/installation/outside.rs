//! What comes from outside the fleet for one bot: a request for its platform, a question for an actor's state, a fault to
//! provoke.

use super::Installation;
use super::messages::{InjectChild, InspectChild};
use crate::kind::ConnectionActor;
use crate::request::Ask;
use crate::view::{Inspection, InstallationState};
use actix::{Handler, MessageResult, ResponseFuture};
use longwire_actor::{Inject, Inspect, handle_inject};

impl Handler<Ask> for Installation {
    type Result = ();

    fn handle(&mut self, ask: Ask, _: &mut Self::Context) {
        match &self.connection {
            Some(connection) => connection.socket.send(ask),
            None => ask.not_connected(self.link.state()),
        }
    }
}

handle_inject!(Installation, "an installation");

impl Handler<InjectChild> for Installation {
    type Result = ();

    fn handle(&mut self, InjectChild(actor, fault): InjectChild, _: &mut Self::Context) {
        if actor == ConnectionActor::Assembler {
            // There is mostly none, since most connections see no split push.
            self.start_assembler(self.link.generation());
        }
        let connection = self.connection.as_ref();
        if !connection.is_some_and(|connection| connection.inject(actor, Inject(fault))) {
            tracing::warn!(
                name = %self.record.name,
                installation = self.bot.public_id,
                actor = actor.kind().label,
                "no such actor lives; nothing injected"
            );
        }
    }
}

impl Handler<Inspect<InstallationState>> for Installation {
    type Result = MessageResult<Inspect<InstallationState>>;

    fn handle(&mut self, _: Inspect<InstallationState>, _: &mut Self::Context) -> Self::Result {
        let config = self.link.settings();
        MessageResult(InstallationState {
            state: self.link.state().label(),
            generation: self.link.generation().0,
            reconnects: self.link.reconnects(),
            attempts_exceeded: self.link.attempts_exceeded(),
            ping_interval_s: self.link.ping_interval().as_secs(),
            reconnect_interval_s: config.reconnect_interval.as_secs(),
            reconnect_nonce_s: config.reconnect_nonce.as_secs(),
            next_due_ms: self.link.poll_timeout().map(crate::clock::unix_ms_at),
        })
    }
}

impl Handler<InspectChild> for Installation {
    type Result = ResponseFuture<Inspection>;

    fn handle(&mut self, InspectChild(actor): InspectChild, _: &mut Self::Context) -> Self::Result {
        match &self.connection {
            Some(connection) => connection.inspect(actor),
            None => Box::pin(std::future::ready(Inspection::Absent)),
        }
    }
}
