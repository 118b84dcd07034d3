//! Requests whose bodies pass through: neither the request's nor the answer's is ever whole in memory.
//!
//! ```text
//! body of the caller ─▶ write buffer of awc ─▶ socket      polled only while the buffer has room
//! caller             ◀─ read buffer of awc  ◀─ socket      read only while the caller polls
//! ```
//! There is no deadline for the whole: a file takes as long as its transfer goes on. Each step has one ([`StreamingLimits`]).
//! A redirect is returned like any other answer, and nothing is tried twice.

use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody};
use actix_http::header::HeaderMap;
use awc::ClientResponse;
use awc::error::SendRequestError;
use awc::http::{Method, StatusCode, Uri, header};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::LocalBoxStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use url::Url;

use crate::dial::with_permit;
use crate::egress::Egress;
use crate::error::{self, EgressError, NoRoute};

/// An error of whoever brings a body.
pub type BodyError = Box<dyn Error>;

/// The body of a request.
pub enum StreamedBody {
    /// There is none.
    Empty,
    /// All of it.
    Whole(Bytes),
    /// So many bytes, which come in time.
    Sized(u64, LocalBoxStream<'static, Result<Bytes, BodyError>>),
    /// Nobody knows how many.
    Chunked(LocalBoxStream<'static, Result<Bytes, BodyError>>),
}

impl fmt::Debug for StreamedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Self::Sized(size, _) => write!(f, "Sized({size} bytes)"),
            Self::Chunked(_) => f.write_str("Chunked"),
        }
    }
}

/// A request whose body passes through.
pub struct StreamedRequest<'a> {
    /// What is done.
    pub method: Method,
    /// The host that is asked. Its path and query are not used.
    pub base: &'a Url,
    /// Path and query, sent byte for byte. It begins with `/`.
    pub target: &'a str,
    /// The headers, without `Host`, `Content-Length` and `Transfer-Encoding`, which follow from the rest.
    pub headers: HeaderMap,
    /// The body.
    pub body: StreamedBody,
}

impl fmt::Debug for StreamedRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and target are left out, because both may hold credentials.
        f.debug_struct("StreamedRequest")
            .field("method", &self.method)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub struct StreamingLimits {
    /// Until a socket is free, and until the host takes the first bytes of a body: lookup, proxy and TLS.
    pub connect: Duration,
    /// For the head of the answer, from the last byte of the body; also between two parts of a body that the host takes.
    pub answer: Duration,
    /// Between two parts of the answer's body.
    pub idle: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum StreamingError {
    /// The body of the request ended with an error. The host has a part of it.
    #[error("the body of the request ended early")]
    Body(#[source] BodyError),
    /// The host was not reached, or did not answer.
    #[error("the host gave no answer")]
    Egress {
        /// Why.
        source: EgressError,
        /// Whether the host may have done what was asked.
        progress: Progress,
    },
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// No byte of it was sent.
    NotSent,
    /// Some of it was sent, perhaps all.
    MaybeSent,
}

/// An answer whose body is still to come.
pub struct StreamedAnswer {
    /// HTTP status.
    pub status: StatusCode,
    /// All headers as received.
    pub headers: HeaderMap,
    /// The body. Dropping it ends the transfer.
    pub body: AnswerBody,
}

impl fmt::Debug for StreamedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedAnswer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Egress {
    /// Sends a request and returns its answer as soon as its head is there.
    ///
    /// Connections are kept as for [`post_json`](Self::post_json). Such calls have half of the budget's sockets for calls at
    /// most, and wait for one in the order they came, so that whoever sends files never stands in the way of other calls.
    ///
    /// # Errors
    /// There is no head of an answer. Later errors come out of [`AnswerBody`].
    pub async fn stream(
        &self,
        request: StreamedRequest<'_>,
        limits: StreamingLimits,
    ) -> Result<StreamedAnswer, StreamingError> {
        let StreamedRequest {
            method,
            base,
            target,
            headers,
            body,
        } = request;
        let not_sent = |source| StreamingError::Egress {
            source,
            progress: Progress::NotSent,
        };
        let (_, peer) = self.permitted(base, ["http", "https"]).map_err(not_sent)?;
        let uri = uri(base, target).map_err(not_sent)?;
        let taken = self.sockets().streaming();
        let place = tokio::time::timeout(limits.connect, taken).await;
        let place = place.map_err(|_| not_sent(EgressError::TooManyOpenFiles))?;
        let mut call = self.http().request(method, uri);
        *call.headers_mut() = headers;
        let mut permit = self.sockets().kept_call();
        if permit.is_none() {
            call = call.force_close();
            permit = self.permit();
        }
        let sent = Rc::new(Sent::new(&body));
        let body = PassedBody {
            body,
            sent: Rc::clone(&sent),
        };
        let answer = with_permit(permit, call.send_body(body));
        let answer = tokio::select! {
            answer = answer => answer,
            () = sent.is_late(limits) => Err(SendRequestError::Timeout),
        };
        let answer = answer.map_err(|error| match error {
            SendRequestError::Body(error) => StreamingError::Body(error),
            error => StreamingError::Egress {
                source: error::of_request(error, &peer),
                progress: sent.progress(),
            },
        })?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let declared = headers.get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = AnswerBody {
            answer,
            peer,
            left: declared,
            idle: limits.idle,
            late: None,
            _place: place,
        };
        Ok(StreamedAnswer {
            status,
            headers,
            body,
        })
    }
}

/// The address of `target` at the host of `base`. Whatever the target says, the host is that of the base.
fn uri(base: &Url, target: &str) -> Result<Uri, EgressError> {
    let bad = |reason| EgressError::BadUrl { reason };
    if !target.starts_with('/') {
        return Err(bad("it is no path"));
    }
    let host = base.host_str().ok_or_else(|| bad("it names no host"))?;
    let authority = match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let uri = Uri::builder()
        .scheme(base.scheme())
        .authority(authority)
        .path_and_query(target)
        .build();
    uri.map_err(|_| bad("it holds characters http cannot carry"))
}

/// How far a request has come, as its body knows it.
struct Sent {
    /// When anything of it went on.
    at: Cell<Instant>,
    step: Cell<Step>,
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A connection.
    Connection,
    /// The peer takes the body, of which some was taken.
    Taking,
    /// The next part of the body, which is not the host's to bring.
    Body,
    /// The answer, after all of the body.
    Answer,
    /// The connection or the answer of a request without a body, of which one does not see which.
    Either,
}

impl Sent {
    fn new(body: &StreamedBody) -> Self {
        let step = match body {
            StreamedBody::Empty => Step::Either,
            StreamedBody::Whole(bytes) if bytes.is_empty() => Step::Either,
            StreamedBody::Whole(_) | StreamedBody::Sized(..) | StreamedBody::Chunked(_) => {
                Step::Connection
            }
        };
        Self {
            at: Cell::new(Instant::now()),
            step: Cell::new(step),
        }
    }

    fn goes_on(&self, step: Step) {
        self.at.set(Instant::now());
        self.step.set(step);
    }

    fn progress(&self) -> Progress {
        match self.step.get() {
            Step::Connection => Progress::NotSent,
            Step::Taking | Step::Body | Step::Answer | Step::Either => Progress::MaybeSent,
        }
    }

    /// Waits until nothing has gone on for too long.
    async fn is_late(&self, limits: StreamingLimits) {
        // What is waited for changes meanwhile, and with it the limit.
        let look_again = limits.connect.min(limits.answer);
        loop {
            let limit = match self.step.get() {
                Step::Connection => limits.connect,
                Step::Either => limits.connect + limits.answer,
                Step::Taking | Step::Answer => limits.answer,
                // Whoever brings the body has deadlines of its own. Look again later.
                Step::Body => {
                    self.at.set(Instant::now());
                    limits.answer
                }
            };
            let (due, now) = (self.at.get() + limit, Instant::now());
            if self.step.get() != Step::Body && due <= now {
                return;
            }
            sleep_until(due.min(now + look_again)).await;
        }
    }
}

/// A body that tells how far it is.
struct PassedBody {
    body: StreamedBody,
    sent: Rc<Sent>,
}

impl MessageBody for PassedBody {
    type Error = BodyError;

    fn size(&self) -> BodySize {
        match &self.body {
            StreamedBody::Empty => BodySize::None,
            StreamedBody::Whole(bytes) => BodySize::Sized(bytes.len() as u64),
            StreamedBody::Sized(size, _) => BodySize::Sized(*size),
            StreamedBody::Chunked(_) => BodySize::Stream,
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = match &mut self.body {
            StreamedBody::Empty => Poll::Ready(None),
            StreamedBody::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            StreamedBody::Whole(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            StreamedBody::Sized(_, stream) | StreamedBody::Chunked(stream) => {
                stream.as_mut().poll_next(cx)
            }
        };
        self.sent.goes_on(match &next {
            Poll::Pending => Step::Body,
            Poll::Ready(Some(_)) => Step::Taking,
            Poll::Ready(None) => Step::Answer,
        });
        next
    }
}

/// The body of an answer, as it comes.
///
/// An end before the declared length is an error. A chunked body that was cut short is not noticed, because awc does not
/// report it.
pub struct AnswerBody {
    answer: ClientResponse,
    peer: String,
    /// Bytes that are still to come, if the answer said.
    left: Option<u64>,
    idle: Duration,
    /// Set while the next part is waited for, so that a slow reader is not taken for a silent host.
    late: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl AnswerBody {
    /// How many bytes are still to come, if the answer said.
    #[must_use]
    pub fn left_bytes(&self) -> Option<u64> {
        self.left
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Stream for AnswerBody {
    type Item = Result<Bytes, EgressError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.answer).poll_next(cx) {
            Poll::Pending => {
                let idle = self.idle;
                let late = self.late.get_or_insert_with(|| Box::pin(sleep(idle)));
                late.as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(EgressError::TimedOut)))
            }
            Poll::Ready(next) => {
                self.late = None;
                Poll::Ready(match next {
                    Some(Ok(part)) => {
                        let part_bytes = part.len() as u64;
                        self.left = self.left.map(|left| left.saturating_sub(part_bytes));
                        Some(Ok(part))
                    }
                    Some(Err(error)) => Some(Err(error::of_body(error, &self.peer))),
                    // awc reads an early end of the connection as the end of the body.
                    None if self.left.take().is_some_and(|left| left > 0) => {
                        Some(Err(EgressError::Unreachable {
                            peer: self.peer.clone(),
                            source: NoRoute::Dropped,
                        }))
                    }
                    None => None,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_bases_whatever_the_target_says() {
        let base = Url::parse("https://open.feishu.cn:8443/x?y#z").expect("a url");
        for target in [
            "/open-apis/im/v1/messages?a=%27'&b=1",
            "/@evil.example/x",
            "//evil.example/x",
            "/x?next=https://evil.example",
        ] {
            let uri = uri(&base, target).expect("a uri");
            assert_eq!(uri.host(), Some("open.feishu.cn"), "{target}");
            assert_eq!(uri.port_u16(), Some(8443));
            let sent = uri.path_and_query().expect("a target");
            assert_eq!(sent.as_str(), target);
        }
        for wrong in ["", "x", "https://evil.example/", "@evil.example/", "/a b"] {
            assert!(uri(&base, wrong).is_err(), "{wrong}");
        }
    }
}
