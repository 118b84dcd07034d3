//! Standard output, which belongs to a command's data.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes `text` and the end of a line to standard output.
///
/// # Errors
/// What the operating system says, but for a reader who has left.
pub fn write_data(text: impl Display) -> io::Result<()> {
    closed_reader_is_fine(writeln!(io::stdout(), "{text}"))
}

/// What came of writing data. A reader who has seen enough (`| head`) is no failure.
///
/// # Errors
/// Every other one of `written`.
pub fn closed_reader_is_fine(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
