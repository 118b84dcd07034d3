//! The `longwire` binary: configuration, commands, and the two HTTP listeners of a running gateway.
//!
//! Data goes to standard output, everything else to standard error. What a command's exit code means stands
//! in [`exit_code`].

#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test may list many cases")
)]
// Both wait for whoever reads, and panic when nobody does. Data is written with `commands::tell`, all else with `longwire_terminal::say`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod certificates;
mod cli;
mod client;
mod command_audit;
mod commands;
mod config;
mod declarations;
mod exit;
mod exit_code;
mod file_stamp;
mod files;
mod fleet_access;
mod gateway;
mod listeners;
mod logs;
mod moment;
mod notices;
mod owner_file;
mod prompt;
mod reload;
mod retention;
mod signals;
mod systemd;
mod takeover;
mod token_file;
mod version;

use std::process::ExitCode;

use longwire_fleet::setback::chain;
use longwire_language::{said, word};
use longwire_terminal::{Ink, Palette, escaped, say};

use crate::cli::{Cli, Command};

/// Many short-lived small allocations on several threads are what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Its language is chosen by now.
    let Cli {
        config,
        command,
        lang: _,
    } = cli::parse();
    let last_lines = LastLines;
    let config = config.as_deref();
    let done = match command {
        Command::Serve(serve) => commands::serve::run(config, &serve),
        Command::Reload(wanted) => commands::reload::run(config, &wanted),
        Command::Demo(demo) => commands::demo::run(&demo),
        Command::Sim(sim) => commands::sim::run(&sim),
        Command::Bench(bench) => commands::bench::run(&bench),
        Command::Torture(torture) => commands::bench::torture(&torture),
        Command::Init => commands::init::run(),
        Command::Status(wanted) => commands::status::run(config, &wanted),
        Command::Check(check) => commands::check::run(config, &check),
        Command::Probe { admin_url } => commands::probe::run(config, admin_url.as_ref()),
        Command::CheckEndpoint(check) => commands::check_endpoint::run(config, &check),
        Command::Installations(command) => commands::installations::run(config, command),
        Command::Secrets(command) => commands::secrets::run(config, &command),
        Command::Backup(command) => commands::backup::run(config, &command),
        Command::Restore(command) => commands::restore::run(&command),
        Command::Tokens(command) => commands::tokens::run(config, command),
        Command::Consumers(command) => commands::consumers::run(config, command),
        Command::Listen(wanted) => commands::listen::run(config, &wanted),
        Command::Relay(wanted) => commands::relay::run(config, &wanted),
        Command::Events(command) => commands::events::run(config, &command),
        Command::Retention(command) => commands::retention::run(config, &command),
        Command::Print(command) => commands::print::run(config, &command),
    };
    let exit = done.unwrap_or_else(|failure| {
        let palette = Palette::of(&std::io::stderr());
        // A mistake in the configuration has several lines; what stands in a line may come from outside.
        let error = chain(&failure);
        let error: Vec<String> = error
            .split('\n')
            .map(|line| escaped(&said(line)).to_string())
            .collect();
        say(format_args!(
            "{} {}",
            palette.paint(Ink::Red, word("error:")),
            error.join("\n")
        ));
        if let Some(advice) = failure.advice() {
            say(format_args!(
                "{} {}",
                palette.paint(Ink::Bold, word("  try:")),
                said(advice)
            ));
        }
        failure.exit()
    });
    drop(last_lines);
    exit.into()
}

/// Dropping it writes what was logged last, also when a panic ends the process.
struct LastLines;

impl Drop for LastLines {
    fn drop(&mut self) {
        longwire_terminal::stderr::flush();
    }
}
