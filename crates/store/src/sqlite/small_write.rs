//! How each kind of small write becomes rows, within the writer's transaction.

use diesel::SqliteConnection;

use super::installations::keep_displacement;
use super::timeline::TimelineBuffer;
use crate::failure::Failure;
use crate::lane::SmallWrite;

pub(super) fn write(
    connection: &mut SqliteConnection,
    timeline: &mut TimelineBuffer,
    write: &SmallWrite,
) -> Result<(), Failure> {
    match write {
        SmallWrite::Note(note) => timeline.write(connection, note),
        SmallWrite::Displacement(displacement) => Ok(keep_displacement(connection, displacement)?),
    }
}
