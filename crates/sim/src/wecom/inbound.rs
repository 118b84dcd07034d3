//! What clients of the WeCom platform send: the shared state seen from a connection's task.

use std::time::Instant;

use crate::connection::{Platform, Standing};
use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::websocket::{self, Incoming, Violation, opcode};
use crate::wecom::live::Live;
use crate::wecom::world::{Shared, World};

impl Platform for Shared {
    fn standing(&self, id: ConnectionId) -> Option<Standing> {
        self.world().connections.get(&id).map(Live::standing)
    }

    fn output(&self, id: ConnectionId, written: usize, own: &mut Vec<u8>) {
        let mut world = self.world();
        // Taken under the lock, so that no two readers of it disagree about the order.
        let now = Instant::now();
        world.output(id, written, own, now);
    }

    fn burst(&self, id: ConnectionId, incoming: Vec<Incoming>, violation: Option<Violation>) {
        let mut world = self.world();
        let now = Instant::now();
        if let Some(live) = world.connections.get_mut(&id) {
            live.last_heard = now;
        }
        for message in incoming {
            judge(&mut world, id, message, now);
        }
        if let Some(violation) = violation {
            tracing::debug!(connection = %id, %violation, "client breaks the protocol");
            world.ledger.protocol_errors += 1;
            world.close(id, Some(violation.close_code()), now);
        }
        world.wake_clock();
    }

    fn gone(&self, id: ConnectionId) {
        self.world().disconnect(id);
    }
}

fn judge(world: &mut World, id: ConnectionId, message: Incoming, now: Instant) {
    match message {
        Incoming::Text(bytes) | Incoming::Binary(bytes) => world.command(id, &bytes, now),
        Incoming::Ping(payload) => {
            world.ledger.protocol_pings += 1;
            world.send(id, |out| {
                websocket::write_message(out, opcode::PONG, &payload)
            });
        }
        Incoming::Pong => {
            if let Some(live) = world.connections.get_mut(&id) {
                live.protocol_pongs += 1;
            }
        }
        Incoming::Close(code) => {
            let live = world.connections.get(&id);
            if live.is_some_and(|live| live.ending.is_none()) {
                world.ledger.closed_by_client += 1;
                world.send(id, |out| websocket::write_close(out, code, ""));
            }
            world.end(id, Ending::Hangup, now);
        }
    }
}
