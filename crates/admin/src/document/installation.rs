//! Installations: as the store has them, as the fleet sees them, and what happened to them.
//!
//! A new field of what the fleet sees goes into [`InstallationView`] or [`Lights`], into `fleet/src/bot/view.rs`, which fills
//! it, and here. A new field of what the store has goes into [`InstallationRecord`] and here.
//!
//! The command line reads them, too. Fields that it does not know it leaves out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use longwire_fleet::{CallbackView, CardTotals, InstallationView, Lights, RenewalView};
use longwire_installation::{Guarantee, Platform, TakeBack};
use longwire_store::{InstallationRecord, TimelineRecord};
use serde::{Deserialize, Serialize};

use super::overview::CardFields;

/// A label that this program wrote, or read from another one.
type Label = Cow<'static, str>;

/// `GET /installations`.
#[derive(Debug, Serialize, Deserialize)]
pub struct InstallationPage {
    /// Installations in the order they were made.
    pub data: Vec<InstallationDocument>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// `GET /installations/{installation}`.
#[derive(Debug, Serialize, Deserialize)]
pub struct InstallationDetail {
    /// As the store has it.
    pub kept: StoredInstallation,
    /// As the fleet sees it; `null` while the fleet does not know it.
    pub observed: Option<InstallationDocument>,
    /// Newest first.
    pub timeline: Vec<TimelineDocument>,
}

/// An installation as the store has it, without its secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredInstallation {
    /// Public id, `ins_…`.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// `feishu`, `lark` or `wecom`.
    pub platform: Label,
    /// On Feishu and Lark.
    pub app_id: Option<String>,
    /// On WeCom.
    pub bot_id: Option<String>,
    /// Another address of the platform.
    pub base_url: Option<String>,
    /// Whether it has a proxy of its own.
    pub has_proxy: bool,
    /// When a bot is taken back that another client took. `null`, as `take_back_per_day`: never.
    pub take_back_after_ms: Option<i64>,
    /// How often within 24 hours.
    pub take_back_per_day: Option<u32>,
    /// Since when another client has the bot, until the installation is started or its access changes; kept over restarts.
    pub displaced_ms: Option<i64>,
    /// When it was taken back by itself within 24 hours, oldest first.
    pub taken_back_ms: Box<[i64]>,
    /// What is promised of its events.
    pub guarantee: GuaranteeDocument,
    /// `run` or `stop`.
    pub desired: Label,
    /// Who declared it: `file`, `api` or `cli`.
    pub origin: Label,
    /// When it was added.
    pub created_ms: i64,
    /// When it was changed last.
    pub updated_ms: i64,
    /// By which road its events come: `long_connection`, `webhook` or `both`.
    pub mode: Label,
    /// Whether its verification token is set.
    pub has_verification_token: bool,
    /// Whether its encrypt key is set.
    pub has_encrypt_key: bool,
    /// A new secret that the platform has not taken yet.
    pub candidate: Option<CandidateFields>,
}

/// A new secret of an installation, which keeps its present one meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandidateFields {
    /// `waiting` or `refused`.
    pub state: Label,
    /// Since when.
    pub since_ms: i64,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What came of the latest change of a bot's access while it was connected. The fields are described with [`RenewalView`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the view describes them")]
pub struct RenewalDocument {
    pub at_ms: i64,
    pub outcome: Label,
    pub new_secret: bool,
    pub reason: Option<String>,
    pub next_step: Option<Label>,
    pub generation: u64,
    pub gap_ms: u64,
}

/// What is promised of an installation's events.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuaranteeDocument {
    /// Its stable name.
    pub id: Label,
    /// The promise, for people.
    pub text: Label,
}

/// One entry of a timeline.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimelineDocument {
    /// When it happened.
    pub at_ms: i64,
    /// The connection it is about.
    pub generation: u64,
    /// What happened.
    pub kind: Label,
    /// The same, for people.
    pub detail: String,
}

/// An installation as the fleet sees it. The fields are described with [`InstallationView`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the view describes them")]
pub struct InstallationDocument {
    pub id: String,
    pub name: String,
    pub platform: Label,
    pub app_id: String,
    pub desired: Label,
    pub state: Label,
    pub legacy_state: Label,
    pub state_since_ms: i64,
    pub until_ms: Option<i64>,
    pub attempt: u32,
    pub reason: Option<String>,
    pub reason_text: Option<String>,
    pub next_step: Option<String>,
    pub generation: u64,
    #[serde(default)]
    pub renewal: Option<RenewalDocument>,
    #[serde(with = "LightFields")]
    pub lights: Lights,
    #[serde(default)]
    pub callbacks: Option<CallbackDocument>,
}

/// The callbacks to an installation. The fields are described with [`CallbackView`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the view describes them")]
pub struct CallbackDocument {
    pub last_ms: Option<i64>,
    pub last_recorded_ms: Option<i64>,
    pub verdicts: BTreeMap<Label, u64>,
    pub last_refusal: Option<RefusedCallbackDocument>,
    pub unexpected: Option<Label>,
}

/// A callback that was not recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusedCallbackDocument {
    /// When it came.
    pub at_ms: i64,
    /// Why it was not recorded, by a stable name.
    pub cause: Label,
    /// What to do about it.
    pub hint: Label,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Lights")]
struct LightFields {
    connected_ms: Option<i64>,
    last_heard_ms: Option<i64>,
    pong_round_trip_us: Option<u64>,
    last_event_ms: Option<i64>,
    never_heard_an_event: bool,
    attempts_exceeded: bool,
    failures: u32,
    alarm: bool,
    restarts: u64,
    reconnects: u64,
    events: u64,
    repeats: u64,
    acked: u64,
    refused: u64,
    shed: u64,
    overloaded: bool,
    unanswered: u64,
    unrecorded: u64,
    left_unread: u64,
    malformed: u64,
    unparsed: u64,
    unparsed_dropped: u64,
    #[serde(with = "CardFields", default)]
    cards: CardTotals,
}

impl From<&InstallationRecord> for StoredInstallation {
    fn from(record: &InstallationRecord) -> Self {
        let (app_id, bot_id) = match record.platform {
            Platform::Feishu | Platform::Lark => (Some(record.app_id.clone()), None),
            Platform::Wecom => (None, Some(record.app_id.clone())),
        };
        Self {
            id: record.public_id.to_string(),
            name: record.name.to_string(),
            platform: record.platform.label().into(),
            app_id,
            bot_id,
            base_url: (record.base_url.as_ref()).map(|base_url| base_url.as_str().to_owned()),
            has_proxy: record.has_proxy(),
            mode: record.mode.label().into(),
            has_verification_token: record.has_verification_token(),
            has_encrypt_key: record.has_encrypt_key(),
            candidate: record
                .candidate
                .as_deref()
                .map(|candidate| CandidateFields {
                    state: candidate.state.label().into(),
                    since_ms: candidate.since_ms,
                    reason: candidate.state.reason().map(str::to_owned),
                }),
            take_back_after_ms: record.take_back.map(TakeBack::after_ms),
            take_back_per_day: record.take_back.map(TakeBack::per_day),
            displaced_ms: record.displaced_ms,
            taken_back_ms: record.taken_back_ms.clone(),
            guarantee: record.platform.guarantee().into(),
            desired: record.desired.label().into(),
            origin: record.origin.label().into(),
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
        }
    }
}

impl From<RenewalView> for RenewalDocument {
    fn from(view: RenewalView) -> Self {
        Self {
            at_ms: view.at_ms,
            outcome: view.outcome.label().into(),
            new_secret: view.is_of_candidate,
            reason: view.reason,
            next_step: view.next_step.map(Label::from),
            generation: view.generation,
            gap_ms: view.gap_ms,
        }
    }
}

impl From<Guarantee> for GuaranteeDocument {
    fn from(guarantee: Guarantee) -> Self {
        Self {
            id: guarantee.id().into(),
            text: guarantee.text().into(),
        }
    }
}

impl From<&TimelineRecord> for TimelineDocument {
    fn from(TimelineRecord { entry, .. }: &TimelineRecord) -> Self {
        Self {
            at_ms: entry.at_ms,
            generation: entry.generation,
            kind: entry.kind.label().into(),
            detail: entry.detail.clone(),
        }
    }
}

impl From<InstallationView> for InstallationDocument {
    fn from(view: InstallationView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            platform: view.platform.into(),
            app_id: view.app_id,
            desired: view.desired.into(),
            state: view.state.into(),
            legacy_state: view.legacy_state.into(),
            state_since_ms: view.state_since_ms,
            until_ms: view.until_ms,
            attempt: view.attempt,
            reason: view.reason,
            reason_text: view.reason_text,
            next_step: view.next_step,
            generation: view.generation,
            renewal: view.renewal.map(RenewalDocument::from),
            lights: view.lights,
            callbacks: view.callbacks.map(CallbackDocument::from),
        }
    }
}

impl From<CallbackView> for CallbackDocument {
    fn from(view: CallbackView) -> Self {
        let verdicts = view.verdicts.into_iter();
        Self {
            last_ms: view.last_ms,
            last_recorded_ms: view.last_recorded_ms,
            verdicts: verdicts
                .map(|(verdict, count)| (verdict.into(), count))
                .collect(),
            last_refusal: view.last_refusal.map(|refusal| RefusedCallbackDocument {
                at_ms: refusal.at_ms,
                cause: refusal.cause.into(),
                hint: refusal.hint.into(),
            }),
            unexpected: view.unexpected.map(Label::from),
        }
    }
}
