//! The arguments of `longwire retention` and `longwire events erase`.

use std::num::NonZeroU64;
use std::time::Duration;

use clap::{Args, Subcommand};
use longwire_janitor::PersonId;

use super::{Output, ServerArgs};
use crate::config::{Bound, PayloadSetting, parse_bytes, parse_period};

/// What is kept, and for how long.
#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Show what is kept, what goes, and which consumers keep events from going.
    Show {
        /// Show the rules of this installation instead, by id or name.
        #[arg(long, short)]
        installation: Option<String>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Set what is kept of one installation's events. What is not given has no bound of its own.
    ///
    /// The bounds of the section `retention` of the configuration hold beside these.
    Set(SetRetention),
}

/// The rules of one installation.
#[derive(Debug, Args)]
pub(crate) struct SetRetention {
    /// Id or name.
    pub(crate) installation: String,
    /// Events of this age at most: "7d", or "forever".
    #[arg(long, value_name = "DURATION", value_parser = period)]
    pub(crate) keep: Option<Bound<Duration>>,
    /// So many bytes of payloads at most: "1GiB", or "forever".
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(crate) bytes: Option<Bound<usize>>,
    /// So many events at most.
    #[arg(long, value_name = "COUNT")]
    pub(crate) events: Option<NonZeroU64>,
    /// What is kept of payloads once every consumer has them: all, or a hash.
    #[arg(long, value_enum, default_value_t = PayloadSetting::Full)]
    pub(crate) store: PayloadSetting,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Whom to erase.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The person's `open_id`, `union_id` or `user_id`, or WeCom's `userid`.
    #[arg(long, value_name = "ID")]
    pub(crate) person: PersonId,
    /// Only in events of this installation, by id or name.
    #[arg(long, short)]
    pub(crate) installation: Option<String>,
    /// Count the events, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

fn period(text: &str) -> Result<Bound<Duration>, String> {
    parse_period(text).ok_or_else(|| "a duration with its unit, as in 7d, or forever".to_owned())
}

fn bytes(text: &str) -> Result<Bound<usize>, String> {
    parse_bytes(text).ok_or_else(|| "a size with its unit, as in 1GiB, or forever".to_owned())
}
