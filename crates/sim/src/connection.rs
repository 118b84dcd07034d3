//! The task of one live connection. It owns the socket; everything else is in the platform's state.
//!
//! Each poll takes the waiting output, writes what the kernel accepts, and reads bursts into a buffer that all
//! connections of the thread share. The [`ConnectionHandler`] handles each burst as a whole. The task has no timers;
//! the simulator's clock does what is due later.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use longwire_platform_server::websocket::{ClientMessage, ClientViolation, MessageReader};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::fault::ConnectionId;
use crate::live::{Ending, OutputSignal};
use crate::socket::SimSocket;

/// Largest client message that is read. An ACK with a card is much shorter.
const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of one read.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Most reads of one poll, so that other connections are served.
const READS_PER_POLL: usize = 4;
/// Most buffers written in one poll, so that other connections are served.
const WRITES_PER_POLL: usize = 16;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// The platform of a connection, as the connection's task calls it.
pub(crate) trait ConnectionHandler: Send + Sync + 'static {
    /// Whether the connection is read, half-open or ending; `None` if the platform has removed it.
    fn mode(&self, id: ConnectionId) -> Option<ConnectionMode>;

    /// Reports that `written` bytes went to the kernel since the last call. An empty `own` is exchanged for the next
    /// output.
    fn output(&self, id: ConnectionId, written: usize, own: &mut Vec<u8>);

    /// Handles the messages of one burst, and the violation of the protocol that followed them.
    fn burst(
        &self,
        id: ConnectionId,
        incoming: Vec<ClientMessage>,
        violation: Option<ClientViolation>,
    );

    /// Reports the end of the connection.
    fn gone(&self, id: ConnectionId);
}

/// How a connection's socket is to be treated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionMode {
    pub(crate) ending: Option<Ending>,
    pub(crate) reading: bool,
    pub(crate) half_open: bool,
}

/// A connection from its 101 to its end.
pub(crate) struct Connection<P> {
    handler: Arc<P>,
    id: ConnectionId,
    output_signal: Arc<OutputSignal>,
    socket: SimSocket,
    reader: MessageReader,
    out: Vec<u8>,
    /// Bytes of `out` that went to the kernel.
    written: usize,
    /// Of these, the bytes that were reported to the handler.
    told: usize,
    /// FIN was sent; the task waits for the peer's end.
    shut: bool,
}

/// Why the task ends.
enum End {
    Peer,
    Reset,
}

impl<P: ConnectionHandler> Connection<P> {
    /// The task of a connection that is in the platform's state already. `head` is sent first.
    pub(crate) fn new(
        handler: Arc<P>,
        id: ConnectionId,
        output_signal: Arc<OutputSignal>,
        socket: SimSocket,
        head: Vec<u8>,
    ) -> Self {
        Self {
            handler,
            id,
            output_signal,
            socket,
            reader: MessageReader::new(MAX_MESSAGE_BYTES),
            // The head is the HTTP answer and does not come from the handler.
            told: head.len(),
            out: head,
            written: 0,
            shut: false,
        }
    }

    /// Runs until the connection ends. `early` came in the same packet as the upgrade request.
    pub(crate) async fn run(mut self, early: Vec<u8>) {
        if !early.is_empty() {
            self.feed(&early);
        }
        let end = poll_fn(|cx| self.poll(cx)).await;
        self.handler.gone(self.id);
        if let End::Reset = end {
            self.socket.reset();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.output_signal.register(cx.waker());
        let mut reads = 0;
        loop {
            let Some(mode) = self.handler.mode(self.id) else {
                return Poll::Ready(End::Peer);
            };
            if mode.ending == Some(Ending::Reset) {
                return Poll::Ready(End::Reset);
            }
            if mode.half_open {
                return Poll::Pending;
            }
            match self.poll_write(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(End::Peer),
                // After our close frame the peer answers first; the ending then becomes a hang-up.
                Poll::Ready(Ok(())) if mode.ending == Some(Ending::Hangup) && !self.shut => {
                    self.shut = Pin::new(&mut self.socket).poll_shutdown(cx).is_ready();
                }
                _ => {}
            }
            if !mode.reading {
                return Poll::Pending;
            }
            if reads == READS_PER_POLL {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            reads += 1;
            if ready!(self.poll_burst(cx)).is_err() {
                return Poll::Ready(End::Peer);
            }
        }
    }

    /// Writes until nothing is left, the kernel takes no more, or [`WRITES_PER_POLL`] is reached.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut buffers = 0;
        loop {
            if self.written == self.out.len() {
                let written = self.written.saturating_sub(self.told);
                self.out.clear();
                self.written = 0;
                self.told = 0;
                self.handler.output(self.id, written, &mut self.out);
                if self.out.is_empty() {
                    return Pin::new(&mut self.socket).poll_flush(cx);
                }
                buffers += 1;
                if buffers > WRITES_PER_POLL {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            match Pin::new(&mut self.socket).poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.written > self.told {
                        let written = self.written - self.told;
                        self.told = self.written;
                        self.handler.output(self.id, written, &mut self.out);
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Reads and handles one burst. An error ends the connection.
    fn poll_burst(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.feed(buffer.filled());
            Poll::Ready(Ok(()))
        })
    }

    fn feed(&mut self, data: &[u8]) {
        let mut incoming = Vec::new();
        let fed = self.reader.feed(data, &mut incoming);
        self.handler.burst(self.id, incoming, fed.err());
    }
}
