//! Where a message goes: the chat of a receiver, or that of the message that is replied to.

use std::time::Instant;

use longwire_wire::open_api::message_code;

use super::answers::{ApiReply, bad_field, refusal};
use crate::ids::scramble;
use crate::message::{chat_of, number_of};
use crate::open_api::{Caller, Memory, StandingMessage};
use crate::state::PlatformState;
use crate::transcript::ChatAuthor;

/// The kinds of ids that a receiver may be named by.
const RECEIVER_IDS: [&str; 5] = ["open_id", "union_id", "user_id", "email", "chat_id"];

/// Where a message goes.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) chat: String,
    pub(super) parent: Option<Parent>,
}

/// The message that is replied to.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) message_id: String,
    pub(super) root_id: String,
    pub(super) thread_id: Option<String>,
}

impl PlatformState {
    /// The chat of a receiver.
    pub(super) fn receiver(
        &self,
        caller: &Caller,
        id_type: &str,
        id: Option<&str>,
    ) -> Result<Destination, ApiReply> {
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Err(bad_field("receive_id"));
        };
        if !RECEIVER_IDS.contains(&id_type) {
            return Err(bad_field("receive_id_type"));
        }
        let directory = &self.open_api.directory;
        let chat = if id_type == "chat_id" {
            id.to_owned()
        } else {
            let open_id = directory.open_id_of(id_type, id);
            if !directory.is_in_reach(&open_id) {
                let msg = "Bot has NO availability to this user.";
                return Err(refusal(400, message_code::USER_OUT_OF_REACH, msg));
            }
            directory.direct_chat(&caller.app, &open_id)
        };
        if !directory.is_in_chat(&caller.app, &chat) {
            let msg = "The bot can not be outside the group.";
            return Err(refusal(400, message_code::NOT_IN_GROUP, msg));
        }
        Ok(Destination { chat, parent: None })
    }

    /// The chat, root and thread of a message that is replied to. One that nobody remembers is taken for made-up traffic.
    pub(super) fn parent_of(
        &mut self,
        caller: &Caller,
        message_id: &str,
        in_thread: bool,
    ) -> Result<Destination, ApiReply> {
        let known = self.open_api.messages.get(message_id);
        if known.is_some_and(|known| known.recalled_ms.is_some()) {
            return Err(refusal(
                400,
                message_code::RECALLED,
                "The message is recalled.",
            ));
        }
        let chat = known.map(|known| known.chat.clone());
        let root_id = known.map_or(message_id, StandingMessage::root).to_owned();
        let thread_id = known.and_then(|known| known.thread_id.clone());
        let chat = chat.unwrap_or_else(|| self.made_up_chat(message_id));
        if !self.open_api.directory.is_in_chat(&caller.app, &chat) {
            let msg = "The bot can not be outside the group.";
            return Err(refusal(400, message_code::NOT_IN_GROUP, msg));
        }
        let opens = in_thread || self.open_api.directory.is_topic_chat(&chat);
        let thread_id = thread_id.or_else(|| opens.then(|| thread_of(&root_id)));
        if let (Some(thread), Some(known)) =
            (&thread_id, self.open_api.messages.get_mut(message_id))
        {
            known.thread_id = Some(thread.clone());
        }
        let parent = Parent {
            message_id: message_id.to_owned(),
            root_id,
            thread_id,
        };
        Ok(Destination {
            chat,
            parent: Some(parent),
        })
    }

    /// The chat of a message of made-up traffic.
    pub(super) fn made_up_chat(&self, message_id: &str) -> String {
        let number = number_of(message_id, self.settings.seed);
        chat_of(number.unwrap_or(0), self.generator.chats())
    }

    /// The message with this id. One that nobody remembers is taken for made-up traffic, and has an id and a chat only.
    pub(crate) fn standing_mut(
        &mut self,
        message_id: &str,
        now: Instant,
    ) -> Option<&mut StandingMessage> {
        if self.open_api.messages.get(message_id).is_none() {
            let chat = self.made_up_chat(message_id);
            let person = ChatAuthor::Person(chat.replacen("oc_", "ou_", 1));
            let at = self.moment(now);
            let mut message = StandingMessage::new(message_id.to_owned(), chat, person, at);
            message.memory = Memory::IdOnly;
            self.open_api
                .messages
                .add(message, self.settings.keep_records);
        }
        self.open_api.messages.get_mut(message_id)
    }
}

/// The thread of the message that began it.
fn thread_of(root_id: &str) -> String {
    let hash = root_id
        .bytes()
        .fold(0, |hash, byte| scramble(hash ^ u64::from(byte)));
    format!("omt_{hash:016x}")
}
