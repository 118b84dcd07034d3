//! The hidden `longwire bench floor`: this process becomes the floor that `bench peers` compares with.

use longwire_bare::Recording;

use crate::cli::FloorArgs;
use crate::error::BenchError;

/// This process becomes the floor that `bench peers` compares with, until its platform ends.
///
/// # Errors
/// As [`longwire_bare::run`].
pub fn run(command: &FloorArgs) -> Result<(), BenchError> {
    longwire_bare::run(&longwire_bare::FloorSettings {
        base_url: command.base_url.clone(),
        connections: command.connections,
        record: match (&command.log, command.append) {
            (None, _) => Recording::Nothing,
            (Some(path), true) => Recording::Appended(path.clone()),
            (Some(path), false) => Recording::Keyed(path.clone()),
        },
    })?;
    Ok(())
}
