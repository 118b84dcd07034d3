//! What a bot's platform answered.

use longwire_fleet::Reply;
use serde::Serialize;
use serde_json::value::RawValue;

/// `POST /installations/{installation}/requests`: the platform's answer, whether it did what was asked or not.
#[derive(Debug, Serialize)]
pub struct ReplyDocument {
    /// 0, or why not.
    pub code: Option<i64>,
    /// The platform's words.
    pub message: String,
    /// What it gave, where the command gives something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

impl From<Reply> for ReplyDocument {
    fn from(reply: Reply) -> Self {
        Self {
            code: reply.code,
            message: reply.message,
            body: reply.body,
        }
    }
}

/// `POST /installations/{installation}/uploads`: a file that the platform has.
#[derive(Debug, Serialize)]
pub struct UploadDocument {
    /// `image`, `voice`, `video` or `file`.
    pub r#type: &'static str,
    /// By which messages show it, for three days.
    pub media_id: String,
    /// When these began, in seconds since 1970, if the platform said so.
    pub created_at: Option<i64>,
}
