//! The one dialer: a TCP stream to a target, straight or through a proxy.
//!
//! awc calls it for every new connection, HTTP or WebSocket, and lays TLS on top for `https` and `wss`.
//! With a proxy the target's name is resolved by the proxy; plain targets get a tunnel too, so there is one
//! way for all.

use std::rc::Rc;

use actix_rt::net::TcpStream;
use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::future::LocalBoxFuture;

use crate::fault::{Fault, NoRoute};
use crate::policy::{Routing, Target, Unusable};
use crate::resolve::Resolver;
use crate::{race, tunnel};

#[derive(Clone)]
pub(crate) struct Dialer {
    resolver: Rc<Resolver>,
    routing: Rc<Routing>,
}

impl Dialer {
    pub(crate) fn new(resolver: Rc<Resolver>, routing: Routing) -> Self {
        Self {
            resolver,
            routing: Rc::new(routing),
        }
    }

    async fn dial(&self, target: Target<'_>) -> Result<TcpStream, Fault> {
        let proxy = self.routing.proxy_to(target);
        let Some(proxy) =
            proxy.map_err(|Unusable { variable }| Fault::ProxyUnusable { variable })?
        else {
            return self.connect(target.host, target.port).await;
        };
        let mut stream = self.connect(proxy.host(), proxy.port()).await?;
        tunnel::open(&mut stream, proxy, &peer(target.host, target.port)).await?;
        Ok(stream)
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Fault> {
        let unreachable = |source| Fault::Unreachable {
            peer: peer(host, port),
            source,
        };
        let addresses = self
            .resolver
            .resolve(host)
            .await
            .map_err(|error| unreachable(NoRoute::Name(error)))?;
        let stream = race::connect(addresses, port)
            .await
            .map_err(|error| unreachable(NoRoute::of_io(error)))?;
        // ACKs are small and each one is waited for: Nagle would hold it back for the peer's delayed ACK.
        stream
            .set_nodelay(true)
            .map_err(|error| unreachable(NoRoute::Network(error)))?;
        Ok(stream)
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
    type Response = Connection<Uri, TcpStream>;
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
