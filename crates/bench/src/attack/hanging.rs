//! A platform that reads what its bots ask and never answers: each attempt takes as long as it may, and every bot makes
//! the next one.

use longwire_sim::Behaviour;

use super::Attacked;
use super::back::{self, PlatformTrouble};
use crate::cli::{Attack, BenchAttack};
use crate::error::BenchError;
use crate::program::Program;
use crate::stand::ProgressLine;

/// Bots of that platform.
const BOTS: u32 = 3_000;

pub(super) async fn carry_out(
    command: &BenchAttack,
    program: &Program,
    progress: &ProgressLine,
) -> Result<Attacked, BenchError> {
    let trouble = PlatformTrouble {
        attack: Attack::Hanging,
        bots: command.troubled.unwrap_or(BOTS),
        behaviour: Behaviour::BootstrapHang,
        open_files: None,
    };
    back::carry_out(&trouble, command, program, progress).await
}
