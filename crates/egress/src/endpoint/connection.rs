//! One connection to an endpoint: it writes a request and reads its answer. The pool is in [`client`](super::client).

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::error::RequestStep;
use super::malformed::MalformedAnswer;
use super::reader::{AnswerReader, AtClose, Progress};
use crate::sockets::CountedStream;

/// The bytes of one read. Most answers are shorter.
const READ_BYTES: usize = 4 * 1024;

/// The most parts of one write call.
const MAX_SLICES: usize = 16;

/// A request in the parts that it is written from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    /// Request line and the headers of every request.
    pub(super) head: &'a [u8],
    /// The headers of this request.
    pub(super) lines: &'a [u8],
    /// `Content-Length`, and the empty line.
    pub(super) length: &'a [u8],
    pub(super) body: &'a [&'a [u8]],
}

impl<'a> Request<'a> {
    fn parts(self) -> impl Iterator<Item = &'a [u8]> {
        let head = [self.head, self.lines, self.length];
        let parts = head.into_iter().chain(self.body.iter().copied());
        parts.filter(|part| !part.is_empty())
    }
}

/// Plain or TLS.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(CountedStream),
    Tls(Box<TlsStream<CountedStream>>),
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    transport: Transport,
    /// What is read into; used by every answer.
    buffer: Box<[u8; READ_BYTES]>,
    /// Whether the budget allows to keep it open without a request.
    may_be_kept: bool,
    /// Until when it can be used again.
    usable_until: Instant,
}

/// Why a request over a connection has no answer.
#[derive(Debug)]
pub(super) enum ExchangeError {
    /// The connection was closed, or failed.
    Io {
        error: io::Error,
        /// Whether it ended before any byte of the answer, as a kept connection does that the peer had already closed.
        nothing_came: bool,
    },
    Malformed(MalformedAnswer),
}

impl Connection {
    pub(super) fn new(transport: Transport, may_be_kept: bool) -> Self {
        Self {
            transport,
            buffer: Box::new([0; READ_BYTES]),
            may_be_kept,
            usable_until: Instant::now(),
        }
    }

    /// Writes `request` and reads the answer, as far as it is kept.
    pub(super) async fn exchange(
        &mut self,
        request: Request<'_>,
        keep_bytes: usize,
        step: &Cell<RequestStep>,
    ) -> Result<AnswerReader, ExchangeError> {
        step.set(RequestStep::Sending);
        let sent = self.send(request).await;
        if sent.is_ok() {
            step.set(RequestStep::AwaitingAnswer);
        }
        let mut reader = AnswerReader::new(keep_bytes);
        let read = self.read_answer(&mut reader, step).await;
        match (sent, read) {
            (Ok(()), Ok(())) => Ok(reader),
            (Err(_), Ok(())) => {
                // What is unwritten would be missing before the next request.
                reader.at_close();
                Ok(reader)
            }
            // A server that refuses a request early closes before it has read it. Without its answer, the failure of
            // writing is what happened.
            (Err(error), Err(ExchangeError::Io { nothing_came, .. })) => Err(ExchangeError::Io {
                error,
                nothing_came,
            }),
            (_, Err(error)) => Err(error),
        }
    }

    /// Writes all parts, many in one call.
    async fn send(&mut self, request: Request<'_>) -> io::Result<()> {
        let mut parts = request.parts();
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        loop {
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(&mut parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            if count == 0 {
                return self.transport.flush().await;
            }
            let mut unwritten = &mut slices[..count];
            while !unwritten.is_empty() {
                let written = self.transport.write_vectored(unwritten).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                IoSlice::advance_slices(&mut unwritten, written);
            }
        }
    }

    /// Reads until what is kept of the answer is there.
    async fn read_answer(
        &mut self,
        reader: &mut AnswerReader,
        step: &Cell<RequestStep>,
    ) -> Result<(), ExchangeError> {
        loop {
            let read = self.transport.read(&mut self.buffer[..]).await;
            let (Ok(0) | Err(_)) = read else {
                let count = read.unwrap_or_default();
                step.set(RequestStep::ReadingAnswer);
                match reader.read(&self.buffer[..count]) {
                    Ok(Progress::Incomplete) => continue,
                    Ok(Progress::RestToSkip | Progress::Over) => return Ok(()),
                    Err(malformed) => return Err(ExchangeError::Malformed(malformed)),
                }
            };
            // An error does not end a body that is told by the close: a part may be missing.
            let clean = read.is_ok();
            let at_close = reader.at_close();
            let error = read.err().unwrap_or(io::ErrorKind::UnexpectedEof.into());
            return match at_close {
                AtClose::Whole if clean => Ok(()),
                AtClose::Whole | AtClose::Cut => Err(ExchangeError::Io {
                    error,
                    nothing_came: false,
                }),
                AtClose::NothingCame => Err(ExchangeError::Io {
                    error,
                    nothing_came: true,
                }),
            };
        }
    }

    /// Reads what follows the kept part, so that the connection can be used again.
    pub(super) async fn skip_rest(&mut self, reader: &mut AnswerReader) {
        while reader.may_persist() && !reader.is_persistent() {
            match self.transport.read(&mut self.buffer[..]).await {
                Ok(count @ 1..) if reader.read(&self.buffer[..count]).is_ok() => {}
                // The answer is there in any case.
                _ => {
                    reader.at_close();
                }
            }
        }
    }

    /// The connection for a later request, if it can have one: `None` if the answer or the budget ends it. `idle` is the
    /// longest time that it is kept; the endpoint may name a shorter one.
    pub(super) fn keep(mut self, reader: &AnswerReader, idle: Duration) -> Option<Self> {
        if !self.may_be_kept || !reader.is_persistent() {
            return None;
        }
        // The endpoint counts from when it wrote the answer. One second less, so that it does not close while a request
        // is on its way.
        let promised = reader.keep_alive();
        let promised = promised.map(|time| time.saturating_sub(Duration::from_secs(1)));
        let usable_for = promised.map_or(idle, |promised| promised.min(idle));
        self.usable_until = Instant::now() + usable_for;
        (!usable_for.is_zero()).then_some(self)
    }

    /// Until when a kept connection can be used.
    pub(super) fn usable_until(&self) -> Instant {
        self.usable_until
    }

    /// Whether the next request can be sent: it is young enough, the peer has not closed it, and sent nothing more.
    pub(super) async fn is_usable(&mut self, now: Instant) -> bool {
        if now >= self.usable_until {
            return false;
        }
        let mut buffer = ReadBuf::new(&mut self.buffer[..]);
        let transport = &mut self.transport;
        poll_fn(|cx| {
            let read = Pin::new(&mut *transport).poll_read(cx, &mut buffer);
            Poll::Ready(read.is_pending())
        })
        .await
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => pin!(tcp).poll_read(cx, buf),
            Self::Tls(tls) => pin!(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => pin!(tcp).poll_write(cx, buf),
            Self::Tls(tls) => pin!(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => pin!(tcp).poll_write_vectored(cx, bufs),
            Self::Tls(tls) => pin!(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => pin!(tcp).poll_flush(cx),
            Self::Tls(tls) => pin!(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => pin!(tcp).poll_shutdown(cx),
            Self::Tls(tls) => pin!(tls).poll_shutdown(cx),
        }
    }
}
