//! The commands, one file each.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod check_endpoint;
pub(crate) mod consumers;
pub(crate) mod demo;
mod event_lookup;
mod event_timeline;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod installations;
pub(crate) mod listen;
mod listing;
pub(crate) mod print;
pub(crate) mod probe;
pub(crate) mod relay;
pub(crate) mod reload;
pub(crate) mod restore;
pub(crate) mod retention;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod sim;
pub(crate) mod status;
pub(crate) mod tokens;
mod watch;

use std::io;

use longwire_store::{InstallationRecord, Reader};

use crate::exit::{Exit, Failure};

/// The installation of this id or name.
fn installation(reader: &Reader, id_or_name: &str) -> Result<InstallationRecord, Failure> {
    let found = reader.installation(id_or_name)?;
    found.ok_or_else(|| Failure::NoInstallation(id_or_name.to_owned()))
}

/// What came of writing data to standard output. A reader who has seen enough (`| head`) is no failure.
fn tell(written: io::Result<()>) -> Result<Exit, Failure> {
    longwire_terminal::closed_reader_is_fine(written)
        .map(|()| Exit::Done)
        .map_err(Failure::io("write to standard output"))
}
