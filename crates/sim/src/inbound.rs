//! What the clients of one platform send: the shared state seen from a connection's task.

use std::time::Instant;

use longwire_wire::frame::{FrameView, Kind};

use crate::connection::{Platform, Standing};
use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::websocket::{self, Incoming, Violation, opcode};
use crate::world::{Shared, World};

impl Platform for Shared {
    fn standing(&self, id: ConnectionId) -> Option<Standing> {
        let world = self.world();
        world.connections.get(&id).map(|live| Standing {
            ending: live.ending,
            reading: live.reading,
            half_open: live.half_open,
        })
    }

    fn output(&self, id: ConnectionId, _written: usize, own: &mut Vec<u8>) {
        if own.is_empty() {
            self.world().swap_output(id, own);
        }
    }

    fn burst(&self, id: ConnectionId, incoming: Vec<Incoming>, violation: Option<Violation>) {
        let mut world = self.world();
        let now = Instant::now();
        for message in incoming {
            judge(&mut world, id, message, now);
        }
        if let Some(violation) = violation {
            tracing::debug!(connection = %id, %violation, "client breaks the protocol");
            world.ledger.protocol_errors += 1;
            world.close(id, Some(violation.close_code()), now);
        }
        world.trim_deadlines();
        world.top_up(id, now);
        world.wake_clock();
    }

    fn gone(&self, id: ConnectionId) {
        self.world().disconnect(id);
    }
}

fn judge(world: &mut World, id: ConnectionId, message: Incoming, now: Instant) {
    match message {
        Incoming::Binary(bytes) => match FrameView::parse(bytes) {
            Err(_) => world.ledger.protocol_errors += 1,
            Ok(frame) => match frame.kind() {
                Kind::Ping => world.ping(id, frame.service(), now),
                Kind::Event | Kind::Card | Kind::OtherData => world.answer(id, &frame, now),
                Kind::Pong => count(world, id, |live| live.pongs += 1),
                Kind::OtherControl | Kind::UnknownMethod(_) => {}
            },
        },
        Incoming::Text(_) => world.ledger.protocol_errors += 1,
        Incoming::Ping(payload) => {
            count(world, id, |live| live.protocol_pings += 1);
            world.send(id, |out| {
                websocket::write_message(out, opcode::PONG, &payload)
            });
        }
        Incoming::Pong => count(world, id, |live| live.protocol_pongs += 1),
        Incoming::Close(code) => {
            if world
                .connections
                .get(&id)
                .is_some_and(|live| live.ending.is_none())
            {
                world.ledger.closed_by_client += 1;
                world.send(id, |out| websocket::write_close(out, code, ""));
            }
            world.end(id, Ending::Hangup, now);
        }
    }
}

fn count(world: &mut World, id: ConnectionId, add: impl FnOnce(&mut crate::live::Live)) {
    if let Some(live) = world.connections.get_mut(&id) {
        add(live);
    }
}
