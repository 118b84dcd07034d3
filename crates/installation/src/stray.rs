//! Characters that came along with an id or a secret when it was copied: blanks, quotes, and those that nobody sees. Of names
//! only the last.
//!
//! No platform uses them in an id or a secret. The platform would answer that the credentials are wrong, and an operator
//! could not see why. So the character is named before the platform is asked; the id or secret is never repeated.

use std::fmt;

/// A character that belongs to no id, secret or name. `Display` continues a sentence that begins with the key:
/// "contains U+200B ZERO WIDTH SPACE at position 5".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrayCharacter {
    character: char,
    /// In characters, counted from 1.
    position: usize,
}

impl StrayCharacter {
    /// The first one in `text`.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        (1..)
            .zip(text.chars())
            .find(|&(_, character)| is_stray(character))
            .map(|(position, character)| Self {
                character,
                position,
            })
    }

    /// The first one in a name, where blanks and quotes are welcome: a control character, a blank that looks like another one,
    /// or a character that is shown by nothing. What joins two emoji or colours one is a part of it.
    pub(crate) fn in_name(text: &str) -> Option<Self> {
        let mut before = None;
        let mut characters = (1..).zip(text.chars()).peekable();
        while let Some((position, character)) = characters.next() {
            let next = characters.peek().map(|&(_, next)| next);
            let is_part_of_emoji = match character {
                JOINER => before.is_some_and(is_emoji) && next.is_some_and(is_emoji),
                EMOJI_STYLE => before.is_some_and(is_emoji),
                _ => false,
            };
            if !is_part_of_emoji {
                if is_hidden(character) {
                    return Some(Self {
                        character,
                        position,
                    });
                }
                before = Some(character);
            }
        }
        None
    }
}

/// Between two emoji it makes one of them.
const JOINER: char = '\u{200d}';
/// Behind a sign it says that the sign is shown as an emoji.
const EMOJI_STYLE: char = '\u{fe0f}';

/// Whether it may be an emoji: the blocks of arrows, technical signs, symbols and pictographs.
fn is_emoji(character: char) -> bool {
    matches!(character, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Whether nobody sees it on a screen, or it does something to what stands around it.
fn is_hidden(character: char) -> bool {
    match character {
        ' '..='~' | '\u{3000}' => false,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        // Invisible operators, isolates, deprecated format characters; the braille pattern without a dot; a filler.
        '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' => true,
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_whitespace() || other.is_control(),
    }
}

impl fmt::Display for StrayCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "contains U+{:04X} {} at position {}",
            u32::from(self.character),
            name(self.character),
            self.position
        )
    }
}

fn is_stray(character: char) -> bool {
    match character {
        '"' | '\'' | '`' => true,
        '!'..='~' => false,
        // Quotes of books and of other languages, and the whole block of blanks, marks and controls around them.
        '\u{2000}'..='\u{206f}' | '«' | '»' | '「'..='』' | '＂' | '＇' => true,
        // Shown by nothing, and neither a blank nor a control.
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => {
            true
        }
        '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_whitespace() || other.is_control(),
    }
}

/// By Unicode's name, where that is likely to be met.
fn name(character: char) -> &'static str {
    match character {
        '\0' => "NULL",
        '\t' => "CHARACTER TABULATION",
        '\n' => "LINE FEED",
        '\r' => "CARRIAGE RETURN",
        '\u{1b}' => "ESCAPE",
        ' ' => "SPACE",
        '"' => "QUOTATION MARK",
        '\'' => "APOSTROPHE",
        '`' => "GRAVE ACCENT",
        '\u{a0}' => "NO-BREAK SPACE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2018}' => "LEFT SINGLE QUOTATION MARK",
        '\u{2019}' => "RIGHT SINGLE QUOTATION MARK",
        '\u{201c}' => "LEFT DOUBLE QUOTATION MARK",
        '\u{201d}' => "RIGHT DOUBLE QUOTATION MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202c}' => "POP DIRECTIONAL FORMATTING",
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{2060}' => "WORD JOINER",
        '\u{3000}' => "IDEOGRAPHIC SPACE",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE (byte-order mark)",
        '\u{fffd}' => "REPLACEMENT CHARACTER",
        other if other.is_whitespace() => "(a blank)",
        other if other.is_control() => "(a control character)",
        _ => "(a quote or an invisible character)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, told: &str) {
        let stray = StrayCharacter::in_text(text).expect("it has one");
        assert_eq!(stray.to_string(), told, "{text:?}");
    }

    #[test]
    fn what_came_along_is_told_by_name_and_place() {
        check(
            "s3cr\u{200b}et",
            "contains U+200B ZERO WIDTH SPACE at position 5",
        );
        check(
            "\u{feff}s",
            "contains U+FEFF ZERO WIDTH NO-BREAK SPACE (byte-order mark) at position 1",
        );
        check("\"s\"", "contains U+0022 QUOTATION MARK at position 1");
        check("s ", "contains U+0020 SPACE at position 2");
        check(
            "客\u{201d}",
            "contains U+201D RIGHT DOUBLE QUOTATION MARK at position 2",
        );
        check("a\nb", "contains U+000A LINE FEED at position 2");
        check("\u{2003}", "contains U+2003 (a blank) at position 1");
        check(
            "\u{7f}",
            "contains U+007F (a control character) at position 1",
        );
        check(
            "\u{2066}",
            "contains U+2066 (a quote or an invisible character) at position 1",
        );
    }

    #[test]
    fn what_ids_and_secrets_are_made_of_is_none() {
        let printable: String = ('!'..='~').filter(|c| !"\"'`".contains(*c)).collect();
        for text in ["", "cli_a1B2-._~+/=", printable.as_str(), "机器人", "é"] {
            assert_eq!(StrayCharacter::in_text(text), None, "{text}");
        }
    }
}
