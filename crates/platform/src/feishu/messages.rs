//! Sending a message, and replying to one.
//!
//! Each call carries an [`IdempotencyKey`]: within an hour the platform sends at most one message for it. So a call without
//! an answer may be made again with the same key, and nobody sees the message twice.

mod error;
mod refusal;

use std::time::Duration;

use bytes::Bytes;
use longwire_egress::HttpAnswer;
use longwire_wire::open_api::{
    ApiAnswer, IDEMPOTENCY_KEY_CHARS, MESSAGES_PATH, MessageRequest, SaidMessage,
    TEXT_REQUEST_BYTES, reply_path, text_content,
};
use std::borrow::Cow;

use super::caller::{ApiCaller, CallError, Called};
use super::headers::retry_after;
pub use error::MessageError;
pub use refusal::{MessageRefusal, RefusalReason};

/// For how long the platform remembers an idempotency key.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(60 * 60);

/// Names one message, so that it is sent once however often it is asked for: 1 to 50 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// A text is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {IDEMPOTENCY_KEY_CHARS} characters, and this has {chars}")]
pub struct IdempotencyKeyError {
    /// How many it has.
    pub chars: usize,
}

impl IdempotencyKey {
    /// The key of this text.
    pub fn new(text: impl Into<String>) -> Result<Self, IdempotencyKeyError> {
        let text = text.into();
        match text.chars().count() {
            1..=IDEMPOTENCY_KEY_CHARS => Ok(Self(text)),
            chars => Err(IdempotencyKeyError { chars }),
        }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which call, because a code means different things at different calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageCall {
    /// A message of its own.
    Send,
    /// A reply to a message.
    Reply,
}

/// What the id of a receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverKind {
    /// `oc_…`, a chat.
    Chat,
    /// `ou_…`, a person as this app knows them.
    OpenId,
    /// `on_…`, a person as all apps of the developer know them.
    UnionId,
    /// A person's id in the tenant.
    UserId,
    /// A person's address.
    Email,
}

impl ReceiverKind {
    /// `receive_id_type` of the query.
    fn query(self) -> &'static str {
        match self {
            Self::Chat => "receive_id_type=chat_id",
            Self::OpenId => "receive_id_type=open_id",
            Self::UnionId => "receive_id_type=union_id",
            Self::UserId => "receive_id_type=user_id",
            Self::Email => "receive_id_type=email",
        }
    }
}

/// Replies with a text to a message. `<at user_id="…">` in the text is a mention.
pub async fn reply(
    caller: &ApiCaller<'_>,
    message_id: &str,
    text: &str,
    key: &IdempotencyKey,
) -> Result<SaidMessage, MessageError> {
    let path = reply_path(message_id).ok_or(MessageError::BadMessageId)?;
    let content = text_content(text);
    let request = MessageRequest::text(&content, key.as_str());
    say(caller, MessageCall::Reply, &path, None, &request).await
}

/// Sends a text to a chat or a person.
pub async fn send(
    caller: &ApiCaller<'_>,
    kind: ReceiverKind,
    receiver: &str,
    text: &str,
    key: &IdempotencyKey,
) -> Result<SaidMessage, MessageError> {
    let content = text_content(text);
    let mut request = MessageRequest::text(&content, key.as_str());
    request.receive_id = Some(Cow::Borrowed(receiver));
    let query = Some(kind.query());
    say(caller, MessageCall::Send, MESSAGES_PATH, query, &request).await
}

async fn say(
    caller: &ApiCaller<'_>,
    call: MessageCall,
    path: &str,
    query: Option<&str>,
    request: &MessageRequest<'_>,
) -> Result<SaidMessage, MessageError> {
    let body = request.to_json();
    if body.len() > TEXT_REQUEST_BYTES {
        return Err(MessageError::TooLong {
            request_bytes: body.len(),
        });
    }
    match caller.post(path, query, Bytes::from(body)).await {
        Ok(Called { answer, token }) => read(call, &answer, token.expose()),
        Err(CallError::Token(error)) => Err(MessageError::Token(error)),
        Err(CallError::Http(error)) => Err(MessageError::of_http(error)),
    }
}

/// Reads an answer. No text of the error holds `token`.
fn read(call: MessageCall, answer: &HttpAnswer, token: &str) -> Result<SaidMessage, MessageError> {
    let http_status = answer.status;
    let Ok(parsed) = ApiAnswer::parse(&answer.body) else {
        if http_status == 429 {
            return Err(MessageError::AppLimited {
                retry_after: retry_after(answer),
            });
        }
        return Err(MessageError::Unintelligible { http_status });
    };
    match parsed.message {
        Some(said) if (200..300).contains(&http_status) && parsed.code == 0 => Ok(said),
        message => {
            let answered = ApiAnswer { message, ..parsed };
            Err(MessageError::of_answer(call, answer, answered, token))
        }
    }
}

#[cfg(test)]
mod tests;
