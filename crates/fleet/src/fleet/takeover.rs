//! A takeover, bot by bot: what the process that takes over asks of its fleet, and what the other one does.

use super::Fleet;
use crate::settings::FleetSettings;
use crate::supervisor::{Announce, ConnectHere, Give, TakeBack};
use longwire_actor::Asked;
use longwire_installation::{InstallationId, Platform};
use longwire_link::State;
use std::time::Duration;

/// How long a bot that is not connected may need until its attempt has ended.
const ANNOUNCE_LIMIT: Duration = Duration::from_secs(2);

/// Whether a bot is connected, as far as a takeover asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionStanding {
    /// It is connected.
    Live,
    /// It is being connected, or waits for its next attempt.
    Connecting,
    /// It is not to be connected, or somebody has to help first.
    Away,
}

/// A bot, as far as a takeover asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BotStanding {
    /// Its row.
    pub installation: InstallationId,
    /// Its platform.
    pub platform: Platform,
    /// Whether it is connected.
    pub connection: ConnectionStanding,
    /// Since when it is in its state, in milliseconds since 1970.
    pub since_ms: i64,
}

impl Fleet {
    /// [`start`](Self::start) beside a fleet of another process, which has these bots: no attempt to connect them begins until
    /// [`connect_here`](Self::connect_here).
    pub async fn start_beside(
        settings: FleetSettings,
        elsewhere: impl IntoIterator<Item = InstallationId>,
    ) -> Self {
        Self::start_with(settings, |context| {
            for id in elsewhere {
                context.elsewhere.insert(id);
            }
        })
    }

    /// Connects a bot that another process had.
    pub fn connect_here(&self, id: InstallationId) {
        self.supervisor.send(ConnectHere(id));
    }

    /// Connects all bots that are another process's. After a takeover that came to nothing, what was announced and given away is
    /// connected again.
    pub fn take_back(&self) {
        self.supervisor.send(TakeBack);
    }

    /// Another process is about to connect the bot. A connection that lives goes on reading until the platform ends it; nothing
    /// else begins. Answered when no attempt is under way any more.
    pub async fn announce(&self, id: InstallationId) {
        let asked = self.supervisor.ask(Announce(id), ANNOUNCE_LIMIT).await;
        if asked != Asked::Answered(()) {
            tracing::warn!(
                bot = id.0,
                "a bot did not end its attempt to connect in time"
            );
        }
    }

    /// Another process has connected the bot: answers what was read, closes the connection, and does not connect it again. Takes
    /// `within` and a little more at most. Returns since when the bot had no connection (milliseconds since 1970), if that ended
    /// before.
    pub async fn give(&self, id: InstallationId, within: Duration) -> Option<i64> {
        let bot = self.bots.get(id)?.bot;
        let ended_ms = bot.stopped_since_ms();
        let limit = within + Duration::from_secs(1);
        let asked = self.supervisor.ask(Give { id, within }, limit).await;
        if asked != Asked::Answered(()) {
            tracing::warn!(bot = id.0, "a bot that was given away did not end in time");
        }
        ended_ms
    }

    /// Bots that are another process's matter during a takeover.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.context.elsewhere.count()
    }

    /// All bots, in the order they were added. Asks no actor.
    #[must_use]
    pub fn standings(&self) -> Vec<BotStanding> {
        let bots = self.bots.bots();
        let standings = bots.iter().map(|bot| BotStanding {
            installation: bot.id,
            platform: bot.platform(),
            since_ms: bot.since_ms(),
            connection: match bot.state() {
                State::Live { .. } => ConnectionStanding::Live,
                State::Queued
                | State::Bootstrapping
                | State::Dialing
                | State::BackingOff { .. } => ConnectionStanding::Connecting,
                State::Stopped
                | State::Webhook
                | State::Refused { .. }
                | State::Displaced { .. }
                | State::Restarting { .. } => ConnectionStanding::Away,
            },
        });
        standings.collect()
    }
}
