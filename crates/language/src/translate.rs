//! Finds the templates that a text was made of, and says it in Chinese.
//!
//! What the process says is often several texts in a row: an error and its causes, a reason and the next step. They are
//! separated by `: `, `; `, `. ` and `, `. A value of a template may be such a row again.

use crate::spacing;
use crate::table::{Catalog, Entry};

/// A longer text is somebody else's.
const MOST_BYTES: usize = 8_192;
/// How deep values lie in values.
const MOST_DEPTH: usize = 6;
/// What stands between texts, and what stands there in Chinese.
const SEPARATORS: [(&str, &str); 4] = [(": ", "："), ("; ", "；"), (". ", "。"), (", ", "，")];
/// A template with fewer letters fits too many texts. It counts only when a value in it is a known text.
const FEW_LETTERS: usize = 4;
/// What may stand before the text of a line.
const MARKS: &[char] = &[' ', '✓', '✗', '→', '!', '•'];

impl Catalog {
    /// The Chinese of what is said, line by line. Colours, marks and indentation stay. `None` when no part of it is known.
    #[must_use]
    pub fn said(&self, text: &str) -> Option<String> {
        // Lines that are not one text together are texts of their own.
        let whole = match text.contains('\n') {
            true => self.one(text, 0),
            false => self.row(text, 0),
        };
        if whole.is_some() {
            return whole;
        }
        let mut is_known = false;
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| match self.line(line) {
                Some(known) => {
                    is_known = true;
                    known
                }
                None => line.to_owned(),
            })
            .collect();
        is_known.then(|| lines.join("\n"))
    }

    /// A line, in pieces between colours.
    fn line(&self, line: &str) -> Option<String> {
        let mut said = String::new();
        let mut is_known = false;
        let mut rest = line;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.find('\x1b').unwrap_or(rest.len()));
            let text = without_number(piece.trim_start_matches(MARKS));
            let whole = |piece| self.row(piece, 0).filter(|_| !is_numbered(piece));
            let known = whole(piece).or_else(|| {
                let begin = &piece[..piece.len() - text.len()];
                let end = &text[text.trim_end().len()..];
                Some(format!("{begin}{}{end}", self.row(text.trim_end(), 0)?))
            });
            is_known |= known.is_some();
            said.push_str(known.as_deref().unwrap_or(piece));
            let (colour, after) = after.split_at(after.find('m').map_or(0, |end| end + 1));
            said.push_str(colour);
            // An escape without an end is no colour, and ends what is looked at.
            if colour.is_empty() {
                said.push_str(after);
                break;
            }
            rest = after;
        }
        is_known.then_some(said)
    }

    /// One text, or several in a row.
    fn row(&self, text: &str, depth: usize) -> Option<String> {
        if text.len() > MOST_BYTES || depth > MOST_DEPTH || !text.contains(' ') {
            return self.plain(text).map(str::to_owned);
        }
        self.one(text, depth)
            .or_else(|| self.several(text, depth))
            .or_else(|| self.of_template(text, depth, |_| true))
    }

    /// One text.
    fn one(&self, text: &str, depth: usize) -> Option<String> {
        let exact = |text| self.plain(text).map(str::to_owned);
        // A value at the beginning that is a row of texts is more likely the beginning of this row.
        let is_clear = |first: &str| {
            !SEPARATORS.iter().any(|(separator, _)| {
                first.contains(separator) || first.ends_with(separator.trim_end())
            })
        };
        exact(text)
            .or_else(|| self.of_template(text, depth, is_clear))
            .or_else(|| {
                let sentence = text.strip_suffix('.')?;
                let said =
                    exact(sentence).or_else(|| self.of_template(sentence, depth, is_clear))?;
                Some(format!("{said}。"))
            })
    }

    /// Texts in a row. The longest beginning that is a text counts.
    fn several(&self, text: &str, depth: usize) -> Option<String> {
        let mut cuts: Vec<(usize, &str, &str)> = SEPARATORS
            .iter()
            .flat_map(|&(separator, chinese)| {
                text.match_indices(separator)
                    .map(move |(at, _)| (at, separator, chinese))
            })
            .collect();
        cuts.sort_unstable_by_key(|&(at, ..)| at);
        let known = cuts.iter().rev().find_map(|&(at, separator, chinese)| {
            let first = self.one(&text[..at], depth)?;
            Some((first, &text[at + separator.len()..], chinese))
        });
        if let Some((mut said, rest, chinese)) = known {
            if !said.ends_with('。') || chinese != "。" {
                said.push_str(chinese);
            }
            spacing::append(
                &mut said,
                &self.row(rest, depth + 1).unwrap_or_else(|| rest.to_owned()),
            );
            return Some(said);
        }
        // A name before a text. Some texts begin with what separates them.
        let &(at, separator, chinese) = cuts.first()?;
        let (first, behind) = (&text[..at], &text[at..]);
        if let Some(rest) = self.one(behind, depth + 1) {
            return Some(format!("{first}{rest}"));
        }
        let rest = self.row(&behind[separator.len()..], depth + 1)?;
        Some(format!("{first}{chinese}{rest}"))
    }

    /// A text with values, of the template that has most in common with it. `may_begin` says what a value at the
    /// beginning may be.
    fn of_template(
        &self,
        text: &str,
        depth: usize,
        may_begin: impl Fn(&str) -> bool,
    ) -> Option<String> {
        self.templates()
            .iter()
            .find_map(|Entry { english, chinese }| {
                let values = english.values(text)?;
                if values.iter().any(|value| value.contains('\n')) {
                    return None;
                }
                if english.begins_with_a_value()
                    && !values.first().is_none_or(|first| may_begin(first))
                {
                    return None;
                }
                let known: Vec<Option<String>> = values
                    .iter()
                    .map(|value| self.row(value, depth + 1))
                    .collect();
                if english.letters() < FEW_LETTERS && known.iter().all(Option::is_none) {
                    return None;
                }
                let values: Vec<&str> = values
                    .iter()
                    .zip(&known)
                    .map(|(value, known)| known.as_deref().unwrap_or(value))
                    .collect();
                let place = |name: &str| {
                    let index = english.names().iter().position(|known| known == name)?;
                    values.get(index).copied()
                };
                Some(chinese.with(place))
            })
    }
}

/// What follows the number of an item in a list: `1. `.
fn without_number(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(". ") {
        Some(item) if rest.len() < text.len() => item,
        _ => text,
    }
}

/// Whether a line is an item of such a list.
fn is_numbered(line: &str) -> bool {
    let text = line.trim_start_matches(MARKS);
    without_number(text).len() < text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let table = Catalog::built_in();
        table.said(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn a_list_keeps_its_numbers_and_lines() {
        let steps = "kept as robot. Next:\n  1. wait until the bot is live, which takes a moment: longwire installations list\n  \
                     2. Add Features > Bot, then Version Management & Release > Create a version > publish it";
        assert_eq!(
            said(steps),
            "已保存为 robot。接下来：\n  1. 等机器人在线，只需片刻：longwire installations list\n  2. 添加应用能力 > 机器人，\
             然后版本管理与发布 > 创建版本 > 发布"
        );
    }

    #[test]
    fn a_text_that_begins_with_its_separator_is_found_behind_a_value() {
        assert_eq!(
            said("2, the last at 2026-12-01T02:41:35Z"),
            "2，最近一个在 2026-12-01T02:41:35Z"
        );
        assert_eq!(
            said("0; none since it went live: has anybody written to the bot?"),
            "0；上线后一个也没有：有人给机器人发过消息吗？"
        );
    }
}
