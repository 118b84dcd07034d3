//! The kind of an actor: its label, its parent, the bound of its mailbox. Each crate defines those of its own actors.

/// A kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActorKind {
    /// Stable label, for programs.
    pub label: &'static str,
    /// The label of the kind that is its parent in the tree; the root of a tree has none.
    pub parent: Option<&'static str>,
    /// How many messages its mailbox can hold by construction. A warning is due well before.
    pub capacity: u64,
}
