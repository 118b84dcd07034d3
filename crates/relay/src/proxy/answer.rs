//! An answer of the platform on its way back: a short one of JSON is read, because its code matters; every other passes.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use longwire_egress::{AnswerBody, EgressError, HeaderMap, StreamedAnswer};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::chats::MessageIds;
use super::headers;
use super::redaction::{self, Redaction};

/// The longest answer that is read. Lists and documents are longer, and pass.
const READ_BYTES: u64 = 64 * 1024;

/// An answer of the platform.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: PassedBody,
    /// What the answer says, if it was read.
    pub(crate) said: Option<Said>,
}

/// What a short answer says.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    /// The platform's code.
    pub(crate) code: i64,
    /// The message that was sent, if one was.
    #[serde(default, deserialize_with = "message_or_none")]
    pub(crate) data: Option<MessageIds>,
}

enum PassedBody {
    Whole(Bytes),
    /// What was read of it, and the rest.
    Passing(Bytes, Box<AnswerBody>),
}

impl Answer {
    /// Reads an answer as far as it matters, within this time.
    pub(crate) async fn read(
        answer: StreamedAnswer,
        secret: &SecretString,
        within: Duration,
    ) -> Result<Self, EgressError> {
        let StreamedAnswer {
            status,
            headers,
            body,
        } = answer;
        let read = async {
            if !is_text(&headers) || body.left_bytes().is_some_and(|left| left > READ_BYTES) {
                return Ok(PassedBody::Passing(Bytes::new(), Box::new(body)));
            }
            read_whole(body).await
        };
        let body = tokio::time::timeout(within, read).await;
        let body = body.unwrap_or(Err(EgressError::TimedOut))?;
        let secret = secret.expose_secret().as_bytes();
        let headers = headers::of_answer(&headers, secret);
        let (body, said) = match body {
            PassedBody::Whole(bytes) => {
                let said = serde_json::from_slice(&bytes).ok();
                (PassedBody::Whole(redaction::whole(bytes, secret)), said)
            }
            passing @ PassedBody::Passing(..) => (passing, None),
        };
        Ok(Self {
            status,
            headers,
            body,
            said,
        })
    }

    /// The code, if it was read.
    pub(crate) fn code(&self) -> Option<i64> {
        self.said.as_ref().map(|said| said.code)
    }

    /// The body, if it was read whole.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &self.body {
            PassedBody::Whole(bytes) => Some(bytes),
            PassedBody::Passing(..) => None,
        }
    }

    /// For how long the platform says to wait.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let seconds = self.headers.get("x-ogw-ratelimit-reset");
        let seconds = seconds.or_else(|| self.headers.get("retry-after"));
        let seconds = seconds?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// As it goes on, without the secret.
    pub(crate) fn into_response(self, secret: SecretString) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        match self.body {
            PassedBody::Whole(bytes) => response.body(bytes),
            PassedBody::Passing(first, rest) => {
                let is_text = is_text(&self.headers);
                pass(
                    &mut response,
                    first,
                    rest,
                    is_text.then(|| Redaction::of(secret)),
                )
            }
        }
    }
}

async fn read_whole(mut body: AnswerBody) -> Result<PassedBody, EgressError> {
    let mut read = BytesMut::new();
    while let Some(part) = body.next().await {
        read.extend_from_slice(&part?);
        if read.len() as u64 > READ_BYTES {
            return Ok(PassedBody::Passing(read.freeze(), Box::new(body)));
        }
    }
    Ok(PassedBody::Whole(read.freeze()))
}

/// Passes a body on. Its length is said where it is known; still it is a stream, so that its reader has time for each part.
fn pass(
    response: &mut HttpResponseBuilder,
    first: Bytes,
    rest: Box<AnswerBody>,
    redaction: Option<Redaction>,
) -> HttpResponse {
    if let Some(left) = rest.left_bytes() {
        let length = left + first.len() as u64;
        if length == 0 {
            return response.finish();
        }
        response.no_chunking(length);
    }
    let first = stream::iter((!first.is_empty()).then_some(Ok(first)));
    let parts = first.chain(rest);
    match redaction {
        None => response.streaming(parts),
        Some(redaction) => response.streaming(redacted(Box::pin(parts), redaction)),
    }
}

fn redacted(
    parts: impl Stream<Item = Result<Bytes, EgressError>> + Unpin,
    redaction: Redaction,
) -> impl Stream<Item = Result<Bytes, EgressError>> {
    let state = Some((parts, redaction));
    stream::unfold(state, |state| async move {
        let (mut parts, mut redaction) = state?;
        match parts.next().await {
            Some(Ok(part)) => Some((Ok(redaction.pass(&part)), Some((parts, redaction)))),
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Ok(redaction.finish()), None)),
        }
    })
    // An empty part is nothing to send.
    .filter(|part| {
        let is_empty = part.as_ref().is_ok_and(Bytes::is_empty);
        std::future::ready(!is_empty)
    })
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.trim_start().to_ascii_lowercase();
        kind.starts_with("application/json") || kind.starts_with("text/")
    })
}

/// The ids of a message in `data`, whose form depends on the call.
fn message_or_none<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<MessageIds>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Data {
        Message(MessageIds),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Data::deserialize(deserializer)? {
        Data::Message(message) => Some(message),
        Data::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_says() {
        for (text, code, chat) in [
            (r#"{"code":0,"msg":"ok"}"#, Some(0), None),
            (
                r#"{"code":0,"data":{"message_id":"om_1","chat_id":"oc_1","x":[1]}}"#,
                Some(0),
                Some("oc_1"),
            ),
            (r#"{"code":230020,"data":{}}"#, Some(230_020), None),
            (r#"{"code":1,"data":null}"#, Some(1), None),
            (r#"{"code":1,"data":[1,{}]}"#, Some(1), None),
            (r#"{"msg":"x"}"#, None, None),
            ("<html>", None, None),
        ] {
            let said: Option<Said> = serde_json::from_str(text).ok();
            assert_eq!(said.as_ref().map(|said| said.code), code, "{text}");
            let data = said.and_then(|said| said.data);
            assert_eq!(data.map(|data| data.chat_id).as_deref(), chat, "{text}");
        }
    }
}
