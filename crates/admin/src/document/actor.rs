//! The actors: one card, a page of cards, and the tree.

use std::collections::BTreeMap;

use longwire_actor::{
    ActorView, HandleTimes, LastExit, LastMessage, MailboxView, SupervisionView, Warning,
};
use longwire_api::timestamp::serialize_ms;
use serde::{Serialize, Serializer};

/// One actor's card. The fields are described with [`ActorView`].
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ActorDocument(#[serde(with = "ActorFields")] pub ActorView);

/// `GET /actors`.
#[derive(Debug, Serialize)]
pub struct ActorPage {
    /// The cards, in the order asked for.
    pub data: Vec<ActorDocument>,
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
        children: Vec<ActorDocument>,
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

#[derive(Serialize)]
#[serde(remote = "ActorView")]
struct ActorFields {
    id: String,
    path: String,
    kind: &'static str,
    arbiter: u16,
    parent: Option<String>,
    children: u64,
    state: &'static str,
    #[serde(rename = "state_since", serialize_with = "serialize_ms")]
    state_since_ms: i64,
    doing: String,
    uptime_ms: Option<i64>,
    generation: Option<u64>,
    #[serde(with = "MailboxFields")]
    mailbox: MailboxView,
    handled: u64,
    rate_1m: f64,
    #[serde(with = "HandleTimeFields")]
    handle_ms: HandleTimes,
    #[serde(serialize_with = "last_message")]
    last: Option<LastMessage>,
    #[serde(with = "SupervisionFields")]
    supervision: SupervisionView,
    #[serde(serialize_with = "warnings")]
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
#[serde(remote = "MailboxView")]
struct MailboxFields {
    depth: u64,
    high_water: u64,
    capacity: u64,
}

#[derive(Serialize)]
#[serde(remote = "HandleTimes")]
struct HandleTimeFields {
    p50: f64,
    p99: f64,
    max: f64,
}

#[derive(Serialize)]
#[serde(remote = "LastMessage")]
struct LastMessageFields {
    message: &'static str,
    #[serde(rename = "at", serialize_with = "serialize_ms")]
    at_ms: i64,
}

#[derive(Serialize)]
#[serde(remote = "SupervisionView")]
struct SupervisionFields {
    strategy: &'static str,
    restarts: u64,
    limit: &'static str,
    #[serde(serialize_with = "last_exit")]
    last_exit: Option<LastExit>,
}

#[derive(Serialize)]
#[serde(remote = "LastExit")]
struct LastExitFields {
    reason: &'static str,
    detail: String,
    #[serde(rename = "at", serialize_with = "serialize_ms")]
    at_ms: i64,
}

#[derive(Serialize)]
#[serde(remote = "Warning")]
struct WarningFields {
    code: &'static str,
    hint: &'static str,
}

fn last_message<S: Serializer>(last: &Option<LastMessage>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Document<'a>(#[serde(with = "LastMessageFields")] &'a LastMessage);
    last.as_ref().map(Document).serialize(to)
}

fn last_exit<S: Serializer>(exit: &Option<LastExit>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Document<'a>(#[serde(with = "LastExitFields")] &'a LastExit);
    exit.as_ref().map(Document).serialize(to)
}

fn warnings<S: Serializer>(warnings: &[Warning], to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Document<'a>(#[serde(with = "WarningFields")] &'a Warning);
    to.collect_seq(warnings.iter().map(Document))
}
