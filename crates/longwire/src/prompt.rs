//! A secret typed at the terminal, which does not show it.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _, stderr, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize as _;

/// The longest secret that is read; the platform's have 32 characters.
const MAX_BYTES: u64 = 4096;

/// Asks for a secret; an error when there is no terminal to ask at.
pub(crate) fn ask(question: &str) -> io::Result<SecretString> {
    let input = stdin();
    if !input.is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "there is no terminal to ask at; use --secret-stdin or --secret-file",
        ));
    }
    // Straight to the terminal: nothing goes on without an answer.
    write!(stderr(), "{question}: ")?;
    let _hidden = Hidden::begin()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    writeln!(stderr())?;
    Ok(take(line))
}

/// Asks whether to do something; an error when there is no terminal to ask at.
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    let input = stdin();
    if !input.is_terminal() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "there is no terminal to ask at; use --yes",
        ));
    }
    write!(stderr(), "{question} [y/N] ")?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Reads a secret from a pipe.
pub(crate) fn from_stdin() -> io::Result<SecretString> {
    let mut text = String::new();
    stdin().lock().take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(take(text))
}

fn take(mut text: String) -> SecretString {
    let secret = SecretString::from(text.trim_end_matches(['\r', '\n']));
    text.zeroize();
    secret
}

/// Switches the terminal's echo off, and on again when dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing better can be done than to try.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
