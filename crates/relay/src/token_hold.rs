//! A token that was admitted, for as long as its connection lasts.

use std::fmt;

use longwire_access::{TokenId, TokenText};
use longwire_listener::AccessCheck;

/// A token that was admitted, for as long as its connection lasts.
pub(crate) struct TokenHold {
    text: TokenText,
    access: AccessCheck,
}

impl TokenHold {
    pub(crate) fn new(text: TokenText, access: AccessCheck) -> Self {
        Self { text, access }
    }

    /// Whether the token is valid still. A look into memory.
    pub(crate) fn is_still_admitted(&self) -> bool {
        self.access.still_admits(&self.text)
    }

    pub(crate) fn id(&self) -> TokenId {
        self.text.id()
    }
}

impl fmt::Debug for TokenHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}
