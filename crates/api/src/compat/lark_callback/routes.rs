//! The handlers of the Lark Callback Server.

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use longwire_consumer::claimed_callbacks;
use longwire_store::{ConsumerState, InstallationRecord};

use super::{HealthDocument, NoBot, ServedBot};
use crate::Api;
use crate::compat::{self, CallbackBot};
use crate::openapi::reference;
use crate::operation::Operation;
use crate::table::Table;
use crate::{callbacks, probes};

pub(crate) fn add(table: Table) -> Table {
    let health = Operation::open("/health", "lark_callback_health")
        .about(
            "compatibility",
            "Lark Callback Server: whether it runs, and what it handles",
            "The first three members are as they were there. It is 200 as long as the process answers; `ready` says whether events are recorded.",
        )
        .json(200, "It runs.", reference("LarkCallbackHealth"));
    let callback = Operation::callback("/callback", "lark_callback").about(
        "compatibility",
        "Lark Callback Server: take a callback of Feishu or Lark",
        "As `/callbacks/feishu/{installation}`, for the bot that the configuration names.",
    );
    table
        .schema::<HealthDocument>()
        .add(health, health_of)
        .add(callback, take)
}

async fn take(api: Data<Api>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let bot = served_bot(&api).ok().map(|record| record.id);
    callbacks::take_for(&api, &request, payload, bot).await
}

async fn health_of(api: Data<Api>) -> HttpResponse {
    let bot = served_bot(&api);
    let fleet = &api.settings.fleet;
    let served = bot.as_ref().map_err(|why| *why).map(|record| {
        let view = fleet.installation(&record.public_id.to_string());
        ServedBot {
            connection: view.as_ref().map_or("stopped", |view| view.state),
            mode: record.mode.label(),
            last_callback_ms: view.and_then(|view| view.callbacks?.last_ms),
        }
    });
    let claimed = bot.map_or_else(|_| Vec::new(), |record| claimed_of(&api, &record));
    let document = HealthDocument::of(served, &claimed, probes::is_ready(&api.settings));
    HttpResponse::Ok().json(document)
}

/// The types of the bot's callbacks that consumers of its space claim now.
fn claimed_of(api: &Api, bot: &InstallationRecord) -> Vec<&'static str> {
    let consumers = api.settings.deliveries.consumers(&bot.space);
    let active = consumers.iter();
    let active = active.filter(|view| view.state == ConsumerState::Active);
    let definitions = active.map(|view| &*view.definition);
    claimed_callbacks(definitions, bot.public_id, bot.platform)
}

/// The bot that `/callback` serves.
fn served_bot(api: &Api) -> Result<Arc<InstallationRecord>, NoBot> {
    let fleet = &api.settings.fleet;
    let named = match &api.settings.compat.lark_callback {
        Some(CallbackBot::Named(name)) => fleet.installation_id(name.as_str()),
        Some(CallbackBot::Only) | None => {
            let records = fleet.records().into_iter();
            let mut bots = records.filter(|record| record.mode.takes_callbacks());
            return match (bots.next(), bots.next()) {
                (Some(bot), None) => Ok(bot),
                (None, _) => Err(NoBot::None),
                (Some(_), Some(_)) => Err(NoBot::Several),
            };
        }
    };
    let record = named.and_then(|id| fleet.record(id));
    let record = record.filter(|record| compat::is_pushed_to(record.platform));
    record.ok_or(NoBot::None)
}
