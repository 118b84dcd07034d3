//! What the drivers of Feishu's clients tell.

use serde::Deserialize;
use serde_json::Value;

/// A line of a driver, `client.py` or `client.cjs`, after the one that it has started.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum News {
    /// The connection is lost.
    Reconnecting,
    /// There is a new one.
    Reconnected,
    /// The message handler was called.
    Event {
        event_id: String,
        message_id: String,
        content: String,
    },
    /// The message handler has replied to the message `to`.
    Replied { to: String, message_id: String },
    /// The message handler has downloaded a person's file, uploaded it under this key, and downloaded that: these bytes, in
    /// Base64.
    Carried { file_key: String, bytes: String },
    /// The card handler was called, and answers.
    Card { event_id: String, value: Value },
    /// The client will not try again.
    GaveUp { error: String },
}
