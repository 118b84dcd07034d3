//! A platform that accepts its bots and drops each of them at once: every bot asks for turn after turn.

use longwire_sim::Behaviour;

use super::Attacked;
use super::back::{self, PlatformTrouble};
use crate::cli::{Attack, BenchAttack};
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::ProgressLine;

/// Bots of that platform.
const BOTS: u32 = 2_000;

pub(super) async fn carry_out(
    command: &BenchAttack,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Attacked, BenchError> {
    let trouble = PlatformTrouble {
        attack: Attack::Flapping,
        bots: command.troubled.unwrap_or(BOTS),
        behaviour: Behaviour::UpgradeThenDrop,
        open_files: None,
    };
    back::carry_out(&trouble, command, program, progress).await
}
