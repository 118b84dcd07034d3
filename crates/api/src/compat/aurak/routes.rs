//! The handlers of AuraK's bot API.
//!
//! A change is kept first. Then the fleet is told, and the answer waits a moment until it has taken the change up, so that the
//! next question is answered by it.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use longwire_access::{AuditAction, Scope};
use longwire_installation::Desired;
use longwire_listener::{Caller, Problem};
use longwire_store::{InstallationChange, InstallationRecord};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    AurakChange, AurakWish, ConnectionsDocument, ListedBotDocument, StatusDocument, SwitchDocument,
    WebhookKeys,
};
use crate::compat::KnownBot;
use crate::installations::{begins_to_connect, has_room};
use crate::openapi::reference;
use crate::operation::Operation;
use crate::query::QueryReader;
use crate::table::Table;
use crate::{Api, audit, callbacks, store_calls};

/// How long an answer waits for the fleet. It takes some milliseconds with thousands of bots.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(1);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Bots in all, where a page of them is answered.
const TOTAL: &str = "X-Total-Count";

pub(crate) fn add(table: Table) -> Table {
    let read = |path, id| Operation::get(path, Scope::InstallationsRead, id);
    let write = |path, id| Operation::write(Method::POST, path, Scope::InstallationsWrite, id);
    let of_bot = |operation: Operation| {
        let example = "ins_00000000000000000000000000";
        let operation = operation.path_part("id", "Its id or name.", example);
        operation.json(
            400,
            "There is no such bot, or it could not be done.",
            reference("AurakSwitch"),
        )
    };
    let table = table
        .schema::<SwitchDocument<'_>>()
        .schema::<StatusDocument<'_>>()
        .schema::<ConnectionsDocument<'_>>()
        .schema::<ListedBotDocument<'_>>();
    table
        .add(
            of_bot(write("/api/feishu/bots/{id}/ws/connect", "aurak_connect"))
                .about(
                    "compatibility",
                    "AuraK: connect a bot",
                    "Kept first, so that a restart connects it again. A bot that is connected stays as it is.",
                )
                .json(200, "It is to be connected.", reference("AurakSwitch")),
            connect,
        )
        .add(
            of_bot(write("/api/feishu/bots/{id}/ws/disconnect", "aurak_disconnect"))
                .about(
                    "compatibility",
                    "AuraK: disconnect a bot",
                    "Its webhook goes on, if its callbacks can be verified.",
                )
                .json(200, "It is to be disconnected.", reference("AurakSwitch")),
            disconnect,
        )
        .add(
            of_bot(read("/api/feishu/bots/{id}/ws/status", "aurak_status"))
                .about("compatibility", "AuraK: show the state of a connection", "")
                .json(200, "The state.", reference("AurakStatus")),
            status,
        )
        .add(
            read("/api/feishu/ws/status", "aurak_statuses")
                .about("compatibility", "AuraK: show the state of each connection", "")
                .json(200, "All states.", reference("AurakConnections")),
            statuses,
        )
        .add(
            read("/api/feishu/bots", "aurak_bots")
                .about("compatibility", "AuraK: list the bots", "All of them, or one page.")
                .query("page", "Which page, from 1.", json!({"type": "integer", "minimum": 1}))
                .query("limit", "Bots of a page.", json!({"type": "integer", "minimum": 1, "maximum": 500}))
                .json(200, "The bots.", json!({"type": "array", "items": reference("AurakBot")})),
            list,
        )
        .add(
            Operation::callback("/api/feishu/webhook/{app_id}", "aurak_webhook")
                .about(
                    "compatibility",
                    "AuraK: take a callback of Feishu or Lark",
                    "As `/callbacks/feishu/{installation}`, for the bot of this app.",
                )
                .path_part("app_id", "The platform's id of the app.", "cli_0123456789abcdef"),
            webhook,
        )
}

/// A callback to the bot of this app. Of several, the one that is to run has it.
async fn webhook(
    api: Data<Api>,
    request: HttpRequest,
    payload: Payload,
    app_id: Path<String>,
) -> HttpResponse {
    let records = api.settings.fleet.records_of_app(&app_id);
    let wanted = records.iter().find(|one| one.desired == Desired::Run);
    let bot = wanted.or(records.first()).map(|record| record.id);
    callbacks::take_for(&api, &request, payload, bot).await
}

async fn connect(api: Data<Api>, caller: Caller, id: Path<String>) -> HttpResponse {
    switch(&api, &caller, &id, Switch::Connect).await
}

async fn disconnect(api: Data<Api>, caller: Caller, id: Path<String>) -> HttpResponse {
    switch(&api, &caller, &id, Switch::Disconnect).await
}

async fn status(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    Ok(match known(&api, &caller, &id) {
        Some(bot) => HttpResponse::Ok().json(StatusDocument::of(&id, wish(&bot.record), &bot.view)),
        None => HttpResponse::BadRequest().json(SwitchDocument::not_found()),
    })
}

async fn statuses(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let bots: Vec<KnownBot> = seen(&api, &caller).collect();
    let bots = bots.iter().map(|bot| (wish(&bot.record), &bot.view));
    Ok(HttpResponse::Ok().json(ConnectionsDocument::of(bots)))
}

async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = QueryReader::of(request.query_string());
    let page = query.page();
    query.finish()?;
    let bots: Vec<KnownBot> = seen(&api, &caller).collect();
    let (skip, take) = page.unwrap_or((0, usize::MAX));
    let shown = bots.iter().skip(skip).take(take);
    let shown: Vec<_> = shown
        .map(|bot| ListedBotDocument::of(wish(&bot.record), &bot.view))
        .collect();
    Ok(HttpResponse::Ok()
        .insert_header((TOTAL, bots.len()))
        .json(shown))
}

/// What is asked of a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    Connect,
    Disconnect,
}

impl Switch {
    fn action(self) -> AuditAction {
        match self {
            Self::Connect => AuditAction::InstallationStart,
            Self::Disconnect => AuditAction::InstallationStop,
        }
    }

    /// What is said where nothing more can be.
    fn failed(self) -> &'static str {
        match self {
            Self::Connect => "Failed to connect",
            Self::Disconnect => "Failed to disconnect",
        }
    }

    fn done(self, id: &str) -> SwitchDocument<'_> {
        match self {
            Self::Connect => SwitchDocument::connecting(id),
            Self::Disconnect => SwitchDocument::disconnected(id),
        }
    }

    /// What has to be changed; `None` for a bot that is disabled.
    fn change(self, record: &InstallationRecord) -> Option<AurakChange> {
        let (mode, desired) = (record.mode, record.desired);
        match self {
            Self::Connect => AurakChange::to_connect(mode, desired),
            Self::Disconnect => {
                let keys = match record.has_verification_token() || record.has_encrypt_key() {
                    true => WebhookKeys::Known,
                    false => WebhookKeys::Missing,
                };
                Some(AurakChange::to_disconnect(mode, desired, keys))
            }
        }
    }
}

/// Changes what is wanted of a bot, if it is not so already.
async fn switch(api: &Api, caller: &Caller, id: &str, switch: Switch) -> HttpResponse {
    let changed = match known(api, caller, id) {
        None => Err(Problem::not_found(super::NOT_FOUND)),
        Some(bot) => match switch.change(&bot.record) {
            None => return HttpResponse::BadRequest().json(SwitchDocument::disabled()),
            Some(AurakChange::Nothing) => {
                tracing::warn!(name = %bot.view.name, installation = %bot.view.id, ?switch, "nothing to change: it is so already");
                Ok(())
            }
            Some(change) => keep(api, caller, &bot.record, switch, change).await,
        },
    };
    audit::keep_refusal(api, caller, switch.action(), id, &changed);
    match changed {
        Ok(()) => HttpResponse::Ok().json(switch.done(id)),
        Err(problem) => refusal(id, switch, &problem),
    }
}

/// Keeps the change, tells the fleet, and waits until it knows.
async fn keep(
    api: &Api,
    caller: &Caller,
    record: &InstallationRecord,
    switch: Switch,
    change: AurakChange,
) -> Result<(), Problem> {
    audit::admit(api)?;
    let store = audit::audited_store(api, caller, switch.action(), record.name.as_str());
    let id = record.id;
    let (mode, desired) = match change {
        AurakChange::Nothing => (record.mode, record.desired),
        AurakChange::Desired(desired) => (record.mode, desired),
        AurakChange::Mode(mode) => (mode, record.desired),
    };
    if begins_to_connect(record, mode, desired) {
        has_room(api, &record.space, Some(id))?;
    }
    match change {
        AurakChange::Nothing => {}
        AurakChange::Desired(desired) => {
            store_calls::write(move || store.set_desired(id, desired)).await?;
        }
        AurakChange::Mode(mode) => {
            let change = InstallationChange {
                mode: Some(mode),
                ..InstallationChange::default()
            };
            store_calls::write(move || store.change_installation(id, change)).await?;
        }
    }
    let fleet = &api.settings.fleet;
    fleet.reload();
    tracing::info!(name = %record.name, installation = %record.public_id, %mode, %desired, token = %caller.token, "wanted state changed");
    let end = Instant::now() + TAKEN_UP_WITHIN;
    let is_taken_up = || {
        let record = fleet.record(id);
        record.is_none_or(|record| (record.mode, record.desired) == (mode, desired))
    };
    while !is_taken_up() && Instant::now() < end {
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// A refusal in AuraK's shape, with the status of the problem; one that the caller can mend is 400 there.
fn refusal(id: &str, switch: Switch, problem: &Problem) -> HttpResponse {
    let status = problem.status_code();
    if status == StatusCode::NOT_FOUND {
        return HttpResponse::BadRequest().json(SwitchDocument::not_found());
    }
    let (status, error) = match status.is_server_error() {
        true => (status, switch.failed()),
        false => (StatusCode::BAD_REQUEST, problem.detail()),
    };
    HttpResponse::build(status).json(SwitchDocument::failed(id, error.into()))
}

/// The bot of this id or name, if the caller may know of it.
fn known(api: &Api, caller: &Caller, id: &str) -> Option<KnownBot> {
    let fleet = &api.settings.fleet;
    let bot = KnownBot::of(fleet, fleet.installation(id)?)?;
    sees(caller, &bot).then_some(bot)
}

/// The bots that the caller may know of.
fn seen<'a>(api: &'a Api, caller: &'a Caller) -> impl Iterator<Item = KnownBot> + use<'a> {
    KnownBot::all(api).filter(|bot| sees(caller, bot))
}

fn sees(caller: &Caller, bot: &KnownBot) -> bool {
    caller.sees(&bot.record.space, bot.record.public_id)
}

fn wish(record: &InstallationRecord) -> AurakWish {
    AurakWish::of(record.mode, record.desired)
}
