//! What is said over one connection, as a machine: bytes and messages in; groups of events, bytes and actions out.
//!
//! ```text
//!  bytes read ─┐                          ┌─▶ poll_group    a group of events, for the store's writer
//!  messages ───┼─▶ handle ──▶ machine ────┼─▶ outbox        bytes for the other side
//!  answers ────┘                ▲         ├─▶ poll_action   everything else: pings, answers, the end, what to count
//!              handle_timeout ──┘         └─▶ poll_timeout  when something is due without input
//! ```
//! There is one machine per kind of platform, and both are used through [`Session`]:
//!
//! | | [`Feishu`] (and Lark) | [`Wecom`] |
//! |---|---|---|
//! | open | with the upgrade | when the subscription is confirmed |
//! | a message is | a protobuf frame | a JSON object |
//! | an event is answered | with 200 from a proof, or 500 for a repeat later | not at all; it is offered to the store until it is recorded |
//! | too much | is refused | waits unread |
//! | groups at the store | any number | one, so that a refusal changes no order |
//! | the end | answers what was read | records what was read and what still comes |
//!
//! One turn of whoever owns a machine: write the [`outbox`](Session::outbox), call [`Session::handle_timeout`], take all
//! groups, call [`Session::decode`], then read as long as [`Session::wants_bytes`] is not zero and hand over what comes, until
//! nothing more is there ([`Input::Empty`]), at most [`READS_PER_TURN`] times, and write once more. Within a turn it takes
//! all groups after every call, then carries out all actions. A message from elsewhere is handed over between turns, its
//! actions are carried out, and a turn follows. Another turn follows at once while [`Session::wants_turn`] says so. The
//! machine is not called again after [`Action::Finished`].

mod action;
mod answer;
mod cards;
mod feishu;
mod input;
mod outbox;
mod pause;
mod recording;
mod transport;
mod wecom;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

pub use action::{
    Action, CardOutcome, ConnectionLoss, Counts, EventGroup, Fragment, LossReason, RequestRefusal,
    SessionView, Wait,
};
pub use answer::{Answer, OwedAck};
pub use cards::{CardEvent, CardResult, CardSettings, CardTicket};
pub use feishu::Feishu;
pub use input::{CloseMode, Input, NotRecorded, SessionRequest, Submitted, Surroundings, Whole};
use longwire_wire::event::DurableProof;
pub use outbox::Outbox;
pub use wecom::Wecom;

use crate::timing::Timing;

/// How often a connection is read in one turn at most; then its neighbours run.
pub const READS_PER_TURN: usize = 4;

/// What a session is told at its beginning.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings<'a> {
    /// The times of the platform.
    pub timing: &'a Timing,
    /// How many events the store may have at a time and not have recorded.
    pub window_events: usize,
    /// How many bytes of payload.
    pub window_bytes: usize,
    /// How events whose answer is the application's are treated; `None` where nobody is ever asked.
    pub cards: Option<&'a Arc<CardSettings>>,
    /// Where the masking keys come from: a number of the operating system's randomness.
    pub mask_seed: u64,
    /// Where the ids of requests come from: another one. The platform and applications see the ids, and an id tells its
    /// seed.
    pub id_seed: u64,
}

/// What is said over one connection. `P` is the proof that an event is recorded, `A` whom the answer to a request goes to.
pub trait Session<P: DurableProof, A> {
    /// Something came, from the network, from the store or from another actor.
    fn handle(&mut self, input: Input<P, A>, around: Surroundings);

    /// Acts on all that is due. Harmless when early.
    fn handle_timeout(&mut self, around: Surroundings);

    /// Goes on with what was read and had no room before. A group that waits is taken first, because the writer's answer
    /// to it may make that room. At the end of the turn [`poll_timeout`](Self::poll_timeout) is later than now.
    fn decode(&mut self, around: Surroundings);

    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing happens before. One value for everything that can be
    /// due: events that wait too long for the store, requests, a write that does not proceed, the end.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;

    /// The next group of events for the store's writer. [`Input::Submitted`] says what came of it.
    fn poll_group(&mut self, now: Instant) -> Option<EventGroup>;

    /// What else is to be done.
    fn poll_action(&mut self) -> Option<Action<A>>;

    /// What was counted since it was asked last.
    fn take_counts(&mut self) -> Counts;

    /// What is to be written.
    fn outbox(&mut self) -> &mut Outbox;

    /// How many bytes the next read may bring. Zero while nothing is to be read, so that TCP holds the other side back, and
    /// while something is read and not decoded.
    fn wants_bytes(&self) -> usize;

    /// Whether a turn is to follow at once: this one made room for what is read and not decoded, has something to write
    /// before more is read, or wrote the last answer of a connection that finishes. Nothing else would wake the owner for it.
    fn wants_turn(&self) -> bool;

    /// How many events are unanswered or unrecorded.
    fn unanswered(&self) -> usize;

    /// How many of these the store's writer has not been given.
    fn unsubmitted(&self) -> usize;

    /// How much of the memory for unfinished input this connection takes.
    fn unfinished_bytes(&self) -> usize;

    /// Whether what is not recorded is lost, since the platform neither waits for an answer nor sends anything again.
    fn repeats_nothing(&self) -> bool;

    /// What an operator is shown.
    fn view(&self) -> SessionView;
}
