//! The hidden `longwire bench floor`: this process becomes the floor that `bench peers` compares with.

use longwire_bare::Record;

use crate::cli;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::signals::end_with_parent;

pub(super) fn run(command: &cli::Floor) -> Result<Exit, Failure> {
    end_with_parent();
    files::raise();
    longwire_bare::run(&longwire_bare::Floor {
        base_url: command.base_url.clone(),
        connections: command.connections,
        record: match (&command.log, command.append) {
            (None, _) => Record::Nothing,
            (Some(path), true) => Record::Appended(path.clone()),
            (Some(path), false) => Record::Keyed(path.clone()),
        },
    })?;
    Ok(Exit::Done)
}
