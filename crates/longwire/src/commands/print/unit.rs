//! The unit for systemd.

use std::path::Path;

use crate::exit::Failure;

/// The unit as packages install it.
const UNIT: &str = include_str!("longwire.service");
/// Where packages put the binary.
const PACKAGED: &str = "/usr/bin/longwire";

/// The unit that starts `binary`, or this executable.
pub(super) fn text(binary: Option<&Path>) -> Result<String, Failure> {
    let binary = match binary {
        Some(binary) => binary.to_owned(),
        None => std::env::current_exe().map_err(Failure::io("find this executable"))?,
    };
    // systemd reads quotes, specifiers and blanks in it.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+".contains(letter);
    match binary.to_str() {
        Some(path) if path.starts_with('/') && path.chars().all(is_plain) => {
            Ok(UNIT.replace(PACKAGED, path))
        }
        _ => Err(Failure::Usage(format!(
            "the unit cannot name {}: give --binary an absolute path of letters, digits, `/`, `.`, `_`, `-` and `+`",
            binary.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_code::Exit;

    #[test]
    fn the_unit_starts_the_binary_that_it_is_told() {
        let unit = text(Some(Path::new("/opt/longwire/bin/longwire"))).expect("a plain path");
        assert!(unit.contains("\nExecStart=/opt/longwire/bin/longwire serve "));
        assert!(!unit.contains(PACKAGED));
        for odd in [
            "longwire",
            "/opt/long wire",
            "/opt/%h",
            "/opt/$X",
            "/opt/\"x",
        ] {
            assert!(text(Some(Path::new(odd))).is_err(), "{odd}");
        }
    }

    /// The unit and the exit codes say the same: only a configuration that makes no sense is not tried again.
    #[test]
    fn only_a_bad_configuration_is_not_tried_again() {
        let line = format!("\nRestartPreventExitStatus={}\n", Exit::Config as u8);
        assert!(UNIT.contains(&line));
        assert!(UNIT.contains("\nRestart=on-failure\n"));
        assert!(UNIT.contains("\nStartLimitIntervalSec=0\n"));
    }
}
