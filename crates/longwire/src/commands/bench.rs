//! `longwire bench`: this build on this host, measured against the simulated platform.
//!
//! ```text
//! events  warm-up, windows under load, last answers   ACKs per second, their latency, processor time per event
//! idle    a tenth of the bots, then all               memory per bot before and after traffic, processor time
//! attack  calm, an attack, calm again                 what the others feel of it, memory, recovery
//! startup a store filled, then a gateway on it   time until it listens, until one bot is live, until all are
//! storm   every connection broken at once             time until all are live again, attempts, repeats
//! peers   rounds of the gateway, the floor, the SDKs  ratios beside their bars
//! scale   1 to 10,000 connections                     ACKs per second over connections
//! overload  the sustainable rate, then twice that     what is still acknowledged, and how late
//! ```
//! Platform and gateway run in processes of their own ([`crate::stand`]). Every run ends with the platform's ledger
//! held against the store, and a run that lost or doubled an event has failed, whatever its figures.

mod attack;
mod bar;
mod chart;
mod events;
mod floor;
mod host;
mod idle;
mod load;
mod overload;
mod peers;
pub(crate) mod report;
mod sample;
mod scale;
mod startup;
mod storm;
mod window;

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
        Bench::Attack(command) => carry_out(attack::run(command)),
        Bench::Startup(command) => carry_out(startup::run(command)),
        Bench::Storm(command) => carry_out(storm::run(command)),
        Bench::Peers(command) => carry_out(peers::run(command)),
        Bench::Scale(command) => carry_out(scale::run(command)),
        Bench::Overload(command) => {
            overload::check(command)?;
            carry_out(overload::run(command))
        }
        Bench::Floor(command) => floor::run(command),
    }
}
