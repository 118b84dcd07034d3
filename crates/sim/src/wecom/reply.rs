//! Handles the messages of bots: replies to callbacks, welcomes, card updates and proactive messages, with the rules for
//! each. An accepted message is shown to the user.

use std::time::{Duration, Instant};

use longwire_platform_server::wecom::{CommandResult, code};
use serde_json::{Map, Value};

use crate::fault::ConnectionId;
use crate::ids::{AttemptId, unscramble};
use crate::wecom::behaviour::CommandKind;
use crate::wecom::callback::AllowedReply;
use crate::wecom::record::CallbackSource;
use crate::wecom::req_id::attempt_of;
use crate::wecom::shown::{Via, first_frame};
use crate::wecom::state::PlatformState;

/// Time from a callback to the last possible `aibot_respond_msg`.
const REPLY_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// Time from an event to the last possible welcome or card update.
const EVENT_WINDOW: Duration = Duration::from_secs(5);
/// How long a `response_url` is valid.
const RESPONSE_URL_WINDOW: Duration = Duration::from_secs(3_600);
/// Longest `content` of a stream, markdown or text, in bytes of UTF-8.
const CONTENT_BYTES: usize = 20_480;
/// Longest `feedback.id`, in bytes.
const FEEDBACK_ID_BYTES: usize = 256;
const MEDIA: [&str; 4] = ["file", "image", "voice", "video"];

impl PlatformState {
    /// Carries out one of the three `aibot_respond_*` commands.
    pub(crate) fn reply(
        &mut self,
        id: ConnectionId,
        bot: u32,
        asked: CommandKind,
        req_id: &str,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let given = self.given_req_ids.get(req_id).copied();
        let delivery = given.or_else(|| attempt_of(req_id, self.settings.seed));
        let (wanted, window) = match asked {
            CommandKind::Welcome => (AllowedReply::EnterChat, EVENT_WINDOW),
            CommandKind::Update => (AllowedReply::CardEvent, EVENT_WINDOW),
            _ => (AllowedReply::Message, REPLY_WINDOW),
        };
        let window = self.settings.scaled(window);
        let Some((delivery, chat)) = delivery.and_then(|delivery| {
            let tracked = self.records.get(delivery.push)?;
            let (connection, at) = tracked.progress(delivery.attempt)?.to?;
            let allowed = match &tracked.body {
                CallbackSource::MadeUp { .. } => AllowedReply::Message,
                CallbackSource::Built(callback) => callback.allowed_reply,
            };
            let here = connection == id || !self.settings.req_ids_end_with_connection;
            let young = now.saturating_duration_since(at) <= window;
            let fits = tracked.bot == bot && allowed == wanted && here && young;
            fits.then(|| (delivery, tracked.chat(delivery.push).key().to_owned()))
        }) else {
            return CommandResult::refused(code::INVALID_REQ_ID);
        };
        match asked {
            CommandKind::Update => {
                if body.get("response_type").and_then(Value::as_str) != Some("update_template_card")
                {
                    return CommandResult::invalid("response_type must be update_template_card");
                }
                let via = Via::Update(req_id.to_owned());
                self.show_one(bot, &chat, via, "template_card", body, now)
            }
            CommandKind::Welcome => {
                let via = Via::Welcome(req_id.to_owned());
                match body.get("msgtype").and_then(Value::as_str) {
                    Some(kind @ ("text" | "template_card")) => {
                        self.show_one(bot, &chat, via, kind, body, now)
                    }
                    _ => CommandResult::refused(code::INVALID_MESSAGE_TYPE),
                }
            }
            _ => match body.get("msgtype").and_then(Value::as_str) {
                Some("stream") => self.stream(bot, delivery, &chat, req_id, body, now),
                Some(kind)
                    if kind == "markdown" || kind == "template_card" || MEDIA.contains(&kind) =>
                {
                    let via = Via::Reply(req_id.to_owned());
                    self.show_one(bot, &chat, via, kind, body, now)
                }
                _ => CommandResult::refused(code::INVALID_MESSAGE_TYPE),
            },
        }
    }

    /// Carries out `aibot_send_msg`.
    pub(crate) fn send_message(
        &mut self,
        bot: u32,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let chat = body
            .get("chatid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = self.chat_is_group(bot, chat);
        let unknown = self.settings.require_known_chat && known.is_none();
        if chat.is_empty() || chat.contains(':') || unknown {
            return CommandResult::refused(code::INVALID_CHATID);
        }
        let group = match body.get("chat_type").map(Value::as_u64) {
            None | Some(Some(0)) => known == Some(true),
            Some(Some(1)) => false,
            Some(Some(2)) => true,
            Some(_) => return CommandResult::invalid("chat_type must be 0, 1 or 2"),
        };
        match body.get("msgtype").and_then(Value::as_str) {
            Some("template_card") if group => CommandResult::refused(code::INVALID_MESSAGE_TYPE),
            Some(kind)
                if kind == "markdown" || kind == "template_card" || MEDIA.contains(&kind) =>
            {
                self.show_one(bot, chat, Via::Send, kind, body, now)
            }
            _ => CommandResult::refused(code::INVALID_MESSAGE_TYPE),
        }
    }

    /// Carries out a POST to a `response_url`, which is valid for one use within one hour.
    pub(crate) fn respond_by_url(
        &mut self,
        response_code: u64,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let push = unscramble(response_code) ^ self.settings.seed.rotate_left(17);
        let window = self.settings.scaled(RESPONSE_URL_WINDOW);
        let Some((bot, chat)) = self.records.get(push).and_then(|tracked| {
            let (_, at) = tracked.progress(1)?.to?;
            let young = now.saturating_duration_since(at) <= window;
            young.then(|| (tracked.bot, tracked.chat(push).key().to_owned()))
        }) else {
            return CommandResult::invalid("response_code is unknown or too old");
        };
        if !self.used_response_codes.insert(response_code) {
            return CommandResult::invalid("response_code is used");
        }
        match body.get("msgtype").and_then(Value::as_str) {
            Some(kind @ ("markdown" | "template_card")) => {
                self.show_one(bot, &chat, Via::ResponseUrl, kind, body, now)
            }
            _ => CommandResult::refused(code::INVALID_MESSAGE_TYPE),
        }
    }

    fn stream(
        &mut self,
        bot: u32,
        of: AttemptId,
        chat: &str,
        req_id: &str,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let stream = body.get("stream").unwrap_or(&Value::Null);
        let Some(id) = stream.get("id").and_then(Value::as_str) else {
            return CommandResult::invalid("stream.id must be a string");
        };
        let finished = match stream.get("finish") {
            None => false,
            Some(Value::Bool(finish)) => *finish,
            Some(_) => return CommandResult::invalid("stream.finish must be a boolean"),
        };
        if let Some(refusal) = self.content_refusal("stream", stream) {
            return refusal;
        }
        let now_ms = self.wall_clock.unix_ms(now);
        if let Some(known) = self.chats.stream(of, id) {
            let limit = self.settings.scaled(self.settings.stream_limit);
            if now.saturating_duration_since(known.first) > limit {
                return CommandResult::refused(code::STREAM_EXPIRED);
            }
            if let Some(code) = self
                .settings
                .finished_stream_code
                .filter(|_| known.finished)
            {
                return CommandResult::refused(code);
            }
            if self.settings.count_refreshes && !self.admit(bot, chat, now) {
                return CommandResult::refused(code::TOO_OFTEN);
            }
            self.chats.refresh(of, id, stream, finished, now_ms);
            return CommandResult::ok();
        }
        if !self.admit(bot, chat, now) {
            return CommandResult::refused(code::TOO_OFTEN);
        }
        let via = Via::Reply(req_id.to_owned());
        let bot = &self.bots[bot as usize].id;
        let mut shown = first_frame(bot, chat, via, "stream", stream, (self.wall_clock, now));
        shown.finished = finished;
        self.ledger.shown += 1;
        let number = self.chats.show(shown, self.settings.keep_records);
        self.chats.start(of, id, number, now, finished);
        CommandResult::ok()
    }

    /// Shows a message of one frame, if its content and the conversation's rate permit it.
    fn show_one(
        &mut self,
        bot: u32,
        chat: &str,
        via: Via,
        kind: &str,
        body: &Map<String, Value>,
        now: Instant,
    ) -> CommandResult {
        let content = body.get(kind).unwrap_or(&Value::Null);
        if let Some(refusal) = self.content_refusal(kind, content) {
            return refusal;
        }
        if MEDIA.contains(&kind) {
            let media_id = content.get("media_id").and_then(Value::as_str);
            if !self.uploads.holds(bot, kind, media_id.unwrap_or_default()) {
                return CommandResult::refused(code::INVALID_MEDIA_ID);
            }
        }
        if !self.admit(bot, chat, now) {
            return CommandResult::refused(code::TOO_OFTEN);
        }
        let bot = &self.bots[bot as usize].id;
        let shown = first_frame(bot, chat, via, kind, content, (self.wall_clock, now));
        self.ledger.shown += 1;
        self.chats.show(shown, self.settings.keep_records);
        CommandResult::ok()
    }

    /// The refusal of this content; `None` if it is accepted.
    fn content_refusal(&self, kind: &str, content: &Value) -> Option<CommandResult> {
        if !content.is_object() {
            return Some(CommandResult::invalid(
                "the member named like msgtype is missing",
            ));
        }
        if matches!(kind, "stream" | "markdown" | "text") {
            match content.get("content").map(Value::as_str) {
                Some(Some(text)) if text.len() > CONTENT_BYTES => {
                    return Some(CommandResult::refused(self.settings.oversize_code));
                }
                Some(Some(_)) => {}
                // The last frame of a stream may have no content.
                None if kind == "stream" => {}
                _ => return Some(CommandResult::invalid("content must be a string")),
            }
        }
        let feedback = content.pointer("/feedback/id").and_then(Value::as_str);
        if feedback.is_some_and(|id| id.len() > FEEDBACK_ID_BYTES) {
            return Some(CommandResult::invalid(
                "feedback.id is longer than 256 bytes",
            ));
        }
        None
    }

    /// Whether one more message fits into the conversation's rate.
    fn admit(&mut self, bot: u32, chat: &str, now: Instant) -> bool {
        let rate = self.rates.entry((bot, chat.to_owned())).or_default();
        rate.admit(self.settings.message_limit, self.settings.time_factor, now)
    }
}
