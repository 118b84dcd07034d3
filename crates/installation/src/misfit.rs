//! What does not fit an installation's platform.

/// Why an installation's keys do not fit its platform. Never repeats a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A key must be there.
    #[error("missing field `{key}`")]
    Missing {
        /// Its name.
        key: &'static str,
    },
    /// A key must not be there, or not with this value.
    #[error("{key}: {message}")]
    Wrong {
        /// Its name.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
}

impl Misfit {
    pub(crate) fn wrong(key: &'static str, message: impl Into<String>) -> Self {
        Self::Wrong {
            key,
            message: message.into(),
        }
    }
}
