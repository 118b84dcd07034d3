//! What the platform's refusals mean.

use longwire_wire::open_api::{code, message_code};

use super::MessageCall;

/// Why the platform refused a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// The message that is replied to was recalled, deleted, or cannot be seen.
    MessageGone,
    /// The bot is not in the group, or the chat was dissolved.
    NotInChat,
    /// The app's bot ability is off.
    BotOff,
    /// The person is outside the app's availability, has resigned, or silenced the bot.
    OutOfReach,
    /// The chat's settings forbid it.
    ChatForbids,
    /// The content is too long.
    TooLong,
    /// The content is not allowed.
    ContentRefused,
    /// The app lacks a permission.
    PermissionMissing,
    /// There is no such receiver.
    BadReceiver,
    /// The message takes no such reply.
    NoReplyPossible,
    /// The app is disabled, or not available in the tenant.
    AppUnavailable,
    /// This host's address is not on the app's list.
    AddressNotAllowed,
    /// The tenant has used up its calls of the month.
    QuotaUsedUp,
    /// The platform refuses each new token.
    TokenRefused,
    /// A parameter is wrong.
    BadRequest,
    /// A code that is not known.
    Other,
}

impl RefusalReason {
    /// What a code means at a call.
    pub(super) fn of(call: MessageCall, refusal: i64) -> Self {
        use message_code as m;
        match refusal {
            m::RECALLED | m::DELETED | m::INVISIBLE | m::SELF_DESTRUCTING => Self::MessageGone,
            m::NOT_IN_GROUP | m::DISSOLVED => Self::NotInChat,
            m::BOT_OFF => Self::BotOff,
            m::USER_OUT_OF_REACH | m::RESIGNED | m::SILENCED | m::CROSS_TENANT => Self::OutOfReach,
            m::GROUP_SETTINGS | m::DENIED | m::TOPIC_MISSING => Self::ChatForbids,
            m::ENCRYPTED_CHAT if call == MessageCall::Send => Self::ChatForbids,
            m::TOO_LONG => Self::TooLong,
            m::SENSITIVE | m::AUDIT | m::CARD_CONTENT => Self::ContentRefused,
            m::PERMISSION | code::SCOPE_MISSING | code::TOKEN_NOT_PERMITTED => {
                Self::PermissionMissing
            }
            m::BAD_RECEIVER if call == MessageCall::Send => Self::BadReceiver,
            m::NO_THREAD | m::AGGREGATED if call == MessageCall::Reply => Self::NoReplyPossible,
            code::APP_DISABLED | code::APP_UNAVAILABLE => Self::AppUnavailable,
            code::ADDRESS_NOT_ALLOWED => Self::AddressNotAllowed,
            code::QUOTA_USED_UP => Self::QuotaUsedUp,
            code::NO_TOKEN | code::BAD_CREDENTIALS => Self::TokenRefused,
            m::PARAMETER | code::FIELD_INVALID => Self::BadRequest,
            stale if code::STALE_TOKEN.contains(&stale) => Self::TokenRefused,
            _ => Self::Other,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::MessageGone => "message_gone",
            Self::NotInChat => "not_in_chat",
            Self::BotOff => "bot_off",
            Self::OutOfReach => "out_of_reach",
            Self::ChatForbids => "chat_forbids",
            Self::TooLong => "too_long",
            Self::ContentRefused => "content_refused",
            Self::PermissionMissing => "permission_missing",
            Self::BadReceiver => "bad_receiver",
            Self::NoReplyPossible => "no_reply_possible",
            Self::AppUnavailable => "app_unavailable",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::QuotaUsedUp => "quota_used_up",
            Self::TokenRefused => "token_refused",
            Self::BadRequest => "bad_request",
            Self::Other => "refused",
        }
    }
}

/// A refusal in the platform's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the platform refused the message with code {code}: {msg}")]
pub struct MessageRefusal {
    /// What it means.
    pub reason: RefusalReason,
    /// The platform's code.
    pub code: i64,
    /// Its explanation, cut to 300 characters and without the token.
    pub msg: String,
    /// The id that the platform's support asks for.
    pub log_id: Option<String>,
    /// Scopes of which the app lacks at least one; the first 16.
    pub missing_scopes: Vec<String>,
}

impl MessageRefusal {
    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> String {
        let step = match self.reason {
            RefusalReason::MessageGone => {
                "send a message of its own, or nothing: there is no message to reply to any more"
            }
            RefusalReason::NotInChat => "add the bot to the group",
            RefusalReason::BotOff => {
                "switch the bot ability on in the developer console, and publish a version"
            }
            RefusalReason::OutOfReach => {
                "widen the app's availability to this person, or ask them to unmute the bot"
            }
            RefusalReason::ChatForbids => "let the chat's owner allow it",
            RefusalReason::TooLong => "cut it and send the rest in a message of its own",
            RefusalReason::ContentRefused => "say it in other words",
            RefusalReason::PermissionMissing if self.missing_scopes.is_empty() => {
                "add the scope im:message:send_as_bot in the developer console, and publish a version"
            }
            RefusalReason::PermissionMissing => {
                let scopes = self.missing_scopes.join(", ");
                return format!(
                    "add one of these scopes in the developer console, and publish a version: {scopes}"
                );
            }
            RefusalReason::BadReceiver => "use an id that the platform gave to this app",
            RefusalReason::NoReplyPossible => "send a message of its own",
            RefusalReason::AppUnavailable => "let the tenant's administrator enable the app",
            RefusalReason::AddressNotAllowed => {
                "add this host's address to the app's list in the developer console"
            }
            RefusalReason::QuotaUsedUp => "wait for the next month, or upgrade the tenant's plan",
            RefusalReason::TokenRefused => {
                "compare app id, secret and base URL with the developer console"
            }
            RefusalReason::BadRequest | RefusalReason::Other => {
                return match &self.log_id {
                    Some(log_id) => format!(
                        "look the code up in the platform's documentation; its support asks for the log id {log_id}"
                    ),
                    None => "look the code up in the platform's documentation".to_owned(),
                };
            }
        };
        step.to_owned()
    }
}
