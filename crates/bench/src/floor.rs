//! The hidden `longwire bench floor` and `bench post-floor`: this process becomes the floor that `bench peers` or `bench
//! deliver` compares with.

use std::time::Duration;

use longwire_bare::{PostFloorSettings, Recording};
use longwire_terminal::write_data;
use serde_json::json;

use crate::cli::{FloorArgs, PostFloorArgs};
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

/// This process posts what `bench deliver` compares with, and writes a line with what came of it.
///
/// # Errors
/// As [`longwire_bare::post`].
pub fn post(command: &PostFloorArgs) -> Result<(), BenchError> {
    let posted = longwire_bare::post(&PostFloorSettings {
        endpoints: command.endpoints.clone(),
        connections: command.connections,
        body_bytes: command.body_bytes,
        warm_up: Duration::from_secs_f64(command.warm_up),
        length: Duration::from_secs(command.seconds.into()),
    })?;
    let line = json!({ "posts": posted.posts, "seconds": posted.seconds });
    write_data(line.to_string()).map_err(BenchError::io("write to standard output"))
}
