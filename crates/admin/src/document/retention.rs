//! Retention, as operators see it.

use longwire_consumer::time_text;
use longwire_janitor::{Erased, Hold, RetentionView, Risk};
use longwire_store::{InstallationRetention, KeepRule};
use serde::{Deserialize, Serialize};

/// `GET /admin/v1/retention`.
#[derive(Debug, Serialize, Deserialize)]
pub struct RetentionDocument {
    /// `beginning`, `resting` or `working`.
    pub state: String,
    /// The same in words.
    pub doing: String,
    /// The bounds.
    pub keep: KeepDocument,
    /// `wait` or `pass`.
    pub consumers: String,
    /// When the oldest event that is kept was received.
    pub oldest: Option<String>,
    /// Its number.
    pub oldest_seq: Option<i64>,
    /// The number of the newest event.
    pub newest_seq: i64,
    /// Bytes of the database that hold something.
    pub used_bytes: u64,
    /// Bytes of it that are free for what comes.
    pub free_bytes: u64,
    /// Whether free space can be given back to the disk.
    pub gives_back: bool,
    /// Bytes that this process gave back.
    pub given_back_bytes: u64,
    /// Events that went since the database was made.
    pub events_gone: u64,
    /// The bytes of their payloads.
    pub bytes_gone: u64,
    /// When the last step was carried out.
    pub last_step: Option<String>,
    /// Steps of this process.
    pub steps: u64,
    /// For how long the writer was busy with them.
    pub writer_busy_ms: u64,
    /// Consumers that keep events from going.
    pub waits_for: Vec<HoldDocument>,
    /// Consumers whose events go soon.
    pub at_risk: Vec<RiskDocument>,
    /// Events that went before a consumer had done them, in this process.
    pub passed_events: u64,
    /// Whether the bound of age waits, because the clock of this host cannot be trusted.
    pub clock_held: bool,
    /// Installations with rules of their own.
    pub own_rules: usize,
    /// Why the last look or step failed.
    pub trouble: Option<String>,
}

/// Bounds. Absent is no bound.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct KeepDocument {
    /// The age in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Of one installation: `full` or `hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

impl From<KeepRule> for KeepDocument {
    fn from(rule: KeepRule) -> Self {
        Self {
            age_ms: rule.age_ms,
            bytes: rule.bytes,
            events: rule.events,
            store: None,
        }
    }
}

impl From<InstallationRetention> for KeepDocument {
    fn from(rules: InstallationRetention) -> Self {
        Self {
            store: Some(rules.payload.label().to_owned()),
            ..Self::from(rules.keep)
        }
    }
}

/// A consumer that keeps events from going.
#[derive(Debug, Serialize, Deserialize)]
pub struct HoldDocument {
    /// Its name.
    pub consumer: String,
    /// Whose it is.
    pub space: String,
    /// How many events.
    pub events: u64,
}

impl From<&Hold> for HoldDocument {
    fn from(hold: &Hold) -> Self {
        Self {
            consumer: hold.name.clone(),
            space: hold.space.clone(),
            events: hold.events,
        }
    }
}

/// A consumer whose events go soon.
#[derive(Debug, Serialize, Deserialize)]
pub struct RiskDocument {
    /// Its name.
    pub consumer: String,
    /// Whose it is.
    pub space: String,
    /// How much of the nearest bound is used, in percent.
    pub percent: u64,
    /// Which bound: `age`, `bytes` or `events`.
    pub bound: String,
    /// How many events it is behind.
    pub lag_events: u64,
    /// How old the oldest event is that it lacks.
    pub lag_ms: u64,
}

impl From<&Risk> for RiskDocument {
    fn from(risk: &Risk) -> Self {
        Self {
            consumer: risk.name.clone(),
            space: risk.space.clone(),
            percent: risk.percent,
            bound: risk.bound.to_owned(),
            lag_events: risk.lag_events,
            lag_ms: u64::try_from(risk.lag.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<&RetentionView> for RetentionDocument {
    fn from(view: &RetentionView) -> Self {
        Self {
            state: view.phase.label().to_owned(),
            doing: view.doing.clone(),
            keep: view.policy.keep.into(),
            consumers: view.policy.consumers.label().to_owned(),
            oldest: view.oldest.map(|(_, at_ms)| time_text(at_ms)),
            oldest_seq: view.oldest.map(|(seq, _)| seq),
            newest_seq: view.newest,
            used_bytes: view.used_bytes,
            free_bytes: view.free_bytes,
            gives_back: view.gives_back,
            given_back_bytes: view.given_back_bytes,
            events_gone: view.events_gone,
            bytes_gone: view.bytes_gone,
            last_step: view.last_step_ms.map(time_text),
            steps: view.steps,
            writer_busy_ms: u64::try_from(view.writer_busy.as_millis()).unwrap_or(u64::MAX),
            waits_for: view.holds.iter().map(HoldDocument::from).collect(),
            at_risk: view.risks.iter().map(RiskDocument::from).collect(),
            passed_events: view.passed_events,
            clock_held: view.is_clock_held,
            own_rules: view.own_rules,
            trouble: view.trouble.clone(),
        }
    }
}

/// `POST /admin/v1/events/erase`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErasedDocument {
    /// Whether anything was changed.
    pub dry_run: bool,
    /// Events that named the person.
    pub events: u64,
    /// Authorizations of the person that were forgotten.
    pub authorizations: u64,
    /// Up to this event the log was looked through.
    pub through_seq: i64,
    /// Whether the bytes are in no file of the store any more.
    pub out_of_files: bool,
}

impl ErasedDocument {
    /// What came of an erasure.
    #[must_use]
    pub fn of(erased: &Erased, dry_run: bool) -> Self {
        Self {
            dry_run,
            events: erased.events,
            authorizations: erased.authorizations,
            through_seq: erased.through,
            out_of_files: erased.is_out_of_files,
        }
    }
}
