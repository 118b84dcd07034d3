//! The help in Chinese.

use clap::builder::StyledStr;
use clap::{Arg, Command};
use longwire_language::said;
use longwire_terminal::width;

/// Columns of a text under its option, as `--help` shows it.
const LONG_COLUMNS: usize = 84;
/// Columns of a text beside its option, as `-h` shows it.
const SHORT_COLUMNS: usize = 60;
/// What the parser writes by itself, and the same in Chinese. A longer one stands before one that begins like it.
const OF_PARSER: &[(&str, &str)] = &[
    (
        "Print this message or the help of the given subcommand(s)",
        "显示本帮助或子命令的帮助",
    ),
    (
        "Print help (see a summary with '-h')",
        "显示帮助（'-h' 显示摘要）",
    ),
    (
        "Print help (see more with '--help')",
        "显示帮助（'--help' 显示详细说明）",
    ),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
    ("Usage:", "用法:"),
    ("Commands:", "命令:"),
    ("Arguments:", "参数:"),
    ("Options:", "选项:"),
    ("Possible values:", "可用的值:"),
    ("[possible values: ", "[可用的值："),
    ("[default: ", "[默认："),
    ("[env: ", "[环境变量："),
    ("[aliases: ", "[别名："),
    ("[alias: ", "[别名："),
    ("[OPTIONS]", "[选项]"),
    ("[COMMAND]", "[命令]"),
    ("<COMMAND>", "<命令>"),
];

/// The command line with its help in Chinese.
pub(super) fn translated(command: Command) -> Command {
    let about = command.get_about().map(|text| text_of(text, LONG_COLUMNS));
    let long_about = command
        .get_long_about()
        .map(|text| text_of(text, LONG_COLUMNS));
    let command = match about {
        None => command,
        Some(about) => command.about(about),
    };
    let command = match long_about {
        None => command,
        Some(about) => command.long_about(about),
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let command = command.mut_args(of_argument);
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, translated)
    })
}

fn of_argument(argument: Arg) -> Arg {
    let help = argument.get_help().map(|text| text_of(text, SHORT_COLUMNS));
    // What `--help` shows where there is no longer text.
    let long = argument.get_long_help().or(argument.get_help());
    let mut long = long
        .map(|text| text_of(text, LONG_COLUMNS))
        .unwrap_or_default();
    let values: Vec<(String, String)> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .filter_map(|value| {
            Some((
                value.get_name().to_owned(),
                text_of(value.get_help()?, LONG_COLUMNS),
            ))
        })
        .collect();
    let has_texts = !values.is_empty();
    if has_texts {
        // The parser takes the texts of values from their type, where they cannot be replaced.
        long.push_str("\n\n可用的值：");
        for (name, text) in values {
            long.push_str(&format!("\n- {name}：{text}"));
        }
    }
    let argument = match help {
        None => argument,
        Some(help) => argument.help(help).long_help(long),
    };
    argument.hide_possible_values(has_texts)
}

/// A text of the help: paragraphs, each translated and broken into lines.
fn text_of(text: &StyledStr, columns: usize) -> String {
    let text = text.to_string();
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| lines(&said(paragraph), columns));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Breaks a text into lines: between Chinese characters, and never within a word of Latin letters. No line begins with
/// punctuation. The parser breaks lines at blanks alone, and Chinese has none.
fn lines(text: &str, columns: usize) -> String {
    let mut broken = String::new();
    let mut taken = 0;
    for piece in pieces(text) {
        let wide = width(piece);
        if taken > 0 && taken + wide > columns {
            broken.truncate(broken.trim_end_matches(' ').len());
            broken.push('\n');
            taken = 0;
        }
        let piece = if taken == 0 {
            piece.trim_start_matches(' ')
        } else {
            piece
        };
        broken.push_str(piece);
        taken = if piece.contains('\n') {
            0
        } else {
            taken + width(piece)
        };
    }
    broken
}

/// Parts of a text that stay in one line.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices().peekable();
        let (_, mut former) = characters.next()?;
        let end = characters
            .find(|&(_, character)| {
                let may_break = may_break(former, character);
                former = character;
                may_break
            })
            .map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Whether a line may end between these two.
fn may_break(former: char, character: char) -> bool {
    const CLOSING: &str = "，。；：、）”》？！,.;:)]}?!`'";
    const OPENING: &str = "（“《([{`'";
    if CLOSING.contains(character) || OPENING.contains(former) {
        return false;
    }
    former == ' ' || former == '\n' || !former.is_ascii() || !character.is_ascii()
}

/// What the parser wrote, with its own words in Chinese.
pub(super) fn told(error: &clap::Error) -> String {
    in_chinese(&error.render().ansi().to_string())
}

/// Replaces the parser's own words.
pub(super) fn in_chinese(text: &str) -> String {
    OF_PARSER
        .iter()
        .fold(text.to_owned(), |text, (english, chinese)| {
            text.replace(english, chinese)
        })
}

/// The text without the sequences that colour it.
pub(super) fn without_colours(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let after = part.split_once('m').map_or(part, |(_, after)| after);
        text + after
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use longwire_language::Catalog;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn lines_end_where_they_may() {
        let text = "没有密钥（`whsec_…`）时，会询问。use --secret-file";
        for columns in 12..60 {
            let broken = lines(text, columns);
            let glued: String = broken.split('\n').collect();
            assert_eq!(glued.replace(' ', ""), text.replace(' ', ""), "{columns}");
            for line in broken.lines() {
                assert!(
                    !line.starts_with(['，', '。', '）', '`']),
                    "{columns}: {broken}"
                );
                // One piece may be wider than a line.
                assert!(width(line) <= columns.max(13), "{columns}: {broken}");
            }
        }
    }

    #[test]
    fn colours_go_and_words_stay() {
        assert_eq!(without_colours("\x1b[1ma\x1b[0m b\x1b[4mc"), "a bc");
    }

    /// Every command and argument of the command line, hidden ones left out.
    fn texts(command: &Command, texts: &mut Vec<String>) {
        let visible = command
            .get_arguments()
            .filter(|argument| !argument.is_hide_set());
        for argument in visible {
            let values = argument.get_possible_values();
            let of_values = values
                .iter()
                .filter_map(|value| value.get_help().map(ToString::to_string));
            texts.extend(of_values);
            let own = [argument.get_help(), argument.get_long_help()];
            texts.extend(own.into_iter().flatten().map(ToString::to_string));
        }
        let own = [command.get_about(), command.get_long_about()];
        texts.extend(own.into_iter().flatten().map(ToString::to_string));
        // What is hidden is for this program alone.
        for command in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            self::texts(command, texts);
        }
    }

    #[test]
    fn every_text_of_the_help_has_chinese() {
        let table = Catalog::built_in();
        let mut all = Vec::new();
        texts(&Cli::command(), &mut all);
        let paragraphs = all.iter().flat_map(|text| text.split("\n\n"));
        let missing: Vec<&str> = paragraphs
            .filter(|text| table.said(text).is_none())
            .collect();
        assert!(missing.is_empty(), "no Chinese for {missing:#?}");
        assert!(all.len() > 200, "the help has {} texts", all.len());
    }
}
