//! What the drivers of WeCom's clients tell.

use serde::Deserialize;
use serde_json::Value;

/// A line of a driver, `client.py` or `client.cjs`, after the one that it has started.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum News {
    /// The subscription is answered with 0.
    Subscribed,
    /// The handler for this of the client's events was called, with this frame.
    Handled { event: String, frame: Value },
    /// The connection is over.
    Disconnected { reason: String },
    /// There will be another one.
    Reconnecting { attempt: u32 },
    /// The client reports an error of its connection.
    Failed { error: String },
    /// The method that was ordered has returned this.
    Answered { answer: Value },
    /// The method that was ordered has failed.
    Refused { error: String },
}
