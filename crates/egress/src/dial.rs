//! The dialer: opens a TCP stream to a target, directly or through a proxy.
//!
//! awc calls it for every new connection, HTTP or WebSocket, and adds TLS for `https` and `wss`. A proxy resolves the
//! target's name itself. Plain targets are reached through a tunnel too, so that all targets are dialled in the same way.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::future::LocalBoxFuture;

use crate::address_filter::{AddressFilter, BlockedAddress};
use crate::environment::UnusableProxy;
use crate::error::{EgressError, NoRoute};
use crate::policy::{Routing, Target};
use crate::proxy::ProxyUrl;
use crate::resolve::Resolver;
use crate::sockets::{CountedStream, DialPermits, SocketBudget, SocketPermit, is_out_of_files};
use crate::{race, tunnel};

/// The most addresses of one name that are tried for a target that somebody else named. Each that does not answer holds a
/// socket of everybody's budget until the dial is over, and a name server may say any number.
const MOST_ADDRESSES: usize = 8;

tokio::task_local! {
    /// The permit of the dial in progress. awc cannot pass a value from a request to its connector, but it calls the
    /// connector from the same future.
    static DIAL_PERMIT: Cell<Option<SocketPermit>>;
}

/// Runs `work`. If it dials, the dial opens its socket with `permit`.
pub(crate) async fn with_permit<F: Future>(permit: Option<SocketPermit>, work: F) -> F::Output {
    DIAL_PERMIT.scope(Cell::new(permit), work).await
}

/// The connector that awc calls. Clones share resolver and budget.
#[derive(Clone)]
pub(crate) struct Dialer {
    resolver: Rc<Resolver>,
    routing: Rc<Routing>,
    sockets: SocketBudget,
}

impl Dialer {
    pub(crate) fn new(resolver: Rc<Resolver>, routing: Routing, sockets: SocketBudget) -> Self {
        Self {
            resolver,
            routing: Rc::new(routing),
            sockets,
        }
    }

    async fn dial(&self, target: Target<'_>) -> Result<CountedStream, EgressError> {
        // A dial outside of `with_permit` has no permit of its own.
        let given = DIAL_PERMIT.try_with(Cell::take).unwrap_or_default();
        let permits = DialPermits::new(given, &self.sockets);
        match self.proxy_to(target)? {
            None => self.connect(target.host, target.port, permits).await,
            Some(proxy) => self.tunnel(proxy, target, permits).await,
        }
    }

    /// Dials a target that somebody else named: only at addresses that `filter` permits, and in plain text only at those
    /// that it permits as networks of one's own, unless `any_plain`. The first [`MOST_ADDRESSES`] are tried. Through a proxy,
    /// which looks the name up itself, only the host as it is written is checked.
    pub(crate) async fn dial_filtered(
        &self,
        target: Target<'_>,
        filter: &AddressFilter,
        any_plain: bool,
        permits: DialPermits<'_>,
    ) -> Result<CountedStream, FilteredDialError> {
        let Target { host, port, secure } = target;
        if let Some(proxy) = self.proxy_to(target)? {
            filter.check_host(host)?;
            if !secure && !any_plain && !target.is_own(filter) {
                return Err(plain_refused().into());
            }
            return Ok(self.tunnel(proxy, target, permits).await?);
        }
        let mut addresses = filter.permitted(self.resolve(host, port).await?)?;
        if !secure && !any_plain {
            addresses.retain(|address| filter.is_own(*address));
            if addresses.is_empty() {
                return Err(plain_refused().into());
            }
        }
        let mut addresses = race::alternating(addresses);
        addresses.truncate(MOST_ADDRESSES);
        Ok(self.open(addresses, host, port, permits).await?)
    }

    fn proxy_to(&self, target: Target<'_>) -> Result<Option<&ProxyUrl>, EgressError> {
        self.routing
            .proxy_to(target)
            .map_err(|UnusableProxy { variable }| EgressError::ProxyUnusable { variable })
    }

    async fn tunnel(
        &self,
        proxy: &ProxyUrl,
        target: Target<'_>,
        permits: DialPermits<'_>,
    ) -> Result<CountedStream, EgressError> {
        let mut stream = self.connect(proxy.host(), proxy.port(), permits).await?;
        tunnel::open(&mut stream.tcp, proxy, &peer(target.host, target.port)).await?;
        Ok(stream)
    }

    async fn connect(
        &self,
        host: &str,
        port: u16,
        permits: DialPermits<'_>,
    ) -> Result<CountedStream, EgressError> {
        let addresses = self.resolve(host, port).await?;
        self.open(addresses, host, port, permits).await
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, EgressError> {
        let addresses = self.resolver.resolve(host).await;
        addresses.map_err(|error| failed(host, port, error, NoRoute::Name))
    }

    /// Connects to the first of `addresses`, which are those of `host`.
    async fn open(
        &self,
        addresses: Vec<IpAddr>,
        host: &str,
        port: u16,
        permits: DialPermits<'_>,
    ) -> Result<CountedStream, EgressError> {
        let stream = race::connect(addresses, port, permits)
            .await
            .map_err(|error| failed(host, port, error, NoRoute::of_io))?;
        // ACK frames are small and the platform waits for each. With Nagle's algorithm a frame would wait for the
        // peer's delayed TCP ACK.
        stream
            .tcp
            .set_nodelay(true)
            .map_err(|error| failed(host, port, error, NoRoute::Network))?;
        Ok(stream)
    }
}

/// Why a target that somebody else named was not dialled.
#[derive(Debug)]
pub(crate) enum FilteredDialError {
    Blocked(BlockedAddress),
    Failed(EgressError),
}

impl From<BlockedAddress> for FilteredDialError {
    fn from(blocked: BlockedAddress) -> Self {
        Self::Blocked(blocked)
    }
}

impl From<EgressError> for FilteredDialError {
    fn from(error: EgressError) -> Self {
        Self::Failed(error)
    }
}

fn failed(
    host: &str,
    port: u16,
    error: io::Error,
    reason: fn(io::Error) -> NoRoute,
) -> EgressError {
    if is_out_of_files(&error) {
        return EgressError::TooManyOpenFiles;
    }
    EgressError::Unreachable {
        peer: peer(host, port),
        source: reason(error),
    }
}

/// Endpoints are posted to, so their plain text is that of HTTP.
fn plain_refused() -> EgressError {
    EgressError::PlainRefused {
        scheme: "http".to_owned(),
    }
}

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn peer(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

impl Service<ConnectInfo<Uri>> for Dialer {
    type Response = Connection<Uri, CountedStream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let dialer = self.clone();
        Box::pin(async move {
            let uri = info.request().clone();
            let secure = matches!(uri.scheme_str(), Some("https" | "wss"));
            let target = Target {
                host: uri.host().unwrap_or_default(),
                port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
                secure,
            };
            let stream = dialer
                .dial(target)
                .await
                .map_err(|fault| ConnectError::Io(fault.into()))?;
            Ok(Connection::new(uri, stream))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::environment::ProxyEnvironment;
    use crate::no_proxy::NoProxy;
    use crate::policy::ProxyPolicy;
    use crate::sockets::out_of_files;

    fn dialer(lookup: crate::resolve::Lookup, sockets: SocketBudget) -> Dialer {
        let resolver = Resolver::with_lookup(lookup, 1, Duration::from_secs(3600));
        let routing = Routing {
            policy: ProxyPolicy::Direct,
            no_proxy: NoProxy::default(),
            environment: ProxyEnvironment::default(),
        };
        Dialer::new(Rc::new(resolver), routing, sockets)
    }

    /// The error is the same whether the budget or the system has no more files.
    #[actix_rt::test]
    async fn too_many_open_files_are_one_reason() {
        let target = Target {
            host: "host.example",
            port: 1,
            secure: false,
        };
        for dialer in [
            dialer(|_| Err(out_of_files()), SocketBudget::unlimited()),
            dialer(
                |_| Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]),
                SocketBudget::new(0),
            ),
        ] {
            let failed = dialer.dial(target).await;
            assert!(
                matches!(failed, Err(EgressError::TooManyOpenFiles)),
                "{failed:?}"
            );
        }
    }

    fn loopback(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    /// The others would cost sockets that other endpoints need.
    #[actix_rt::test]
    async fn of_a_name_with_many_addresses_some_are_tried() {
        let listener = std::net::TcpListener::bind("127.0.0.9:0").expect("a port");
        let target = Target {
            host: "many.example",
            port: listener.local_addr().expect("its address").port(),
            secure: false,
        };
        let filter = AddressFilter::from_entries(["loopback"]).expect("a word");
        let dial = |lookup| dialer(lookup, SocketBudget::unlimited());
        let budget = SocketBudget::unlimited();
        let permits = || DialPermits::new(None, &budget);
        let eight = dial(|_| Ok((2..=9).map(loopback).collect()));
        let opened = eight.dial_filtered(target, &filter, false, permits()).await;
        opened.expect("the last of eight listens");
        let nine = dial(|_| Ok((1..=9).map(loopback).collect()));
        let refused = nine.dial_filtered(target, &filter, false, permits()).await;
        assert!(
            matches!(refused, Err(FilteredDialError::Failed(_))),
            "{refused:?}"
        );
    }
}
