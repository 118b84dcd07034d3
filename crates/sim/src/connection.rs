//! The task of one live connection: it owns the socket, everything else is in the shared state.
//!
//! Each poll takes the output that gathered, writes what the kernel accepts, and reads bursts into a
//! buffer that all connections of the thread share. A burst is judged under one lock. There are no
//! timers here; what has to happen later is the clock's.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use longwire_wire::frame::{FrameView, Kind};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::fault::ConnectionId;
use crate::live::{Doorbell, Ending};
use crate::socket::Socket;
use crate::websocket::{self, Incoming, Reader, opcode};
use crate::world::{Shared, World};

/// One read of a socket at most.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Reads before the neighbours get their turn.
const READS_PER_POLL: usize = 4;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// A connection from its 101 to its end.
pub(crate) struct Connection {
    shared: Arc<Shared>,
    id: ConnectionId,
    doorbell: Arc<Doorbell>,
    socket: Socket,
    reader: Reader,
    out: Vec<u8>,
    written: usize,
    /// FIN was sent; only the peer's end is awaited.
    shut: bool,
}

/// Why the task ends.
enum End {
    Peer,
    Reset,
}

impl Connection {
    /// Registers the connection. `head` is sent before anything else.
    pub(crate) fn open(
        shared: Arc<Shared>,
        socket: Socket,
        app: usize,
        device_id: String,
        head: Vec<u8>,
    ) -> Self {
        let doorbell = Arc::new(Doorbell::default());
        let id = {
            let mut world = shared.world();
            // Taken under the lock, as all instants are: deadlines rely on their order.
            let now = Instant::now();
            world.connect(app, device_id, Arc::clone(&doorbell), now)
        };
        Self {
            shared,
            id,
            doorbell,
            socket,
            reader: Reader::default(),
            out: head,
            written: 0,
            shut: false,
        }
    }

    /// Runs to the end. `early` came in the same packet as the upgrade request.
    pub(crate) async fn run(mut self, early: Vec<u8>) {
        let mut end = None;
        if !early.is_empty() && self.burst(&early).is_err() {
            end = Some(End::Peer);
        }
        let end = match end {
            Some(end) => end,
            None => poll_fn(|cx| self.poll(cx)).await,
        };
        self.shared.world().disconnect(self.id);
        if let End::Reset = end {
            self.socket.reset();
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.doorbell.listen(cx.waker());
        let mut reads = 0;
        loop {
            let (ending, reading, half_open) = match self.shared.world().connections.get(&self.id) {
                Some(live) => (live.ending, live.reading, live.half_open),
                None => return Poll::Ready(End::Peer),
            };
            if ending == Some(Ending::Reset) {
                return Poll::Ready(End::Reset);
            }
            if half_open {
                self.out = Vec::new();
                self.written = 0;
                return Poll::Pending;
            }
            match self.poll_write(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(End::Peer),
                // After our own close frame the peer answers first, and that makes it a hang-up.
                Poll::Ready(Ok(())) if ending == Some(Ending::Hangup) && !self.shut => {
                    self.shut = Pin::new(&mut self.socket).poll_shutdown(cx).is_ready();
                }
                _ => {}
            }
            if !reading {
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

    /// Writes until there is nothing left or the kernel takes no more.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.written == self.out.len() {
                self.out.clear();
                self.written = 0;
                self.shared.world().swap_output(self.id, &mut self.out);
                if self.out.is_empty() {
                    return Pin::new(&mut self.socket).poll_flush(cx);
                }
            }
            let written =
                ready!(Pin::new(&mut self.socket).poll_write(cx, &self.out[self.written..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
    }

    /// Reads and judges one burst; an error is the end of the connection.
    fn poll_burst(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            Poll::Ready(self.burst(buffer.filled()))
        })
    }

    fn burst(&mut self, data: &[u8]) -> io::Result<()> {
        let mut incoming = Vec::new();
        let fed = self.reader.feed(data, &mut incoming);
        let mut world = self.shared.world();
        let now = Instant::now();
        for message in incoming {
            judge(&mut world, self.id, message, now);
        }
        if let Err(violation) = fed {
            tracing::debug!(connection = %self.id, %violation, "client breaks the protocol");
            world.ledger.protocol_errors += 1;
            world.close(self.id, Some(violation.close_code()), now);
        }
        world.trim_deadlines();
        world.top_up(self.id, now);
        world.wake_clock();
        Ok(())
    }
}

fn judge(world: &mut World, id: ConnectionId, message: Incoming, now: Instant) {
    match message {
        Incoming::Binary(bytes) => match FrameView::parse(bytes) {
            Err(_) => world.ledger.protocol_errors += 1,
            Ok(frame) => match frame.kind() {
                Kind::Ping => world.ping(id, frame.service(), now),
                Kind::Event | Kind::Card | Kind::OtherData => world.answer(id, &frame, now),
                Kind::Pong => count(world, id, |live| live.pongs += 1),
                Kind::OtherControl | Kind::UnknownMethod(_) => {}
            },
        },
        Incoming::Text => world.ledger.protocol_errors += 1,
        Incoming::Ping(payload) => {
            count(world, id, |live| live.protocol_pings += 1);
            world.send(id, |out| {
                websocket::write_message(out, opcode::PONG, &payload)
            });
        }
        Incoming::Pong => count(world, id, |live| live.protocol_pongs += 1),
        Incoming::Close(code) => {
            if world
                .connections
                .get(&id)
                .is_some_and(|live| live.ending.is_none())
            {
                world.ledger.closed_by_client += 1;
                world.send(id, |out| websocket::write_close(out, code, ""));
            }
            world.end(id, Ending::Hangup, now);
        }
    }
}

fn count(world: &mut World, id: ConnectionId, add: impl FnOnce(&mut crate::live::Live)) {
    if let Some(live) = world.connections.get_mut(&id) {
        add(live);
    }
}
