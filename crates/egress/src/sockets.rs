//! Limits the number of open sockets. A socket is counted before it is opened.
//!
//! A socket is an open file, and the number of open files of a process is limited. A process without a free file can
//! neither accept a probe nor reopen its store. So this crate stops earlier: a socket is opened only with a permit.
//!
//! Connections, calls to the platforms and posts to webhooks each have a part of their own, so that none of them waits for
//! another.

mod endpoint;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::endpoint::EndpointHold;

pub(crate) use self::endpoint::EndpointSockets;

/// One socket in this many is reserved for calls: HTTP requests, further addresses that a dial tries, and webhooks.
/// Connections last for hours; because of the reserve a call never waits for a connection to end.
const ONE_CALL_SOCKET_IN: usize = 8;

/// One socket of the reserve in this many is for webhooks, which applications can hold for as long as a post takes. A reserve
/// of one socket is shared.
const ONE_WEBHOOK_SOCKET_IN: usize = 2;

/// The number of sockets of a process without a limit.
const UNLIMITED: usize = Semaphore::MAX_PERMITS;

/// `EMFILE` and `ENFILE`: this process, or this host, may open no more files. The same numbers on Linux, macOS and the
/// BSDs.
const OUT_OF_FILES: [i32; 2] = [24, 23];

/// The number of sockets that may be open at once, for connections, for calls and for webhooks. Clones share the count.
#[derive(Debug, Clone)]
pub struct SocketBudget {
    connections: SocketPart,
    calls: SocketPart,
    webhooks: SocketPart,
    /// Calls whose bodies pass through and take as long as somebody else likes: half of those for calls.
    streaming: Arc<Semaphore>,
}

/// The sockets for one purpose.
#[derive(Debug, Clone)]
struct SocketPart {
    permits: Arc<Semaphore>,
    most: usize,
}

impl SocketPart {
    fn new(most: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(most)),
            most,
        }
    }

    fn taken(&self) -> usize {
        self.most - self.permits.available_permits()
    }

    /// Whether half of them are free, rounded up.
    fn is_half_free(&self) -> bool {
        self.permits.available_permits() * 2 > self.most + 1
    }
}

impl SocketBudget {
    /// A budget of `sockets` sockets.
    #[must_use]
    pub fn new(sockets: usize) -> Self {
        let sockets = sockets.min(UNLIMITED);
        let reserve = sockets.div_ceil(ONE_CALL_SOCKET_IN);
        let webhooks = reserve / ONE_WEBHOOK_SOCKET_IN;
        let calls = SocketPart::new(reserve - webhooks);
        let webhooks = if webhooks == 0 {
            calls.clone()
        } else {
            SocketPart::new(webhooks)
        };
        Self {
            connections: SocketPart::new(sockets - reserve),
            streaming: Arc::new(Semaphore::new(calls.most.div_ceil(2))),
            calls,
            webhooks,
        }
    }

    /// A budget that never runs out.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(UNLIMITED)
    }

    /// A permit for one connection, for [`Egress::with_permit`](crate::Egress::with_permit). `None` if all are taken.
    #[must_use]
    pub fn connection(&self) -> Option<SocketPermit> {
        SocketPermit::of(&self.connections)
    }

    /// Whether a permit for a connection is free now.
    #[must_use]
    pub fn has_connection(&self) -> bool {
        self.connections.permits.available_permits() > 0
    }

    /// The largest number of open connections; `None` if there is no limit.
    #[must_use]
    pub fn most_connections(&self) -> Option<usize> {
        let most = self.connections.most;
        (most < UNLIMITED / 2).then_some(most)
    }

    /// The number of permits for connections that are taken.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.taken()
    }

    /// A permit for one socket of a call.
    pub(crate) fn call(&self) -> Option<SocketPermit> {
        SocketPermit::of(&self.calls)
    }

    /// A permit for the socket of a call that is kept open for the next call. `None` if half of the permits for calls are
    /// taken, because a kept socket is closed only when the same host is called again and would block other calls.
    pub(crate) fn kept_call(&self) -> Option<SocketPermit> {
        if self.calls.is_half_free() {
            self.call()
        } else {
            None
        }
    }

    /// A place for a call whose bodies pass through. Waits for it, behind those that came before.
    pub(crate) async fn streaming(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.streaming).acquire_owned().await;
        place.expect("nobody closes it")
    }

    /// The sockets of one more endpoint, out of those for webhooks.
    pub(crate) fn endpoint(&self) -> EndpointSockets {
        EndpointSockets::new(self.webhooks.clone())
    }
}

/// The permission to have one socket open. All clones count as one; it is free again when the last clone is dropped. A
/// bot that keeps its permit between two connections can always open the next one.
#[derive(Debug, Clone)]
pub struct SocketPermit(Arc<TakenSocket>);

#[derive(Debug)]
struct TakenSocket {
    _permit: OwnedSemaphorePermit,
    /// Of an endpoint's sockets.
    _hold: Option<EndpointHold>,
}

impl SocketPermit {
    fn of(part: &SocketPart) -> Option<Self> {
        let permit = Arc::clone(&part.permits).try_acquire_owned().ok()?;
        Some(Self(Arc::new(TakenSocket {
            _permit: permit,
            _hold: None,
        })))
    }

    fn of_endpoint(permit: OwnedSemaphorePermit, hold: EndpointHold) -> Self {
        Self(Arc::new(TakenSocket {
            _permit: permit,
            _hold: Some(hold),
        }))
    }

    /// Whether another clone exists, so that a socket may be open with this permit.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether both are clones of one permit.
    fn is_clone_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The permits of one dial. The first attempt uses the dial's own permit, attempts beside it use permits for calls, or of the
/// endpoint that is dialled. The socket that the dial returns holds the dial's own permit, whichever attempt it came from, so
/// that a connection of hours never holds a permit for calls.
pub(crate) struct DialPermits<'a> {
    /// The permit that the dial was given, else one for calls. `None` if none was free.
    own: Option<SocketPermit>,
    /// The same permit while no socket uses it.
    free: Option<SocketPermit>,
    beside: BesideSockets<'a>,
}

/// Where attempts beside the first one have their permits from.
#[derive(Clone, Copy)]
enum BesideSockets<'a> {
    Calls(&'a SocketBudget),
    Endpoint(&'a EndpointSockets),
}

impl<'a> DialPermits<'a> {
    /// Of a dial of our own.
    pub(crate) fn new(given: Option<SocketPermit>, budget: &'a SocketBudget) -> Self {
        let own = given.or_else(|| budget.call());
        Self {
            free: own.clone(),
            own,
            beside: BesideSockets::Calls(budget),
        }
    }

    /// Of a dial to an endpoint.
    pub(crate) fn of_endpoint(own: SocketPermit, endpoint: &'a EndpointSockets) -> Self {
        Self {
            free: Some(own.clone()),
            own: Some(own),
            beside: BesideSockets::Endpoint(endpoint),
        }
    }

    pub(crate) fn take(&mut self) -> Option<SocketPermit> {
        let beside = self.beside;
        self.free.take().or_else(|| match beside {
            BesideSockets::Calls(budget) => budget.call(),
            BesideSockets::Endpoint(endpoint) => endpoint.beside(),
        })
    }

    /// Returns the permit of a socket that is closed.
    pub(crate) fn give_back(&mut self, permit: SocketPermit) {
        // A permit for calls returns to the budget when it is dropped.
        if self
            .own
            .as_ref()
            .is_some_and(|own| own.is_clone_of(&permit))
        {
            self.free = Some(permit);
        }
    }

    /// Ends the dial with the socket that was opened with `permit`, and returns the permit that the socket holds from now
    /// on. The dial's other sockets are closed next, so its own permit counts one socket.
    pub(crate) fn keep(self, permit: SocketPermit) -> SocketPermit {
        self.own.unwrap_or(permit)
    }
}

/// The kernel's error for no more open files. The budget returns the same error before the kernel would.
pub(crate) fn out_of_files() -> io::Error {
    io::Error::from_raw_os_error(OUT_OF_FILES[0])
}

/// Whether the error means that there are no more open files.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| OUT_OF_FILES.contains(&code))
}

/// A TCP stream with its permit, which counts as long as the stream is open.
#[derive(Debug)]
pub(crate) struct CountedStream {
    pub(crate) tcp: TcpStream,
    _permit: SocketPermit,
}

impl CountedStream {
    pub(crate) fn new(tcp: TcpStream, permit: SocketPermit) -> Self {
        Self {
            tcp,
            _permit: permit,
        }
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

impl ActixStream for CountedStream {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.tcp, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.tcp, cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn calls_have_a_part_of_their_own() {
        for (sockets, connections) in [(0, 0), (1, 0), (8, 7), (80, 70), (1_000, 875)] {
            let budget = SocketBudget::new(sockets);
            let taken: Vec<_> = std::iter::from_fn(|| budget.connection()).collect();
            assert_eq!(taken.len(), connections, "of {sockets}");
            assert_eq!(budget.connections(), connections);
            assert_eq!(budget.most_connections(), Some(connections));
            assert!(!budget.has_connection());
            let calls = std::iter::from_fn(|| budget.call()).collect::<Vec<_>>();
            let reserve: usize = sockets - connections;
            assert_eq!(calls.len(), reserve.div_ceil(2), "of {sockets}");
            let mut webhooks = Vec::new();
            while let Some(Some(permit)) = budget.endpoint().permit().now_or_never() {
                webhooks.push(permit);
            }
            assert_eq!(webhooks.len(), reserve / 2, "of {sockets}");
        }
        assert_eq!(SocketBudget::unlimited().most_connections(), None);
    }

    #[test]
    fn a_permit_counts_until_its_last_clone_is_gone() {
        let budget = SocketBudget::new(2);
        let permit = budget.connection().expect("the only one");
        assert!(!permit.is_shared());
        let kept = permit.clone();
        assert!(permit.is_shared());
        drop(permit);
        assert!(budget.connection().is_none());
        drop(kept);
        assert!(budget.connection().is_some());
    }

    #[test]
    fn a_dial_uses_its_own_permit_first_and_again() {
        let budget = SocketBudget::new(2);
        let mut permits = DialPermits::new(budget.connection(), &budget);
        let own = permits.take().expect("the one it was given");
        let second = permits.take().expect("one of a call");
        assert!(permits.take().is_none());
        // Two addresses are tried at once and both fail, the one with the permit of a call last.
        permits.give_back(own);
        permits.give_back(second);
        assert!(budget.call().is_some(), "the permit of a call is free");
        drop(permits.take().expect("its own one"));
        assert!(budget.call().is_some(), "it was its own one");
        drop(permits);
        assert_eq!(budget.connections(), 0);
    }

    #[test]
    fn both_limits_are_known_by_their_numbers() {
        assert!(is_out_of_files(&out_of_files()));
        assert!(is_out_of_files(&io::Error::from_raw_os_error(23)));
        assert!(!is_out_of_files(&io::ErrorKind::ConnectionRefused.into()));
    }
}
