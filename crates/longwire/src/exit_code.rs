//! The exit codes. They are a promise to scripts and units (`RestartPreventExitStatus=3`), so none ever changes its meaning.

use std::process::ExitCode;

use longwire_language::said;

macro_rules! exits {
    ($($name:ident = $code:literal, $meaning:literal;)+) => {
        /// How a command ends.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Exit {
            $(#[doc = $meaning] $name = $code,)+
        }

        impl Exit {
            /// All of them, in the order of their numbers.
            const ALL: &[Self] = &[$(Self::$name,)+];

            /// What it means, as the help and `docs/operating.md` say it.
            fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                }
            }
        }
    };
}

exits! {
    Done = 0, "done";
    Failed = 1, "it did not work; a verdict (`demo`, `bench`, `torture`) is against the gateway; `status`: not every wanted bot is live";
    Usage = 2, "the command line makes no sense";
    Config = 3, "the configuration makes no sense: starting again changes nothing";
    Unreachable = 4, "the server cannot be reached";
    NotFound = 6, "there is no such thing: installation, token, consumer, event";
    Findings = 7, "`check` found problems";
    // sysexits.h calls it EX_SOFTWARE.
    Broken = 70, "the server lost a part that only a new process can replace: start it again";
    Interrupted = 130, "a signal cut it short; of `serve`, a second one";
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Ends the process here and now, whatever its other threads do. What was logged is still written, unless nobody reads it.
pub(crate) fn leave(exit: Exit) -> ! {
    longwire_terminal::stderr::flush();
    std::process::exit(exit as i32)
}

/// All codes and their meaning, for `--help`, in the language of the process.
pub(crate) fn help() -> String {
    let mut text = said("Exit codes:").into_owned();
    for exit in Exit::ALL {
        text.push_str(&format!("\n  {:>3}  {}", *exit as u8, said(exit.meaning())));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_all_of_them() {
        let page = include_str!("../docs/operating.md");
        let table: Vec<&str> = page
            .lines()
            .skip_while(|line| *line != "| exit code | meaning |")
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let rows = Exit::ALL
            .iter()
            .map(|exit| format!("| {} | {} |", *exit as u8, exit.meaning()));
        assert_eq!(table, rows.collect::<Vec<_>>());
    }
}
