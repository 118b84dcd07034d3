//! Standard error: the log, and what a command says besides its data. All of it goes one way, so that it keeps its
//! order. A reader that stalls holds up no caller, and a write that fails ends no process (see [`BackgroundWriter`]).

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::time::Duration;

use longwire_language::said;

use crate::background::{BackgroundWriter, Lost, descriptor_of};

/// The target of the one log line that tells of lost ones, and is itself never lost.
pub const LOST_TARGET: &str = "longwire::log";

/// How long an ending process waits for its last lines to be written. A reader that is only busy takes them in
/// milliseconds; one that stalls is not waited for.
const LAST_LINES: Duration = Duration::from_secs(1);

/// `None` where the operating system gave no thread for it.
static WRITER: OnceLock<Option<BackgroundWriter>> = OnceLock::new();

fn writer() -> Option<&'static BackgroundWriter> {
    WRITER.get_or_init(|| start().ok()).as_ref()
}

fn start() -> io::Result<BackgroundWriter> {
    BackgroundWriter::start("longwire-stderr", descriptor_of(&io::stderr())?, tell)
}

fn tell(Lost { lines, error }: Lost) {
    let cause = error.map_or_else(
        || "whoever reads the log was too slow".to_owned(),
        |error| error.to_string(),
    );
    tracing::warn!(target: LOST_TARGET, lines, cause, "log lines were lost before this one");
}

/// Writes whole lines. Waits for nothing; what finds no room is counted and lost.
pub fn write(bytes: &[u8]) {
    match writer() {
        Some(writer) => writer.write(bytes),
        None => write_directly(bytes),
    }
}

/// The same for the line that tells of lost ones. There is one at most for each write to standard error.
pub fn write_for_certain(bytes: &[u8]) {
    match writer() {
        Some(writer) => writer.write_for_certain(bytes),
        None => write_directly(bytes),
    }
}

/// If the operating system gave no thread, the caller waits.
fn write_directly(bytes: &[u8]) {
    // Whoever closed standard error does not want to know.
    drop(io::stderr().write_all(bytes));
}

/// Writes a line, or several, for the person who runs the command, in their language.
pub fn say(text: impl Display) {
    let text = text.to_string();
    write(format!("{}\n", said(&text)).as_bytes());
}

/// Waits for what was written so far, a second at most. Whoever ends the process calls it.
pub fn flush() {
    if let Some(Some(writer)) = WRITER.get() {
        // Nothing can be done about a reader that does not read.
        let _ = writer.flush(LAST_LINES);
    }
}

/// Lines that were lost since the start.
pub fn lost_lines() -> u64 {
    writer().map_or(0, BackgroundWriter::lost_lines)
}
