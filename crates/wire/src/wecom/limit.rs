//! The platform's limits on what we send.
//!
//! Sizes are in bytes of UTF-8. Where sources disagree, the comment names both figures. The platform's answer to more is
//! not documented, so nothing above a limit is sent.

use std::time::Duration;

/// Longest `content` of a stream or markdown message.
pub const CONTENT_BYTES: usize = 20_480;
/// Longest `feedback.id`.
pub const FEEDBACK_ID_BYTES: usize = 256;
/// Longest `task_id` of a card, which has letters, digits and `_-@`.
pub const TASK_ID_BYTES: usize = 128;
/// Longest `filename` of an upload.
pub const FILE_NAME_BYTES: usize = 256;

/// Time for the reply to a message. Reports of live use say that it ends with the connection of the message, too.
pub const REPLY: Duration = Duration::from_secs(24 * 60 * 60);
/// Time for the reply to an `enter_chat` event.
pub const WELCOME: Duration = Duration::from_secs(5);
/// Time from a click on a card to the update of the card.
pub const CARD_UPDATE: Duration = Duration::from_secs(5);
/// Time from a stream's first frame to its last update. The platform allows 6 minutes, by newer texts of the error 10.
pub const STREAM: Duration = Duration::from_secs(330);
/// Time after which the platform forgets an unfinished upload.
pub const UPLOAD: Duration = Duration::from_secs(30 * 60);
/// Time for which the link of a callback is valid.
pub const MEDIA_URL: Duration = Duration::from_secs(5 * 60);

/// Splits `text` into its longest beginning of at most `max_bytes` that ends with a whole character, and the rest. Use
/// [`CONTENT_BYTES`] for the content of a message.
pub fn cut_content(text: &str, max_bytes: usize) -> (&str, &str) {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1; // 0 is a boundary, so this cannot underflow.
    }
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        let check = |max_bytes, expected| {
            assert_eq!(cut_content("a汉b", max_bytes), expected, "{max_bytes}");
        };
        check(0, ("", "a汉b"));
        check(1, ("a", "汉b"));
        check(2, ("a", "汉b"));
        check(3, ("a", "汉b"));
        check(4, ("a汉", "b"));
        check(5, ("a汉b", ""));
        check(usize::MAX, ("a汉b", ""));
    }
}
