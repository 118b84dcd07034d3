//! One client's connection: what it may hold, and for how long.
//!
//! The HTTP server below bounds neither. It decodes all requests that lie in 128 KiB before it answers the first, which
//! is 20 MiB of requests; it waits without end for a body, for the rest of a second request and for a reader who does not
//! read. So the stream under it reads little at a time, nothing while a request is being answered or an answer is not
//! taken, and ends a connection whose client owes something for too long:
//!
//! ```text
//!        ┌───────────── the answer is taken ─────────────┐
//!        ▼                                               │
//!   owes a request ──▶ is answered ──▶ owes the reading of what was answered
//!    Patience::request  (its body:      Patience::reading
//!                        Patience::body)
//! ```
//! [`answered_in_time`] tells the stream which of these it is.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::PayloadError;
use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{Instant, Sleep, sleep};

/// Bytes that are read before what was read is looked at. A request of the shortest kind has 20 bytes and takes 3 KiB of
/// memory once it is decoded.
const READ_BYTES: u64 = 2048;

/// How long clients are waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For a whole request head, from the end of the answer before or from the beginning.
    pub(crate) request: Duration,
    /// For a client to take what it was answered, from the moment its buffers are full.
    pub(crate) reading: Duration,
    /// For each [`Patience::body_bytes`] of a body, or its end.
    pub(crate) body: Duration,
    /// What a body has to bring within that time.
    pub(crate) body_bytes: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            request: Duration::from_secs(10),
            reading: Duration::from_secs(20),
            // A file of 20 MB has 13 minutes; any other body is shorter than this and has ten seconds.
            body: Duration::from_secs(10),
            body_bytes: 256 * 1024,
        }
    }
}

/// What goes on over a connection, as its stream and its requests both know it.
#[derive(Debug)]
pub(super) struct Exchange {
    patience: Patience,
    /// Requests that are being answered.
    answering: Cell<u32>,
    /// Answers that ended; wraps.
    answered: Cell<u32>,
    /// Whether the request that is being answered has a body that has not come whole.
    body_comes: Cell<bool>,
}

/// One request that is being answered, until the last byte of its answer was handed to the server.
struct Answering(Rc<Exchange>);

impl Answering {
    fn begin(exchange: &Rc<Exchange>, has_body: bool) -> Self {
        exchange.answering.set(exchange.answering.get() + 1);
        exchange.body_comes.set(has_body);
        Self(Rc::clone(exchange))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.answering.set(self.0.answering.get() - 1);
        self.0.answered.set(self.0.answered.get().wrapping_add(1));
    }
}

/// What a client owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owes {
    /// A request, after so many answers.
    Request(u32),
    /// The reading of its answer.
    Reading,
    /// Nothing: it is our turn, or the body's, which has a patience of its own.
    Nothing,
}

/// The stream of one client.
pub(super) struct ClientStream {
    /// Its limit are the bytes that may be read before the server looks at them.
    tcp: Take<TcpStream>,
    exchange: Rc<Exchange>,
    owes: Owes,
    deadline: Pin<Box<Sleep>>,
    /// The client's buffers are full, and the server has more for it.
    is_unsent: bool,
    /// The server was told to wait although there may be something to read.
    holds_back: bool,
}

impl ClientStream {
    pub(super) fn new(tcp: TcpStream, patience: Patience) -> Self {
        Self {
            tcp: tcp.take(READ_BYTES),
            exchange: Rc::new(Exchange {
                patience,
                answering: Cell::new(0),
                answered: Cell::new(0),
                body_comes: Cell::new(false),
            }),
            owes: Owes::Request(0),
            deadline: Box::pin(sleep(patience.request)),
            is_unsent: false,
            holds_back: false,
        }
    }

    /// For the requests that come over it.
    pub(super) fn exchange(&self) -> Rc<Exchange> {
        Rc::clone(&self.exchange)
    }

    /// Fails when the client has owed something for too long. The task is woken when that time comes.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let owes = if self.is_unsent {
            Owes::Reading
        } else if self.exchange.answering.get() > 0 {
            Owes::Nothing
        } else {
            Owes::Request(self.exchange.answered.get())
        };
        let patience = match owes {
            Owes::Request(_) => self.exchange.patience.request,
            Owes::Reading => self.exchange.patience.reading,
            Owes::Nothing => {
                self.owes = owes;
                return Ok(());
            }
        };
        if owes != self.owes {
            self.owes = owes;
            self.deadline.as_mut().reset(Instant::now() + patience);
        }
        if self.deadline.as_mut().poll(cx).is_ready() {
            tracing::debug!(
                owes = ?self.owes,
                "a client of the HTTP interfaces is not waited for any longer"
            );
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Whether nothing is read now: what was asked before has to be answered and taken first.
    fn must_hold_back(&self) -> bool {
        let is_answered = self.exchange.answering.get() > 0 && !self.exchange.body_comes.get();
        self.is_unsent || is_answered
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        if self.must_hold_back() {
            self.holds_back = true;
            return Poll::Pending;
        }
        if self.tcp.limit() == 0 {
            // The server looks at what it has, and comes again.
            self.tcp.set_limit(READ_BYTES);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        if read.is_pending() {
            self.tcp.set_limit(READ_BYTES);
        }
        read
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(self.tcp.get_mut()).poll_write(cx, bytes);
        if written.is_pending() {
            self.is_unsent = true;
            self.check(cx)?;
        }
        written
    }

    /// The server calls it whenever it has nothing more to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_unsent = false;
        self.check(cx)?;
        if self.holds_back && !self.must_hold_back() {
            self.holds_back = false;
            cx.waker().wake_by_ref();
        }
        Pin::new(self.tcp.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(self.tcp.get_mut()).poll_shutdown(cx)
    }
}

/// Tells the connection's stream what goes on, and gives a body its patience.
pub(super) async fn answered_in_time(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let exchange = request.conn_data::<Rc<Exchange>>().cloned();
    let exchange = exchange.expect("the listener gives one to every connection");
    let body = request.take_payload();
    let has_body = !matches!(body, Payload::None);
    let answering = Answering::begin(&exchange, has_body);
    // What follows the upgrade to a feed is no body, and may be silent for as long as it likes. A client that writes the
    // header elsewhere has a body like any other.
    let is_feed = request.method() == Method::GET && request.head().upgrade();
    request.set_payload(if has_body && !is_feed {
        Payload::Stream {
            payload: Box::pin(Body::new(body, exchange)),
        }
    } else {
        body
    });
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| {
        BoxBody::new(Answer {
            body: body.boxed(),
            _answering: answering,
        })
    }))
}

/// A request's body, which has to make progress.
struct Body {
    payload: Payload,
    exchange: Rc<Exchange>,
    /// Bytes since the deadline was set.
    came: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Body {
    fn new(payload: Payload, exchange: Rc<Exchange>) -> Self {
        Self {
            payload,
            came: 0,
            deadline: Box::pin(sleep(exchange.patience.body)),
            exchange,
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.payload).poll_next(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.came += bytes.len();
                let patience = self.exchange.patience;
                if self.came >= patience.body_bytes {
                    self.came = 0;
                    let until = Instant::now() + patience.body;
                    self.deadline.as_mut().reset(until);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Pending if self.deadline.as_mut().poll(cx).is_ready() => {
                Poll::Ready(Some(Err(PayloadError::Io(io::ErrorKind::TimedOut.into()))))
            }
            Poll::Pending => Poll::Pending,
            ended => {
                self.exchange.body_comes.set(false);
                ended
            }
        }
    }
}

/// Whether a body did not come because its patience ended.
pub(super) fn has_stalled(error: &PayloadError) -> bool {
    matches!(error, PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// An answer on its way out.
struct Answer {
    body: BoxBody,
    _answering: Answering,
}

impl MessageBody for Answer {
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
