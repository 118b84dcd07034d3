//! The `errcode`s of the platform that change what a client does. Compare these and never `errmsg`, whose text ends in
//! a hint, the caller's address and a link.
//!
//! The codes were seen in acks of the live service, unless their comment names another source.

/// Success.
pub const OK: i64 = 0;
/// The answer to a subscribe with a wrong `bot_id` or `secret`. The platform leaves the socket open and sends nothing
/// more.
pub const INVALID_CREDENTIALS: i64 = 853_000;
/// Wrong `bot_id`; seen on the platform's HTTP side.
pub const INVALID_BOT_ID: i64 = 93_019;
/// Invalid request parameter; seen on the platform's HTTP side.
pub const INVALID_PARAMETER: i64 = 40_058;
/// A rate limit was reached, of subscribing or (documented without a code) of sending.
pub const RATE_LIMITED: i64 = 45_009;
/// This connection is not subscribed: not yet, no longer, or it was displaced and TCP is still open.
pub const NOT_SUBSCRIBED: i64 = 846_609;
/// The request id is unknown, has expired, belongs to another command or to an earlier connection.
pub const INVALID_REQ_ID: i64 = 846_605;
/// The stream is too old to be updated (after 6 or 10 minutes; the texts of this error differ).
pub const STREAM_EXPIRED: i64 = 846_608;
/// No such chat, for example because of a prefix before its id.
pub const INVALID_CHAT: i64 = 93_006;
/// The command does not have this message type, such as `text` in a reply.
pub const INVALID_MESSAGE_TYPE: i64 = 40_008;
/// Some devices cannot show such a message. Reported for messages sent to groups.
pub const UNSUPPORTED_DEVICE: i64 = 600_039;
/// The content was refused.
pub const CONTENT_REFUSED: i64 = 40_201;

/// Whether the same frame can succeed when it is sent again within seconds. False for codes about the content of the
/// frame and for rate limits; true for undocumented codes, such as -1 ("system error").
pub fn may_pass(code: i64) -> bool {
    !matches!(
        code,
        INVALID_CREDENTIALS
            | INVALID_BOT_ID
            | INVALID_PARAMETER
            | RATE_LIMITED
            | INVALID_REQ_ID
            | STREAM_EXPIRED
            | INVALID_CHAT
            | INVALID_MESSAGE_TYPE
            | UNSUPPORTED_DEVICE
            | CONTENT_REFUSED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_content_does_not_pass() {
        for code in [
            INVALID_PARAMETER,
            INVALID_CHAT,
            INVALID_MESSAGE_TYPE,
            CONTENT_REFUSED,
        ] {
            assert!(!may_pass(code), "{code}");
        }
        assert!(may_pass(-1));
        assert!(may_pass(NOT_SUBSCRIBED), "on the next connection");
    }
}
