//! `longwire bench`: this build on this host, measured against the simulated platform.
//!
//! ```text
//! events  warm-up, windows under load, last answers   ACKs per second, their latency, processor time per event
//! idle    a tenth of the bots, then all               memory per bot before and after traffic, processor time
//! storm   every connection broken at once             time until all are live again, attempts, repeats
//! ```
//! Platform and gateway run in processes of their own ([`crate::stand`]). Every run ends with the platform's ledger
//! held against the store, and a run that lost or doubled an event has failed, whatever its figures.

mod events;
mod idle;
pub(crate) mod report;
mod sample;
mod storm;

use crate::cli::Bench;
use crate::exit::{Exit, Failure};
use crate::logs;
use crate::stand::carry_out;

pub(crate) fn run(command: &Bench) -> Result<Exit, Failure> {
    logs::start_for_command();
    match command {
        Bench::Events(command) => {
            events::check(command)?;
            carry_out(events::run(command))
        }
        Bench::Idle(command) => carry_out(idle::run(command)),
        Bench::Storm(command) => carry_out(storm::run(command)),
    }
}
