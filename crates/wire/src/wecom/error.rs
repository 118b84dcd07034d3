//! Why a text frame is neither callback nor ack.

/// A frame that cannot be used. The connection it came on is none the worse for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not UTF-8, and not JSON either with what is no character replaced.
    #[error("the frame is not valid utf-8")]
    NotUtf8,
    /// Not one JSON document, even after repair.
    #[error("the frame is not json")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but no object: `null` among them, which ends the receive loop of an official SDK.
    #[error("the frame is not a json object")]
    NotAnObject,
    /// Neither a command nor the id of a request it could answer.
    #[error("the frame has neither a command nor a request id")]
    NoReqId,
    /// A callback whose `body` is absent or no object.
    #[error("the callback has no body")]
    NoBody,
    /// A callback without `msgtype`.
    #[error("the callback has no message type")]
    NoMsgType,
    /// A message of which no chat can be told: no `chatid` in a group, no sender elsewhere.
    #[error("the message belongs to no chat")]
    NoChat,
}

impl FrameError {
    /// Whether it came as a callback, and so is a message or an event in a shape that nobody has described.
    pub fn is_callback(&self) -> bool {
        matches!(self, Self::NoBody | Self::NoMsgType | Self::NoChat)
    }

    /// A stable label for counters.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotUtf8 => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::NoReqId => "no_req_id",
            Self::NoBody => "no_body",
            Self::NoMsgType => "no_msgtype",
            Self::NoChat => "no_chat",
        }
    }
}
