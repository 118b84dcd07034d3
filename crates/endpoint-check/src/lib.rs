//! Finds out whether the webhook of an application does what a delivery needs, before any event depends on it.
//!
//! ```text
//! EndpointCheck::run ─▶ one post per Probe ─▶ Outcome of each ─▶ judge ─▶ CheckReport
//! ```
//!
//! [`EndpointCheck`] sends samples: signed as a delivery is, signed by somebody else, not signed, signed an hour ago, and
//! one id twice. `judge` reads from the outcomes what is right and what is not, each with what to do about it. It does no
//! I/O and knows no clock.
//!
//! This crate never sends an event of anybody: what it posts is a sample of its own, or one that the caller gives.

mod check;
mod judge;
mod probe;
mod report;

pub use check::EndpointCheck;
pub use report::{CheckReport, CheckRow, CheckedAspect, FindingGrade};
