//! Displacements on their way to the disk. A displaced bot is one whose only connection another client took.
//!
//! A process that starts reads the displacements and leaves each bot to whoever displaced it. The fleet decides; its
//! decisions reach the database on the [lane](crate::lane) of small writes.

use longwire_installation::InstallationId;

/// Who has a bot, and when it was taken back. It replaces what the row held before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Displacement {
    /// The installation whose bot it is.
    pub installation: InstallationId,
    /// The [`InstallationRecord::claims`](crate::InstallationRecord::claims) that the sender knows. If the row has a
    /// later one, `displaced_ms` is not written: an operator has decided otherwise meanwhile.
    pub claims: u64,
    /// Since when another client has the bot, in milliseconds since 1970; `None` when it is to be connected.
    pub displaced_ms: Option<i64>,
    /// When the bot was taken back automatically, in milliseconds since 1970, oldest first.
    pub taken_back_ms: Vec<i64>,
}
