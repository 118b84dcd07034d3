//! More bots than open files. Those that find no place wait, and those that were connected keep theirs between two
//! connections, so the healthy bots are back as fast as ever; probes have files of their own.

use longwire_sim::Behaviour;

use super::Attacked;
use super::back::{self, PlatformTrouble};
use crate::cli::{Attack, BenchAttack};
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::ProgressLine;

/// Bots of the other platform.
const BOTS: u32 = 5_000;
/// What the gateway may have open, as a shell hands it out.
const OPEN_FILES: u32 = 1_024;

pub(super) async fn carry_out(
    command: &BenchAttack,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Attacked, BenchError> {
    let trouble = PlatformTrouble {
        attack: Attack::Files,
        bots: command.troubled.unwrap_or(BOTS),
        behaviour: Behaviour::Nominal,
        open_files: Some(OPEN_FILES),
    };
    back::carry_out(&trouble, command, program, progress).await
}
