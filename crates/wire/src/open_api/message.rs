//! The calls that send a message and reply to one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Path of the call that sends a message, below the platform's base URL. Its query has `receive_id_type`.
pub const MESSAGES_PATH: &str = "/open-apis/im/v1/messages";
/// Longest request body of a text message, in bytes: 150 KB, as documented of the send call.
pub const TEXT_REQUEST_BYTES: usize = 150 * 1024;
/// Longest `uuid` of a request, in characters.
pub const IDEMPOTENCY_KEY_CHARS: usize = 50;

/// Path of the call that replies to a message. `message_id` must be plain: [`None`] where it has a character that a path
/// cannot carry.
pub fn reply_path(message_id: &str) -> Option<String> {
    Some(format!("{}/reply", message_path(message_id)?))
}

/// Path of the call that reads one message; [`None`] as for [`reply_path`].
pub fn message_path(message_id: &str) -> Option<String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let is_id = !message_id.is_empty() && message_id.chars().all(is_plain);
    is_id.then(|| format!("{MESSAGES_PATH}/{message_id}"))
}

/// `content` of a text message: a JSON text in which `<at user_id="…">` stays as it is.
pub fn text_content(text: &str) -> String {
    serde_json::json!({ "text": text }).to_string()
}

/// The body of both calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRequest<'a> {
    /// Who gets it. A reply has none.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub receive_id: Option<Cow<'a, str>>,
    /// `text` or another type.
    #[serde(borrow)]
    pub msg_type: Cow<'a, str>,
    /// The content, as JSON in a string.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// The idempotency key: within an hour at most one message is sent for it.
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Cow<'a, str>>,
    /// Whether a reply opens a thread.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reply_in_thread: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> MessageRequest<'a> {
    /// A text with this content, which is sent once for `key`.
    pub fn text(content: &'a str, key: &'a str) -> Self {
        Self {
            receive_id: None,
            msg_type: Cow::Borrowed("text"),
            content: Cow::Borrowed(content),
            uuid: Some(Cow::Borrowed(key)),
            reply_in_thread: false,
        }
    }

    /// Reads a request.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The request body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and a flag are always JSON")
    }
}

/// A message that the platform took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidMessage {
    /// `om_…`.
    pub message_id: String,
    /// The chat it stands in, `oc_…`.
    pub chat_id: Option<String>,
    /// Its thread, `omt_…`, if it is in one.
    pub thread_id: Option<String>,
    /// When it was sent, Unix milliseconds of the platform.
    pub created_ms: Option<i64>,
}

impl SaidMessage {
    /// Reads `data` of an answer.
    pub(super) fn of(data: &Value) -> Option<Self> {
        let text = |key: &str| data.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            message_id: text("message_id")?,
            chat_id: text("chat_id"),
            thread_id: text("thread_id"),
            created_ms: text("create_time").and_then(|ms| ms.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_of_a_reply() {
        let content = text_content("a \"b\" <at user_id=\"ou_1\">Ann</at>\n");
        let body = MessageRequest::text(&content, "k1").to_json();
        let expected = r#"{"msg_type":"text","content":"{\"text\":\"a \\\"b\\\" <at user_id=\\\"ou_1\\\">Ann</at>\\n\"}","uuid":"k1"}"#;
        assert_eq!(String::from_utf8_lossy(&body), expected);
        let read = MessageRequest::parse(&body).expect("our own");
        assert_eq!((&*read.content, read.receive_id), (&*content, None));
    }

    #[test]
    fn only_plain_ids_have_a_path() {
        assert_eq!(
            reply_path("om_x100b-1").as_deref(),
            Some("/open-apis/im/v1/messages/om_x100b-1/reply")
        );
        for id in ["", "om_1/../x", "om_1?x=1", "om 1", "öm_1"] {
            assert_eq!(reply_path(id), None, "{id}");
        }
    }
}
