//! Callbacks of Feishu and Lark: events and clicks on cards that the platform posts over HTTP.
//!
//! [`read`] says what one request is, or why it is not accepted. It reads bytes and a time that it is given, so a request
//! of a golden vector is a test. The caller looks for repeats, records the payload, and answers.
//!
//! ```text
//! body ─▶ JSON object ─▶ (decrypted) ─▶ challenge?   token                        ─▶ Callback::Challenge
//!                                   ├─▶ envelope?    signature, token, age        ─▶ Callback::Event | Callback::Card
//!                                   └─▶ old card?    signature of its own, age    ─▶ Callback::Card
//! ```
//!
//! The body is decrypted before its signature is checked, because a challenge may be encrypted and is not signed. That
//! tells nobody anything: padding and JSON are checked together, so a forged body is refused alike wherever it is wrong.
//!
//! | | events, new cards | old cards |
//! |---|---|---|
//! | encrypted | if the app has an encrypt key | never |
//! | signature | SHA-256 over timestamp, nonce, encrypt key, body | SHA-1 over timestamp, nonce, verification token, body |
//! | verification token | in the body | in the signature alone |
//!
//! A signature covers the bytes as they were received. Without an encrypt key the platform signs with an empty one, which
//! proves nothing; the verification token is all there is to check then.
//!
//! [`sender`] is the platform's half, for doubles and tests. The two halves share no code but the golden vectors.

mod age;
mod cipher;
mod document;
mod event;
mod old_card;
mod refusal;
pub mod sender;
mod signature;

use bytes::Bytes;

pub use self::age::ReplayWindow;
pub use self::cipher::{EncryptedBodyError, decrypt};
pub use self::event::CallbackEvent;
pub use self::old_card::OLD_CARD_TYPE;
pub use self::refusal::CallbackRefusal;

use self::document::{Body, Shape};
use crate::answer;

/// What a bot's callbacks are checked with. An empty text counts as absent. It cannot be printed.
#[derive(Clone, Copy)]
pub struct CallbackKeys<'a> {
    /// The verification token, which the console shows beside the encrypt key.
    pub verification_token: Option<&'a str>,
    /// The encrypt key. Only apps that have one get encrypted and provably signed callbacks.
    pub encrypt_key: Option<&'a str>,
}

impl<'a> CallbackKeys<'a> {
    /// The same keys with empty texts taken for absent ones; `None` if none is left.
    fn given(self) -> Option<CallbackKeys<'a>> {
        let given = |key: Option<&'a str>| key.filter(|key| !key.is_empty());
        let keys = CallbackKeys {
            verification_token: given(self.verification_token),
            encrypt_key: given(self.encrypt_key),
        };
        (keys.verification_token.is_some() || keys.encrypt_key.is_some()).then_some(keys)
    }
}

/// The headers of a request that its signature is made of, as they were received.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallbackHeaders<'a> {
    /// [`TIMESTAMP_HEADER`]
    pub timestamp: Option<&'a [u8]>,
    /// [`NONCE_HEADER`]
    pub nonce: Option<&'a [u8]>,
    /// [`SIGNATURE_HEADER`]
    pub signature: Option<&'a [u8]>,
}

/// When the request was sent: seconds since 1970, or a text of Go's.
pub const TIMESTAMP_HEADER: &str = "x-lark-request-timestamp";
/// A text that differs with each request.
pub const NONCE_HEADER: &str = "x-lark-request-nonce";
/// The signature in lower-case hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-lark-signature";

/// Which of the platform's two designs of card callbacks a click came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardGeneration {
    /// `card.action.trigger` and `url.preview.get`, with the envelope of an event.
    New,
    /// `card.action.trigger_v1`: a flat object, over HTTP alone. Its answer is flat too, see
    /// [`old_card_answer`](crate::card_answer::old_card_answer).
    Old,
}

/// One request that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callback {
    /// The console asks whether the address is ours. Nothing is recorded. The answer is due within a second.
    Challenge {
        /// The JSON body of the answer 200.
        answer: Bytes,
    },
    /// An event. Once it is recorded, any body of an answer 200 will do.
    Event(CallbackEvent),
    /// A click on a card, or the question for a link's preview. The body of the answer 200 is the application's result, due
    /// within three seconds; the platform does not repeat the request.
    Card {
        /// Says how the result is written.
        generation: CardGeneration,
        /// What is recorded.
        event: CallbackEvent,
    },
}

/// Reads one request.
///
/// `body` is what was received, before any reading. `now_ms` is the present time in milliseconds since 1970. A request is
/// refused if the bot has neither a token nor a key ([`CallbackRefusal::NoSecrets`]), because then anybody could send it
/// events.
pub fn read(
    keys: &CallbackKeys<'_>,
    headers: &CallbackHeaders<'_>,
    body: &Bytes,
    now_ms: i64,
    window: ReplayWindow,
) -> Result<Callback, CallbackRefusal> {
    let request = Request {
        keys: keys.given().ok_or(CallbackRefusal::NoSecrets)?,
        headers,
        body,
        now_ms,
        window,
    };
    document::with_body(body, |outer| match &outer.body.encrypt {
        None => request.accept(outer, Cover::Plain),
        Some(encrypted) => {
            let payload = request.decrypted(encrypted.0.as_str())?;
            document::with_body(&payload, |inner| request.accept(inner, Cover::Encrypted))
                .map_err(|_| CallbackRefusal::Undecryptable(EncryptedBodyError::NotJson))?
        }
    })?
}

/// How a payload came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Plain,
    Encrypted,
}

/// What a payload is judged by.
struct Request<'a> {
    keys: CallbackKeys<'a>,
    headers: &'a CallbackHeaders<'a>,
    body: &'a Bytes,
    now_ms: i64,
    window: ReplayWindow,
}

/// A payload in clear, and what was read of it.
struct Clear<'a> {
    payload: &'a Bytes,
    /// The payload as text; `None` if it had to be repaired before it could be read.
    text: Option<&'a bytestring::ByteString>,
    body: Body<'a>,
}

impl Request<'_> {
    fn decrypted(&self, encrypted: Option<&str>) -> Result<Bytes, CallbackRefusal> {
        let key = self.keys.encrypt_key;
        let key = key.ok_or(CallbackRefusal::EncryptedWithoutKey)?;
        let encrypted = encrypted.ok_or(EncryptedBodyError::NotText);
        encrypted
            .and_then(|encrypted| decrypt(key, encrypted))
            .map_err(CallbackRefusal::Undecryptable)
    }

    fn accept(&self, clear: Clear<'_>, cover: Cover) -> Result<Callback, CallbackRefusal> {
        match (clear.body.shape(), cover) {
            (Shape::Challenge, _) => self.challenge(&clear, cover),
            (Shape::V1, _) => {
                self.check_envelope(clear.body.token.0.as_str(), cover)?;
                self.event(clear, cover)
            }
            (Shape::V2, _) => {
                self.check_envelope(clear.body.header_token.0.as_str(), cover)?;
                self.event(clear, cover)
            }
            (Shape::OldCard, Cover::Plain) => self.old_card(&clear),
            // Old cards are never encrypted, so nothing says which signature this should have.
            (Shape::OldCard, Cover::Encrypted) | (Shape::Unknown, _) => {
                Err(CallbackRefusal::UnknownShape)
            }
        }
    }

    fn challenge(&self, clear: &Clear<'_>, cover: Cover) -> Result<Callback, CallbackRefusal> {
        match self.keys.verification_token {
            Some(_) => self.check_token(clear.body.token.0.as_str())?,
            // Whoever encrypted it has the key.
            None if cover == Cover::Encrypted => {}
            None => return Err(CallbackRefusal::TokenNotConfigured),
        }
        let challenge = clear.body.challenge.0.as_str();
        let challenge = challenge.ok_or(CallbackRefusal::NoChallenge)?;
        let answer = serde_json::json!({ "challenge": challenge });
        Ok(Callback::Challenge {
            answer: answer.to_string().into(),
        })
    }

    /// Whether an event or a new card is the platform's: its signature, the verification token in it, its age.
    fn check_envelope(&self, token: Option<&str>, cover: Cover) -> Result<(), CallbackRefusal> {
        if let Some(key) = self.keys.encrypt_key {
            let signed = signature::Signed::of(self.headers, self.body)?;
            if !signed.is_by_key(key) {
                return Err(match cover {
                    Cover::Plain if signed.is_by_key("") => CallbackRefusal::KeyNotInConsole,
                    Cover::Plain | Cover::Encrypted => CallbackRefusal::SignatureWrong,
                });
            }
        }
        if self.keys.verification_token.is_some() {
            self.check_token(token)?;
        }
        self.window.check(self.headers.timestamp, self.now_ms)
    }

    fn check_token(&self, token: Option<&str>) -> Result<(), CallbackRefusal> {
        let expected = self.keys.verification_token;
        let expected = expected.ok_or(CallbackRefusal::TokenNotConfigured)?;
        let token = token.ok_or(CallbackRefusal::TokenMissing)?;
        match signature::are_equal(token.as_bytes(), expected.as_bytes()) {
            true => Ok(()),
            false => Err(CallbackRefusal::TokenWrong),
        }
    }

    fn event(&self, clear: Clear<'_>, cover: Cover) -> Result<Callback, CallbackRefusal> {
        let nonce = self.headers.nonce;
        let event = CallbackEvent::of_envelope(clear, cover == Cover::Encrypted, nonce);
        let event_type = event.event_type.as_deref();
        Ok(match event_type.is_some_and(answer::wants_result) {
            true => Callback::Card {
                generation: CardGeneration::New,
                event,
            },
            false => Callback::Event(event),
        })
    }

    fn old_card(&self, clear: &Clear<'_>) -> Result<Callback, CallbackRefusal> {
        let token = self.keys.verification_token;
        let token = token.ok_or(CallbackRefusal::TokenNotConfigured)?;
        let signed = signature::Signed::of(self.headers, self.body)?;
        if !signed.is_by_token(token) {
            return Err(CallbackRefusal::CardSignatureWrong);
        }
        self.window.check(self.headers.timestamp, self.now_ms)?;
        Ok(Callback::Card {
            generation: CardGeneration::Old,
            event: CallbackEvent::of_old_card(clear, self.headers),
        })
    }
}

#[cfg(test)]
mod tests;
