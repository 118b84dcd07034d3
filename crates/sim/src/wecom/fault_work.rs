//! Applies faults to live connections.

use std::time::Instant;

use longwire_platform_server::websocket::{self, opcode};
use longwire_wire::websocket::write_pong;

use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::wecom::fault::{ConnectionFault, Target};
use crate::wecom::ledger::SubscriptionState;
use crate::wecom::live::PongMode;
use crate::wecom::state::{Due, PlatformState};

/// A frame of a server that is masked with it is forbidden by RFC 6455.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

impl PlatformState {
    /// Puts a fault on the target's connections; returns on how many.
    pub(crate) fn fault(
        &mut self,
        target: &Target,
        fault: &ConnectionFault,
        now: Instant,
    ) -> usize {
        let holder = match target {
            Target::Bot(bot) => {
                let known = self.known_bot(bot);
                known.and_then(|bot| self.bots[bot as usize].holder)
            }
            _ => None,
        };
        let struck = self.connections.values().filter(|live| {
            live.ending.is_none()
                && match target {
                    Target::All => true,
                    Target::Bot(_) => Some(live.id) == holder,
                    Target::Connection(id) => live.id == *id,
                }
        });
        let ids: Vec<ConnectionId> = struck.map(|live| live.id).collect();
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
                self.timer_queue.add(until, Due::Abort(id));
                self.change(id, |live| live.half_open = true);
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
            ConnectionFault::PongCode(code) => self.change(id, |live| live.pong.code = Some(*code)),
            ConnectionFault::Displace => self.displace(id, now),
            ConnectionFault::Unsubscribe => {
                self.withdraw(id);
                self.change(id, |live| live.state = SubscriptionState::Gone);
            }
            ConnectionFault::Text(text) => self.change(id, |live| live.send_text(text.as_bytes())),
            ConnectionFault::Garbage(bytes) => self.send(id, |out| {
                websocket::write_message(out, opcode::BINARY, bytes)
            }),
            ConnectionFault::Raw(bytes) => self.send(id, |out| out.extend_from_slice(bytes)),
            ConnectionFault::OversizedFrame(len) => self.send(id, |out| {
                websocket::write_header(out, true, opcode::TEXT, *len);
                out.extend_from_slice(&[b' '; 16]);
            }),
            ConnectionFault::Continuation(pieces) => {
                self.change(id, |live| live.pieces = usize::from(*pieces))
            }
            ConnectionFault::ProtocolPing => self.send(id, |out| {
                websocket::write_message(out, opcode::PING, b"longwire")
            }),
            ConnectionFault::MaskedFrame => self.send(id, |out| write_pong(out, MASK, b"")),
        }
    }
}
