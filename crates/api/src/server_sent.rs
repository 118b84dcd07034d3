//! Answers of server-sent events, made of the chunks that delivery hands over.
//!
//! ```text
//! retry: 500
//!
//! id: evt_…                     where `Last-Event-ID` goes on
//! data: {envelope}
//!
//! : keep-alive                  each 15 s without an event
//!
//! event: shutdown               the last one of a process that ends
//! data: {}
//! ```
//! The channel of chunks is bounded: who reads slowly holds a few of them and what the listener's buffers take, and nobody else
//! waits. A stream ends when its token is revoked or expires.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use longwire_consumer::EventId;
use longwire_listener::{Caller, Draining, Problem, StreamPermit};
use tokio::sync::mpsc;

use crate::admission::Admission;
use crate::problem_code::ProblemCode;

/// A stream and what ends it.
struct Chunks {
    chunks: mpsc::Receiver<Bytes>,
    /// Of those that delivery does not end itself.
    draining: Option<Draining>,
    admission: Admission,
    has_ended: bool,
    _place: StreamPermit,
}

/// The event that a reader had last, when it connects again.
///
/// # Errors
/// 400 if it is no id of an event.
pub(crate) fn last_event_id(request: &HttpRequest) -> Result<Option<EventId>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else {
        return Ok(None);
    };
    match value.to_str().unwrap_or_default() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error| {
            ProblemCode::CursorInvalid.problem(format!("`Last-Event-ID`: {error}"))
        }),
    }
}

/// A stream that reads along. It ends when the process does.
pub(crate) fn read_along(
    chunks: mpsc::Receiver<Bytes>,
    draining: Draining,
    caller: Caller,
    place: StreamPermit,
) -> HttpResponse {
    answer(chunks, Some(draining), caller, place)
}

/// A stream of a consumer, which delivery ends when the process does.
pub(crate) fn of_consumer(
    chunks: mpsc::Receiver<Bytes>,
    caller: Caller,
    place: StreamPermit,
) -> HttpResponse {
    answer(chunks, None, caller, place)
}

fn answer(
    chunks: mpsc::Receiver<Bytes>,
    draining: Option<Draining>,
    caller: Caller,
    place: StreamPermit,
) -> HttpResponse {
    let chunks = Chunks {
        chunks,
        draining,
        admission: Admission::new(caller),
        has_ended: false,
        _place: place,
    };
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // nginx hands on what comes.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(chunks, Chunks::next))
}

impl Chunks {
    async fn next(mut self) -> Option<(Result<Bytes, actix_web::Error>, Self)> {
        if self.has_ended {
            return None;
        }
        let chunk = tokio::select! {
            biased;
            () = self.admission.ended() => None,
            () = begun(self.draining.as_ref()) => {
                self.has_ended = true;
                Some(Bytes::from_static(b"event: shutdown\ndata: {}\n\n"))
            }
            // It may have been waited for since the token was revoked.
            chunk = self.chunks.recv() => chunk.filter(|_| self.admission.holds()),
        };
        Some((Ok(chunk?), self))
    }
}

async fn begun(draining: Option<&Draining>) {
    match draining {
        Some(draining) => draining.begun().await,
        None => std::future::pending().await,
    }
}
