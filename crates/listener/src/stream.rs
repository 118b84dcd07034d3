//! The stream of one client: how much it may hold, and for how long.
//!
//! The HTTP server below bounds neither. It decodes all requests that lie in 128 KiB before it answers the first, which
//! is 20 MiB of requests; it waits without end for a body, for the rest of a second request and for a client that does not
//! read. So this stream reads little at a time, and nothing while a request is being answered or a client does not read its
//! answer. It ends a connection whose client is late:
//!
//! ```text
//!        ┌────────── the client has read the answer ──────────┐
//!        ▼                                                    │
//!   the client's request ──▶ our answer ──▶ the client's reading of it
//!    Timeouts::request    (the body:         Timeouts::response
//!                          Timeouts::body)     (a stream: for each Timeouts::stream_bytes)
//! ```
//! The [`Exchange`] of the connection says whether a request is being answered.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::time::{Instant, Sleep, sleep};

use crate::Timeouts;
use crate::exchange::Exchange;
use crate::transport::Transport;

/// Bytes that are read before the server looks at them. The shortest request has 20 bytes and takes 3 KiB of memory once
/// it is decoded.
const READ_BYTES: u64 = 2048;

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The client's request, after so many answers.
    Request(u32),
    /// That the client reads its answer.
    Reading,
    /// Nothing of this stream's: we answer, or a body comes, which has a deadline of its own.
    Nothing,
}

/// The stream of one client.
pub(crate) struct ClientStream {
    /// Limited to the bytes that may be read before the server looks at them.
    transport: Take<Transport>,
    exchange: Rc<Exchange>,
    timeouts: Timeouts,
    awaits: Awaits,
    deadline: Pin<Box<Sleep>>,
    /// The client's buffers are full, and the server has more for it.
    is_unsent: bool,
    /// Bytes that the client took of a stream since its deadline was set.
    streamed: usize,
    /// The server was told to wait although there may be something to read.
    reading_paused: bool,
}

impl ClientStream {
    pub(crate) fn new(transport: Transport, timeouts: Timeouts) -> Self {
        Self {
            transport: transport.take(READ_BYTES),
            exchange: Rc::new(Exchange::new(timeouts)),
            timeouts,
            awaits: Awaits::Request(0),
            deadline: Box::pin(sleep(timeouts.request)),
            is_unsent: false,
            streamed: 0,
            reading_paused: false,
        }
    }

    /// Without its bounds, for whoever takes the connection over.
    pub(crate) fn into_transport(self) -> Transport {
        self.transport.into_inner()
    }

    pub(crate) fn transport(&self) -> &Transport {
        self.transport.get_ref()
    }

    /// For the requests that come over it.
    pub(crate) fn exchange(&self) -> Rc<Exchange> {
        Rc::clone(&self.exchange)
    }

    /// Fails when the client is late. The task is woken when that time comes.
    fn check_deadline(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let awaits = if self.is_unsent {
            Awaits::Reading
        } else if self.exchange.is_answering() {
            Awaits::Nothing
        } else {
            Awaits::Request(self.exchange.answered())
        };
        let timeout = match awaits {
            Awaits::Request(_) => self.timeouts.request,
            Awaits::Reading => self.timeouts.response,
            Awaits::Nothing => {
                self.awaits = awaits;
                return Ok(());
            }
        };
        if awaits != self.awaits {
            self.awaits = awaits;
            self.deadline.as_mut().reset(Instant::now() + timeout);
        }
        if self.deadline.as_mut().poll(cx).is_ready() {
            tracing::debug!(
                awaited = ?self.awaits,
                "a client of the HTTP interfaces is not waited for any longer"
            );
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// A reader of a stream has more time as long as it reads: the server may never have nothing more to write.
    fn note_progress(&mut self, bytes: usize) {
        if !self.exchange.is_streaming() || self.awaits != Awaits::Reading {
            self.streamed = 0;
            return;
        }
        self.streamed += bytes;
        if self.streamed >= self.timeouts.stream_bytes {
            self.streamed = 0;
            let until = Instant::now() + self.timeouts.response;
            self.deadline.as_mut().reset(until);
        }
    }

    /// Whether nothing is read now: what was asked before has to be answered, and the answer read, first.
    fn must_pause_reading(&self) -> bool {
        let is_answering = self.exchange.is_answering() && !self.exchange.expects_body();
        self.is_unsent || is_answering
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_deadline(cx)?;
        if self.must_pause_reading() {
            self.reading_paused = true;
            return Poll::Pending;
        }
        if self.transport.limit() == 0 {
            // The server looks at what it has, and comes again.
            self.transport.set_limit(READ_BYTES);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let read = Pin::new(&mut self.transport).poll_read(cx, buf);
        if read.is_pending() {
            self.transport.set_limit(READ_BYTES);
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
        let written = Pin::new(self.transport.get_mut()).poll_write(cx, bytes);
        if written.is_pending() {
            self.is_unsent = true;
            self.check_deadline(cx)?;
        } else if let Poll::Ready(Ok(bytes)) = &written {
            self.note_progress(*bytes);
        }
        written
    }

    /// The server calls it whenever it has nothing more to write.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_unsent = false;
        self.check_deadline(cx)?;
        if self.reading_paused && !self.must_pause_reading() {
            self.reading_paused = false;
            cx.waker().wake_by_ref();
        }
        Pin::new(self.transport.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check_deadline(cx)?;
        Pin::new(self.transport.get_mut()).poll_shutdown(cx)
    }
}
