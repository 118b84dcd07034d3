//! The exchange of requests and answers over one connection, as its stream and its requests both know it.
//!
//! [`track`] sees every request first: it marks the exchange until the answer's last byte was handed to the server, and
//! gives the request's body a deadline.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::middleware::Next;
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use crate::Timeouts;

/// What goes on over a connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    timeouts: Timeouts,
    /// Requests that are being answered.
    answering: Cell<u32>,
    /// Answers that ended; wraps.
    answered: Cell<u32>,
    /// Whether the request that is being answered has a body of which more is to come.
    expects_body: Cell<bool>,
    /// Whether the answer is one whose end is not known, such as a stream of events.
    is_streaming: Cell<bool>,
}

impl Exchange {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            answering: Cell::new(0),
            answered: Cell::new(0),
            expects_body: Cell::new(false),
            is_streaming: Cell::new(false),
        }
    }

    pub(crate) fn is_answering(&self) -> bool {
        self.answering.get() > 0
    }

    /// Whether the answer is one whose end is not known.
    pub(crate) fn is_streaming(&self) -> bool {
        self.is_streaming.get()
    }

    /// Answers that ended; wraps.
    pub(crate) fn answered(&self) -> u32 {
        self.answered.get()
    }

    /// Whether more of a body is to come.
    pub(crate) fn expects_body(&self) -> bool {
        self.expects_body.get()
    }
}

/// One request that is being answered, until the last byte of its answer was handed to the server.
struct Answering(Rc<Exchange>);

impl Answering {
    fn begin(exchange: &Rc<Exchange>, has_body: bool) -> Self {
        exchange.answering.set(exchange.answering.get() + 1);
        exchange.expects_body.set(has_body);
        Self(Rc::clone(exchange))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(self.0.answering.get() - 1);
        self.0.is_streaming.set(false);
        self.0.answered.set(self.0.answered.get().wrapping_add(1));
    }
}

/// Marks the connection's exchange, and gives the body its deadline.
pub(crate) async fn track(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let exchange = request.conn_data::<Rc<Exchange>>().cloned();
    let exchange = exchange.expect("the listener gives one to every connection");
    let body = request.take_payload();
    let has_body = !matches!(body, Payload::None);
    let answering = Answering::begin(&exchange, has_body);
    // What follows the upgrade to a WebSocket is no body, and may be silent for as long as it likes. A client that writes
    // the header elsewhere has a body like any other.
    let is_upgrade = request.method() == Method::GET && request.head().upgrade();
    request.set_payload(if has_body && !is_upgrade {
        Payload::Stream {
            payload: Box::pin(TimedBody::new(body, exchange)),
        }
    } else {
        body
    });
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| {
        let is_streaming = matches!(body.size(), BodySize::Stream);
        answering.0.is_streaming.set(is_streaming);
        BoxBody::new(TrackedAnswer {
            body: body.boxed(),
            _answering: answering,
        })
    }))
}

/// A request's body, which has to make progress.
struct TimedBody {
    payload: Payload,
    exchange: Rc<Exchange>,
    /// Bytes since the deadline was set.
    came: usize,
    deadline: Pin<Box<Sleep>>,
}

impl TimedBody {
    fn new(payload: Payload, exchange: Rc<Exchange>) -> Self {
        Self {
            payload,
            came: 0,
            deadline: Box::pin(sleep(exchange.timeouts.body)),
            exchange,
        }
    }
}

impl Stream for TimedBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.payload).poll_next(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.came += bytes.len();
                let timeouts = self.exchange.timeouts;
                if self.came >= timeouts.body_bytes {
                    self.came = 0;
                    let until = Instant::now() + timeouts.body;
                    self.deadline.as_mut().reset(until);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Pending if self.deadline.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
            }
            Poll::Pending => Poll::Pending,
            ended @ (Poll::Ready(None) | Poll::Ready(Some(Err(_)))) => {
                self.exchange.expects_body.set(false);
                ended
            }
        }
    }
}

/// Whether a body did not come in time.
pub fn has_stalled(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// An answer on its way out.
struct TrackedAnswer {
    body: BoxBody,
    _answering: Answering,
}

impl MessageBody for TrackedAnswer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
