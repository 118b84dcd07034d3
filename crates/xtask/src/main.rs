//! `cargo xtask dist`: makes what users install. It builds one static binary for a target, and puts it into an archive, a
//! Debian package, a Python wheel and npm packages, with checksums and a bill of materials. Nothing of longwire needs it.
//!
//! ```text
//! binary ──▶ contents (binary, texts that it prints itself, licences) ──▶ archive, deb, wheel, npm ──▶ SHA256SUMS
//! ```
//! Equal sources make equal bytes: entries are in a fixed order, with fixed modes and owners, and with the time of the commit
//! or of `SOURCE_DATE_EPOCH`.

mod archive;
mod binary;
mod contents;
mod deb;
mod dist;
mod elf;
mod failure;
mod npm;
mod package;
mod sbom;
mod tarball;
mod target;
mod wheel;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::dist::Dist;

#[derive(Debug, Parser)]
#[command(about = "Tasks of this repository that are no part of longwire")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make what users install in target/dist.
    Dist(Dist),
}

fn main() -> ExitCode {
    let Task::Dist(dist) = Cli::parse().task;
    match dist::run(&dist) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            ExitCode::FAILURE
        }
    }
}
