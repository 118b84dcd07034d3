//! Handles the messages of WeCom's clients: the state's side of a connection's task.

use std::time::Instant;

use longwire_platform_server::websocket::{self, ClientMessage, ClientViolation, opcode};

use crate::connection::{ConnectionHandler, ConnectionMode};
use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::wecom::live::LiveConnection;
use crate::wecom::state::{PlatformState, SharedState};

impl ConnectionHandler for SharedState {
    fn mode(&self, id: ConnectionId) -> Option<ConnectionMode> {
        self.state().connections.get(&id).map(LiveConnection::mode)
    }

    fn output(&self, id: ConnectionId, written: usize, own: &mut Vec<u8>) {
        let mut state = self.state();
        // The time is taken under the lock, so that all users of the state see the same order.
        let now = Instant::now();
        state.output(id, written, own, now);
    }

    fn burst(
        &self,
        id: ConnectionId,
        incoming: Vec<ClientMessage>,
        violation: Option<ClientViolation>,
    ) {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(live) = state.connections.get_mut(&id) {
            live.last_heard = now;
        }
        for message in incoming {
            handle_message(&mut state, id, message, now);
        }
        if let Some(violation) = violation {
            tracing::debug!(connection = %id, %violation, "client breaks the protocol");
            state.ledger.protocol_errors += 1;
            state.close(id, Some(violation.close_code()), now);
        }
        state.wake_clock();
    }

    fn gone(&self, id: ConnectionId) {
        self.state().disconnect(id);
    }
}

fn handle_message(
    state: &mut PlatformState,
    id: ConnectionId,
    message: ClientMessage,
    now: Instant,
) {
    match message {
        ClientMessage::Text(bytes) | ClientMessage::Binary(bytes) => state.command(id, &bytes, now),
        ClientMessage::Ping(payload) => {
            state.ledger.protocol_pings += 1;
            state.send(id, |out| {
                websocket::write_message(out, opcode::PONG, &payload)
            });
        }
        ClientMessage::Pong(_) => {
            if let Some(live) = state.connections.get_mut(&id) {
                live.protocol_pongs += 1;
            }
        }
        ClientMessage::Close(code) => {
            let live = state.connections.get(&id);
            if live.is_some_and(|live| live.ending.is_none()) {
                state.ledger.closed_by_client += 1;
                state.send(id, |out| websocket::write_close(out, code, ""));
            }
            state.end(id, Ending::Hangup, now);
        }
    }
}
