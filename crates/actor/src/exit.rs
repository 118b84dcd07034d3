//! How an actor ended.

use std::any::Any;

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It stopped by itself or was told to.
    Stopped,
    /// It panicked, with this text.
    Panicked(String),
}

impl Exit {
    /// How it ended, where nobody had told it to.
    #[must_use]
    pub fn how(&self) -> &str {
        match self {
            Self::Stopped => "it stopped without being told to",
            Self::Panicked(text) => text,
        }
    }
}

/// The text of a panic, bounded, since it is shown and stored.
#[must_use]
pub fn panic_text(payload: &(dyn Any + Send)) -> String {
    const LIMIT: usize = 500;
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    text.chars().take(LIMIT).collect()
}
