//! The calls that send a message, reply to one and forward one.

use std::borrow::Cow;
use std::time::Instant;

use longwire_wire::open_api::{MessageRequest, TEXT_REQUEST_BYTES, message_code};
use serde_json::{Value, json};

use super::Asked;
use super::answers::{ApiReply, bad_field, done, refusal, scripted};
use super::destinations::Destination;
use crate::behaviour::{Behaviour, Occasion};
use crate::ids::{hex32, scramble};
use crate::open_api::{Caller, Content, FileKind, Moment, RateLimit, RateOf, StandingMessage};
use crate::state::PlatformState;
use crate::transcript::{ChatAuthor, ChatFile};

/// Longest request body of a card or post, in bytes: 30 KB.
const CARD_REQUEST_BYTES: usize = 30 * 1024;

impl PlatformState {
    pub(super) fn send_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id_type = asked.request.query("receive_id_type").unwrap_or_default();
        self.message_call(caller, asked, |state, message| {
            state.receiver(caller, &id_type, message.receive_id.as_deref())
        })
    }

    pub(super) fn reply_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id = asked.route.id;
        self.message_call(caller, asked, |state, message| {
            let in_thread = message.reply_in_thread;
            state.parent_of(caller, id, in_thread)
        })
    }

    /// The same content in another chat.
    pub(super) fn forward_call(&mut self, caller: &Caller, asked: Asked<'_>) -> ApiReply {
        let id_type = asked.request.query("receive_id_type").unwrap_or_default();
        let body: Value = serde_json::from_slice(&asked.request.body).unwrap_or_default();
        let receiver = body.get("receive_id").and_then(Value::as_str);
        let destination = match self.receiver(caller, &id_type, receiver) {
            Ok(destination) => destination,
            Err(refused) => return refused,
        };
        let Some(source) = self.open_api.messages.get(asked.route.id) else {
            let msg = "Action unavailable as the message has been deleted.";
            return refusal(400, message_code::DELETED, msg);
        };
        if source.recalled_ms.is_some() {
            return refusal(400, message_code::RECALLED, "The message is recalled.");
        }
        let message = MessageRequest {
            receive_id: None,
            msg_type: Cow::Owned(source.msg_type.clone()),
            content: Cow::Owned(source.content.clone()),
            uuid: asked.request.query("uuid").map(Cow::Owned),
            reply_in_thread: false,
        };
        self.take_message(caller, &message, |_, _| Ok(destination), asked.now)
    }

    fn message_call(
        &mut self,
        caller: &Caller,
        asked: Asked<'_>,
        destination: impl FnOnce(&mut Self, &MessageRequest<'_>) -> Result<Destination, ApiReply>,
    ) -> ApiReply {
        let mut instead = None;
        match self.scripts.take(Occasion::Message, &caller.app) {
            Some(Behaviour::MessageRefuse {
                http,
                code,
                msg,
                reset_s,
                scopes,
            }) => return scripted(http, code, &msg, reset_s, &scopes),
            Some(Behaviour::MessageHang) => return ApiReply::Hang,
            Some(Behaviour::MessageHttp { status }) => return ApiReply::Page { status },
            Some(Behaviour::MessageUnanswered) => instead = Some(ApiReply::Hang),
            Some(Behaviour::MessageReset) => instead = Some(ApiReply::Reset),
            _ => {}
        }
        let Ok(message) = MessageRequest::parse(&asked.request.body) else {
            return bad_field("content");
        };
        let limit = match &*message.msg_type {
            "interactive" | "post" => CARD_REQUEST_BYTES,
            _ => TEXT_REQUEST_BYTES,
        };
        if asked.request.body.len() > limit {
            let msg = "The length of the message content reaches its limit.";
            return refusal(400, message_code::TOO_LONG, msg);
        }
        let reply = self.take_message(caller, &message, destination, asked.now);
        instead.unwrap_or(reply)
    }

    fn take_message(
        &mut self,
        caller: &Caller,
        message: &MessageRequest<'_>,
        destination: impl FnOnce(&mut Self, &MessageRequest<'_>) -> Result<Destination, ApiReply>,
        now: Instant,
    ) -> ApiReply {
        let Some(read) = Content::read(&message.msg_type, &message.content) else {
            let msg = "Your request contains an invalid request parameter.";
            return refusal(400, message_code::PARAMETER, msg);
        };
        if let Some(uuid) = &message.uuid
            && let Some(earlier) = self.open_api.messages.earlier(&caller.app, uuid, now)
        {
            earlier.calls += 1;
            let message_id = earlier.message_id.clone();
            self.ledger.message_repeats += 1;
            return self.told(&message_id);
        }
        let destination = match destination(self, message) {
            Ok(destination) => destination,
            Err(refused) => return refused,
        };
        let limit = RateLimit::per_second(self.settings.chat_messages_per_second);
        let of = RateOf::Chat(destination.chat.clone());
        if self.open_api.rates.admit(of, limit, now).is_err() {
            return chat_rate_refusal();
        }
        match self.stand(caller, message, read, destination, now) {
            Ok(message_id) => self.told(&message_id),
            Err(refused) => refused,
        }
    }

    /// The message is there. Returns its id.
    pub(super) fn stand(
        &mut self,
        caller: &Caller,
        asked: &MessageRequest<'_>,
        read: Content,
        destination: Destination,
        now: Instant,
    ) -> Result<String, ApiReply> {
        let file = self.file_in(caller, &asked.msg_type, read.resource.as_deref())?;
        let card_id = read.card_id.clone();
        if let Some(card_id) = &card_id {
            self.check_sendable(caller, card_id)?;
        }
        let number = scramble(self.settings.seed ^ scramble(self.open_api.next_id()));
        let message_id = format!("om_{}", hex32(number, scramble(number)));
        let author = author_of(caller);
        let at = self.moment(now);
        let message = StandingMessage::new(message_id.clone(), destination.chat, author, at);
        let mut message = message.saying(&asked.msg_type, &asked.content, read);
        if let Some(parent) = destination.parent {
            message.parent_id = Some(parent.message_id);
            message.root_id = Some(parent.root_id);
            message.thread_id = parent.thread_id;
        }
        if let Some(file) = &file
            && asked.msg_type != "image"
            && asked.msg_type != "post"
        {
            message.text = format!("[{} {}]", asked.msg_type, file.name);
        }
        message.file = file;
        message.uuid = asked.uuid.clone().map(Cow::into_owned);
        self.open_api
            .messages
            .add(message, self.settings.keep_records);
        self.ledger.messages_sent += 1;
        if let Some(card_id) = &card_id {
            self.card_is_shown(card_id, &message_id, now);
        }
        Ok(message_id)
    }

    /// The uploaded file that a message shows, if its type fits.
    fn file_in(
        &self,
        caller: &Caller,
        msg_type: &str,
        key: Option<&str>,
    ) -> Result<Option<ChatFile>, ApiReply> {
        let Some(key) = key.filter(|_| msg_type != "sticker") else {
            return Ok(None);
        };
        let Some(file) = self.open_api.files.get(key) else {
            let msg = "Your request contains an invalid request parameter, ext=the key is invalid";
            return Err(refusal(400, message_code::PARAMETER, msg));
        };
        if file.app.as_ref().is_some_and(|app| *app != caller.app) {
            let msg = "The app is not the owner of the resource.";
            return Err(refusal(400, 230_017, msg));
        }
        let fits = match (msg_type, &file.kind) {
            ("image" | "post", _) => true,
            ("audio", FileKind::File(kind)) => kind == "opus",
            ("media", FileKind::File(kind)) => kind == "mp4",
            (_, FileKind::File(_)) => true,
            (_, FileKind::Image) => false,
        };
        if !fits {
            let msg = "The type of the uploaded file does not match the type of the message.";
            return Err(refusal(400, 230_055, msg));
        }
        Ok(Some(ChatFile {
            key: key.to_owned(),
            name: file.name.clone(),
            size_bytes: file.bytes.len() as u64,
        }))
    }

    /// The answer that has this message.
    pub(super) fn told(&self, message_id: &str) -> ApiReply {
        let directory = &self.open_api.directory;
        let message = self.open_api.messages.get(message_id);
        // A double that keeps no messages still says that it took one.
        let data = message.map_or_else(
            || json!({ "message_id": message_id }),
            |message| message.item(&|id| directory.name_of(id)),
        );
        done(data)
    }

    pub(crate) fn moment(&self, now: Instant) -> Moment {
        Moment {
            instant: now,
            unix_ms: self.wall_clock.unix_ms(now),
        }
    }
}

/// Who a message is from.
pub(super) fn author_of(caller: &Caller) -> ChatAuthor {
    match &caller.person {
        Some(person) => ChatAuthor::Person(person.clone()),
        None => ChatAuthor::Bot(caller.app.clone()),
    }
}

pub(super) fn chat_rate_refusal() -> ApiReply {
    let msg = "This operation triggers the frequency limit, ext=chat rate limit";
    refusal(400, message_code::CHAT_RATE_LIMITED, msg)
}
