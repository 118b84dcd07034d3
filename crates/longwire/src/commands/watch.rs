//! A screen that is drawn again and again, until somebody ends the command.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use longwire_terminal::Redrawn;

use crate::exit::{Exit, Failure};

/// Often enough to follow what happens, and cheap for a server with 10,000 bots.
const EVERY: Duration = Duration::from_secs(2);

/// Shows what `look` answers, every two seconds: in place on a terminal, and elsewhere whenever it is another text.
pub(super) fn watch(mut look: impl FnMut() -> Result<String, Failure>) -> Result<Exit, Failure> {
    let mut out = std::io::stdout();
    let mut screen = out.is_terminal().then(Redrawn::default);
    let mut last = None;
    loop {
        let text = look()?;
        let written = match &mut screen {
            Some(screen) => write!(out, "{}", screen.over(&text)),
            None if last.as_ref() == Some(&text) => Ok(()),
            None => write!(out, "{text}"),
        };
        if let Err(error) = written.and_then(|()| out.flush()) {
            return super::tell(Err(error));
        }
        last = Some(text);
        std::thread::sleep(EVERY);
    }
}
