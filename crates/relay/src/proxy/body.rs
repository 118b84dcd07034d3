//! The body of a call: a short one is kept, so that the call can be made once more; a long one passes through.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, LocalBoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use longwire_egress::{BodyError, HeaderMap, StreamedBody};
use longwire_listener::has_stalled;

use super::reply::OwnAnswer;

/// The longest body that is kept. The longest message has 150 KB.
const KEPT_BYTES: usize = 192 * 1024;
/// The longest body at all. The platform takes files of some 20 MB in one call; this is far above, and an end to bodies that
/// have none.
const MOST_BYTES: u64 = 1 << 30;

/// The body of a call.
pub(crate) enum CallBody {
    /// All of it, to be sent as often as needed.
    Kept(Bytes),
    /// It can be sent once.
    Passing(StreamedBody),
}

/// A body that is longer than any may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a body has {MOST_BYTES} bytes at most")]
struct TooLong;

impl CallBody {
    /// Reads the beginning of a body.
    pub(crate) async fn read(mut payload: Payload, headers: &HeaderMap) -> Result<Self, OwnAnswer> {
        let announced = headers.get("content-length");
        let announced: Option<u64> = announced.and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes| bytes > MOST_BYTES) {
            return Err(too_long());
        }
        if let Some(bytes) = announced.filter(|&bytes| bytes > KEPT_BYTES as u64) {
            let rest = bounded(0, payload);
            return Ok(Self::Passing(StreamedBody::Sized(bytes, rest)));
        }
        let mut kept = BytesMut::new();
        while let Some(part) = payload.next().await {
            let part = part.map_err(|error| of_payload(&error))?;
            kept.extend_from_slice(&part);
            if kept.len() > KEPT_BYTES {
                let first = kept.freeze();
                let rest = bounded(first.len() as u64, payload);
                let all = stream::once(async { Ok(first) }).chain(rest);
                return Ok(Self::Passing(StreamedBody::Chunked(all.boxed_local())));
            }
        }
        if announced.is_some_and(|bytes| bytes != kept.len() as u64) {
            return Err(OwnAnswer::own(
                StatusCode::BAD_REQUEST,
                "body_broken",
                "the body ended early",
            ));
        }
        Ok(Self::Kept(kept.freeze()))
    }

    /// The body to be sent now; `None` if it was sent and not kept.
    pub(crate) fn take(&mut self) -> Option<StreamedBody> {
        match self {
            Self::Kept(bytes) if bytes.is_empty() => Some(StreamedBody::Empty),
            Self::Kept(bytes) => Some(StreamedBody::Whole(bytes.clone())),
            Self::Passing(body) => {
                let body = std::mem::replace(body, StreamedBody::Empty);
                (!matches!(body, StreamedBody::Empty)).then_some(body)
            }
        }
    }

    /// All of it, if it is kept.
    pub(crate) fn kept(&self) -> Option<&Bytes> {
        match self {
            Self::Kept(bytes) => Some(bytes),
            Self::Passing(_) => None,
        }
    }

    /// Whether it can be sent again.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept().is_some()
    }
}

/// The rest of a body, which ends with an error when it gets too long.
fn bounded(read: u64, payload: Payload) -> LocalBoxStream<'static, Result<Bytes, BodyError>> {
    let passed = Rc::new(Cell::new(read));
    let bounded = payload.map_err(BodyError::from).and_then(move |part| {
        passed.set(passed.get() + part.len() as u64);
        let is_too_long = passed.get() > MOST_BYTES;
        async move {
            match is_too_long {
                true => Err(BodyError::from(TooLong)),
                false => Ok(part),
            }
        }
    });
    bounded.boxed_local()
}

/// What the caller is told of a body that did not come.
pub(crate) fn of_error(error: &BodyError) -> OwnAnswer {
    if error.is::<TooLong>() {
        return too_long();
    }
    match error.downcast_ref::<PayloadError>() {
        Some(error) => of_payload(error),
        None => broken(),
    }
}

fn of_payload(error: &PayloadError) -> OwnAnswer {
    match has_stalled(error) {
        true => OwnAnswer::own(
            StatusCode::REQUEST_TIMEOUT,
            "body_stalled",
            "the body came too slowly",
        ),
        false => broken(),
    }
}

fn broken() -> OwnAnswer {
    OwnAnswer::own(
        StatusCode::BAD_REQUEST,
        "body_broken",
        "the body could not be read",
    )
}

fn too_long() -> OwnAnswer {
    OwnAnswer::own(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        TooLong.to_string(),
    )
}
