//! The platform's `errcode`s that change what a client does. Compare these, never `errmsg`: its text
//! ends in a hint, the caller's address and a link.
//!
//! Unless said otherwise from acknowledgements of the live service.

/// Done.
pub const OK: i64 = 0;
/// Subscribe: wrong `bot_id` or `secret`. The platform leaves the socket open and sends nothing more.
pub const INVALID_CREDENTIALS: i64 = 853_000;
/// Wrong `bot_id`; seen on the platform's HTTP side.
pub const INVALID_BOT_ID: i64 = 93_019;
/// Invalid request parameter; seen on the platform's HTTP side.
pub const INVALID_PARAMETER: i64 = 40_058;
/// Too often: subscribing, or (documented without a code) sending.
pub const RATE_LIMITED: i64 = 45_009;
/// This connection is not subscribed: not yet, no longer, or displaced while TCP is up.
pub const NOT_SUBSCRIBED: i64 = 846_609;
/// The request id is unknown, has expired, belongs to another command or to an earlier connection.
pub const INVALID_REQ_ID: i64 = 846_605;
/// The stream is too old to be updated (6 or 10 minutes, by the text of the message).
pub const STREAM_EXPIRED: i64 = 846_608;
/// No such chat, for example because of a prefix before its id.
pub const INVALID_CHAT: i64 = 93_006;
/// A message type that is not allowed there, such as `text` as a reply.
pub const INVALID_MESSAGE_TYPE: i64 = 40_008;
/// Some devices show no such message; reported for sends to groups.
pub const UNSUPPORTED_DEVICE: i64 = 600_039;
/// Refused for its content.
pub const CONTENT_REFUSED: i64 = 40_201;
