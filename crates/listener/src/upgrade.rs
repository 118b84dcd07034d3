//! Hands a connection over whose client asks for a WebSocket.
//!
//! ```text
//! ClientStream ─▶ HTTP/1.1 ─▶ check of Host ─▶ UpgradeHandler::upgrade(UpgradeRequest, UpgradedSocket)
//! ```
//! Until then the connection is one of the listener's: counted, bounded and with a deadline for its request. From then on it is
//! the handler's alone: no buffer, timer or task of the HTTP server is left, and the listener counts it no more. The handler
//! answers the request itself.
//!
//! A listener without a handler serves such requests by its routes, like any other.

mod socket;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_codec::{Framed, FramedParts};
use actix_http::Request;
use actix_http::h1::Codec;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::access::AllowedHosts;
use crate::stream::ClientStream;
use crate::{Problem, RequestId};

pub use socket::UpgradedSocket;

/// Takes over connections whose clients ask for a WebSocket. One per thread of a listener, on which all its connections stay.
pub trait UpgradeHandler: 'static {
    /// This client asks for a WebSocket. The handler writes the answer to its request, be it 101 or a refusal, and from now on
    /// bounds what the client may hold and for how long.
    ///
    /// The listener has checked `Host` and that it is a `GET`, and nothing else: neither the path nor the headers of the
    /// WebSocket's handshake. Must not block.
    fn upgrade(&self, request: UpgradeRequest, socket: UpgradedSocket);
}

/// Makes the handler of each thread of a listener.
#[derive(Clone)]
pub struct UpgradeFactory(Arc<dyn Fn() -> Rc<dyn UpgradeHandler> + Send + Sync>);

impl UpgradeFactory {
    /// This makes it.
    pub fn new(make: impl Fn() -> Rc<dyn UpgradeHandler> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn make(&self) -> Rc<dyn UpgradeHandler> {
        (self.0)()
    }
}

impl fmt::Debug for UpgradeFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UpgradeFactory").finish_non_exhaustive()
    }
}

/// What a client said when it asked for a WebSocket.
#[derive(Debug)]
pub struct UpgradeRequest {
    /// The path as it was written, without the query.
    pub path: String,
    /// The query as it was written, without the question mark; empty without one.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// Where it comes from, or the proxy in front. `None` if it is gone already.
    pub peer: Option<SocketAddr>,
    /// Whether this listener has decrypted it. See also [`came_by_https`](crate::came_by_https).
    pub is_tls: bool,
    /// The `Host` header, with its port if it has one; empty without one (HTTP/1.0).
    pub host: String,
}

/// What an upgrade needs of its listener.
#[derive(Clone)]
pub(crate) struct Upgrades {
    pub(crate) handler: Rc<dyn UpgradeHandler>,
    pub(crate) hosts: AllowedHosts,
    /// For a client to take an answer that is still on its way to it.
    pub(crate) response_timeout: Duration,
}

impl Upgrades {
    /// Hands the connection over, or refuses and ends it.
    pub(crate) async fn hand_over(
        self,
        request: Request,
        framed: Framed<ClientStream, Codec>,
    ) -> Result<(), actix_web::Error> {
        let FramedParts {
            io,
            read_buf,
            write_buf,
            ..
        } = framed.into_parts();
        let mut transport = io.into_transport();
        // The end of an answer to an earlier request of this connection.
        let mut unsent = Vec::from(&write_buf[..]);
        drop(write_buf);
        let refusal = self.refusal(&request);
        if let Some(problem) = &refusal {
            unsent.extend(last_answer(problem));
        }
        if !unsent.is_empty() {
            let sent = async {
                transport.write_all(&unsent).await?;
                transport.flush().await
            };
            let sent = timeout(self.response_timeout, sent).await;
            sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        }
        if refusal.is_some() {
            timeout(self.response_timeout, transport.shutdown())
                .await
                .ok();
            return Ok(());
        }
        let is_tls = transport.is_tls();
        let head = request.head();
        let request = UpgradeRequest {
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.clone(),
            peer: head.peer_addr,
            is_tls,
            host: head
                .headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
        };
        // A copy: these are few bytes, and the server's buffer is large.
        self.handler
            .upgrade(request, UpgradedSocket::new(transport, &read_buf));
        Ok(())
    }

    fn refusal(&self, request: &Request) -> Option<Problem> {
        // `CONNECT` comes here as well: it asks for a tunnel.
        if request.method() != Method::GET {
            return Some(Problem::method_not_allowed(&[Method::GET]));
        }
        self.hosts.check(&request.head().headers).err()
    }
}

/// A problem as the bytes of an answer that is the last one of its connection.
pub(crate) fn last_answer(problem: &Problem) -> Vec<u8> {
    let id = RequestId::new();
    let status = problem.status();
    let body = problem.clone().of_request(id.as_str()).to_json();
    let allow = problem.allow();
    let allow = allow.map_or(String::new(), |methods| format!("Allow: {methods}\r\n"));
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/problem+json\r\nX-Request-Id: {}\r\n{allow}Content-Length: {}\r\nConnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        id.as_str(),
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}
