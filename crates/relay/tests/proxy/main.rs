//! Calls of applications, from their requests to the platform and back.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod failing;
mod paces;
mod passing;
