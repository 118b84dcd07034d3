//! The clients: which version, where it is installed, how it is run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Feishu,
    Wecom,
}

/// A client of each platform, by its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sdk {
    Python,
    Node,
}

impl Sdk {
    /// The version the lock names; the client has to report the same.
    pub(crate) fn version(self, of: Platform) -> &'static str {
        match (of, self) {
            (Platform::Feishu, Self::Python) => "1.7.5",
            (Platform::Feishu, Self::Node) => "1.74.0",
            (Platform::Wecom, Self::Python) => "1.0.8",
            (Platform::Wecom, Self::Node) => "1.0.7",
        }
    }

    /// The command that runs the client's driver; `None`, with a loud word, if it is not installed.
    ///
    /// # Panics
    /// If it is not installed and `CI` is set: there a skipped test would be an unnoticed one.
    pub(crate) fn command(self, of: Platform) -> Option<Command> {
        let folder = match of {
            Platform::Feishu => "feishu",
            Platform::Wecom => "wecom",
        };
        self.program(&match self {
            Self::Python => format!("{folder}/client.py"),
            Self::Node => format!("{folder}/client.cjs"),
        })
    }

    /// The command that runs a program of this folder, with everything that is installed for its language; `None` and
    /// panics as in [`Sdk::command`].
    pub(crate) fn program(self, path: &str) -> Option<Command> {
        let installed = installation();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
        let (folder, lock) = match self {
            Self::Python => (installed.join("python"), "requirements.txt"),
            Self::Node => (installed.join("node"), "package-lock.json"),
        };
        if !same_content(&folder.join("installed.lock"), &sources.join(lock)) {
            self.missing();
            return None;
        }
        let mut command = match self {
            Self::Python => Command::new(folder.join("bin").join("python")),
            Self::Node => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", folder.join("node_modules"));
                node
            }
        };
        command.arg(sources.join(path));
        without_proxies(&mut command);
        Some(command)
    }

    /// What a program of this folder says, line by line, after it has read `cases` from its input; `None` and panics as in
    /// [`Sdk::command`].
    pub(crate) fn ask(self, path: &str, cases: &[Value]) -> Option<Vec<String>> {
        let mut child = self
            .program(path)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter is installed");
        // The program reads all of it before it writes.
        let mut input = child.stdin.take().expect("it is piped");
        let cases = json!({ "cases": cases }).to_string();
        input.write_all(cases.as_bytes()).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", output.status);
        let said = String::from_utf8(output.stdout).expect("text");
        Some(said.lines().map(str::to_owned).collect())
    }

    fn missing(self) {
        let what = format!("the {self:?} clients are not installed; run tests/conformance/install");
        tell_missing(&what, true);
    }
}

/// Says that a test is passed over, because of what is missing.
///
/// # Panics
/// If `CI` is set and it belongs there: a skipped test would be an unnoticed one.
pub(crate) fn tell_missing(what: &str, belongs_in_ci: bool) {
    assert!(std::env::var_os("CI").is_none() || !belongs_in_ci, "{what}");
    // Past the capture of the test harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

/// What the command asks is on loopback; no proxy of the machine may come between.
pub(crate) fn without_proxies(command: &mut Command) {
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_uppercase());
    }
    command.env("NO_PROXY", "*").env("no_proxy", "*");
}

/// `conformance` in the target directory, where `install` puts the clients.
pub(crate) fn installation() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("conformance")
}

pub(crate) fn same_content(one: &Path, other: &Path) -> bool {
    matches!((std::fs::read(one), std::fs::read(other)), (Ok(one), Ok(other)) if one == other)
}
