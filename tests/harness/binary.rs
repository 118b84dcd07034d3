//! Finds the binary under test.

use std::path::PathBuf;

/// `target/<profile>/longwire`, beside the test executable in `target/<profile>/deps`.
///
/// # Panics
/// If it is not built.
pub(crate) fn longwire() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own executable");
    let profile = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("cargo puts test executables into target/<profile>/deps");
    let binary = profile.join(format!("longwire{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.is_file(),
        "there is no {}: run `cargo build -p longwire` first, or `cargo test --workspace`, which builds it too",
        binary.display()
    );
    binary
}
