//! Turns bytes that are nearly JSON into JSON, so that one bad character does not lose an event.
//!
//! Four defects are repaired. WeCom has sent raw control characters within strings (the official Node SDK strips some of
//! them since 1.0.7, and loses messages with a raw newline). A JavaScript string may hold half of a surrogate pair. A
//! text that was cut at a byte position ends inside a character. A byte-order mark may stand before a document, and NULs
//! behind it.
//!
//! A document that parses is not repaired, except for half surrogate pairs in WeCom's frames.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Replaces a character that cannot be read. Two ids with a replaced character may look alike, so such a text is no id.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether the text may hold a `\u` escape of a surrogate. This is a cheap test with false positives and no false
/// negatives. It is also made on text that parses, because JSON readers treat a lone surrogate differently.
pub(crate) fn may_hold_surrogates(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Reads JSON from `bytes`, and if that fails from the repaired bytes. The error is that of the original bytes.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        repaired(bytes)
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or(error)
    })
}

/// The repaired text: without a byte-order mark before it and NULs behind it, invalid bytes and unpaired surrogates
/// replaced by U+FFFD, control characters within strings escaped. `None` if nothing had to be repaired. The text may
/// still not be JSON.
pub(crate) fn repaired(bytes: &[u8]) -> Option<String> {
    let bare = without_surroundings(bytes);
    let text = String::from_utf8_lossy(bare);
    match with_whole_characters(&text) {
        Some(repaired) => Some(repaired),
        None if bare.len() == bytes.len() && matches!(text, Cow::Borrowed(_)) => None,
        None => Some(text.into_owned()),
    }
}

/// Removes a byte-order mark, and the end of the text if it has a NUL. White space alone at the end is JSON and stays.
fn without_surroundings(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let is_content = |byte: &u8| !matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n');
    let end = bytes
        .iter()
        .rposition(is_content)
        .map_or(0, |last| last + 1);
    if bytes[end..].contains(&0) {
        &bytes[..end]
    } else {
        bytes
    }
}

/// The text with control characters within strings escaped and every unpaired surrogate replaced by
/// U+FFFD; `None` if there is neither.
fn with_whole_characters(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::new();
    // Everything before this position is in `out`. It is always a character boundary, because only ASCII is replaced.
    let mut kept = 0;
    let mut in_string = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (length, replacement) = match byte {
            b'"' => {
                in_string = !in_string;
                (1, None)
            }
            b'\\' if in_string => match surrogate(&bytes[at..]) {
                Surrogate::None => (2, None),
                Surrogate::Pair => (12, None),
                Surrogate::Lone => (6, Some("\\ufffd".to_owned())),
            },
            0..0x20 if in_string => (1, Some(format!("\\u{byte:04x}"))),
            _ => (1, None),
        };
        if let Some(replacement) = replacement {
            out.push_str(&text[kept..at]);
            out.push_str(&replacement);
            kept = at + length;
        }
        at += length;
    }
    if kept == 0 {
        return None;
    }
    out.push_str(&text[kept..]);
    Some(out)
}

enum Surrogate {
    None,
    Pair,
    Lone,
}

/// Classifies the escape at the beginning of `bytes`.
fn surrogate(bytes: &[u8]) -> Surrogate {
    match (escaped(bytes), bytes.get(6..).and_then(escaped)) {
        (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => Surrogate::Pair,
        (Some(0xd800..0xe000), _) => Surrogate::Lone,
        _ => Surrogate::None,
    }
}

/// The UTF-16 unit of a `\uXXXX` at the beginning of `bytes`.
fn escaped(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(..6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        check_bytes(text.as_bytes(), expected);
    }

    fn check_bytes(bytes: &[u8], expected: Option<&str>) {
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(repaired(bytes).as_deref(), expected, "{shown:?}");
    }

    #[test]
    fn what_is_json_stays_as_it_is() {
        for text in [
            r#"{"a":"b"}"#,
            "{\n\t\"a\" :\r\n \"b\" }",
            r#""\ud83d\ude00 \\ud800 \" 😀 \u0041""#,
        ] {
            check(text, None);
        }
    }

    #[test]
    fn control_characters_are_escaped_within_strings_alone() {
        check("\n\"a\nb\"\n", Some("\n\"a\\u000ab\"\n"));
        check("\"a\u{b}\u{0}é\"", Some("\"a\\u000b\\u0000é\""));
        check("\"\\\"\t\"\t", Some("\"\\\"\\u0009\"\t"));
        check("\"\u{1f}\"", Some("\"\\u001f\""));
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        check(r#""a\ud800b""#, Some(r#""a\ufffdb""#));
        check(r#""\uDC00""#, Some(r#""\ufffd""#));
        check(r#""\ud800\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#));
        check(r#""\ud800\u0041""#, Some(r#""\ufffd\u0041""#));
        check(r#""\\\ud800""#, Some(r#""\\\ufffd""#));
    }

    #[test]
    fn what_surrounds_a_document_is_taken_off() {
        check("\u{feff}{}", Some("{}"));
        check("{}\0", Some("{}"));
        check("{}\r\n\0 \0\n", Some("{}"));
        check("\u{feff}", Some(""));
        check("\0\0", Some(""));
        // Neither is anything but what it is in the middle.
        check("{}\n", None);
        check("\0{}", None);
        check("\"\u{feff}\"", None);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced() {
        check_bytes(b"\"a\xe6\x96\"", Some("\"a\u{fffd}\""));
        check_bytes(b"\"\xff\n\"", Some("\"\u{fffd}\\u000a\""));
        check_bytes(b"\xff", Some("\u{fffd}"));
    }

    #[test]
    fn what_is_broken_otherwise_is_left_alone() {
        for text in ["", "\"", "\"\\", "\"\\u", "\"\\ud8", "\"\\ud80é\"", "\"\\é"] {
            check(text, None);
        }
    }

    #[test]
    fn suspicion_covers_every_surrogate() {
        assert!(may_hold_surrogates(r"\ud800"));
        assert!(may_hold_surrogates(r"\uDFFF"));
        assert!(!may_hold_surrogates(r"\u0041 ud800"));
    }
}
