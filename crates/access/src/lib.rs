//! Who may do what: tokens, scopes, spaces and grants.
//!
//! ```text
//! text of a request ──parse──▶ TokenText ──admit(TokenRecord, now)──▶ Grant ──▶ scopes, space, installations
//!                              check letters     digest, revoked,
//!                                                expired
//! ```
//! A token is shown once, when it is made. What is kept of it is a [`TokenRecord`] with its SHA-256. A [`TokenText`] cannot be
//! printed, and its memory is wiped when it is dropped. [`admit`] alone decides whether a token is valid, and
//! [`Grant::give`] alone whether its holder may make another one.
//!
//! This crate never does I/O, reads a clock, rolls dice or logs: random bytes and the time are arguments.

// Unit tests may read a clock to have some instant to begin with.
#![cfg_attr(
    not(test),
    forbid(
        clippy::disallowed_macros,
        clippy::disallowed_methods,
        clippy::disallowed_types
    )
)]
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

mod admit;
mod audit;
mod grant;
mod names;
mod scope;
mod serial;
mod token;

pub use admit::{TokenRefusal, admit, admit_again};
pub use audit::{AuditAction, AuditEntry, AuditRecord, AuditResult};
pub use grant::{Grant, GrantExcess};
pub use names::{Space, TokenName};
pub use scope::{Scope, ScopeError, Scopes};
pub use token::{
    NewToken, RANDOM_BYTES, TokenDigest, TokenId, TokenIdError, TokenRecord, TokenText,
    TokenTextError,
};
