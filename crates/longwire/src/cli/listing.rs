//! The arguments of every list.

use clap::Args;

/// Which part of a list is printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct PageArgs {
    /// Print so many at most.
    #[arg(long, default_value_t = 100, value_name = "NUMBER", value_parser = limit)]
    pub(crate) limit: usize,
    /// Print those behind this place, which the output before named.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// Print all.
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    pub(crate) all: bool,
}

impl PageArgs {
    /// How many may be printed.
    pub(crate) fn most(&self) -> usize {
        if self.all { usize::MAX } else { self.limit }
    }
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| "a number from 1 belongs here".to_owned())
}
