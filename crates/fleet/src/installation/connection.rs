//! The actors of one connection, as their installation holds them.

use crate::assembler::Assembler;
use crate::kind::ConnectionActor;
use crate::pinger::Pinger;
use crate::socket::Socket;
use crate::view::{ActorState, AssemblerState, Inspection, PingerState, SocketState};
use actix::{Handler, Message, ResponseFuture};
use longwire_actor::{Child, End, Ended, Inject, Inspect, TreeActor};
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
        let sent = match actor {
            ConnectionActor::Socket => {
                self.socket.send(inject);
                Some(())
            }
            ConnectionActor::Pinger => self.pinger.as_ref().map(|child| child.send(inject)),
            ConnectionActor::Assembler => self.assembler.as_ref().map(|child| child.send(inject)),
        };
        sent.is_some()
    }

    /// Asks one of its actors for its state.
    pub(super) fn inspect(&self, actor: ConnectionActor) -> ResponseFuture<Inspection> {
        match actor {
            ConnectionActor::Socket => state_of::<_, SocketState>(Some(&self.socket)),
            ConnectionActor::Pinger => state_of::<_, PingerState>(self.pinger.as_ref()),
            ConnectionActor::Assembler => state_of::<_, AssemblerState>(self.assembler.as_ref()),
        }
    }
}

fn state_of<A, S>(child: Option<&Child<A>>) -> ResponseFuture<Inspection>
where
    A: TreeActor + Handler<End> + Handler<Inspect<S>>,
    S: Into<ActorState> + Send + 'static,
{
    let asked = child.map(|child| child.ask(Inspect::<S>::new(), Inspect::<S>::LIMIT));
    Box::pin(async move {
        match asked {
            Some(asked) => Inspection::from(asked.await),
            None => Inspection::Absent,
        }
    })
}
