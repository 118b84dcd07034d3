//! Pushes events and card callbacks to the request URLs of apps over HTTP.
//!
//! ```text
//!  push, load ─▶ state ──errand──▶ lane ── POST, sealed and signed ──▶ request URL
//!                  ▲ repeats         │
//!                  └───── outcome ◀──┘ answer, or none in time
//! ```
//!
//! A URL is saved only if it answers the challenge. An event is repeated after 15 s, 5 min, 1 h and 6 h until it is
//! answered with status 200 in time; a card callback is sent once, and its answer is judged.

mod admission;
mod challenge;
mod control;
mod errands;
mod lanes;
mod records;
mod traffic;

pub(crate) use self::lanes::run;
