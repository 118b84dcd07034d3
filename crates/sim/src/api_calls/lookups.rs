//! The calls that read a message and the names of people.
//!
//! A lookup is checked in this order: the token, a scripted behaviour, and whether there is such a message.

use std::time::{Duration, Instant};

use longwire_wire::open_api::{USERS_BASIC_MOST, UsersRequest, code, message_code};
use serde_json::{Value, json};

use super::answers::{ApiReply, refusal, success};
use super::{message_of, token_refusal};
use crate::behaviour::{Behaviour, Occasion};
use crate::http::HttpRequest;
use crate::message::tenant_key;
use crate::state::PlatformState;

impl PlatformState {
    /// A message as it stands in its chat. A message of made-up traffic has no text that anybody remembers, so it counts as
    /// deleted.
    pub(super) fn message_lookup(&mut self, request: &HttpRequest, now: Instant) -> ApiReply {
        self.lookup(request, now, |state, _| {
            let message_id = message_of(request.path()).unwrap_or_default();
            if state.open_api.is_recalled(message_id) {
                let recalled = json!({ "message_id": message_id, "deleted": true });
                return items(vec![recalled]);
            }
            if let Some(standing) = state.open_api.standing(message_id) {
                return items(standing.items());
            }
            let messages = state.open_api.messages(None);
            let of_bot = messages.iter().find(|one| one.message_id == message_id);
            match of_bot {
                Some(message) => items(vec![json!({
                    "message_id": message.message_id,
                    "msg_type": message.msg_type,
                    "create_time": message.at_ms.to_string(),
                    "deleted": false,
                    "chat_id": message.chat,
                    "sender": {
                        "id": message.app,
                        "id_type": "app_id",
                        "sender_type": "app",
                        "tenant_key": tenant_key(),
                    },
                    "body": { "content": message.content },
                })]),
                None => refusal(400, message_code::DELETED, "The message was deleted."),
            }
        })
    }

    /// What people show of themselves. Everybody exists whose id begins with `ou_`.
    pub(super) fn names_call(&mut self, request: &HttpRequest, now: Instant) -> ApiReply {
        self.lookup(request, now, |_, named| {
            let asked = UsersRequest::parse(&request.body).ok();
            let asked = asked.filter(|asked| asked.user_ids.len() <= USERS_BASIC_MOST);
            let Some(asked) = asked else {
                return refusal(400, code::FIELD_INVALID, "field validation failed");
            };
            let known = asked.user_ids.iter().filter(|id| id.starts_with("ou_"));
            let users: Vec<Value> = known
                .map(|id| match named {
                    Named::Yes => json!({ "user_id": id, "name": name_of(id), "i18n_name": {} }),
                    Named::No => json!({ "user_id": id }),
                })
                .collect();
            success(json!({ "code": 0, "msg": "success", "data": { "users": users } }))
        })
    }

    fn lookup(
        &mut self,
        request: &HttpRequest,
        now: Instant,
        answer: impl FnOnce(&Self, Named) -> ApiReply,
    ) -> ApiReply {
        self.ledger.lookups += 1;
        let app = match self.open_api.app_of(request.header("authorization"), now) {
            Ok(app) => app,
            Err(refused) => return token_refusal(refused),
        };
        match self.scripts.take(Occasion::Lookup, &app) {
            Some(Behaviour::LookupRefuse { http, code, msg }) => refusal(http, code, &msg),
            Some(Behaviour::LookupHang) => ApiReply::Hang,
            Some(Behaviour::LookupSlow { delay_ms }) => {
                late(answer(self, Named::Yes), Duration::from_millis(delay_ms))
            }
            Some(Behaviour::LookupNameless) => answer(self, Named::No),
            _ => answer(self, Named::Yes),
        }
    }
}

/// Whether people have their names in the answer.
#[derive(Clone, Copy)]
enum Named {
    Yes,
    No,
}

/// The name of an invented person.
fn name_of(open_id: &str) -> String {
    let digits = open_id.len().saturating_sub(4);
    let last = open_id.get(digits..).unwrap_or_default();
    format!("Person {last}")
}

fn items(items: Vec<Value>) -> ApiReply {
    success(json!({ "code": 0, "msg": "success", "data": { "items": items } }))
}

fn late(reply: ApiReply, delay: Duration) -> ApiReply {
    match reply {
        ApiReply::Answer(answer) => ApiReply::Late { answer, delay },
        other => other,
    }
}
