//! The commands about the Open API and its chats.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::body;
use crate::control::Control;
use crate::http::HttpRequest;
use crate::profiles::{BotProfile, ChatProfile, PersonProfile};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DescribeRequest {
    Bot {
        app: String,
        #[serde(default)]
        profile: BotProfile,
    },
    Person {
        open_id: String,
        #[serde(default)]
        profile: PersonProfile,
    },
    Chat {
        chat: String,
        #[serde(default)]
        profile: ChatProfile,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PassTimeRequest {
    seconds: u64,
}

/// The result of a command; `None` if there is no such command.
pub(super) fn answer(
    control: &Control,
    verb: &str,
    request: &HttpRequest,
) -> Option<Result<Value, String>> {
    match (request.method.as_str(), verb) {
        ("POST", "describe") => Some(describe(control, request)),
        ("POST", "pass_time") => Some(pass_time(control, request)),
        ("GET", "bot") => {
            let app = request.query("app").unwrap_or_default();
            Some(Ok(json!({ "open_id": control.bot_open_id(&app) })))
        }
        ("GET", verb) => {
            let chat = verb.strip_prefix("chats/")?.strip_suffix("/transcript")?;
            Some(Ok(json!(control.transcript(chat))))
        }
        _ => None,
    }
}

fn describe(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    match body(request)? {
        DescribeRequest::Bot { app, profile } => control.describe_bot(&app, profile),
        DescribeRequest::Person { open_id, profile } => control.describe_person(&open_id, profile),
        DescribeRequest::Chat { chat, profile } => control.describe_chat(&chat, profile),
    }
    Ok(json!({ "described": true }))
}

fn pass_time(control: &Control, request: &HttpRequest) -> Result<Value, String> {
    let asked: PassTimeRequest = body(request)?;
    control.pass_time(Duration::from_secs(asked.seconds));
    Ok(json!({ "passed": true }))
}
