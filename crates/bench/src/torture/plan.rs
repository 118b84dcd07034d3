//! How much of everything a run has, and whether that can be.

use std::time::Duration;

use super::schedule::Plan;
use crate::cli::Torture;
use crate::error::BenchError;

/// Every event's id is kept to be compared, about 300 bytes of the platform's memory each.
pub(super) const MOST_EVENTS: u32 = 10_000_000;
/// A row and its keys, twice over.
const EVENT_BYTES: u64 = 4 << 10;
/// A life has troubles and a restart besides the time it runs.
const SECONDS_BESIDES: f64 = 1.0;

/// What was asked for, if it fits.
pub(super) fn of(command: &Torture) -> Result<Plan, BenchError> {
    let plan = Plan {
        lives: command.kills,
        stops: command.stops.unwrap_or(command.kills / 4),
        full_disks: u32::from(command.full_disk) * (command.kills / 10).max(1),
        stalls: u32::from(command.stall.is_some()) * (command.kills / 100).max(1),
        stall: Duration::from_secs(command.stall.unwrap_or(0).into()),
    };
    if plan.troubles() > plan.lives {
        return Err(BenchError::Usage(format!(
            "one life has one trouble at most: with {} kills, of which {} meet a full disk or a stall, there may be \
             0 to {} stops",
            plan.lives,
            plan.full_disks + plan.stalls,
            plan.lives.saturating_sub(plan.full_disks + plan.stalls),
        )));
    }
    if expected_events(command) > f64::from(MOST_EVENTS) {
        return Err(BenchError::Usage(format!(
            "that is about {:.0} events, and up to {MOST_EVENTS} can be compared by their ids: ask for fewer kills, \
             shorter lives or a lower rate",
            expected_events(command),
        )));
    }
    Ok(plan)
}

/// The store's file system holds all of them.
pub(super) fn volume_bytes(command: &Torture) -> u64 {
    // Not negative and far below 2^53.
    (256 << 20) + expected_events(command) as u64 * EVENT_BYTES
}

fn expected_events(command: &Torture) -> f64 {
    let stalls = f64::from(command.stall.unwrap_or(0)) * f64::from((command.kills / 100).max(1));
    let lives = f64::from(command.kills) * (command.seconds_per_kill / 2.0 + SECONDS_BESIDES);
    (lives + stalls) * command.rate
}
