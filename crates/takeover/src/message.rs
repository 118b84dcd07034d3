//! The messages, and how prost writes them.

use prost::{Message as _, Oneof};

/// The row of an installation, which both processes read from one store.
pub type BotId = i64;

/// Who asks. From the successor, first.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Hello {
    /// [`PROTOCOL`](crate::PROTOCOL) of the sender.
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    /// The version of its program, for the log.
    #[prost(string, tag = "2")]
    pub version: String,
    /// Its process id.
    #[prost(uint32, tag = "3")]
    pub pid: u32,
}

/// The takeover begins. From the predecessor, once, with the descriptors of its listeners and of a connection for batches.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Welcome {
    /// The version of its program, for the log.
    #[prost(string, tag = "1")]
    pub version: String,
    /// Its process id.
    #[prost(uint32, tag = "2")]
    pub pid: u32,
    /// The bots that are connected now.
    #[prost(int64, repeated, tag = "3")]
    pub live: Vec<BotId>,
}

/// The takeover does not begin. From the predecessor, in place of [`Welcome`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Refused {
    /// [`TakeoverRefusal::code`](crate::TakeoverRefusal::code).
    #[prost(uint32, tag = "1")]
    pub code: u32,
}

/// The successor is about to connect this bot, whose platform displaces the connection before it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Take {
    /// Which.
    #[prost(int64, tag = "1")]
    pub bot: BotId,
}

/// From now on the predecessor expects that its connection of this bot ends, and does not connect it again. The answer to
/// [`Take`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Yours {
    /// Which.
    #[prost(int64, tag = "1")]
    pub bot: BotId,
}

/// The successor has connected this bot.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Live {
    /// Which.
    #[prost(int64, tag = "1")]
    pub bot: BotId,
}

/// The predecessor has answered what it read of this bot, and has no connection of it any more. The answer to [`Live`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Given {
    /// Which.
    #[prost(int64, tag = "1")]
    pub bot: BotId,
    /// When its connection was displaced or lost, in milliseconds since 1970; absent if it was open until now.
    #[prost(int64, optional, tag = "2")]
    pub ended_ms: Option<i64>,
}

/// The predecessor is to end. From the successor, once, when each bot was given or cannot be connected.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LetGo {}

/// What is said.
#[derive(Clone, PartialEq, Eq, Oneof)]
pub enum TakeoverMessage {
    /// See [`Hello`].
    #[prost(message, tag = "1")]
    Hello(Hello),
    /// See [`Welcome`].
    #[prost(message, tag = "2")]
    Welcome(Welcome),
    /// See [`Refused`].
    #[prost(message, tag = "3")]
    Refused(Refused),
    /// See [`Take`].
    #[prost(message, tag = "4")]
    Take(Take),
    /// See [`Yours`].
    #[prost(message, tag = "5")]
    Yours(Yours),
    /// See [`Live`].
    #[prost(message, tag = "6")]
    Live(Live),
    /// See [`Given`].
    #[prost(message, tag = "7")]
    Given(Given),
    /// See [`LetGo`].
    #[prost(message, tag = "8")]
    LetGo(LetGo),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Envelope {
    #[prost(oneof = "TakeoverMessage", tags = "1, 2, 3, 4, 5, 6, 7, 8")]
    message: Option<TakeoverMessage>,
}

impl TakeoverMessage {
    /// Its bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let message = Some(self.clone());
        Envelope { message }.encode_to_vec()
    }

    /// The message of these bytes; `None` if this version does not know it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, prost::DecodeError> {
        Ok(Envelope::decode(bytes)?.message)
    }
}
