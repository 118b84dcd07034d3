//! Why nothing was made.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Why a task failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A program does not start.
    #[error("cannot run {program}")]
    Start {
        /// Its name.
        program: String,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A program failed. It said why.
    #[error("{program} ended with {status}")]
    Program {
        /// Its name and what it was asked.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The standard library of a target is missing.
    #[error("the standard library of {triple} is not installed")]
    NoStandardLibrary {
        /// The target.
        triple: &'static str,
    },
    /// There is no C compiler for a target.
    #[error("there is no C compiler for {triple}: neither {variable} nor {programs} is there")]
    NoCompiler {
        /// The target.
        triple: &'static str,
        /// The variable that names one.
        variable: String,
        /// What is looked for.
        programs: &'static str,
    },
    /// The binary needs a loader, which a root without a C library does not have.
    #[error("{} is not static: it names the loader {loader}", path.display())]
    NotStatic {
        /// The binary.
        path: PathBuf,
        /// What it names.
        loader: String,
    },
    /// The binary is no executable of the target.
    #[error("{} is no ELF executable for {machine}", path.display())]
    NotElf {
        /// The binary.
        path: PathBuf,
        /// What it should run on.
        machine: &'static str,
    },
    /// `SOURCE_DATE_EPOCH` is no time.
    #[error("SOURCE_DATE_EPOCH is `{0}`, which is no number of seconds since 1970")]
    Epoch(String),
    /// Cargo said something else than expected.
    #[error("the answer of {of} is not understood")]
    Answer {
        /// Who answered.
        of: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The lock file is not understood.
    #[error("Cargo.lock is not understood")]
    Lock(#[from] toml::de::Error),
    /// The archive of the wheel cannot be written.
    #[error("cannot write the wheel")]
    Zip(#[from] zip::result::ZipError),
}

impl Failure {
    /// For `map_err`: `verb` says what was tried with `path`.
    pub(crate) fn file(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { verb, path, source }
    }

    /// What to do about it.
    fn advice(&self) -> Option<String> {
        match self {
            Self::NoStandardLibrary { triple } => Some(format!(
                "run `rustup target add {triple}`, or choose another --target; x86_64-unknown-linux-gnu makes a static binary with the C library of this host"
            )),
            Self::NoCompiler { variable, .. } => Some(format!(
                "install musl-tools (x86_64) or zig (`pip install ziglang`), or set {variable}"
            )),
            Self::NotStatic { .. } => {
                Some("install the static C library of this host (libc6-dev has it)".to_owned())
            }
            Self::Epoch(_) => Some("unset it, or set it to a number".to_owned()),
            Self::File { .. }
            | Self::Start { .. }
            | Self::Program { .. }
            | Self::NotElf { .. }
            | Self::Answer { .. }
            | Self::Lock(_)
            | Self::Zip(_) => None,
        }
    }

    /// Writes it to standard error, with its causes.
    pub(crate) fn tell(&self) {
        eprint!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            eprint!(": {error}");
            cause = error.source();
        }
        eprintln!();
        if let Some(advice) = self.advice() {
            eprintln!("  try: {advice}");
        }
    }
}
