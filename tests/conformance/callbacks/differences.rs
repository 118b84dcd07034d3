//! Where the handlers of the SDKs receive otherwise than longwire, and why longwire does what it does.

use super::made::{Change, Made, Secrets, Shape};
use crate::sdk::Sdk;

/// Why a request is received otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// No SDK looks at the age of a request. longwire has a window, which is wide unless it is set.
    NoAge,
    /// The Node SDK never compares the verification token.
    NoToken,
    /// The Python SDK lets an event without a token pass if its signature is right. A token that is configured is one that
    /// every event has.
    TokenMayBeMissing,
    /// The Python SDK refuses an event with a token if it has none itself. The signature proves it without.
    TokenToCompare,
    /// Without the secret that proves a request, the SDKs let all pass. longwire takes nothing that is not proven.
    Unproven,
    /// The Python SDK answers an event that nobody handles with an error, and the platform sends it four times more.
    UnhandledIsError,
    /// The Python SDK takes no text as the value of a button.
    TextAsValue,
    /// The Python SDK puts a challenge into JSON as it is.
    ChallengeNotEscaped,
    /// The Node SDK hashes the JSON that it would have written, not the bytes that came.
    OtherBytes,
}

/// The golden requests that an SDK receives otherwise.
pub(super) const GOLDEN: [(&str, Sdk, Difference); 14] = [
    ("event_v2_stale_timestamp", Sdk::Python, Difference::NoAge),
    ("event_v2_stale_timestamp", Sdk::Node, Difference::NoAge),
    (
        "event_v2_timestamp_too_far_in_future",
        Sdk::Python,
        Difference::NoAge,
    ),
    (
        "event_v2_timestamp_too_far_in_future",
        Sdk::Node,
        Difference::NoAge,
    ),
    (
        "event_v2_unknown_type",
        Sdk::Python,
        Difference::UnhandledIsError,
    ),
    ("card_v2_string_value", Sdk::Python, Difference::TextAsValue),
    (
        "url_verification_challenge_needs_json_escaping",
        Sdk::Python,
        Difference::ChallengeNotEscaped,
    ),
    (
        "event_v2_signed_over_noncompact_body",
        Sdk::Node,
        Difference::OtherBytes,
    ),
    (
        "url_verification_wrong_token",
        Sdk::Node,
        Difference::NoToken,
    ),
    (
        "url_verification_encrypted_wrong_token",
        Sdk::Node,
        Difference::NoToken,
    ),
    ("event_v2_plain_wrong_token", Sdk::Node, Difference::NoToken),
    (
        "event_v2_plain_missing_token",
        Sdk::Node,
        Difference::NoToken,
    ),
    (
        "event_v2_encrypted_signed_wrong_inner_token",
        Sdk::Node,
        Difference::NoToken,
    ),
    ("event_v1_plain_wrong_token", Sdk::Node, Difference::NoToken),
];

/// Why an SDK receives this request otherwise; `None` if it does not.
pub(super) fn of_made(sdk: Sdk, made: &Made) -> Option<Difference> {
    let Made {
        shape,
        secrets,
        change,
    } = *made;
    let is_old = shape == Shape::OldCard;
    let is_challenge = shape == Shape::Challenge;
    // An old card is proven by the token alone.
    if is_old && !secrets.has_token() {
        return Some(Difference::Unproven);
    }
    if change == Change::Later && !is_challenge && secrets != Secrets::None {
        let compares = sdk == Sdk::Python && secrets == Secrets::Key;
        return (!compares).then_some(Difference::NoAge);
    }
    if is_old {
        return None;
    }
    match sdk {
        Sdk::Python => match (secrets, change) {
            (Secrets::None, Change::NoToken) => Some(Difference::Unproven),
            (Secrets::Both, Change::NoToken) if !is_challenge => {
                Some(Difference::TokenMayBeMissing)
            }
            (Secrets::Key, change) => python_with_key_alone(is_challenge, change),
            _ => None,
        },
        Sdk::Node => match (secrets, change) {
            // Nothing of it can be read.
            (Secrets::None, Change::AnotherKey) => None,
            // It is no challenge any more.
            (Secrets::None, Change::Body) if is_challenge => None,
            (Secrets::None, _) => Some(Difference::Unproven),
            (Secrets::Both | Secrets::Token, Change::AnotherToken | Change::NoToken) => {
                Some(Difference::NoToken)
            }
            (Secrets::Key, Change::WithoutKey) if is_challenge => Some(Difference::Unproven),
            _ => None,
        },
    }
}

/// What is encrypted and, if it is an event, signed with the key is proven; the token in it is all that Python looks at.
fn python_with_key_alone(is_challenge: bool, change: Change) -> Option<Difference> {
    let is_proven = match change {
        Change::AsSent | Change::AnotherToken => true,
        Change::Signature
        | Change::Timestamp
        | Change::Nonce
        | Change::Unsigned
        | Change::Later => is_challenge,
        // Without a token there is nothing to compare.
        Change::NoToken => false,
        Change::Body | Change::AnotherKey | Change::WithoutKey => false,
    };
    is_proven.then_some(Difference::TokenToCompare)
}
