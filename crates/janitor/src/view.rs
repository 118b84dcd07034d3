//! How retention does, as it is shown. The actor writes it down, so that no reader waits for the actor.

use std::time::Duration;

use longwire_consumer::Moment;

use crate::machine::{Hold, Retention, Risk};
use crate::policy::RetentionPolicy;

/// What the actor does now.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq)]
pub enum JanitorPhase {
    /// It has not looked at the store yet.
    #[default]
    Beginning,
    /// Nothing is due.
    Resting,
    /// It lets something go.
    Working,
}

impl JanitorPhase {
    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Beginning => "beginning",
            Self::Resting => "resting",
            Self::Working => "working",
        }
    }
}

/// How retention does.
#[derive(Clone, Debug, Default)]
pub struct RetentionView {
    /// What is kept.
    pub policy: RetentionPolicy,
    /// What the actor does.
    pub phase: JanitorPhase,
    /// The same in words.
    pub doing: String,
    /// The number of the oldest event that is kept, and when it was received, in milliseconds since 1970.
    pub oldest: Option<(i64, i64)>,
    /// Of all events up to here nothing but keys is left.
    pub gone_through: i64,
    /// The newest event.
    pub newest: i64,
    /// Events that went since the database was made.
    pub events_gone: u64,
    /// The bytes of their payloads.
    pub bytes_gone: u64,
    /// Bytes of the database that hold something.
    pub used_bytes: u64,
    /// Bytes of it that are free for what comes.
    pub free_bytes: u64,
    /// Whether free space can be given back to the disk.
    pub gives_back: bool,
    /// Bytes that this process gave back to the disk.
    pub given_back_bytes: u64,
    /// When the last step was carried out, in milliseconds since 1970.
    pub last_step_ms: Option<i64>,
    /// Steps of this process.
    pub steps: u64,
    /// For how long the writer was busy with them.
    pub writer_busy: Duration,
    /// Consumers that keep events from going.
    pub holds: Vec<Hold>,
    /// Consumers whose events go soon.
    pub risks: Vec<Risk>,
    /// Events that went before a consumer had done them, in this process.
    pub passed_events: u64,
    /// Whether the bound of age waits, because the clock of this host cannot be trusted.
    pub is_clock_held: bool,
    /// Installations with rules of their own.
    pub own_rules: usize,
    /// Why the last look or step failed.
    pub trouble: Option<String>,
    /// Payloads that were erased for a person by this process.
    pub erased_events: u64,
}

impl RetentionView {
    /// Takes in what the machine knows.
    pub(crate) fn take(&mut self, machine: &Retention, now: Moment) {
        let state = &machine.look().state;
        self.phase = match machine.doing() {
            "resting" => JanitorPhase::Resting,
            _ => JanitorPhase::Working,
        };
        machine.doing().clone_into(&mut self.doing);
        self.oldest = state.oldest;
        self.gone_through = state.gone_through;
        self.newest = state.newest;
        self.events_gone = state.events;
        self.bytes_gone = state.bytes;
        self.used_bytes = state.used_bytes;
        self.free_bytes = state.free_bytes;
        self.gives_back = state.gives_back;
        self.holds = machine.holds().to_vec();
        self.risks = machine.risks().cloned().collect();
        self.is_clock_held = machine.is_clock_held(now);
        self.own_rules = state.listed.len();
    }
}
