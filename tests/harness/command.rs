//! Runs a command of the binary that ends by itself, and checks its result.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::binary;

/// The exit code and the output of a command.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output, which holds its data.
    pub output: String,
    /// Its standard error, which holds everything else.
    pub errors: String,
}

impl Ended {
    /// Its standard output as one JSON document.
    ///
    /// # Panics
    /// If it failed, or printed something else.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.output)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Fails the story unless it ended with `code` and printed each of `words`.
    #[track_caller]
    pub fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            let said = self.errors.contains(word) || self.output.contains(word);
            assert!(
                said,
                "nothing about {word:?} in:\n{}{}",
                self.output, self.errors
            );
        }
    }
}

/// Runs `longwire` with `arguments` in `directory`, with `environment` as its whole environment, and with `input` on its
/// standard input.
#[track_caller]
pub fn longwire(
    directory: &Path,
    arguments: &[impl AsRef<OsStr>],
    environment: &[(&str, &str)],
    input: &str,
) -> Ended {
    let mut child = Command::new(binary::longwire())
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A command that ended without reading closed its end.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().expect("we are its parent");
    Ended {
        code: output.status.code(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
