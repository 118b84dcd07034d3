//! The reasons why a frame is neither a callback nor an ack.

/// Why a frame cannot be used. Such a frame does not affect its connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not UTF-8, and not JSON even with the invalid bytes replaced.
    #[error("the frame is not valid utf-8")]
    NotUtf8,
    /// Not one JSON document, even after repair.
    #[error("the frame is not json")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but no object. (`null` ends the receive loop of an official SDK.)
    #[error("the frame is not a json object")]
    NotAnObject,
    /// The frame has no command and no request id.
    #[error("the frame has neither a command nor a request id")]
    NoReqId,
    /// A callback whose `body` is absent or no object.
    #[error("the callback has no body")]
    NoBody,
    /// A callback without `msgtype`.
    #[error("the callback has no message type")]
    NoMsgType,
    /// A message whose chat is unknown: it has no `chatid` in a group, or no sender elsewhere.
    #[error("the message belongs to no chat")]
    NoChat,
}

impl FrameError {
    /// Whether the frame has the command of a callback, so that it is a message or event in an undocumented form.
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
