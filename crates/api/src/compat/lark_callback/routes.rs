//! The handlers of the Lark Callback Server.

use actix_web::HttpResponse;
use actix_web::web::Data;
use longwire_consumer::claimed_callbacks;
use longwire_store::ConsumerState;

use super::{HealthDocument, NoBot, ServedBot};
use crate::Api;
use crate::compat::{CallbackBot, KnownBot};
use crate::openapi::reference;
use crate::operation::Operation;
use crate::probes;
use crate::table::Table;

pub(crate) fn add(table: Table) -> Table {
    let health = Operation::open("/health", "lark_callback_health")
        .about(
            "compatibility",
            "Lark Callback Server: whether it runs, and what it handles",
            "The first three members are as they were there. It is 200 as long as the process answers; `ready` says whether events are recorded.",
        )
        .json(200, "It runs.", reference("LarkCallbackHealth"));
    table.schema::<HealthDocument>().add(health, health_of)
}

async fn health_of(api: Data<Api>) -> HttpResponse {
    let bot = served_bot(&api);
    let served = bot.as_ref().map_err(|why| *why).map(|bot| ServedBot {
        connection: bot.view.state,
        mode: bot.record.mode.label(),
        last_callback_ms: None,
    });
    let claimed = bot.map_or_else(|_| Vec::new(), |bot| claimed_of(&api, &bot));
    let document = HealthDocument::of(served, &claimed, probes::is_ready(&api.settings));
    HttpResponse::Ok().json(document)
}

/// The types of the bot's callbacks that consumers of its space claim now.
fn claimed_of(api: &Api, bot: &KnownBot) -> Vec<&'static str> {
    let consumers = api.settings.deliveries.consumers(&bot.record.space);
    let active = consumers.iter();
    let active = active.filter(|view| view.state == ConsumerState::Active);
    let definitions = active.map(|view| &*view.definition);
    claimed_callbacks(definitions, bot.record.public_id, bot.record.platform)
}

/// The bot that `/callback` serves.
fn served_bot(api: &Api) -> Result<KnownBot, NoBot> {
    let fleet = &api.settings.fleet;
    match &api.settings.compat.lark_callback {
        Some(CallbackBot::Named(name)) => {
            let view = fleet.installation(name.as_str());
            view.and_then(|view| KnownBot::of(fleet, view))
                .ok_or(NoBot::None)
        }
        Some(CallbackBot::Only) | None => {
            let mut bots = KnownBot::all(api).filter(|bot| bot.record.mode.takes_callbacks());
            match (bots.next(), bots.next()) {
                (Some(bot), None) => Ok(bot),
                (None, _) => Err(NoBot::None),
                (Some(_), Some(_)) => Err(NoBot::Several),
            }
        }
    }
}
