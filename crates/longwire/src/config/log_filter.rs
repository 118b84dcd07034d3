//! What is logged: the filter of the section `[log]`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// What is logged. Where the text has no level for everything, that is `info`: a filter that only names a target, perhaps one that
/// is not there, adds to the log and does not silence it. The HTTP server's notes on its threads are below what an operator asked
/// for, unless he names it himself. Its errors are requests that are none: whoever can reach a listener could fill the log with
/// them.
pub(crate) fn parse(text: &str) -> Result<EnvFilter, ParseError> {
    // Of two directives for the same the later one holds.
    EnvFilter::try_new(format!("info,actix_server=warn,actix_http=off,{text}"))
}

/// The log's own reader takes a word it does not know for the name of a target, and nothing for errors alone: a mistyped
/// level would silence everything.
pub(super) fn check(filter: &str) -> Result<(), String> {
    parse(filter).map_err(|error| error.to_string())?;
    let is_word = |directive: &str| {
        let mut characters = directive.chars();
        characters.all(|c| c.is_alphanumeric() || "_:-".contains(c))
    };
    let unknown = filter.split(',').map(str::trim).find(|directive| {
        directive.is_empty() || is_word(directive) && directive.parse::<LevelFilter>().is_err()
    });
    match unknown {
        None => Ok(()),
        Some(directive) => Err(format!(
            "`{directive}` is no level; write one of off, error, warn, info, debug, trace, or a target with its \
             level as in \"longwire_fleet=debug\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_level_for_everything_makes_the_log_say_less() {
        let all = |text: &str| {
            let filter = parse(text).expect(text).to_string();
            let levels = filter.split(',').filter(|one| !one.contains(['=', '[']));
            levels.map(str::to_owned).collect::<Vec<_>>()
        };
        for (text, level) in [
            ("nosuch=debug", "info"),
            ("[event]=trace", "info"),
            ("[nosuch]", "info"),
            ("longwire_fleet=debug", "info"),
            ("longwire_fleet=debug,warn", "warn"),
            ("off", "off"),
        ] {
            assert_eq!(all(text), [level], "{text}");
        }
    }
}
