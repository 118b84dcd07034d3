//! Completions of the command line for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// The script that the shell reads.
pub(super) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(shell, &mut command, "longwire", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
