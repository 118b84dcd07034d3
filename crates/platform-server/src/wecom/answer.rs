//! The answers to commands: frames without `cmd` that echo the `req_id`.

use std::borrow::Cow;

use serde_json::{Value, json};

/// Codes of the platform. They are from the protocol's pages or were measured, unless the comment says assumed.
pub mod code {
    /// Success.
    pub const OK: i64 = 0;
    /// Unknown bot or wrong secret.
    pub const BAD_CREDENTIALS: i64 = 853_000;
    /// The connection has no subscription.
    pub const NOT_SUBSCRIBED: i64 = 846_609;
    /// A rate limit was reached. Seen on subscribe; assumed for messages.
    pub const TOO_OFTEN: i64 = 45_009;
    /// The callback's id is unknown, too old, of another connection, or does not fit the command.
    pub const INVALID_REQ_ID: i64 = 846_605;
    /// The stream is too old.
    pub const STREAM_EXPIRED: i64 = 846_608;
    /// No such chat.
    pub const INVALID_CHATID: i64 = 93_006;
    /// This command does not take this type.
    pub const INVALID_MESSAGE_TYPE: i64 = 40_008;
    /// The bot uploaded no such file. WeCom's general code; not seen on this channel.
    pub const INVALID_MEDIA_ID: i64 = 40_007;
    /// Assumed for everything malformed.
    pub const INVALID_PARAMETER: i64 = 40_058;
}

/// The result of a command, which its ack carries.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandResult {
    /// [`code::OK`] or the reason of a refusal.
    pub code: i64,
    /// `errmsg`, for people.
    pub text: Cow<'static, str>,
    /// What a success brings, such as the id of an upload.
    pub body: Option<Value>,
}

impl CommandResult {
    /// Success.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            code: code::OK,
            text: Cow::Borrowed("ok"),
            body: None,
        }
    }

    /// Success with this body.
    #[must_use]
    pub fn with(body: Value) -> Self {
        Self {
            body: Some(body),
            ..Self::ok()
        }
    }

    /// A refusal with the platform's text for this code.
    #[must_use]
    pub fn refused(code: i64) -> Self {
        Self {
            code,
            text: Cow::Borrowed(text_of(code)),
            body: None,
        }
    }

    /// A refusal of a malformed command, for this reason.
    #[must_use]
    pub fn invalid(text: &'static str) -> Self {
        Self {
            code: code::INVALID_PARAMETER,
            text: Cow::Borrowed(text),
            body: None,
        }
    }
}

fn text_of(code: i64) -> &'static str {
    match code {
        code::OK => "ok",
        code::BAD_CREDENTIALS => "invalid bot_id or secret",
        code::NOT_SUBSCRIBED => "aibot websocket not subscribed",
        code::INVALID_REQ_ID => "invalid req_id",
        code::STREAM_EXPIRED => "stream message update expired (>6 minutes), cannot update",
        code::INVALID_CHATID => "invalid chatid",
        code::INVALID_MESSAGE_TYPE => "invalid message type",
        code::INVALID_MEDIA_ID => "invalid media_id",
        code::TOO_OFTEN => "api freq out of limit",
        code::INVALID_PARAMETER => "invalid Request Parameter",
        _ => "system busy",
    }
}

/// The text of the frame that answers the command with this `req_id`. A refusal has the tail that the platform's have,
/// because clients must not compare texts; `hint` is its number, by which support finds the call.
#[must_use]
pub fn answer_frame(req_id: &str, result: &CommandResult, hint: u64) -> String {
    let message = if result.code == code::OK {
        result.text.to_string()
    } else {
        format!(
            "{}, hint: [{:025}], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e={}",
            result.text, hint, result.code
        )
    };
    let mut ack = json!({
        "headers": {"req_id": req_id}, "errcode": result.code, "errmsg": message,
    });
    if let Some(body) = &result.body {
        ack["body"] = body.clone();
    }
    ack.to_string()
}
