//! The Lark Callback Server: what it says of itself.
//!
//! It serves one app at `/callback`, and `/health` names the types of callbacks for which a handler is registered. Here these
//! are the types that consumers claim, in its spelling. Everything here is a value; `routes` asks and answers.

mod routes;

use longwire_consumer::time_text;
use serde::Serialize;
use utoipa::ToSchema;

pub(super) use routes::add;

/// The answer to `/health`: three members as they were there, and what else is known. The route is open to the internet, so
/// there is no name and no id in it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = LarkCallbackHealth)]
pub(crate) struct HealthDocument {
    /// `ok`: the process answers.
    status: &'static str,
    /// That it does.
    message: &'static str,
    /// The types of callbacks that consumers claim, such as `card_action_trigger`.
    registered_handlers: Vec<String>,
    /// Whether events are recorded.
    ready: bool,
    /// The state of the bot's long connection; null without a bot.
    connection: Option<&'static str>,
    /// How the bot's events come: `long_connection`, `webhook` or `both`; null without a bot.
    mode: Option<&'static str>,
    /// When the bot's last callback came since the process started.
    last_callback: Option<String>,
    /// What keeps callbacks from being served or answered, and what to do about it.
    hint: Option<&'static str>,
}

/// The bot that `/callback` serves, as it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServedBot {
    /// The state of its long connection.
    pub(crate) connection: &'static str,
    /// How its events come.
    pub(crate) mode: &'static str,
    /// When its last callback came, in milliseconds since 1970.
    pub(crate) last_callback_ms: Option<i64>,
}

/// Why `/callback` serves no bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoBot {
    /// No bot has callbacks, or none has the name.
    None,
    /// More than one has callbacks, and none is named.
    Several,
}

impl NoBot {
    fn hint(self) -> &'static str {
        match self {
            Self::None => {
                "no bot takes callbacks: set the mode of one to webhook or both, or name it in compat.lark_callback_server"
            }
            Self::Several => {
                "several bots take callbacks: name one in compat.lark_callback_server, or give each its own address, /callbacks/feishu/NAME"
            }
        }
    }
}

impl HealthDocument {
    pub(crate) fn of(
        bot: Result<ServedBot, NoBot>,
        claimed: &[&'static str],
        is_ready: bool,
    ) -> Self {
        let served = bot.ok();
        let hint = match bot {
            Err(why) => Some(why.hint()),
            Ok(_) if claimed.is_empty() => Some(
                "no consumer claims callbacks: set claims_cards of one, or clicks get the default answer",
            ),
            Ok(_) => None,
        };
        Self {
            status: "ok",
            message: "Lark Callback Server is running",
            registered_handlers: claimed.iter().map(|name| handler_name(name)).collect(),
            ready: is_ready,
            connection: served.map(|bot| bot.connection),
            mode: served.map(|bot| bot.mode),
            last_callback: served.and_then(|bot| bot.last_callback_ms).map(time_text),
            hint,
        }
    }
}

/// A type of callbacks as the server's handlers are registered: `card.action.trigger` is `card_action_trigger` there.
fn handler_name(event_type: &str) -> String {
    event_type.replace('.', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVED: ServedBot = ServedBot {
        connection: "webhook",
        mode: "webhook",
        last_callback_ms: Some(1_773_741_600_000),
    };

    /// S225, S227, S249: the three members come first, and are what they were.
    #[test]
    fn health_is_answered_to_the_byte() {
        let body = |bot, claimed: &[&'static str]| {
            let document = HealthDocument::of(bot, claimed, true);
            serde_json::to_string(&document).expect("it has a JSON form")
        };
        assert_eq!(
            body(Ok(SERVED), &["card.action.trigger"]),
            concat!(
                r#"{"status":"ok","message":"Lark Callback Server is running","registered_handlers":["card_action_trigger"],"#,
                r#""ready":true,"connection":"webhook","mode":"webhook","last_callback":"2026-03-17T10:00:00.000Z","hint":null}"#
            )
        );
        let without = body(Err(NoBot::Several), &[]);
        let head = r#"{"status":"ok","message":"Lark Callback Server is running","registered_handlers":[],"#;
        assert!(without.starts_with(head), "{without}");
        assert!(without.contains("compat.lark_callback_server"), "{without}");
    }

    /// S229: a click that nobody would answer shows before somebody clicks.
    #[test]
    fn a_bot_without_a_handler_has_a_hint() {
        let hint = |bot, claimed: &[&'static str]| HealthDocument::of(bot, claimed, true).hint;
        assert!(hint(Ok(SERVED), &[]).is_some_and(|hint| hint.contains("claims_cards")));
        assert_eq!(hint(Ok(SERVED), &["url.preview.get"]), None);
        assert!(hint(Err(NoBot::None), &[]).is_some());
    }
}
