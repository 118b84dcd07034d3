//! The platform's limits on what is sent, and keeping to them.
//!
//! Sizes in bytes of UTF-8. Where sources disagree, both figures are named. What the platform
//! answers to more is not documented, so nothing above a limit is sent.

use std::time::Duration;

/// `content` of a stream or markdown message.
pub const CONTENT_BYTES: usize = 20_480;
/// `feedback.id`.
pub const FEEDBACK_ID_BYTES: usize = 256;
/// `task_id` of a card: letters, digits and `_-@`.
pub const TASK_ID_BYTES: usize = 128;
/// `filename` of an upload.
pub const FILE_NAME_BYTES: usize = 256;

/// An `enter_chat` event is answered within this time or not at all.
pub const WELCOME: Duration = Duration::from_secs(5);
/// A card is updated within this time after the click or not at all.
pub const CARD_UPDATE: Duration = Duration::from_secs(5);
/// A stream is updated for less than 6 minutes from its first frame (10 by newer texts of the error).
pub const STREAM: Duration = Duration::from_secs(330);
/// An upload that is not finished is forgotten after this time.
pub const UPLOAD: Duration = Duration::from_secs(30 * 60);
/// What a callback links to can be fetched for this time.
pub const MEDIA_URL: Duration = Duration::from_secs(5 * 60);

/// The longest beginning of `text` that has at most `max_bytes` and ends with a whole character, and
/// the rest. [`CONTENT_BYTES`] for the content of a message.
pub fn cut_content(text: &str, max_bytes: usize) -> (&str, &str) {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1; // Ends at 0, which is a boundary, at the latest.
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
