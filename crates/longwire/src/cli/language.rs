//! Reads the command line in the language that the person wants.
//!
//! The language has to be known before the command line is read, because help and mistakes are told in it. `--lang` is
//! looked for first, then the environment.
//!
//! The parser writes its own words in English. Its help is translated before it is written (the texts) and after (its
//! headings and brackets). Its mistakes are written anew, out of what it says about them.

mod help;
mod mistake;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};
use longwire_language::{Language, speak, spoken};

use super::Cli;
use crate::exit::Exit;

/// Reads the command line of this process. Ends the process after help, and after a mistake.
pub(crate) fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let variable = |name: &str| std::env::var(name).ok();
    speak(named(&arguments).unwrap_or_else(|| Language::of_environment(variable)));
    let command = match spoken() {
        Language::English => Cli::command(),
        Language::Chinese => help::translated(Cli::command()),
    };
    let read = command
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    read.unwrap_or_else(|error| end(&error))
}

/// What `--lang` says, wherever it stands. A value that is no language is told later, as a mistake.
fn named(arguments: &[OsString]) -> Option<Language> {
    let texts = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default());
    let options: Vec<&str> = texts.take_while(|argument| *argument != "--").collect();
    options.iter().enumerate().find_map(|(index, option)| {
        let value = match option.strip_prefix("--lang")? {
            "" => *options.get(index + 1)?,
            value => value.strip_prefix('=')?,
        };
        value.parse().ok()
    })
}

/// Writes help or a mistake, and ends the process.
fn end(error: &clap::Error) -> ! {
    if spoken() == Language::English {
        error.exit();
    }
    let (text, colours) = match error.use_stderr() {
        true => (
            mistake::told(error),
            longwire_terminal::colours_on(&std::io::stderr()),
        ),
        false => (
            help::told(error),
            longwire_terminal::colours_on(&std::io::stdout()),
        ),
    };
    let text = if colours {
        text
    } else {
        help::without_colours(&text)
    };
    let code = if error.use_stderr() {
        longwire_terminal::stderr::write(text.as_bytes());
        Exit::Usage
    } else {
        // Whoever has left has seen enough.
        let _ = longwire_terminal::write_data(text.trim_end());
        Exit::Done
    };
    crate::exit::leave(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<Language>) {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        assert_eq!(named(&arguments), expected, "{line}");
    }

    #[test]
    fn the_language_is_found_wherever_it_stands() {
        check("longwire --lang zh check", Some(Language::Chinese));
        check("longwire check --lang=zh-CN", Some(Language::Chinese));
        check("longwire --lang en --help", Some(Language::English));
        check("longwire check --lang", None);
        check("longwire check --lang de", None);
        check("longwire check --language zh", None);
        check("longwire tokens create -- --lang=zh", None);
    }
}
