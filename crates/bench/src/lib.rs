//! What measures longwire, and what shows it: `longwire bench`, `longwire torture` and the show of `longwire demo`.
//!
//! ```text
//! events    warm-up, windows under load, last answers   ACKs per second, their latency, processor time per event
//! callbacks rounds of long connections and HTTP        callbacks per second beside the ACKs per second
//! idle      a tenth of the bots, then all               memory per bot before and after traffic, processor time
//! attack    calm, an attack, calm again                 what the others feel of it, memory, recovery
//! startup   a store filled, then a gateway on it        time until it listens, until one bot is live, until all are
//! storm     every connection broken at once             time until all are live again, attempts, repeats
//! takeover  load, and new processes that take over       time, gaps of WeCom, repeats, what the application got
//! peers     rounds of the gateway, the floor, the SDKs  ratios beside their bars
//! scale     1 to 10,000 connections                     ACKs per second over connections
//! deliver   a backlog recorded, then resumed; a paced load deliveries per second beside a floor, time until received
//! relay     SDKs straight and behind the gateway     rates and lateness of their handlers, connections, calls
//! overload  the sustainable rate, then twice that       what is still acknowledged, and how late
//! torture   kills at random instants                    whether anything acknowledged is missing
//! ```
//! Platform and gateway run in processes of their own (module `stand`): the binary is started again with other arguments, and
//! what is needed of it comes in as a [`Program`]. Every run ends with the platform's counters held against the store,
//! and a run that lost or doubled an event has failed, whatever its figures. This crate uses nothing of the gateway's
//! code but the reader of its log.

// Both wait for whoever reads, and panic when nobody does. `longwire_terminal` has the ways out.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod application;
mod attack;
mod bar;
mod callbacks;
mod chart;
pub mod cli;
mod deliver;
pub mod demo;
pub mod disk;
mod error;
mod events;
mod floor;
mod host;
mod idle;
mod load;
mod outcome;
mod overload;
mod peers;
mod program;
mod receiver;
mod relay;
mod report;
mod retention;
mod sample;
mod scale;
mod seed;
mod stand;
mod startup;
mod storm;
mod takeover;
mod torture;
mod window;
mod write_lock;

pub use application::run as run_application;
pub use error::{BenchError, Role, StandError};
pub use floor::{post as run_post_floor, run as run_floor};
pub use outcome::RunOutcome;
pub use program::Program;
pub use receiver::run as run_receiver;
pub use torture::run as torture;
pub use write_lock::{WriteLock, WriteLockError};

use cli::Measurement;

/// Carries out one measurement, inside an actix system. Dropping the future ends every process it started.
///
/// # Errors
/// When the run comes to nothing: a process ends or does not answer, or the arguments do not fit together.
pub async fn run(command: &Measurement, program: &Program) -> Result<RunOutcome, BenchError> {
    match command {
        Measurement::Events(command) => events::run(command, program).await,
        Measurement::Callbacks(command) => callbacks::run(command, program).await,
        Measurement::Idle(command) => idle::run(command, program).await,
        Measurement::Attack(command) => attack::run(command, program).await,
        Measurement::Startup(command) => startup::run(command, program).await,
        Measurement::Storm(command) => storm::run(command, program).await,
        Measurement::Takeover(command) => takeover::run(command, program).await,
        Measurement::Peers(command) => peers::run(command, program).await,
        Measurement::Scale(command) => scale::run(command, program).await,
        Measurement::Overload(command) => overload::run(command, program).await,
        Measurement::Deliver(command) => deliver::run(command, program).await,
        Measurement::Relay(command) => relay::run(command, program).await,
        Measurement::Retention(command) => retention::run(command, program).await,
    }
}
