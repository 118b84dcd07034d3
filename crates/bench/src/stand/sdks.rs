//! The official SDKs, as `tests/conformance/install` puts them below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::PeerClient;
use crate::error::{BenchError, StandError};
use crate::program::Program;

/// The places and versions of those that are installed.
#[derive(Debug, Default)]
pub(crate) struct Sdks {
    node: Option<Sdk>,
    python: Option<Sdk>,
}

#[derive(Debug)]
struct Sdk {
    /// The interpreter.
    program: PathBuf,
    /// `NODE_PATH`, where it is asked for.
    modules: Option<PathBuf>,
    version: String,
}

impl Sdks {
    /// Looks in `directory`, or where the build that this program is of has put them.
    pub(crate) fn find(program: &Program, directory: Option<&Path>) -> Self {
        let directory = match directory {
            Some(directory) => Some(directory.to_owned()),
            // target/release/longwire beside target/conformance.
            None => (program.executable.parent())
                .and_then(|build| Some(build.parent()?.join("conformance"))),
        };
        let Some(directory) = directory else {
            return Self::default();
        };
        Self {
            node: node(&directory.join("node")),
            python: python(&directory.join("python")),
        }
    }

    /// The version of a peer's SDK; `None` when it cannot be run, and for a peer without one.
    pub(crate) fn version(&self, which: PeerClient) -> Option<&str> {
        self.sdk(which).map(|sdk| sdk.version.as_str())
    }

    fn sdk(&self, which: PeerClient) -> Option<&Sdk> {
        match which {
            PeerClient::Node => self.node.as_ref(),
            PeerClient::Python => self.python.as_ref(),
            PeerClient::Longwire
            | PeerClient::Bare
            | PeerClient::BareDurable
            | PeerClient::BareAppend => None,
        }
    }

    /// The command of a peer, whose program is written into `directory`.
    pub(super) fn command(
        &self,
        which: PeerClient,
        directory: &Path,
    ) -> Result<Command, BenchError> {
        let text = match which {
            PeerClient::Python => ("peer.py", longwire_bare::PYTHON_PROGRAM),
            _ => ("peer.cjs", longwire_bare::NODE_PROGRAM),
        };
        self.program(which, text, directory)
    }

    /// The command of an application with one bot, whose program is written into `directory`.
    pub(super) fn application(
        &self,
        which: PeerClient,
        directory: &Path,
    ) -> Result<Command, BenchError> {
        let text = match which {
            PeerClient::Python => ("application.py", longwire_bare::PYTHON_APPLICATION),
            _ => ("application.cjs", longwire_bare::NODE_APPLICATION),
        };
        self.program(which, text, directory)
    }

    /// The command of the program with this file name and text, which is written into `directory`.
    pub(crate) fn program(
        &self,
        which: PeerClient,
        (name, text): (&str, &str),
        directory: &Path,
    ) -> Result<Command, BenchError> {
        let sdk = self
            .sdk(which)
            .ok_or(StandError::NoSdk { peer: which.name() })?;
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(BenchError::io(format!("write {}", path.display())))?;
        let mut command = Command::new(&sdk.program);
        command.arg(path);
        if let Some(modules) = &sdk.modules {
            command.env("NODE_PATH", modules);
        }
        // The platform is on loopback; no proxy of the host may come between.
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            command
                .env_remove(name)
                .env_remove(name.to_ascii_uppercase());
        }
        command.env("NO_PROXY", "*").env("no_proxy", "*");
        Ok(command)
    }
}

fn node(directory: &Path) -> Option<Sdk> {
    let program = PathBuf::from("node");
    // Whether there is one at all.
    let answer = Command::new(&program).arg("--version").output().ok()?;
    let modules = directory.join("node_modules");
    let package = modules.join("@larksuiteoapi/node-sdk/package.json");
    let package: serde_json::Value = serde_json::from_slice(&std::fs::read(package).ok()?).ok()?;
    let version = package["version"].as_str()?;
    Some(Sdk {
        version: format!(
            "{version} on node {}",
            String::from_utf8_lossy(&answer.stdout).trim()
        ),
        program,
        modules: Some(modules),
    })
}

fn python(directory: &Path) -> Option<Sdk> {
    let program = directory.join("bin").join("python");
    let answer = Command::new(&program)
        .args([
            "-c",
            "import importlib.metadata as m, platform as p; print(m.version('lark-oapi'), 'on python', p.python_version())",
        ])
        .output()
        .ok()
        .filter(|answer| answer.status.success())?;
    Some(Sdk {
        version: String::from_utf8_lossy(&answer.stdout).trim().to_owned(),
        program,
        modules: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_not_found() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sdks = Sdks::find(&Program::nowhere(), Some(directory.path()));
        for which in [PeerClient::Node, PeerClient::Python] {
            assert_eq!(sdks.version(which), None);
            let error = sdks.command(which, directory.path()).expect_err("missing");
            assert!(
                error
                    .advice()
                    .is_some_and(|advice| advice.contains("install"))
            );
        }
    }
}
