//! The arguments of the programs that a measurement starts beside the gateway. Nobody types them, so the help does not show them.

use std::path::PathBuf;

use clap::Args;

use super::life;

/// Arguments of the hidden `bench floor`.
#[derive(Debug, Args)]
pub struct FloorArgs {
    pub(crate) base_url: String,
    #[arg(value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) connections: u32,
    /// Commit every event to this database before its ACK.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// Without a key to know repeats by.
    #[arg(long, requires = "log")]
    pub(crate) append: bool,
}

/// Arguments of the hidden `bench post-floor`.
#[derive(Debug, Args)]
pub struct PostFloorArgs {
    /// Host and port of each endpoint.
    #[arg(required = true)]
    pub(crate) endpoints: Vec<String>,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: u32,
    #[arg(long)]
    pub(crate) body_bytes: usize,
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS", value_parser = life)]
    pub(crate) warm_up: f64,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) seconds: u32,
}

/// Arguments of the hidden `bench application`.
#[derive(Debug, Args)]
pub struct ApplicationArgs {
    /// Of the gateway.
    pub(crate) base_url: String,
    /// Bots: `cli_0000000000000001` and so on.
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) bots: u32,
    /// Of each bot.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) connections: u32,
    /// What it shows instead of an app secret.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: PathBuf,
    /// Where its handler writes down what it took.
    #[arg(long, value_name = "FILE")]
    pub(crate) notes: Option<PathBuf>,
}
