//! A bot as applications may know it.

use std::collections::BTreeMap;

use longwire_consumer::time_text;
use longwire_fleet::{CallbackView, InstallationView};
use longwire_installation::{Desired, Platform};
use longwire_store::{InstallationRecord, SecretCandidate};
use serde::Serialize;
use utoipa::ToSchema;

/// A bot. Its secrets are not here; only which of them are set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installation)]
pub(crate) struct BotDocument {
    /// Its id, as in the `installationid` of its events.
    id: String,
    /// The operator's name for it.
    name: String,
    /// `feishu`, `lark` or `wecom`.
    platform: &'static str,
    /// The platform's id of the app or bot.
    app_id: String,
    /// Another address of the platform.
    base_url: Option<String>,
    /// Whether it has a proxy of its own.
    has_proxy: bool,
    /// By which road its events come: `long_connection`, `webhook` or `both`.
    mode: &'static str,
    /// Where the platform pushes callbacks to, behind the address under which it reaches this gateway. Bots of Feishu and Lark
    /// have one, in any mode.
    callback_path: Option<String>,
    /// Whether its verification token is set.
    has_verification_token: bool,
    /// Whether its encrypt key is set.
    has_encrypt_key: bool,
    /// A new secret that waits until the platform has taken it, or that the platform refused.
    candidate: Option<CandidateDocument>,
    /// Who declared it: `file`, `cli` or `api`. What the configuration file declares is changed there alone.
    origin: &'static str,
    /// `run` or `stop`.
    desired: &'static str,
    /// `live`, `connecting`, `backing_off`, `refused`, `displaced` and others.
    state: &'static str,
    /// Since when.
    state_since: String,
    /// Why it is not live, by a stable name.
    reason: Option<String>,
    /// What to do about it.
    next_step: Option<String>,
    /// When its last event came.
    last_event: Option<String>,
    /// What is promised of its events, by a stable name.
    guarantee: Option<&'static str>,
    /// What came by its callback route since the gateway started.
    callbacks: Option<BotCallbacksDocument>,
}

/// What came by the callback route of a bot since the gateway started.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstallationCallbacks)]
pub(crate) struct BotCallbacksDocument {
    /// When the last request came, whatever became of it.
    last: Option<String>,
    /// When the last one came whose event is recorded.
    last_recorded: Option<String>,
    /// How many there were, by what became of them: `challenged`, `recorded`, `repeated`, and each cause of a refusal.
    verdicts: BTreeMap<&'static str, u64>,
    /// The last one that was not recorded.
    last_refusal: Option<RefusedPostDocument>,
    /// What to do where callbacks come although the mode of the bot says otherwise. They are recorded all the same.
    unexpected: Option<&'static str>,
}

/// A callback that was not recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefusedCallback)]
pub(crate) struct RefusedPostDocument {
    /// When it came.
    at: String,
    /// Why it was not recorded, by a stable name.
    cause: &'static str,
    /// What to do about it.
    next_step: &'static str,
}

impl From<CallbackView> for BotCallbacksDocument {
    fn from(view: CallbackView) -> Self {
        Self {
            last: view.last_ms.map(time_text),
            last_recorded: view.last_recorded_ms.map(time_text),
            verdicts: view.verdicts,
            last_refusal: view.last_refusal.map(|refusal| RefusedPostDocument {
                at: time_text(refusal.at_ms),
                cause: refusal.cause,
                next_step: refusal.hint,
            }),
            unexpected: view.unexpected,
        }
    }
}

/// A new secret of a bot, which keeps its present one meanwhile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecretCandidate)]
pub(crate) struct CandidateDocument {
    /// `waiting` or `refused`.
    state: &'static str,
    /// Since when.
    since: String,
    /// Why it was refused.
    reason: Option<String>,
}

impl From<&SecretCandidate> for CandidateDocument {
    fn from(candidate: &SecretCandidate) -> Self {
        Self {
            state: candidate.state.label(),
            since: time_text(candidate.since_ms),
            reason: candidate.state.reason().map(str::to_owned),
        }
    }
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

impl BotDocument {
    /// Of what is kept, and what the fleet sees; `None` while the fleet does not know it.
    pub(crate) fn of(record: &InstallationRecord, view: Option<InstallationView>) -> Self {
        let unseen = match record.desired {
            Desired::Stop => "stopped",
            Desired::Run => "queued",
        };
        let state = view.as_ref().map_or(unseen, |view| view.state);
        let state_since_ms = view
            .as_ref()
            .map_or(record.updated_ms, |view| view.state_since_ms);
        let last_event_ms = view.as_ref().and_then(|view| view.lights.last_event_ms);
        let (reason, next_step, callbacks) = view.map_or((None, None, None), |view| {
            (view.reason, view.next_step, view.callbacks)
        });
        Self {
            id: record.public_id.to_string(),
            name: record.name.to_string(),
            platform: record.platform.label(),
            app_id: record.app_id.clone(),
            base_url: record.base_url.as_ref().map(|url| url.as_str().to_owned()),
            has_proxy: record.has_proxy(),
            mode: record.mode.label(),
            callback_path: callback_path(record),
            has_verification_token: record.has_verification_token(),
            has_encrypt_key: record.has_encrypt_key(),
            candidate: record.candidate.as_deref().map(CandidateDocument::from),
            origin: record.origin.label(),
            desired: record.desired.label(),
            state,
            state_since: time_text(state_since_ms),
            reason,
            next_step,
            last_event: last_event_ms.map(time_text),
            guarantee: Some(record.platform.guarantee().id()),
            callbacks: callbacks.map(BotCallbacksDocument::from),
        }
    }
}
