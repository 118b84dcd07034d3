//! `/v1/installations`: the bots of a space, as applications may know them. Nothing of their access is here.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_consumer::time_text;
use longwire_fleet::{CallbackView, InstallationView};
use longwire_installation::{Platform, PublicId};
use longwire_listener::{Caller, Problem};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::cursor::CursorList;
use crate::events::cursors;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;
use crate::{Api, page};

/// A bot.
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

impl From<InstallationView> for BotDocument {
    fn from(view: InstallationView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            platform: view.platform,
            app_id: view.app_id,
            desired: view.desired,
            state: view.state,
            state_since: time_text(view.state_since_ms),
            reason: view.reason,
            next_step: view.next_step,
            last_event: view.lights.last_event_ms.map(time_text),
            guarantee: Platform::parse(view.platform).map(|platform| platform.guarantee().id()),
            callbacks: view.callbacks.map(BotCallbacksDocument::from),
        }
    }
}

/// In the order in which they were added.
pub(crate) async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let (limit, after) = (query.limit(), query.text("after"));
    query.finish()?;
    let cursors = cursors(&api, &caller);
    let after = match after {
        Some(text) => cursors.read(CursorList::Installations, &text)?,
        None => 0,
    };
    let place = |id: &PublicId| u128::from_be_bytes(*id.as_bytes());
    let mut views: Vec<(PublicId, InstallationView)> = (api.settings.fleet.installations())
        .into_iter()
        .filter_map(|view| Some((view.id.parse().ok()?, view)))
        .filter(|(id, view)| caller.sees(&view.space, *id) && place(id) > after)
        .collect();
    views.sort_by_key(|(id, _)| *id);
    let next = (views.len() > limit)
        .then(|| cursors.write(CursorList::Installations, place(&views[limit - 1].0)));
    views.truncate(limit);
    let data: Vec<Value> = views
        .into_iter()
        .map(|(_, view)| json!(BotDocument::from(view)))
        .collect();
    Ok(page::answer(&data, next.as_deref(), &request))
}

/// One of them, by id or name.
pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    installation: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let view = api.settings.fleet.installation(&installation);
    let view = view.filter(|view| {
        let id = view.id.parse();
        id.is_ok_and(|id| caller.sees(&view.space, id))
    });
    let view = view.ok_or_else(|| {
        let detail = format!("there is no installation `{installation}`");
        ProblemCode::NotFound.problem(detail)
    })?;
    Ok(HttpResponse::Ok().json(BotDocument::from(view)))
}
