//! The answer to a push: the received frame with another payload.
//!
//! [`Echo`] keeps the frame until its event is recorded and then writes the answer. The payload is a small JSON object.
//! Only `code` 200 means success; after any other code the platform pushes the event again. The result of a card click
//! goes into the same payload, see [`with_data`]. [`AnswerPayload`] reads such a payload, as the platform and the simulator do.
//!
//! This module never decides which answer a push gets.

mod echo;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

pub use self::echo::Echo;

/// Payload that says: the event is recorded. The Node SDK writes the same bytes.
pub const RECORDED: &[u8] = br#"{"code":200}"#;
/// Payload that says: the event is not recorded, push it again. The Node SDK writes the same bytes.
pub const REFUSED: &[u8] = br#"{"code":500}"#;

/// Whether the platform waits for a result in the answer to an event of this type: a click on a card or the preview of a
/// link, the two callbacks that come over the long connection. It does not repeat them.
pub fn wants_result(event_type: &str) -> bool {
    matches!(event_type, "card.action.trigger" | "url.preview.get")
}

/// Payload that says: the event is recorded, and `data` is the result of a card callback, its JSON in base64.
pub fn with_data(result_json: &[u8]) -> Vec<u8> {
    const HEAD: &str = r#"{"code":200,"data":""#;
    const TAIL: &str = r#""}"#;
    // Base64 writes four characters for each three bytes, the last group padded.
    let base64_len = result_json.len().div_ceil(3) * 4;
    let mut payload = String::with_capacity(HEAD.len() + base64_len + TAIL.len());
    payload.push_str(HEAD);
    STANDARD.encode_string(result_json, &mut payload);
    payload.push_str(TAIL);
    payload.into_bytes()
}

/// The payload of an answer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerPayload {
    /// 200 for success, nothing else.
    pub code: i64,
    /// The result of a card callback, decoded: the bytes of a JSON document.
    pub data: Option<Vec<u8>>,
}

/// The payload of an answer cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Not a JSON object with an integer `code`.
    #[error("the answer is not a json object with a code")]
    NotAnAnswer(#[source] serde_json::Error),
    /// `data` is not standard base64 with padding.
    #[error("the answer's data is not base64")]
    NotBase64(#[source] base64::DecodeError),
}

impl AnswerPayload {
    /// Reads the payload of any official SDK: with or without spaces, `headers` and `data`; the latter two may be `null`.
    pub fn parse(payload: &[u8]) -> Result<AnswerPayload, AnswerError> {
        #[derive(Deserialize)]
        struct Raw {
            code: i64,
            #[serde(default)]
            data: Option<String>,
        }
        let raw: Raw = serde_json::from_slice(payload).map_err(AnswerError::NotAnAnswer)?;
        let data = raw.data.map(|data| STANDARD.decode(data)).transpose();
        Ok(AnswerPayload {
            code: raw.code,
            data: data.map_err(AnswerError::NotBase64)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_sdks() {
        let check = |payload: &str, code, data: Option<&[u8]>| {
            let answer = AnswerPayload::parse(payload.as_bytes()).expect(payload);
            assert_eq!(
                answer,
                AnswerPayload {
                    code,
                    data: data.map(<[u8]>::to_vec)
                }
            );
        };
        check(r#"{"code":200}"#, 200, None);
        check(r#"{"code": 500}"#, 500, None);
        check(r#"{"code":200,"headers":null,"data":null}"#, 200, None);
        check(
            r#"{"code":200,"headers":{"a":"b"},"data":"e30="}"#,
            200,
            Some(b"{}"),
        );
        check(r#"{"data":"","code":200}"#, 200, Some(b""));
        check(r#"{"code":0}"#, 0, None);
    }

    #[test]
    fn what_is_no_answer() {
        for payload in [
            "",
            "200",
            "{}",
            r#"{"code":"200"}"#,
            r#"{"code":200,"data":{}}"#,
        ] {
            let answer = AnswerPayload::parse(payload.as_bytes());
            assert!(
                matches!(answer, Err(AnswerError::NotAnAnswer(_))),
                "{payload}"
            );
        }
        for data in ["e30", "e3_=", "?"] {
            let payload = format!(r#"{{"code":200,"data":"{data}"}}"#);
            let answer = AnswerPayload::parse(payload.as_bytes());
            assert!(
                matches!(answer, Err(AnswerError::NotBase64(_))),
                "{payload}"
            );
        }
    }

    #[test]
    fn a_result_travels_as_base64() {
        for result in ["", "{}", r#"{"toast":{"type":"info","content":"好"}}"#] {
            let payload = with_data(result.as_bytes());
            let answer = AnswerPayload::parse(&payload).expect("our own");
            assert_eq!(answer.code, 200);
            assert_eq!(answer.data.as_deref(), Some(result.as_bytes()));
            assert_eq!(payload.capacity(), payload.len(), "reserved exactly");
        }
        assert_eq!(with_data(b"{}"), br#"{"code":200,"data":"e30="}"#);
    }

    #[test]
    fn the_two_plain_answers() {
        assert_eq!(AnswerPayload::parse(RECORDED).expect("an answer").code, 200);
        assert_eq!(AnswerPayload::parse(REFUSED).expect("an answer").code, 500);
    }
}
