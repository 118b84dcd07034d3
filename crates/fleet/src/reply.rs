//! What an application says in a chat through a bot, and what came of it.
//!
//! A reply is sent at most once under its key, with one exception that its error names: where the platform did not
//! answer, [`ReplyError::may_be_sent`] is true.

use longwire_installation::InstallationId;
use longwire_link::AnsweredSender;
use longwire_platform::feishu::{IdempotencyKey, MessageError};
use longwire_wire::wecom::limit;
use std::time::Duration;

use crate::request::RequestError;

/// A text that a bot is to say, mostly in answer to an event.
#[derive(Debug, Clone)]
pub struct ReplyOrder {
    /// The bot.
    pub installation: InstallationId,
    /// The chat. One reply per chat is under way at a time, and loops are counted by it.
    pub chat: String,
    /// Who wrote what is answered.
    pub answered: AnsweredSender,
    /// What is answered.
    pub to: ReplyTo,
    /// What to say.
    pub text: String,
    /// Names this reply. The same key is sent once within an hour on Feishu and Lark.
    pub key: IdempotencyKey,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyTo {
    /// A message of Feishu or Lark.
    FeishuMessage {
        /// `om_…`.
        message_id: String,
    },
    /// Nothing: it is a message of its own in [`ReplyOrder::chat`]. On Feishu and Lark that is `oc_…`, on WeCom the id of a
    /// group, or of a user who has written to the bot.
    Nothing,
    /// A callback of WeCom.
    WecomCallback {
        /// The `req_id` of its frame.
        req_id: String,
        /// What kind of callback.
        kind: WecomCallbackKind,
        /// When it was received, Unix milliseconds.
        received_ms: i64,
        /// The group, or the user of a single chat, for a message of its own where the platform no longer takes the
        /// `req_id`, as after a reconnect, or never answered an earlier reply under it. Without it such a reply is refused.
        chat_id: Option<String>,
    },
}

/// Which callback of WeCom is answered. No other takes a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WecomCallbackKind {
    /// A message.
    Message,
    /// `enter_chat`.
    EnterChat,
}

impl WecomCallbackKind {
    /// How long after the callback the platform takes a reply.
    pub(crate) fn limit(self) -> Duration {
        match self {
            Self::Message => limit::REPLY,
            Self::EnterChat => limit::WELCOME,
        }
    }
}

/// A reply that the platform took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplySent {
    /// The id that the platform gave it. WeCom gives none.
    pub message_id: Option<String>,
    /// Whether it is a message of its own: because it answers nothing, or what it answers takes no reply any more.
    pub is_own_message: bool,
}

/// Why a reply was not sent, or may have been.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// No installation of this id.
    #[error("there is no such installation")]
    UnknownInstallation,
    /// The bot is not of the platform of the event.
    #[error("the bot is not of the platform of the event")]
    OtherPlatform,
    /// Nothing was sent: the bot is stopped, or the process drains.
    #[error("the bot sends nothing (it is {state})")]
    NotRunning {
        /// The state it is in.
        state: &'static str,
    },
    /// Nothing was sent: the bot and others answered each other too often in this chat.
    #[error("too many replies to bots in this chat; replies pause for {pause_s} s")]
    LoopPaused {
        /// For how many seconds.
        pause_s: u64,
        /// Whether this reply began the pause.
        is_first: bool,
    },
    /// Nothing was sent: applications sent as many messages through this bot as they may.
    #[error("applications send too many messages through this bot")]
    MessageRate {
        /// When the next one is let through.
        retry_after: Duration,
    },
    /// Nothing was sent: too many replies of this bot wait.
    #[error("too many replies of this bot wait already")]
    Full,
    /// Nothing was sent: the platform takes no reply to the event any more.
    #[error("the platform takes a reply within {limit_s} s of the event")]
    TooLate {
        /// The platform's limit.
        limit_s: u64,
    },
    /// Nothing was sent: it waited behind others, or for a limit of the platform, for too long.
    #[error("the reply waited for too long behind others")]
    Expired,
    /// Nothing was sent: the base URL or the proxy of the bot cannot be used.
    #[error("the bot's settings cannot be used: {0}")]
    Settings(String),
    /// Nothing was sent: what sends the bot's messages failed and is built anew.
    #[error("the bot's sender failed and is built anew")]
    SenderFailed,
    /// What sends the bot's messages ended before the platform answered, or is stuck.
    #[error("the reply was given up before the platform answered")]
    NoAnswer,
    /// Feishu or Lark refused it, or did not answer.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// WeCom was not asked, or did not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// WeCom refused it.
    #[error("the platform refused the reply with code {code:?}: {message}")]
    Refused {
        /// Its code.
        code: Option<i64>,
        /// Its words.
        message: String,
    },
}

impl ReplyError {
    /// Whether the reply may have been sent although there is an error. On Feishu and Lark the same key does not show it
    /// twice.
    #[must_use]
    pub fn may_be_sent(&self) -> bool {
        match self {
            Self::NoAnswer => true,
            Self::Message(error) => error.may_be_sent(),
            Self::Request(error) => {
                matches!(error, RequestError::ConnectionLost | RequestError::TimedOut)
            }
            Self::UnknownInstallation
            | Self::OtherPlatform
            | Self::NotRunning { .. }
            | Self::LoopPaused { .. }
            | Self::MessageRate { .. }
            | Self::Full
            | Self::TooLate { .. }
            | Self::Expired
            | Self::Settings(_)
            | Self::SenderFailed
            | Self::Refused { .. } => false,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnknownInstallation => "unknown_installation",
            Self::OtherPlatform => "other_platform",
            Self::NotRunning { .. } => "not_running",
            Self::LoopPaused { .. } => "loop_paused",
            Self::MessageRate { .. } => "message_rate",
            Self::Full => "full",
            Self::TooLate { .. } => "too_late",
            Self::Expired => "expired",
            Self::Settings(_) => "settings",
            Self::SenderFailed => "sender_failed",
            Self::NoAnswer => "no_answer",
            Self::Message(error) => error.label(),
            Self::Request(error) => error.label(),
            Self::Refused { .. } => "refused",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> String {
        let step = match self {
            Self::UnknownInstallation => "list the installations, and use an id from there",
            Self::OtherPlatform => "answer an event with the bot that received it",
            Self::NotRunning { .. } => "start the bot, then send it again",
            Self::LoopPaused { .. } => {
                "let the application ignore messages of other bots: two bots answered each other"
            }
            Self::MessageRate { retry_after } => {
                let seconds = retry_after.as_secs() + 1;
                return format!(
                    "send it again in {seconds} s, or let the operator raise limits.messages_per_bot"
                );
            }
            Self::Full | Self::Expired => "send fewer at once: a chat takes 4 a second",
            Self::TooLate { .. } => "say it in a message of its own",
            Self::Settings(_) => "mend the base URL or the proxy of the bot",
            Self::SenderFailed => "send it again in a moment; the log has the failure",
            Self::NoAnswer => "send it again with the same key within an hour",
            Self::Message(error) => return error.next_step(),
            Self::Request(error) => error.advice(),
            Self::Refused { .. } => "look the code up in the platform's documentation",
        };
        step.to_owned()
    }
}
