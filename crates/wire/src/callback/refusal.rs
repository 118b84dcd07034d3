//! Why a request is not accepted, and what an operator can do about it.

use super::EncryptedBodyError;

/// Why a request is not accepted. It holds nothing of the request's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefusal {
    /// The bot has neither a verification token nor an encrypt key, so anybody could send it events.
    #[error("the bot has neither a verification token nor an encrypt key to check callbacks with")]
    NoSecrets,
    /// The body is not one JSON document in UTF-8, not even after repair.
    #[error("the body is not json")]
    NotJson,
    /// The body is JSON, but no object.
    #[error("the body is not a json object")]
    NotAnObject,
    /// The body is encrypted, and the bot has no encrypt key.
    #[error("the body is encrypted, and the bot has no encrypt key")]
    EncryptedWithoutKey,
    /// The body cannot be decrypted with the bot's encrypt key.
    #[error("the body cannot be decrypted")]
    Undecryptable(#[source] EncryptedBodyError),
    /// A challenge without the text to send back.
    #[error("the challenge has no text")]
    NoChallenge,
    /// An object that is neither a challenge nor an event nor a click on a card.
    #[error("the body is no event, no card callback and no challenge")]
    UnknownShape,
    /// Nothing but the verification token proves this request, and the bot has none.
    #[error("only a verification token can prove this request, and the bot has none")]
    TokenNotConfigured,
    /// There is no verification token where the request should have one.
    #[error("the body has no verification token")]
    TokenMissing,
    /// The verification token is another one.
    #[error("the verification token is another one")]
    TokenWrong,
    /// One of the three headers of a signature is absent.
    #[error("the request is not signed")]
    SignatureMissing,
    /// The signature is not that of these headers and this body under the bot's encrypt key.
    #[error("the signature is wrong")]
    SignatureWrong,
    /// The body is plain and signed with an empty encrypt key.
    #[error("the request is signed without an encrypt key")]
    KeyNotInConsole,
    /// The signature of an old card is not that under the bot's verification token.
    #[error("the signature of the card callback is wrong")]
    CardSignatureWrong,
    /// The timestamp is too far from the present.
    #[error("the request is {age_s} s old")]
    Stale {
        /// Seconds since it was sent; negative for a time to come.
        age_s: i64,
    },
}

impl CallbackRefusal {
    /// A stable word for each cause, for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoSecrets => "no_secrets",
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::EncryptedWithoutKey => "encrypted_without_key",
            Self::Undecryptable(_) => "undecryptable",
            Self::NoChallenge => "no_challenge",
            Self::UnknownShape => "unknown_shape",
            Self::TokenNotConfigured => "token_not_configured",
            Self::TokenMissing => "token_missing",
            Self::TokenWrong => "token_wrong",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureWrong => "signature_wrong",
            Self::KeyNotInConsole => "key_not_in_console",
            Self::CardSignatureWrong => "card_signature_wrong",
            Self::Stale { .. } => "stale",
        }
    }

    /// The labels of all causes.
    pub const LABELS: [&'static str; 15] = [
        "no_secrets",
        "not_json",
        "not_an_object",
        "encrypted_without_key",
        "undecryptable",
        "no_challenge",
        "unknown_shape",
        "token_not_configured",
        "token_missing",
        "token_wrong",
        "signature_missing",
        "signature_wrong",
        "key_not_in_console",
        "card_signature_wrong",
        "stale",
    ];

    /// The status of the answer: 403 for a bot that takes no callbacks, 400 for what cannot be read, 401 for what is not
    /// proven. The platform tells only 200 from the rest.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSecrets => 403,
            Self::NotJson
            | Self::NotAnObject
            | Self::EncryptedWithoutKey
            | Self::Undecryptable(_)
            | Self::NoChallenge
            | Self::UnknownShape => 400,
            Self::TokenNotConfigured
            | Self::TokenMissing
            | Self::TokenWrong
            | Self::SignatureMissing
            | Self::SignatureWrong
            | Self::KeyNotInConsole
            | Self::CardSignatureWrong
            | Self::Stale { .. } => 401,
        }
    }

    /// What an operator can do, if the request was the platform's.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoSecrets => {
                "give the bot the verification token of the console, and the encrypt key if the console has one"
            }
            Self::NotJson | Self::NotAnObject | Self::NoChallenge | Self::UnknownShape => {
                "the platform sends no such body; look at what stands between it and longwire"
            }
            Self::EncryptedWithoutKey => {
                "the console has an encrypt key; give it to the bot as well"
            }
            Self::Undecryptable(_) => "the encrypt key differs from the console's",
            Self::TokenNotConfigured => "give the bot the verification token of the console",
            Self::TokenMissing | Self::TokenWrong => {
                "the verification token differs from the console's"
            }
            Self::SignatureMissing => {
                "the request has no signature; the platform signs every event, so look for a proxy that drops the headers X-Lark-*"
            }
            Self::SignatureWrong => {
                "the encrypt key differs from the console's, or a proxy changes the body"
            }
            Self::KeyNotInConsole => {
                "the console has no encrypt key; set the bot's there, or take it from the bot"
            }
            Self::CardSignatureWrong => {
                "the verification token differs from the console's, or a proxy changes the body"
            }
            Self::Stale { .. } => {
                "compare the clock of this host, and widen the window if the platform repeats old requests"
            }
        }
    }
}
