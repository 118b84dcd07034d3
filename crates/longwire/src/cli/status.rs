//! The arguments of `status`.

use std::time::Duration;

use clap::Args;

use super::{Output, ServerArgs, duration};

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Wait so long until every wanted bot is live, as in 30s; also for a server that is about to start.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait: Option<Duration>,
    /// Show it again and again, until the command is ended.
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
