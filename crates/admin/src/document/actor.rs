//! The actors: a page of cards, and the tree.

use std::collections::BTreeMap;

use longwire_actor::ActorView;
use serde::Serialize;

/// `GET /actors`.
#[derive(Debug, Serialize)]
pub struct ActorPage {
    /// The cards, in the order asked for.
    pub data: Vec<ActorView>,
    /// How many matched, listed or not.
    pub matched: usize,
}

/// `GET /tree`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum TreeDocument {
    /// All actors, by kind.
    Folded {
        /// One group per kind, parents before children.
        groups: Vec<KindGroup>,
    },
    /// The children of one actor.
    Unfolded {
        /// Whose.
        path: String,
        /// Their cards.
        children: Vec<ActorView>,
        /// How many more there are.
        more: usize,
    },
}

/// All actors of one kind.
#[derive(Debug, Serialize)]
pub struct KindGroup {
    /// The kind.
    pub kind: &'static str,
    /// The path of its one actor, or the pattern of many.
    pub path: String,
    /// Actors of this kind.
    pub count: usize,
    /// How many are in which state.
    pub states: BTreeMap<&'static str, usize>,
    /// Rebuilds of all of them.
    pub restarts: u64,
    /// Messages in the deepest mailbox.
    pub deepest_mailbox: u64,
    /// Actors with a warning.
    pub warned: usize,
}
