//! Answers application pings, and ends connections that do not ping.
//!
//! A fault or a script may delay, change or suppress a pong; otherwise it carries the nominal configuration.

use std::time::{Duration, Instant};

use longwire_platform_server::feishu::write_pong;

use crate::behaviour::{Behaviour, Occasion};
use crate::deadlines::Due;
use crate::fault::ConnectionId;
use crate::live::Ending;
use crate::state::PlatformState;

/// Pings on one connection that are closer than this are counted. The platform's smallest interval is a second.
const MIN_PING_GAP: Duration = Duration::from_millis(900);
/// The period in which the platform checks for pings (larksuite/cli#2358).
const LIVENESS_PERIOD: Duration = Duration::from_secs(30);

impl PlatformState {
    /// Handles an application ping. The first one lets pushes begin, behind its pong.
    pub(crate) fn ping(&mut self, id: ConnectionId, service: i32, now: Instant) {
        self.answer_ping(id, service, now);
        self.end_quiet(id, now);
    }

    fn answer_ping(&mut self, id: ConnectionId, service: i32, now: Instant) {
        let Some(live) = self.connections.get_mut(&id) else {
            return;
        };
        self.ledger.pings += 1;
        let app = &self.apps[live.app];
        if service != app.service {
            self.ledger.wrong_service_pings += 1;
        }
        if live.last_ping.is_some_and(|last| now - last < MIN_PING_GAP) {
            self.ledger.hasty_pings += 1;
        }
        live.pings += 1;
        live.last_ping = Some(now);
        let mode = live.pong.clone();
        let payload = mode.config.unwrap_or_else(|| self.nominal_config.clone());
        if mode.silent {
            return;
        }
        if let Some(delay) = mode.delay {
            self.deadlines.add(now + delay, Due::Pong(id, payload));
            self.wake_clock();
            return;
        }
        match self.scripts.take(Occasion::Ping, &app.id) {
            Some(Behaviour::PongSilent) => {}
            Some(Behaviour::PongNoPayload) => self.pong(id, None),
            Some(Behaviour::PongConfig { raw }) => self.pong(id, Some(raw.as_bytes())),
            _ => self.pong(id, Some(&payload)),
        }
    }

    /// Sends a pong with this payload.
    pub(crate) fn pong(&mut self, id: ConnectionId, payload: Option<&[u8]>) {
        let Some(service) = self.service_of(id) else {
            return;
        };
        self.send(id, |out| write_pong(out, service, payload));
    }

    /// Ends the connection once `periods` periods pass without a ping.
    pub(crate) fn kick_after(&mut self, id: ConnectionId, periods: u32, now: Instant) {
        if let Some(live) = self.connections.get_mut(&id) {
            live.kick_after_periods = Some(periods);
            let at = now + self.settings.scaled(LIVENESS_PERIOD * periods);
            self.deadlines.add(at, Due::PingCheck(id));
            self.wake_clock();
        }
    }

    /// Ends the connection if it did not ping in time; otherwise schedules the next check.
    pub(crate) fn check_ping(&mut self, id: ConnectionId, now: Instant) {
        let Some(live) = self.connections.get(&id) else {
            return;
        };
        let Some(periods) = live.kick_after_periods else {
            return;
        };
        let due =
            live.last_ping.unwrap_or(live.opened) + self.settings.scaled(LIVENESS_PERIOD * periods);
        if due <= now {
            self.end(id, Ending::Hangup, now);
        } else {
            self.deadlines.add(due, Due::PingCheck(id));
        }
    }
}
