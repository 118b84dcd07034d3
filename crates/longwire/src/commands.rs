//! The commands, one file each.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod installations;
pub(crate) mod print;
pub(crate) mod serve;
pub(crate) mod sim;

use std::io;

use crate::exit::{Exit, Failure};

/// What came of writing data to standard output. A reader who has seen enough (`| head`) is no failure.
fn tell(written: io::Result<()>) -> Result<Exit, Failure> {
    longwire_terminal::closed_reader_is_fine(written)
        .map(|()| Exit::Done)
        .map_err(Failure::io("write to standard output"))
}
