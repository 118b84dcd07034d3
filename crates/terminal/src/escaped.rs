//! Text from outside, made safe to show on a terminal or in a line of a log.
//!
//! A message, a name or a platform's answer may hold characters that move the cursor, change colours, begin a new line
//! or turn the reading direction around. Whoever reads them would see something that is not there. Here each of them
//! becomes visible; all other text stays as it is, in whatever script.
//!
//! The result is for eyes only: a backslash stays single, so it cannot be read back.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// `text` with every character that would act on its reader's screen written as Rust writes it: `\n`, `\u{1b}`,
/// `\u{202e}`. The result is one line.
pub fn escaped(text: &str) -> impl Display {
    Escaped(text)
}

struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(f).write_str(self.0)
    }
}

/// Escapes what is written through it, for text that comes in pieces.
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, character)) = rest
            .char_indices()
            .find(|&(_, character)| acts_on_the_screen(character))
        {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", character.escape_default())?;
            rest = &rest[at + character.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// A line of JSON with the same characters written as JSON escapes them, so that it is shown safely and read back as it
/// was. The end of the line stays.
pub fn escaped_json(line: &str) -> Cow<'_, str> {
    let acts = |character: char| character != '\n' && acts_on_the_screen(character);
    if !line.contains(acts) {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len() + 32);
    for character in line.chars() {
        if acts(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(text, "\\u{unit:04x}").expect("a String takes every write");
            }
        } else {
            text.push(character);
        }
    }
    Cow::Owned(text)
}

/// Whether a character does something to what is shown around it instead of showing something itself.
///
/// Joiners (U+200C, U+200D) are not among them: many scripts and emoji need them.
fn acts_on_the_screen(character: char) -> bool {
    match character {
        // The quick answer for nearly all text.
        ' '..='~' => false,
        // The controls C0, DEL and C1: line ends, tabs, escape sequences.
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        // Reading direction: marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            true
        }
        // Line and paragraph separators.
        '\u{2028}'..='\u{2029}' => true,
        // Shown by nothing: zero-width space, word joiner, invisible operators, deprecated format characters, byte-order
        // mark, annotations, tags. Two texts that look the same would differ in them.
        '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_the_screen_is_shown() {
        let check = |text: &str, shown: &str| assert_eq!(escaped(text).to_string(), shown);
        check("", "");
        check("bot-1 is live", "bot-1 is live");
        check("a\r\nb\tc\0", r"a\r\nb\tc\u{0}");
        check("\x1b[2J\x1b]0;title\x07", r"\u{1b}[2J\u{1b}]0;title\u{7}");
        check("\x7f\u{80}\u{9b}31m", r"\u{7f}\u{80}\u{9b}31m");
        check("user\u{202e}gpj.exe", r"user\u{202e}gpj.exe");
        check(
            "\u{2066}a\u{2069}\u{61c}\u{200f}",
            r"\u{2066}a\u{2069}\u{61c}\u{200f}",
        );
        check("one\u{2028}two\u{2029}", r"one\u{2028}two\u{2029}");
        check("ad\u{200b}min\u{feff}", r"ad\u{200b}min\u{feff}");
        check("hi\u{e0041}", r"hi\u{e0041}");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in [
            "客服机器人 ｗｅｃｏｍ",
            "שלום مرحبا",
            "नमस्ते",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            r#"{"text":"a \"quote\" and a \\ backslash"}"#,
        ] {
            assert_eq!(escaped(text).to_string(), text);
        }
    }

    /// All of Unicode: what is left has neither a control character nor one that sets the direction.
    #[test]
    fn nothing_that_acts_comes_through() {
        for character in '\0'..=char::MAX {
            let shown = escaped(&format!("<{character}>")).to_string();
            assert!(
                !shown.chars().any(|shown| shown.is_control()),
                "{character:?} became {shown:?}"
            );
            let is_escaped = shown.contains('\\') && character != '\\';
            assert_eq!(is_escaped, acts_on_the_screen(character), "{character:?}");
            assert!(shown.starts_with('<') && shown.ends_with('>'));
        }
    }

    #[test]
    fn json_is_escaped_and_read_back_as_it_was() {
        let value =
            serde_json::json!({"name": "a\x1b\x7f\u{9b}\u{202e}\u{e0041}\u{feff} 客\n", "n": 1});
        let line = format!("{value}\n");
        let shown = escaped_json(&line);
        assert!(
            shown.ends_with("}\n") && !shown.trim_end().contains(acts_on_the_screen),
            "{shown:?}"
        );
        let read: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(read, value);
        assert!(matches!(escaped_json("{\"a\":\"客\"}\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn pieces_are_escaped_like_the_whole() {
        let mut shown = String::new();
        let mut writer = Escaping(&mut shown);
        for piece in ["a\x1b", "[0m", "", "\u{202e}", "z"] {
            writer.write_str(piece).expect("a String takes every write");
        }
        assert_eq!(shown, r"a\u{1b}[0m\u{202e}z");
    }
}
