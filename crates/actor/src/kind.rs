//! What kind of actor somebody is: a value that the crate defines which brings the actor.

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
