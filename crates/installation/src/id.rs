//! The number of an installation in one database.
//!
//! It means nothing outside that database; what an operator sees and types is a [`PublicId`](crate::PublicId).

use std::fmt;

/// The row of one installation.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Ord, PartialOrd, Debug)]
pub struct InstallationId(pub i64);

impl InstallationId {
    /// Stands in the log where an event of our own belongs to no installation. No installation has this number.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
