//! The actors of one connection, as their installation holds them.

use crate::assembler::Assembler;
use crate::kind::ConnectionActor;
use crate::pinger::Pinger;
use crate::socket::Socket;
use crate::view::{AssemblerState, Inspection, PingerState, SocketState};
use actix::{Message, ResponseFuture};
use longwire_actor::{Child, Ended, Inject};
use longwire_link::Generation;

/// A child is gone. From its watcher, once per child, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ChildEnded {
    pub(super) actor: ConnectionActor,
    pub(super) generation: Generation,
    pub(super) ended: Ended,
}

/// The actors of one connection. Dropping it ends them.
pub(super) struct Connection {
    pub(super) generation: Generation,
    pub(super) socket: Child<Socket>,
    pub(super) assembler: Option<Child<Assembler>>,
    pub(super) pinger: Option<Child<Pinger>>,
}

impl Connection {
    /// The instance of one of its actors, if that was started.
    pub(super) fn instance(&self, actor: ConnectionActor) -> Option<u32> {
        match actor {
            ConnectionActor::Socket => Some(self.socket.instance()),
            ConnectionActor::Pinger => self.pinger.as_ref().map(|child| child.instance()),
            ConnectionActor::Assembler => self.assembler.as_ref().map(|child| child.instance()),
        }
    }

    /// Provokes a fault in one of its actors. False if there is none.
    pub(super) fn inject(&self, actor: ConnectionActor, inject: Inject) -> bool {
        match actor {
            ConnectionActor::Socket => self.socket.send(inject),
            ConnectionActor::Pinger => match &self.pinger {
                Some(pinger) => pinger.send(inject),
                None => return false,
            },
            ConnectionActor::Assembler => match &self.assembler {
                Some(assembler) => assembler.send(inject),
                None => return false,
            },
        }
        true
    }

    /// Asks one of its actors for its state.
    pub(super) fn inspect(&self, actor: ConnectionActor) -> ResponseFuture<Inspection> {
        match actor {
            ConnectionActor::Socket => {
                Box::pin(Inspection::of::<_, SocketState>(Some(&self.socket)))
            }
            ConnectionActor::Pinger => {
                Box::pin(Inspection::of::<_, PingerState>(self.pinger.as_deref()))
            }
            ConnectionActor::Assembler => Box::pin(Inspection::of::<_, AssemblerState>(
                self.assembler.as_deref(),
            )),
        }
    }
}
