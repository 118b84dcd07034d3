//! What outsiders ask of one installation's actors, passed on: requests for its platform, faults to provoke, words to
//! say.

use super::Supervisor;
use crate::fault::{Fault, Inject};
use crate::installation::{INSPECTION, InjectChild, InspectChild};
use crate::kind::ActorKind;
use crate::post::{Asked, Inspect, Words};
use crate::request::{Ask, RequestError};
use crate::view::Inspection;
use crate::word::Word;
use actix::{ActorContext, Handler, Message, ResponseFuture};
use longwire_installation::InstallationId;
use longwire_link::State;

/// Do this to one of yours, or to yourself. From the fleet's handle, when fault injection is on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct InjectAt(
    pub(crate) InstallationId,
    pub(crate) ActorKind,
    pub(crate) Fault,
);

/// Ask one of yours for its own words. From the admin endpoint.
#[derive(Debug, Message)]
#[rtype(result = "Inspection")]
pub(crate) struct InspectAt(pub(crate) InstallationId, pub(crate) ActorKind);

/// Ask the platform of one of yours. From the fleet's handle, once per request.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct AskAt(pub(crate) InstallationId, pub(crate) Ask);

impl Handler<AskAt> for Supervisor {
    type Result = ();

    fn handle(&mut self, AskAt(id, ask): AskAt, _: &mut Self::Context) {
        let _handling = self.handling(Word::Ask);
        let Some(place) = self.places.get(&id) else {
            // It was removed while somebody asked.
            return ask.fail(RequestError::not_connected(&State::Stopped));
        };
        match &place.tenant {
            Some(tenant) => tenant.mailbox.send(ask),
            None => ask.fail(RequestError::not_connected(&place.bot.state())),
        }
    }
}

impl Handler<InjectAt> for Supervisor {
    type Result = ();

    fn handle(&mut self, InjectAt(id, kind, fault): InjectAt, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Inject);
        match kind {
            ActorKind::Supervisor => match fault {
                Fault::Panic => panic!("injected into the supervisor"),
                Fault::Stop => return ctx.stop(),
            },
            ActorKind::Dispatch => {
                if let Some(dispatch) = &self.dispatch {
                    dispatch.send(Inject(fault));
                }
                return;
            }
            ActorKind::Installation
            | ActorKind::Socket
            | ActorKind::Pinger
            | ActorKind::Assembler => {}
        }
        if let Some(place) = self.places.get(&id)
            && let Some(tenant) = &place.tenant
        {
            tenant.mailbox.send(InjectChild(kind, fault));
        }
    }
}

impl Handler<Inspect> for Supervisor {
    type Result = Words;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Words {
        let _handling = self.handling(Word::Inspect);
        let running = self
            .places
            .values()
            .filter(|place| place.tenant.is_some())
            .count();
        Words(serde_json::json!({
            "installations": self.places.len(),
            "running": running,
            "arbiters": self.arbiters.len(),
            "waiting_for_a_turn": self.turns.waiting(),
            "attempts_under_way": self.turns.under_way(),
            "draining": self.drain.is_some(),
        }))
    }
}

impl Handler<InspectAt> for Supervisor {
    type Result = ResponseFuture<Inspection>;

    fn handle(&mut self, InspectAt(id, kind): InspectAt, _: &mut Self::Context) -> Self::Result {
        let _handling = self.handling(Word::Inspect);
        let Some(place) = self.places.get(&id) else {
            return Box::pin(std::future::ready(Inspection::Absent));
        };
        let Some(tenant) = &place.tenant else {
            return Box::pin(std::future::ready(Inspection::Absent));
        };
        if kind == ActorKind::Installation {
            let asked = tenant.mailbox.post().ask(Inspect, INSPECTION);
            return Box::pin(async move { Inspection::from(asked.await) });
        }
        let asked = tenant.mailbox.post().ask(InspectChild(kind), INSPECTION);
        Box::pin(async move {
            match asked.await {
                Asked::Answered(inspection) => inspection,
                Asked::NoAnswer => Inspection::NoAnswer,
                Asked::Gone => Inspection::Absent,
            }
        })
    }
}
