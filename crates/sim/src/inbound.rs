//! Handles the messages of Feishu's clients: the state's side of a connection's task.

use std::time::Instant;

use longwire_platform_server::websocket::{self, ClientMessage, ClientViolation, opcode};
use longwire_wire::frame::{FrameKind, FrameView};

use crate::connection::{ConnectionHandler, ConnectionMode};
use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::state::{PlatformState, SharedState};

impl ConnectionHandler for SharedState {
    fn mode(&self, id: ConnectionId) -> Option<ConnectionMode> {
        let state = self.state();
        state.connections.get(&id).map(|live| ConnectionMode {
            ending: live.ending,
            reading: live.reading,
            half_open: live.half_open,
        })
    }

    fn output(&self, id: ConnectionId, _written: usize, own: &mut Vec<u8>) {
        if own.is_empty() {
            self.state().swap_output(id, own);
        }
    }

    fn burst(
        &self,
        id: ConnectionId,
        incoming: Vec<ClientMessage>,
        violation: Option<ClientViolation>,
    ) {
        let mut state = self.state();
        let now = Instant::now();
        for message in incoming {
            handle_message(&mut state, id, message, now);
        }
        if let Some(violation) = violation {
            tracing::debug!(connection = %id, %violation, "client breaks the protocol");
            state.ledger.protocol_errors += 1;
            state.close(id, Some(violation.close_code()), now);
        }
        state.trim_deadlines();
        state.fill_window(id, now);
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
        ClientMessage::Binary(bytes) => match FrameView::parse(bytes) {
            Err(_) => state.ledger.protocol_errors += 1,
            Ok(frame) => match frame.kind() {
                FrameKind::Ping => state.ping(id, frame.service(), now),
                FrameKind::Event | FrameKind::Card | FrameKind::OtherData => {
                    state.answer(id, &frame, now)
                }
                FrameKind::Pong => count(state, id, |live| live.pongs += 1),
                FrameKind::OtherControl | FrameKind::UnknownMethod(_) => {}
            },
        },
        ClientMessage::Text(_) => state.ledger.protocol_errors += 1,
        ClientMessage::Ping(payload) => {
            count(state, id, |live| live.protocol_pings += 1);
            state.send(id, |out| {
                websocket::write_message(out, opcode::PONG, &payload)
            });
        }
        ClientMessage::Pong(_) => count(state, id, |live| live.protocol_pongs += 1),
        ClientMessage::Close(code) => {
            if state
                .connections
                .get(&id)
                .is_some_and(|live| live.ending.is_none())
            {
                state.ledger.closed_by_client += 1;
                state.send(id, |out| websocket::write_close(out, code, ""));
            }
            state.end(id, Ending::Hangup, now);
        }
    }
}

fn count(
    state: &mut PlatformState,
    id: ConnectionId,
    add: impl FnOnce(&mut crate::live::LiveConnection),
) {
    if let Some(live) = state.connections.get_mut(&id) {
        add(live);
    }
}
