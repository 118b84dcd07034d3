//! What this build is: its version, the commit it was built from, and its target.

use std::sync::LazyLock;

/// The version with what tells two builds of it apart, as in `0.1.0 (3cd1ac60f2d1, x86_64-unknown-linux-musl)`.
/// A build from a source archive has no commit.
pub(crate) fn long() -> &'static str {
    static LONG: LazyLock<String> = LazyLock::new(|| {
        with(
            env!("CARGO_PKG_VERSION"),
            env!("LONGWIRE_COMMIT"),
            env!("LONGWIRE_TARGET"),
        )
    });
    &LONG
}

fn with(version: &str, commit: &str, target: &str) -> String {
    if commit.is_empty() {
        format!("{version} ({target})")
    } else {
        format!("{version} ({commit}, {target})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_archive_has_no_commit() {
        assert_eq!(with("1.2.3", "", "t"), "1.2.3 (t)");
        assert_eq!(with("1.2.3", "abc", "t"), "1.2.3 (abc, t)");
    }
}
