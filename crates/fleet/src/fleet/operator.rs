//! What an operator can have the fleet do besides changes of the store: try a bot now, and take over settings while it runs.

use super::Fleet;
use crate::config_fault::ConfigFault;
use crate::settings::FleetLimits;
use crate::supervisor::{ConnectRate, DeclarationsRead, Retry};
use longwire_installation::InstallationId;
use longwire_link::State;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a bot is not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RetryError {
    /// No installation of this id or name.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// It is stopped.
    #[error("the bot is stopped")]
    Stopped,
    /// Its events come over HTTP, so it does not connect.
    #[error("the bot needs no connection: its events come over http")]
    Webhook,
    /// Another program has it. To try it would end that program's connection.
    #[error("another program has the bot")]
    Displaced,
}

impl RetryError {
    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::Stopped => "not_wanted",
            Self::Webhook => "no_connection_wanted",
            Self::Displaced => "displaced",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => {
                "list the installations, and use an id or a name from there"
            }
            Self::Stopped => "start it with `longwire installations start`",
            Self::Webhook => "change its mode, if it is to connect",
            Self::Displaced => {
                "stop the other program, then take the bot back with `longwire installations start`"
            }
        }
    }
}

impl Fleet {
    /// Has a bot that waits tried now: one that is refused, that waits after failures, or whose actors failed too often. What
    /// was counted of its failures is forgotten. One that is live or on its way stays as it is. Does not wait for the attempt.
    ///
    /// # Errors
    /// Why it is not to be tried.
    pub fn retry(&self, id_or_name: &str) -> Result<(), RetryError> {
        let entry = self.bots.find(id_or_name);
        let bot = entry.ok_or(RetryError::UnknownInstallation)?.bot;
        match bot.state() {
            State::Stopped => Err(RetryError::Stopped),
            State::Webhook => Err(RetryError::Webhook),
            State::Displaced { .. } => Err(RetryError::Displaced),
            State::Queued
            | State::Bootstrapping
            | State::Dialing
            | State::Live { .. }
            | State::BackingOff { .. }
            | State::Refused { .. }
            | State::Restarting { .. } => {
                self.supervisor.send(Retry(bot.id));
                Ok(())
            }
        }
    }

    /// The configuration file was read again, and the store has what it declares. These are the faults of all declarations.
    pub fn declarations_read(&self, config_faults: BTreeMap<InstallationId, ConfigFault>) {
        let faults = config_faults.into_iter();
        let faults = faults.map(|(id, fault)| (id, Arc::new(fault)));
        self.supervisor.send(DeclarationsRead(faults.collect()));
    }

    /// So many attempts to connect may begin per second from now on; 0 means any number.
    pub fn set_connect_rate(&self, per_second: u32) {
        self.supervisor.send(ConnectRate(per_second));
    }

    /// These limits hold from now on. A bot that is connected beyond a lower `connections_per_space` may have to wait then.
    pub fn set_limits(&self, limits: FleetLimits) {
        self.context.message_rate.set(limits.messages_per_bot);
        self.context
            .connections_per_space
            .set(limits.connections_per_space);
        self.reload();
    }
}
