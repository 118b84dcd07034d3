//! The JSON of Feishu's and Lark's Open API: tokens, messages, and what an error says.
//!
//! An application sends a message in two calls: [`TenantTokenRequest`] gets a token for the app's credentials, and
//! [`MessageRequest`] says something with it. A code means different things at different calls, so
//! [`code`] names only those that mean the same everywhere; the others are in [`message_code`].
//!
//! Requests and answers are read as well as written, because the simulator uses them too. Source: the documentation of
//! the open platform, `auth-v3` and `im-v1`.

mod answer;
mod message;
mod token;
mod user;
mod user_token;

pub use answer::{ApiAnswer, NoApiAnswer};
pub use message::{
    IDEMPOTENCY_KEY_CHARS, MESSAGES_PATH, MessageRequest, SaidMessage, TEXT_REQUEST_BYTES,
    message_path, reply_path, text_content,
};
pub use token::{TENANT_TOKEN_PATH, TenantTokenAnswer, TenantTokenRequest};
pub use user::{BasicUser, USERS_BASIC_MOST, USERS_BASIC_PATH, UsersRequest, read_basic_users};
pub use user_token::{
    AUTHORIZE_PATH, MOST_USER_SCOPES, OFFLINE_ACCESS, USER_INFO_PATH, USER_TOKEN_PATH,
    UserTokenAnswer, UserTokenRequest, read_user_open_id, user_token_code,
};

/// Codes that mean the same at every call.
pub mod code {
    /// The call was carried out.
    pub const OK: i64 = 0;
    /// The app or tenant calls too often. The header `x-ogw-ratelimit-reset` says for how many seconds.
    pub const RATE_LIMITED: i64 = 99_991_400;
    /// The caller's address is not on the app's list.
    pub const ADDRESS_NOT_ALLOWED: i64 = 99_991_401;
    /// The tenant has used up its calls of the month.
    pub const QUOTA_USED_UP: i64 = 99_991_403;
    /// The app's credentials are wrong.
    pub const BAD_CREDENTIALS: i64 = 99_991_543;
    /// The request has no token.
    pub const NO_TOKEN: i64 = 99_991_661;
    /// The app is disabled.
    pub const APP_DISABLED: i64 = 99_991_662;
    /// The tenant's token is invalid or has expired.
    pub const TENANT_TOKEN_INVALID: i64 = 99_991_663;
    /// The app's token is invalid.
    pub const APP_TOKEN_INVALID: i64 = 99_991_664;
    /// The tenant's token or code is invalid.
    pub const TENANT_INVALID: i64 = 99_991_665;
    /// The token is not one at all: it must begin with `t-` or `u-`.
    pub const TOKEN_MALFORMED: i64 = 99_991_671;
    /// The app lacks a scope.
    pub const SCOPE_MISSING: i64 = 99_991_672;
    /// The app is not available in this tenant.
    pub const APP_UNAVAILABLE: i64 = 99_991_673;
    /// The token has no permission for the call.
    pub const TOKEN_NOT_PERMITTED: i64 = 99_991_676;
    /// The person is outside the app's contact range.
    pub const OUT_OF_RANGE: i64 = 41_050;
    /// A field of the request is wrong.
    pub const FIELD_INVALID: i64 = 99_992_402;
    /// Codes of a platform that is busy: the call may be made again.
    pub const BUSY: [i64; 7] = [2200, 11_232, 11_233, 11_247, 18_121, 1_000_004, 1_000_005];
    /// Codes with which a token was refused that another one may cure.
    pub const STALE_TOKEN: [i64; 4] = [
        TENANT_TOKEN_INVALID,
        APP_TOKEN_INVALID,
        TENANT_INVALID,
        TOKEN_MALFORMED,
    ];

    /// Codes of the token calls that say that the credentials are wrong. Which one a wrong secret gets was not observed.
    pub const CREDENTIALS: [i64; 5] = [10_003, 10_012, 10_014, 10_015, BAD_CREDENTIALS];
}

/// Codes of the calls that send and reply.
pub mod message_code {
    /// A parameter is wrong.
    pub const PARAMETER: i64 = 230_001;
    /// The bot is not in the group.
    pub const NOT_IN_GROUP: i64 = 230_002;
    /// The app's bot ability is off.
    pub const BOT_OFF: i64 = 230_006;
    /// The message that is replied to was recalled.
    pub const RECALLED: i64 = 230_011;
    /// The user is outside the app's availability.
    pub const USER_OUT_OF_REACH: i64 = 230_013;
    /// The group's settings forbid it.
    pub const GROUP_SETTINGS: i64 = 230_018;
    /// The topic does not exist.
    pub const TOPIC_MISSING: i64 = 230_019;
    /// Too many messages in this chat, or to this user: 5 a second, which all bots of a group share.
    pub const CHAT_RATE_LIMITED: i64 = 230_020;
    /// The content is sensitive.
    pub const SENSITIVE: i64 = 230_022;
    /// The content is too long.
    pub const TOO_LONG: i64 = 230_025;
    /// The app lacks a permission.
    pub const PERMISSION: i64 = 230_027;
    /// The content did not pass the tenant's audit.
    pub const AUDIT: i64 = 230_028;
    /// The user has resigned.
    pub const RESIGNED: i64 = 230_029;
    /// The receiver's id is wrong. Send only.
    pub const BAD_RECEIVER: i64 = 230_034;
    /// Sending is denied.
    pub const DENIED: i64 = 230_035;
    /// A direct chat across tenants.
    pub const CROSS_TENANT: i64 = 230_038;
    /// The same message is still being sent.
    pub const BEING_SENT: i64 = 230_049;
    /// The bot cannot see the message that is replied to.
    pub const INVISIBLE: i64 = 230_050;
    /// The user silenced the bot.
    pub const SILENCED: i64 = 230_053;
    /// The message that is replied to takes no reply in a thread. Reply only.
    pub const NO_THREAD: i64 = 230_071;
    /// The message that is replied to is an aggregated one. Reply only.
    pub const AGGREGATED: i64 = 230_072;
    /// The chat is encrypted. Send only.
    pub const ENCRYPTED_CHAT: i64 = 230_075;
    /// The content of a card is wrong.
    pub const CARD_CONTENT: i64 = 230_099;
    /// The message that is replied to was deleted.
    pub const DELETED: i64 = 230_110;
    /// The message that is replied to is about to destroy itself.
    pub const SELF_DESTRUCTING: i64 = 230_111;
    /// The chat was dissolved.
    pub const DISSOLVED: i64 = 232_009;
}
