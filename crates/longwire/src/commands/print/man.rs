//! Manual pages, made from the definition of the command line. They hold no date, so equal builds make equal pages.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::Failure;

/// The command line without `help`, which repeats the pages.
fn command() -> clap::Command {
    Cli::command().disable_help_subcommand(true)
}

/// longwire(1), which names the pages of the commands.
pub(super) fn main_page() -> String {
    let mut page = Vec::new();
    Man::new(command())
        .render(&mut page)
        .expect("a vector takes everything");
    String::from_utf8_lossy(&page).into_owned()
}

/// Writes a page for each command into `directory`, which is made if it is missing.
pub(super) fn write_all(directory: &Path) -> Result<(), Failure> {
    let failed = || Failure::io(format!("write manual pages to {}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed())?;
    clap_mangen::generate_to(command(), directory).map_err(failed())
}
