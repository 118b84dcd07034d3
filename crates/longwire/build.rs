//! Tells the binary from which commit and for which target it is built. Without git, as from a source archive, there is no commit.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets TARGET");
    println!("cargo:rustc-env=LONGWIRE_TARGET={target}");
    println!(
        "cargo:rustc-env=LONGWIRE_COMMIT={}",
        commit().unwrap_or_default()
    );
}

/// The commit of the repository that this source is of, shortened.
fn commit() -> Option<String> {
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let workspace = package.parent()?.parent()?;
    // A source archive may be unpacked inside somebody's own repository, whose commits say nothing about it.
    let repository = git(workspace, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&repository).canonicalize().ok()? != workspace.canonicalize().ok()? {
        return None;
    }
    // Git appends a line to it whenever another commit is checked out or made.
    let log = git(workspace, &["rev-parse", "--git-path", "logs/HEAD"])?;
    let log = workspace.join(log);
    if log.exists() {
        println!("cargo:rerun-if-changed={}", log.display());
    }
    git(workspace, &["rev-parse", "--short=12", "HEAD"])
}

fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
