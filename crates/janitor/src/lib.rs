//! Retention: what is kept for a bounded time goes when its time is over.
//!
//! ```text
//! Store ──state, cut-offs──▶ Retention (machine) ──one small step──▶ Store ──what it did──▶ Retention ──a pause──▶ …
//! ```
//! The machine `Retention` decides by figures and the time that it is told; it does no I/O, reads no clock and does not log. The actor
//! `Janitor` reads the store, carries out one step at a time on the writer's connection, between two batches of events,
//! and pauses for a multiple of the time that the step took. [`JanitorHandle`] keeps the actor alive, shows it, and erases what
//! names a person.
//!
//! Never: a step without a bound, a file, a socket, a decision about a connection or a delivery.

mod erasing;
mod handle;
mod janitor;
mod look;
mod machine;
mod moment;
mod operational;
mod person;
mod policy;
mod view;

pub use erasing::{EraseError, Erased};
pub use handle::{JanitorHandle, JanitorSettings};
pub use machine::{Hold, Risk};
pub use person::{PersonId, PersonIdError};
pub use policy::{ConsumersBehind, RetentionPolicy};
pub use view::{JanitorPhase, RetentionView};
