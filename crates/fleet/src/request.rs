//! What an application asks of a platform over a bot's connection, and what it is answered.
//!
//! A request is sent once. Whatever happens to the connection, whoever asked gets the platform's answer or a
//! [`RequestError`] that says why there is none, in time, also when an actor on the way is stuck.

use actix::Message;
use bytestring::ByteString;
use longwire_link::session::SessionRequest;
use longwire_link::{Generation, State};
use longwire_wire::wecom::{Ack, BodyRefusal, Command, CommandName, code};
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::sync::oneshot;

/// A request of WeCom's long connection.
pub struct Request {
    /// Which command.
    pub command: Command,
    /// The `req_id` of the callback that is answered. The other commands get one of their own.
    pub req_id: Option<String>,
    /// Its body, a JSON object as the platform documents it.
    pub body: Box<RawValue>,
}

/// A request that is passed on as an application made it, whether longwire knows its command or not.
#[derive(Clone)]
pub struct RawRequest {
    /// Which command.
    pub command: CommandName,
    /// The `req_id` of the callback that is answered. `None`: the request gets one of its own, which an answer to a
    /// callback cannot do without.
    pub req_id: Option<ByteString>,
    /// Its body, any JSON, if it has one.
    pub body: Option<Box<RawValue>>,
}

/// The platform's answer to a request, whether it did what was asked or not.
#[derive(Debug, Clone)]
pub struct Reply {
    /// 0, or why not.
    pub code: Option<i64>,
    /// The platform's words.
    pub message: String,
    /// What it gave, where the command gives something.
    pub body: Option<Box<RawValue>>,
    /// The connection it came over.
    pub(crate) generation: Generation,
}

impl Reply {
    /// An answer that came over no connection of a bot: for tests of those who ask.
    #[must_use]
    pub fn new(code: Option<i64>, message: &str, body: Option<Box<RawValue>>) -> Self {
        Self {
            code,
            message: message.to_owned(),
            body,
            generation: Generation(0),
        }
    }

    pub(crate) fn of(ack: Ack, generation: Generation) -> Self {
        let body = ack.body.as_deref().map(serde_json::from_slice);
        Self {
            code: ack.code,
            message: ack.message.to_string(),
            // A part of a frame that was read as JSON.
            body: body.and_then(Result::ok),
            generation,
        }
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.code == Some(code::OK)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No installation of this id or name.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// Feishu and Lark take no requests over their long connection.
    #[error("this platform takes no requests over its long connection")]
    NoRequests,
    /// The command answers a callback, and none was named.
    #[error("this command needs the req_id of the callback it answers")]
    NoReqId,
    /// The platform does not take that. Nothing was sent.
    #[error("the platform would not take this body: {0}")]
    Body(BodyRefusal),
    /// Nothing was sent: the bot is not connected.
    #[error("the bot is not connected (it is {state})")]
    NotConnected {
        /// The state it is in.
        state: &'static str,
    },
    /// Nothing was sent: another program has the bot.
    #[error("another program took the bot over")]
    Displaced,
    /// The platform refused it with 846609, because the connection is no longer subscribed. It is made anew.
    #[error("the platform says that the connection is not subscribed; it is made anew")]
    NotSubscribed,
    /// The connection ended before the answer came. The platform may have done what was asked.
    #[error("the connection ended before the platform answered")]
    ConnectionLost,
    /// No answer in time. The platform may have done what was asked.
    #[error("the platform did not answer in time")]
    TimedOut,
    /// The connection ended before it was sent.
    #[error("the connection ended before this was sent")]
    NotSent,
    /// An earlier frame under this `req_id` was not answered, so an answer to this one could not be told from its own.
    /// Nothing was sent.
    #[error("an earlier request under this req_id is still unanswered")]
    SpentReqId,
    /// Applications sent as many messages through this bot as they may; nothing was sent.
    #[error("applications send too many messages through this bot")]
    MessageRate {
        /// When the next one is let through.
        retry_after: Duration,
    },
    /// Too many requests wait already; nothing was sent.
    #[error("too many requests wait already")]
    Full,
}

impl RequestError {
    /// For a bot in a state without a connection.
    pub(crate) fn not_connected(state: &State) -> Self {
        if matches!(state, State::Displaced { .. }) {
            return Self::Displaced;
        }
        Self::NotConnected {
            state: state.label(),
        }
    }

    /// Whether nothing was sent and the bot's next connection may take it.
    pub(crate) fn is_worth_waiting(&self) -> bool {
        match self {
            Self::NotConnected { .. } | Self::Displaced | Self::NotSent | Self::NotSubscribed => {
                true
            }
            Self::UnknownInstallation
            | Self::NoRequests
            | Self::NoReqId
            | Self::Body(_)
            | Self::ConnectionLost
            | Self::TimedOut
            | Self::SpentReqId
            | Self::MessageRate { .. }
            | Self::Full => false,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::NoRequests => "no_requests",
            Self::NoReqId => "no_req_id",
            Self::Body(BodyRefusal::TooLong { .. }) => "body_too_long",
            Self::Body(_) => "body_refused",
            Self::NotConnected { .. } => "not_connected",
            Self::Displaced => "displaced",
            Self::NotSubscribed => "not_subscribed",
            Self::ConnectionLost => "connection_lost",
            Self::TimedOut => "timed_out",
            Self::NotSent => "not_sent",
            Self::SpentReqId => "spent_req_id",
            Self::MessageRate { .. } => "message_rate",
            Self::Full => "full",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => {
                "list the installations, and use an id or a name from there"
            }
            Self::NoRequests => "use the platform's own HTTP interface",
            Self::NoReqId => {
                "give the req_id of the recorded callback, or send a message of its own with aibot_send_msg"
            }
            Self::Body(BodyRefusal::TooLong { .. }) => {
                "nothing was sent: cut it between characters and send the rest in a message of its own"
            }
            Self::Body(_) => "nothing was sent: see what the platform documents of this command",
            Self::NotConnected { .. } => "wait until it is live, then send it again",
            Self::Displaced => {
                "ask the program that has it, or end that one; then take the bot back with `longwire installations start`"
            }
            Self::NotSubscribed => {
                "nothing was done: send it again once the bot is live; replies by aibot_send_msg, since the callback's req_id ended with the connection"
            }
            Self::ConnectionLost | Self::TimedOut => {
                "the platform may have done it: a stream frame can be sent again as it was, a message may then show twice"
            }
            Self::NotSent => "send it again once the bot is live",
            Self::SpentReqId => "say it in a message of its own, with aibot_send_msg",
            Self::MessageRate { .. } => {
                "send it again after retry_after, or let the operator raise limits.messages_per_bot"
            }
            Self::Full => "send fewer at once",
        }
    }
}

/// Where the answer goes.
pub(crate) type Teller = oneshot::Sender<Result<Reply, RequestError>>;

/// Ask the platform this. From the fleet's handle to the installation, which hands it to its socket; bounded by what the
/// socket lets wait.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ask {
    pub(crate) request: SessionRequest<Teller>,
    /// Told by the socket when it has the request: from then on its session sees to an answer in time.
    pub(crate) taken: oneshot::Sender<()>,
}

impl Ask {
    /// Answers for a bot in a state without a connection.
    pub(crate) fn not_connected(self, state: &State) {
        // Whoever asked may have gone.
        drop((self.request.asker).send(Err(RequestError::not_connected(state))));
    }
}
