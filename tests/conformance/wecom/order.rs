//! What the drivers of WeCom's clients are asked to do.

use serde::Serialize;
use serde_json::Value;

/// A line for a driver: a call of the client's method of this name.
#[derive(Debug, Serialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub(crate) enum Order<'a> {
    Reply {
        req_id: &'a str,
        body: Value,
    },
    ReplyStream {
        req_id: &'a str,
        id: &'a str,
        content: &'a str,
        finish: bool,
    },
    ReplyWelcome {
        req_id: &'a str,
        body: Value,
    },
    ReplyTemplateCard {
        req_id: &'a str,
        card: &'a Value,
    },
    UpdateTemplateCard {
        req_id: &'a str,
        card: &'a Value,
    },
    SendMessage {
        chat: &'a str,
        body: Value,
    },
    SendMedia {
        chat: &'a str,
        kind: &'a str,
        media_id: &'a str,
    },
    UploadMedia {
        kind: &'a str,
        file_name: &'a str,
        /// In Base64.
        bytes: String,
    },
    DownloadFile {
        url: &'a str,
        aeskey: &'a str,
    },
}
