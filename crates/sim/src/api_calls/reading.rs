//! The calls that read messages.

use longwire_wire::open_api::message_code;
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal};
use super::changes::deleted;
use crate::open_api::{Caller, Memory, StandingMessage};
use crate::state::PlatformState;

/// Most messages of a page, and those of a page that says no size.
const PAGE_MOST: usize = 50;
const PAGE_NOMINAL: usize = 20;

impl PlatformState {
    /// A message as it stands in its chat. A message of made-up traffic has no text that anybody remembers, so it counts as
    /// deleted.
    pub(super) fn message_lookup(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        self.lookup(caller, |state, _| {
            let directory = &state.open_api.directory;
            let name_of = |id: &str| directory.name_of(id);
            match state.open_api.messages.get(asked.route.id) {
                Some(message) if message.recalled_ms.is_some() => {
                    done(json!({ "items": [message.item(&name_of)] }))
                }
                Some(message) if message.memory == Memory::Whole => {
                    if !directory.is_in_chat(&caller.app, &message.chat) {
                        let msg = "The bot can not be outside the group.";
                        return refusal(400, message_code::NOT_IN_GROUP, msg);
                    }
                    done(json!({ "items": message.items(&name_of) }))
                }
                _ => deleted(),
            }
        })
    }

    /// A page of a chat or thread.
    pub(super) fn list_call(&mut self, asked: Asked<'_>) -> ApiReply {
        let query = |name: &str| asked.request.query(name).filter(|text| !text.is_empty());
        let number = |name: &str| query(name).and_then(|text| text.parse::<usize>().ok());
        let is_thread = match query("container_id_type").as_deref() {
            Some("chat") => false,
            Some("thread") => true,
            _ => return bad_field("container_id_type"),
        };
        let Some(container) = query("container_id") else {
            return bad_field("container_id");
        };
        let size = number("page_size").unwrap_or(PAGE_NOMINAL);
        if !(1..=PAGE_MOST).contains(&size) {
            return bad_field("page_size");
        }
        // The place of the first message of the page.
        let start = match query("page_token") {
            None => 0,
            Some(token) => match token.strip_prefix("page-").and_then(|at| at.parse().ok()) {
                Some(start) => start,
                None => return bad_field("page_token"),
            },
        };
        let (from, until) = match is_thread {
            true => (None, None),
            false => (number("start_time"), number("end_time")),
        };
        let is_wanted = |message: &&StandingMessage| {
            let at_s = usize::try_from(message.created_ms / 1_000).unwrap_or(usize::MAX);
            message.only_for.is_none()
                && message.memory == Memory::Whole
                && from.is_none_or(|from| at_s >= from)
                && until.is_none_or(|until| at_s <= until)
        };
        let messages = &self.open_api.messages;
        let mut found: Vec<_> = messages.of(&container).filter(is_wanted).collect();
        if query("sort_type").as_deref() == Some("ByCreateTimeDesc") {
            found.reverse();
        }
        let directory = &self.open_api.directory;
        let name_of = |id: &str| directory.name_of(id);
        let page = found.iter().skip(start).take(size);
        let items: Vec<Value> = page.map(|message| message.item(&name_of)).collect();
        let next = start + items.len();
        let has_more = next < found.len();
        let token = if has_more {
            format!("page-{next}")
        } else {
            String::new()
        };
        done(json!({ "has_more": has_more, "page_token": token, "items": items }))
    }
}
