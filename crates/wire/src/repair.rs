//! Makes bytes that are nearly JSON into JSON.
//!
//! WeCom has sent raw control characters within strings (the official Node SDK strips some of them since 1.0.7, and
//! loses messages with a raw newline); what JavaScript accepts as a string may hold half of a surrogate pair; a text that
//! was cut by bytes ends inside a character; and what passes a document on may put a byte-order mark before it or a NUL
//! behind it. Each concerns a single character, which is no reason to lose the rest.
//!
//! Nothing here is asked about a document that parses, but for half surrogate pairs on WeCom.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Stands where a character was that cannot be read. An id that has it may be one of several, so it is no id.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a `\u` escape of a surrogate may be in the text: cheap, and true too often rather than too
/// rarely. JSON readers do not agree on a lone one, so it is looked for although the text parses.
pub(crate) fn may_hold_surrogates(text: &str) -> bool {
    text.contains("\\ud") || text.contains("\\uD")
}

/// Reads JSON, of `bytes` as they are or as they are repaired. The error is that of the bytes as they are.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes).or_else(|error| {
        repaired(bytes)
            .and_then(|text| serde_json::from_str(&text).ok())
            .ok_or(error)
    })
}

/// The text that `bytes` plainly mean: without a byte-order mark before it and NULs behind it, bytes that are no
/// character and unpaired surrogates replaced by U+FFFD, control characters within strings escaped. `None` if there is
/// nothing of that. Whether the text is JSON then is for its reader to say.
pub(crate) fn repaired(bytes: &[u8]) -> Option<String> {
    let bare = without_surroundings(bytes);
    let text = String::from_utf8_lossy(bare);
    match with_whole_characters(&text) {
        Some(repaired) => Some(repaired),
        None if bare.len() == bytes.len() && matches!(text, Cow::Borrowed(_)) => None,
        None => Some(text.into_owned()),
    }
}

/// Blanks at the end are JSON's own and stay, unless there is a NUL among them.
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
    // What precedes it is in `out`. Always at a character's beginning: only ASCII is replaced.
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

/// What the escape at the beginning of `bytes` is.
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
