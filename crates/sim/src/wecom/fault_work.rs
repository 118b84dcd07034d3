//! Applies faults to live connections.

use std::time::Instant;

use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::websocket::{self, opcode};
use crate::wecom::fault::{Fault, Target};
use crate::wecom::ledger::SubscriptionState;
use crate::wecom::live::PongMode;
use crate::wecom::state::{Due, PlatformState};

impl PlatformState {
    /// Puts a fault on the target's connections; returns on how many.
    pub(crate) fn fault(&mut self, target: &Target, fault: &Fault, now: Instant) -> usize {
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

    fn apply_fault(&mut self, id: ConnectionId, fault: &Fault, now: Instant) {
        match fault {
            Fault::Drop => self.end(id, Ending::Reset, now),
            Fault::Hangup => self.end(id, Ending::Hangup, now),
            Fault::Close(code) => self.close(id, Some(*code), now),
            Fault::CloseWithoutCode => self.close(id, None, now),
            Fault::HalfOpen => {
                let until = now + self.settings.scaled(self.settings.half_open_kept);
                self.timer_queue.add(until, Due::Abort(id));
                self.change(id, |live| live.half_open = true);
            }
            Fault::StopReading => self.change(id, |live| live.reading = false),
            Fault::Recover => self.change(id, |live| {
                live.reading = true;
                live.half_open = false;
                live.pieces = 1;
                live.pong = PongMode::default();
            }),
            Fault::SlowPong(delay) => self.change(id, |live| live.pong.delay = Some(*delay)),
            Fault::SilentPong => self.change(id, |live| live.pong.silent = true),
            Fault::PongCode(code) => self.change(id, |live| live.pong.code = Some(*code)),
            Fault::Displace => self.displace(id, now),
            Fault::Unsubscribe => {
                self.withdraw(id);
                self.change(id, |live| live.state = SubscriptionState::Gone);
            }
            Fault::Text(text) => self.change(id, |live| live.send_text(text.as_bytes())),
            Fault::Garbage(bytes) => self.send(id, |out| {
                websocket::write_message(out, opcode::BINARY, bytes)
            }),
            Fault::Raw(bytes) => self.send(id, |out| out.extend_from_slice(bytes)),
            Fault::OversizedFrame(len) => self.send(id, |out| {
                websocket::write_header(out, true, opcode::TEXT, *len);
                out.extend_from_slice(&[b' '; 16]);
            }),
            Fault::Continuation(pieces) => {
                self.change(id, |live| live.pieces = usize::from(*pieces))
            }
            Fault::ProtocolPing => self.send(id, |out| {
                websocket::write_message(out, opcode::PING, b"longwire")
            }),
            Fault::MaskedFrame => {
                self.send(id, |out| websocket::write_masked(out, opcode::PONG, b""))
            }
        }
    }
}
