//! An installation as JSON: one shape for `/v1`, the admin interface and the command line.
//!
//! It is made in one place, [`InstallationDocument::of`], of what the store keeps and what the fleet observes. A new field of
//! what the fleet observes goes into [`InstallationView`] or [`Lights`], into `fleet/src/bot/view.rs`, which fills it, and here.
//! A new field of what the store keeps goes into [`InstallationRecord`] and here.
//!
//! The command line reads it, too. Fields that it does not know it leaves out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use longwire_consumer::duration_text;
use longwire_fleet::{CallbackView, CardTotals, InstallationView, Lights, RenewalView};
use longwire_installation::{Desired, Platform, TakeBack};
use longwire_store::{InstallationRecord, SecretCandidate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::timestamp::Timestamp;

/// A label that this program wrote, or read from another one.
type Label = Cow<'static, str>;

/// A bot. Its secrets are not here; only which of them are set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Installation)]
pub struct InstallationDocument {
    /// Its id, as in the `installationid` of its events.
    pub id: String,
    /// The operator's name for it.
    pub name: String,
    /// `feishu`, `lark` or `wecom`.
    #[schema(value_type = String)]
    pub platform: Label,
    /// The platform's id of the app or bot.
    pub app_id: String,
    /// Another address of the platform.
    pub base_url: Option<String>,
    /// Whether it has a proxy of its own.
    pub has_proxy: bool,
    /// By which road its events come: `long_connection`, `webhook` or `both`.
    #[schema(value_type = String)]
    pub mode: Label,
    /// Where the platform pushes callbacks to, behind the address under which it reaches this gateway. Bots of Feishu and Lark
    /// have one, in any mode.
    pub callback_path: Option<String>,
    /// Whether its verification token is set.
    pub has_verification_token: bool,
    /// Whether its encrypt key is set.
    pub has_encrypt_key: bool,
    /// A new secret that waits until the platform has taken it, or that the platform refused.
    pub candidate: Option<CandidateDocument>,
    /// After which time a bot of WeCom is taken back that another client took; `null` for never.
    pub take_back_after: Option<String>,
    /// How often within 24 hours.
    pub take_back_per_day: Option<u32>,
    /// Who declared it: `file`, `cli` or `api`. What the configuration file declares is changed there alone.
    #[schema(value_type = String)]
    pub origin: Label,
    /// `run` or `stop`.
    #[schema(value_type = String)]
    pub desired: Label,
    /// When it was added.
    pub created: Timestamp,
    /// When it was changed last.
    pub updated: Timestamp,
    /// What is promised of its events, by a stable name.
    #[schema(value_type = String)]
    pub guarantee: Label,
    /// `queued`, `bootstrapping`, `dialing`, `live`, `webhook`, `backing_off`, `refused`, `displaced`, `restarting` or `stopped`;
    /// `unknown` in the output of a command that found no server.
    #[schema(value_type = String)]
    pub state: Label,
    /// Since when; `null` while nobody observes it.
    pub state_since: Option<Timestamp>,
    /// When it is tried again by itself.
    pub until: Option<Timestamp>,
    /// Attempts since the last success.
    pub attempt: u32,
    /// Why it is not live, by a stable name.
    pub reason: Option<String>,
    /// Why it is not live, for people.
    pub reason_text: Option<String>,
    /// What to do about it.
    pub next_step: Option<String>,
    /// The number of its present or last connection.
    pub generation: u64,
    /// Since when another client has the bot, until the installation is started or its access changes; kept over restarts.
    pub displaced_since: Option<Timestamp>,
    /// When it was taken back by itself within 24 hours, oldest first.
    pub taken_back: Vec<Timestamp>,
    /// What came of the latest change of its access while it was connected.
    pub renewal: Option<RenewalDocument>,
    /// When its last event came.
    pub last_event: Option<Timestamp>,
    /// What was observed of it since the gateway started; `null` while nobody observes it.
    pub lights: Option<LightsDocument>,
    /// What came by its callback route since the gateway started.
    pub callbacks: Option<BotCallbacksDocument>,
}

/// A new secret of a bot, which keeps its present one meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = SecretCandidate)]
pub struct CandidateDocument {
    /// `waiting` or `refused`.
    #[schema(value_type = String)]
    pub state: Label,
    /// Since when.
    pub since: Timestamp,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What came of a change of a bot's access, which was tried on a second connection.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = InstallationRenewal)]
pub struct RenewalDocument {
    /// When this was known.
    pub at: Timestamp,
    /// `proved`, `refused`, `failed` or `given_up`.
    #[schema(value_type = String)]
    pub outcome: Label,
    /// Whether it was about a new secret that waited, and not about a changed row.
    pub new_secret: bool,
    /// Why it was not proved.
    pub reason: Option<String>,
    /// What to do about it.
    #[schema(value_type = Option<String>)]
    pub next_step: Option<Label>,
    /// The number of the second connection.
    pub generation: u64,
    /// How long the bot had no connection, in milliseconds.
    pub gap_ms: u64,
}

/// What stands beside the state of a bot: each light is a fact of its own, since the gateway started.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = InstallationLights)]
pub struct LightsDocument {
    /// When the present connection opened.
    pub connected: Option<Timestamp>,
    /// When the last bytes came.
    pub last_heard: Option<Timestamp>,
    /// Round trip of the last answered ping, in microseconds.
    pub pong_round_trip_us: Option<u64>,
    /// No event came although it has been live: the console's subscription may be wrong.
    pub never_heard_an_event: bool,
    /// The platform set a limit of attempts and it is exceeded; longwire goes on all the same.
    pub attempts_exceeded: bool,
    /// Failures in a row since a connection lasted.
    pub failures: u32,
    /// Five of these or more: somebody should look.
    pub alarm: bool,
    /// Rebuilds of its actors.
    pub restarts: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Events received, repeats included.
    pub events: u64,
    /// Of them, repeats.
    pub repeats: u64,
    /// Answered 200.
    pub acked: u64,
    /// Answered 500.
    pub refused: u64,
    /// Of them, those that came faster than they can be recorded in time.
    pub shed: u64,
    /// More came lately than could be recorded in time.
    pub overloaded: bool,
    /// Events not yet answered.
    pub unanswered: u64,
    /// Events that were read, that nobody repeats, and that are lost.
    pub unrecorded: u64,
    /// Connections that ended before everything was read that had come over them, where nobody repeats it.
    pub left_unread: u64,
    /// Frames and parts that were not understood.
    pub malformed: u64,
    /// Of these, what was recorded all the same, as an event without a type.
    pub unparsed: u64,
    /// Of these, what nobody repeats and was not recorded.
    pub unparsed_dropped: u64,
    /// Questions to applications about card events.
    pub cards: CardCountsDocument,
}

/// Questions to applications about card events.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = CardCounts)]
pub struct CardCountsDocument {
    /// Questions asked.
    pub asked: u64,
    /// Answered as the application said.
    pub answered: u64,
    /// Answered by default.
    pub defaulted: u64,
    /// Answers of applications that came too late.
    pub late: u64,
}

/// What came by the callback route of a bot since the gateway started.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = InstallationCallbacks)]
pub struct BotCallbacksDocument {
    /// When the last request came, whatever became of it.
    pub last: Option<Timestamp>,
    /// When the last one came whose event is recorded.
    pub last_recorded: Option<Timestamp>,
    /// How many there were, by what became of them: `challenged`, `recorded`, `repeated`, and each cause of a refusal.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub verdicts: BTreeMap<Label, u64>,
    /// The last one that was not recorded.
    pub last_refusal: Option<RefusedPostDocument>,
    /// What to do where callbacks come although the mode of the bot says otherwise. They are recorded all the same.
    #[schema(value_type = Option<String>)]
    pub unexpected: Option<Label>,
}

/// A callback that was not recorded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = RefusedCallback)]
pub struct RefusedPostDocument {
    /// When it came.
    pub at: Timestamp,
    /// Why it was not recorded, by a stable name.
    #[schema(value_type = String)]
    pub cause: Label,
    /// What to do about it.
    #[schema(value_type = String)]
    pub next_step: Label,
}

/// Who says how a bot fares.
#[derive(Debug, Clone)]
pub enum Observation {
    /// The fleet.
    Seen(Box<InstallationView>),
    /// The fleet, which does not know the bot yet.
    NotYet,
    /// Nobody: no server answers.
    NoServer,
}

impl From<Option<InstallationView>> for Observation {
    fn from(view: Option<InstallationView>) -> Self {
        view.map_or(Self::NotYet, |view| Self::Seen(Box::new(view)))
    }
}

impl InstallationDocument {
    /// Of what is kept and what is observed.
    #[must_use]
    pub fn of(record: &InstallationRecord, observed: impl Into<Observation>) -> Self {
        let times = |times: &[i64]| times.iter().copied().map(Timestamp::of_ms).collect();
        let document = Self {
            id: record.public_id.to_string(),
            name: record.name.to_string(),
            platform: record.platform.label().into(),
            app_id: record.app_id.clone(),
            base_url: record.base_url.as_ref().map(|url| url.as_str().to_owned()),
            has_proxy: record.has_proxy(),
            mode: record.mode.label().into(),
            callback_path: callback_path(record),
            has_verification_token: record.has_verification_token(),
            has_encrypt_key: record.has_encrypt_key(),
            candidate: record.candidate.as_deref().map(CandidateDocument::from),
            take_back_after: record.take_back.map(take_back_after),
            take_back_per_day: record.take_back.map(TakeBack::per_day),
            origin: record.origin.label().into(),
            desired: record.desired.label().into(),
            created: Timestamp::of_ms(record.created_ms),
            updated: Timestamp::of_ms(record.updated_ms),
            guarantee: record.platform.guarantee().id().into(),
            state: "unknown".into(),
            state_since: None,
            until: None,
            attempt: 0,
            reason: None,
            reason_text: None,
            next_step: None,
            generation: 0,
            displaced_since: record.displaced_ms.map(Timestamp::of_ms),
            taken_back: times(&record.taken_back_ms),
            renewal: None,
            last_event: None,
            lights: None,
            callbacks: None,
        };
        match observed.into() {
            Observation::Seen(view) => document.observed(*view),
            Observation::NotYet => document.not_yet(record),
            Observation::NoServer => document,
        }
    }

    /// With what the fleet sees.
    fn observed(self, view: InstallationView) -> Self {
        Self {
            state: view.state.into(),
            state_since: Some(Timestamp::of_ms(view.state_since_ms)),
            until: view.until_ms.map(Timestamp::of_ms),
            attempt: view.attempt,
            reason: view.reason,
            reason_text: view.reason_text,
            next_step: view.next_step,
            generation: view.generation,
            renewal: view.renewal.map(RenewalDocument::from),
            last_event: view.lights.last_event_ms.map(Timestamp::of_ms),
            lights: Some(LightsDocument::from(view.lights)),
            callbacks: view.callbacks.map(BotCallbacksDocument::from),
            ..self
        }
    }

    /// As the fleet will begin with it.
    fn not_yet(self, record: &InstallationRecord) -> Self {
        let state = match record.desired {
            Desired::Stop => "stopped",
            Desired::Run => "queued",
        };
        Self {
            state: state.into(),
            state_since: Some(Timestamp::of_ms(record.updated_ms)),
            ..self
        }
    }
}

fn take_back_after(take_back: TakeBack) -> String {
    let after_ms = u64::try_from(take_back.after_ms()).unwrap_or_default();
    duration_text(std::time::Duration::from_millis(after_ms))
}

/// Where callbacks of a bot are pushed to; WeCom pushes none.
pub(crate) fn callback_path(record: &InstallationRecord) -> Option<String> {
    match record.platform {
        Platform::Feishu | Platform::Lark => {
            Some(format!("/callbacks/feishu/{}", record.public_id))
        }
        Platform::Wecom => None,
    }
}

impl From<&SecretCandidate> for CandidateDocument {
    fn from(candidate: &SecretCandidate) -> Self {
        Self {
            state: candidate.state.label().into(),
            since: Timestamp::of_ms(candidate.since_ms),
            reason: candidate.state.reason().map(str::to_owned),
        }
    }
}

impl From<RenewalView> for RenewalDocument {
    fn from(view: RenewalView) -> Self {
        Self {
            at: Timestamp::of_ms(view.at_ms),
            outcome: view.outcome.label().into(),
            new_secret: view.is_of_candidate,
            reason: view.reason,
            next_step: view.next_step.map(Label::from),
            generation: view.generation,
            gap_ms: view.gap_ms,
        }
    }
}

impl From<Lights> for LightsDocument {
    fn from(lights: Lights) -> Self {
        Self {
            connected: lights.connected_ms.map(Timestamp::of_ms),
            last_heard: lights.last_heard_ms.map(Timestamp::of_ms),
            pong_round_trip_us: lights.pong_round_trip_us,
            never_heard_an_event: lights.never_heard_an_event,
            attempts_exceeded: lights.attempts_exceeded,
            failures: lights.failures,
            alarm: lights.alarm,
            restarts: lights.restarts,
            reconnects: lights.reconnects,
            events: lights.events,
            repeats: lights.repeats,
            acked: lights.acked,
            refused: lights.refused,
            shed: lights.shed,
            overloaded: lights.overloaded,
            unanswered: lights.unanswered,
            unrecorded: lights.unrecorded,
            left_unread: lights.left_unread,
            malformed: lights.malformed,
            unparsed: lights.unparsed,
            unparsed_dropped: lights.unparsed_dropped,
            cards: CardCountsDocument::from(lights.cards),
        }
    }
}

impl From<CardTotals> for CardCountsDocument {
    fn from(totals: CardTotals) -> Self {
        Self {
            asked: totals.asked,
            answered: totals.answered,
            defaulted: totals.defaulted,
            late: totals.late,
        }
    }
}

impl From<CallbackView> for BotCallbacksDocument {
    fn from(view: CallbackView) -> Self {
        let verdicts = view.verdicts.into_iter();
        Self {
            last: view.last_ms.map(Timestamp::of_ms),
            last_recorded: view.last_recorded_ms.map(Timestamp::of_ms),
            verdicts: verdicts
                .map(|(verdict, count)| (verdict.into(), count))
                .collect(),
            last_refusal: view.last_refusal.map(|refusal| RefusedPostDocument {
                at: Timestamp::of_ms(refusal.at_ms),
                cause: refusal.cause.into(),
                next_step: refusal.hint.into(),
            }),
            unexpected: view.unexpected.map(Label::from),
        }
    }
}
