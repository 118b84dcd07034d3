//! What a fleet is started with.

use crate::cards::CardAnswering;
use crate::config_fault::ConfigFault;
use crate::message_rate::MessageRateLimit;
use longwire_egress::EgressSettings;
use longwire_installation::InstallationId;
use longwire_link::Timing;
use longwire_store::Store;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// What a fleet is started with.
pub struct FleetSettings {
    /// Every deadline and pace.
    pub timing: Timing,
    /// Connection attempts begun per second over all installations; 0 means no budget.
    pub connect_per_second: u32,
    /// Events one installation may have unanswered before its socket stops reading.
    pub window_events: usize,
    /// The same in bytes.
    pub window_bytes: usize,
    /// Threads that carry installations; 0 means one per core.
    pub arbiters: usize,
    /// How bytes leave this host.
    pub egress: EgressSettings,
    /// Where events are recorded.
    pub store: Store,
    /// Whether [`Fleet::inject`](crate::Fleet::inject) works.
    pub fault_injection: bool,
    /// Installations that are not to be connected as long as this fleet runs, and why.
    pub config_faults: BTreeMap<InstallationId, ConfigFault>,
    /// Who is asked about card events.
    pub cards: CardAnswering,
    /// What bots may do at most.
    pub limits: FleetLimits,
}

/// What bots may do at most. Nothing is limited by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FleetLimits {
    /// The messages that applications may send through one bot.
    pub messages_per_bot: Option<MessageRateLimit>,
    /// The bots of one space that may be connected at once. The others wait, and say so.
    pub connections_per_space: Option<NonZeroU32>,
}
