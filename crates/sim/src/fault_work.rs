//! Applies faults to live connections, and ends connections.

use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_platform_server::feishu::FrameHead;
use longwire_platform_server::websocket::{self, opcode};
use longwire_wire::frame::{METHOD_DATA, key};

use crate::deadlines::Due;
use crate::delivery::UNTRACKED;
use crate::fault::{ConnectionFault, ConnectionId, Target};
use crate::ids::{AttemptId, WireIds};
use crate::live::{Ending, PongMode};
use crate::state::PlatformState;

/// How long the simulator waits for the answer to a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

impl PlatformState {
    /// Puts a fault on the target's connections; returns on how many.
    pub(crate) fn fault(
        &mut self,
        target: &Target,
        fault: &ConnectionFault,
        now: Instant,
    ) -> usize {
        let live = self
            .connections
            .values()
            .filter(|live| live.ending.is_none());
        let ids: Vec<ConnectionId> = live
            .filter(|live| match target {
                Target::All => true,
                Target::App(app) => self.apps[live.app].id == *app,
                Target::Connection(id) => live.id == *id,
            })
            .map(|live| live.id)
            .collect();
        for id in &ids {
            self.apply_fault(*id, fault, now);
        }
        self.wake_clock();
        ids.len()
    }

    fn apply_fault(&mut self, id: ConnectionId, fault: &ConnectionFault, now: Instant) {
        match fault {
            ConnectionFault::Drop => self.end(id, Ending::Reset, now),
            ConnectionFault::Hangup => self.end(id, Ending::Hangup, now),
            ConnectionFault::Close(code) => self.close(id, Some(*code), now),
            ConnectionFault::CloseWithoutCode => self.close(id, None, now),
            ConnectionFault::HalfOpen => {
                let until = now + self.settings.scaled(self.settings.half_open_kept);
                self.deadlines.add(until, Due::Abort(id));
                self.change(id, |live| {
                    live.half_open = true;
                    live.outbox = Vec::new();
                });
            }
            ConnectionFault::StopReading => self.change(id, |live| live.reading = false),
            ConnectionFault::Recover => self.change(id, |live| {
                live.reading = true;
                live.half_open = false;
                live.pieces = 1;
                live.pong = PongMode::default();
            }),
            ConnectionFault::SlowPong(delay) => {
                self.change(id, |live| live.pong.delay = Some(*delay))
            }
            ConnectionFault::SilentPong => self.change(id, |live| live.pong.silent = true),
            ConnectionFault::PongConfig(raw) => {
                self.change(id, |live| live.pong.config = Some(Bytes::from(raw.clone())))
            }
            ConnectionFault::Text(text) => self.send(id, |out| {
                websocket::write_message(out, opcode::TEXT, text.as_bytes())
            }),
            ConnectionFault::Garbage(bytes) => self.send(id, |out| {
                websocket::write_message(out, opcode::BINARY, bytes)
            }),
            ConnectionFault::Raw(bytes) => self.send(id, |out| out.extend_from_slice(bytes)),
            ConnectionFault::OversizedFrame(len) => self.send(id, |out| {
                websocket::write_header(out, true, opcode::BINARY, *len);
                out.extend_from_slice(&[0; 16]);
            }),
            ConnectionFault::Continuation(pieces) => {
                self.change(id, |live| live.pieces = usize::from(*pieces))
            }
            ConnectionFault::ServerPing => self.control(id, "ping"),
            ConnectionFault::ProtocolPing => self.send(id, |out| {
                websocket::write_message(out, opcode::PING, b"longwire")
            }),
            ConnectionFault::Method2 => self.send_untracked(id, 2, "event"),
            ConnectionFault::CardFrame => self.send_untracked(id, METHOD_DATA, "card"),
            ConnectionFault::KickWithoutPing(periods) => self.kick_after(id, *periods, now),
        }
    }

    fn change(&mut self, id: ConnectionId, change: impl FnOnce(&mut crate::live::LiveConnection)) {
        if let Some(live) = self.connections.get_mut(&id) {
            change(live);
            live.output_signal.notify();
        }
    }

    /// Ends a connection from the platform's side.
    pub(crate) fn end(&mut self, id: ConnectionId, ending: Ending, now: Instant) {
        self.withdraw(id);
        if ending != Ending::Reset {
            self.deadlines.add(now + CLOSE_TIMEOUT, Due::Abort(id));
        }
        self.change(id, |live| live.ending = Some(ending));
    }

    /// Resets a connection that was not closed by its peer in time, or was half-open for long enough.
    pub(crate) fn abort_if_overdue(&mut self, id: ConnectionId, now: Instant) {
        let live = self.connections.get(&id);
        if live.is_some_and(|live| live.half_open || live.ending.is_some()) {
            self.end(id, Ending::Reset, now);
        }
    }

    pub(crate) fn close(&mut self, id: ConnectionId, code: Option<u16>, now: Instant) {
        self.send(id, |out| websocket::write_close(out, code, ""));
        self.end(id, Ending::Close, now);
    }

    fn control(&mut self, id: ConnectionId, kind: &str) {
        if let Some(service) = self.service_of(id) {
            let headers = [(key::TYPE, kind)];
            let head = FrameHead::control(service, &headers);
            self.send(id, |out| head.write_bare(out));
        }
    }

    /// Sends a frame that the ledger does not count. An answer to it is ignored.
    fn send_untracked(&mut self, id: ConnectionId, method: i32, kind: &str) {
        let Some(service) = self.service_of(id) else {
            return;
        };
        let ids = WireIds::of(
            AttemptId {
                push: UNTRACKED,
                attempt: 1,
            },
            self.settings.seed,
        );
        let headers = [
            (key::TYPE, kind),
            (key::MESSAGE_ID, ids.message_id()),
            (key::SUM, "1"),
            (key::SEQ, "0"),
            (key::TRACE_ID, ids.trace_id()),
        ];
        let head = FrameHead {
            seq_id: 0,
            log_id: 0,
            service,
            method,
            headers: &headers,
        };
        let payload = br#"{"schema":"2.0","header":{"event_id":"0","event_type":"card.action.trigger"},"event":{}}"#;
        self.send(id, |out| {
            head.write(out, payload.len(), |out| out.extend_from_slice(payload))
        });
    }
}
