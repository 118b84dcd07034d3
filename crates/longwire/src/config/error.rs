//! What is wrong with a configuration, in the form an operator can act on at three in the morning.

use std::fmt;
use std::path::PathBuf;

use longwire_store::ProcessUser;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file does not exist.
    #[error("there is no configuration file {}", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration file {}{}", file.display(), ProcessUser::behind(source))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Something in the file is wrong.
    #[error("{0}")]
    Mistake(Box<Mistake>),
    /// An environment variable is wrong. Its value is not repeated: it may be a secret in the wrong place.
    #[error("environment variable {variable}: {message}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong.
        message: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "run `longwire init` to write one here, or name yours with --config"
            }
            Self::Unreadable { .. } => "give the user that runs longwire read access to it",
            Self::Mistake(_) => {
                "correct the line; `longwire print config` shows every setting with its default"
            }
            Self::Variable { .. } => {
                "correct or unset the variable; overrides are LONGWIRE_SECTION__KEY, as in LONGWIRE_SERVER__LISTEN"
            }
        }
    }
}

/// A mistake and its place.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// The file, as it was named.
    pub(crate) file: PathBuf,
    /// Line, counted from 1.
    pub(crate) line: usize,
    /// Column in characters, counted from 1.
    pub(crate) column: usize,
    /// The key, such as `installation[1].name`; empty where the text is no TOML at all.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// The line's text; `None` where it may hold a secret.
    pub(crate) text: Option<String>,
    /// Characters to underline.
    pub(crate) width: usize,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file.display(), self.line, self.column)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        match &self.text {
            Some(text) => write!(
                f,
                "\n{gutter} |\n{number} | {text}\n{gutter} | {:indent$}{}",
                "",
                "^".repeat(self.width.max(1)),
                indent = self.column - 1,
            ),
            None => write!(
                f,
                "\n{gutter} |\n{number} | (not shown: the line may hold a secret)"
            ),
        }
    }
}
