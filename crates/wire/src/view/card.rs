//! What a user did beside writing: clicks on cards, links, menus and judgements.

use bytestring::ByteString;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A click on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CardClick {
    /// The message that shows the card (Feishu, Lark).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<ByteString>,
    /// The id that the developer gave the card (WeCom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<ByteString>,
    /// What was used: `button`, `select_static`, `input`, ... Of WeCom the type of the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<ByteString>,
    /// The name of the component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<ByteString>,
    /// What the developer put on the component, any JSON. Of WeCom the `event_key`, a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<JsonText>,
    /// The form: name to value. Of WeCom each question's key to the list of chosen options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<JsonText>,
    /// The text that was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<ByteString>,
    /// The option that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<ByteString>,
    /// The options that were chosen, where several can be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ByteString>,
    /// Whether the box is checked now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<bool>,
    /// The time zone of whoever clicked, such as `Asia/Shanghai`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<ByteString>,
    /// Where the card is shown: `im_message` or `im_top_notice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<ByteString>,
    /// Whether the payload has the credential with which the card can be updated later: `event.token` of Feishu and
    /// Lark, for 30 minutes and two uses; `body.response_url` of WeCom, for an hour and one use.
    pub has_update_token: bool,
}

/// A link whose preview is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UrlPreview {
    /// The link.
    pub url: ByteString,
    /// The message that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<ByteString>,
}

/// An entry of the bot's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Menu {
    /// The key that the developer gave it.
    pub key: ByteString,
}

/// A judgement about an answer of the bot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Feedback {
    /// The `feedback.id` that the answer had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ByteString>,
    /// What the user thinks.
    pub verdict: Verdict,
    /// What the user wrote about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<ByteString>,
    /// The platform's numbers of the reasons: 1 irrelevant, 2 incomplete, 3 wrong, 4 wrong analysis of data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<u64>,
}

/// What a user thinks of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is good.
    Like,
    /// It is not good.
    Dislike,
    /// The user took an earlier verdict back.
    Withdrawn,
    /// The platform's number is not known.
    Unknown,
}

/// A JSON value as the platform wrote it. It serialises as that value, not as a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(ByteString);

impl JsonText {
    /// `text` must be JSON.
    pub(super) fn new(text: ByteString) -> JsonText {
        JsonText(text)
    }

    pub(super) fn of(value: &serde_json::Value) -> JsonText {
        JsonText(value.to_string().into())
    }

    /// The JSON.
    pub fn get(&self) -> &str {
        &self.0
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}
