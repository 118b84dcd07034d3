//! The order of the code itself: which crate may use which, what a crate of decisions may depend on, that modules do not use
//! each other in circles, that a public name means one thing, and that one type proves what is recorded.
//! `crates/ARCHITECTURE.md` is the list of what is allowed.

mod circles;
mod dependencies;
mod map;
mod modules;
mod names;
mod pages;
mod proofs;
mod reference_systems;

use std::path::{Path, PathBuf};

/// Where the workspace lies.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in the workspace")
        .to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
