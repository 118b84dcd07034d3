//! Texts that are hard to carry.

/// A text of so many characters of one to four bytes, in which hardly any cut falls between two.
pub(crate) fn long_text(characters: usize) -> String {
    "a长连接é🛰\"\\".chars().cycle().take(characters).collect()
}
