//! Signatures of deliveries to webhooks, as the specification of Standard Webhooks says (symmetric, version `v1`).
//!
//! A delivery has three headers: its id, the time of the attempt, and the signatures of `id.timestamp.body`. The sender
//! signs with every secret that is in force ([`WebhookSecrets::sign`]); a receiver accepts a delivery if one signature is
//! right and the time is at most five minutes away ([`SignedHeaders::verify`]).
//!
//! Time and randomness are arguments. A secret is never printed.

mod secret;
mod secrets;
mod verify;

pub use secret::{WebhookSecret, WebhookSecretError};
pub use secrets::{ROTATION_OVERLAP_S, WebhookSecrets};
pub use verify::{SignatureRefused, SignedHeaders, TOLERANCE_S};

/// The header with the id of the delivered event. The same id means the same event.
pub const ID_HEADER: &str = "webhook-id";

/// The header with the time of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header with the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The version of a signature by HMAC-SHA256, as it stands before the comma.
const VERSION: &str = "v1";
