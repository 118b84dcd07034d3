//! The arguments of `torture`.

use clap::Args;

use super::{Ground, life, torture_rate};

/// Arguments of `torture`.
#[derive(Debug, Args)]
pub struct Torture {
    /// How often the gateway is killed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) kills: u32,
    /// The longest a gateway lives; each life is a random part of it.
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = life)]
    pub(crate) seconds_per_kill: f64,
    /// Installations, one connection each.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: u32,
    /// Events per second over all connections.
    #[arg(long, default_value_t = 500.0, value_name = "PER_SECOND", value_parser = torture_rate)]
    pub(crate) rate: f64,
    /// How often it is stopped (SIGSTOP) for a random time and continued, in a life each; a quarter of the kills unless
    /// given. Some stops outlast the platform's patience, in some the platform drops the connections.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) stops: Option<u32>,
    /// In one life of ten the disk is full for a while; some gateways die in it, and their successors start in it. The
    /// store lies on a file system of its own for that, which takes root.
    #[arg(long)]
    pub(crate) full_disk: bool,
    /// In one life of a hundred, and one at least, the disk takes no writes for so long and does not say so. Takes
    /// root as well.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) stall: Option<u32>,
    /// Applications receive meanwhile, one over a webhook, one that pulls, one with a stream: each event has to reach each of
    /// them, and what comes again has to say so.
    #[arg(long)]
    pub(crate) deliver: bool,
    /// Two instances of an application are connected as an official SDK connects, and one of them is killed for each kill of the
    /// gateway: each event has to reach a handler, in the order of its chat, and what comes again has to say so.
    #[arg(long)]
    pub(crate) relay: bool,
    /// Instead of killing the gateway, make so many backups under load and restore each. A restored store has to be sound, to have
    /// every number up to its end and every event that was acknowledged before the backup began, and to know their repeats.
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        conflicts_with_all = ["kills", "seconds_per_kill", "stops", "full_disk", "stall", "deliver", "relay"]
    )]
    pub(crate) backups: Option<u32>,
    /// The instants of the kills follow from it; a new one every time unless given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) ground: Ground,
}
