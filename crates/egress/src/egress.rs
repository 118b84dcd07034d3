//! HTTP requests and WebSocket upgrades of one arbiter, over the common dialer.
//!
//! Every arbiter makes one [`Egress`] from the settings; each bot uses a clone with its own proxy policy and permit.
//! Nothing here retries.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use awc::http::{Uri, header};
use awc::{BoxedSocket, Client, ClientRequest, Connector};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use url::Url;

use crate::dial::{Dialer, peer, with_permit};
use crate::endpoint::{EndpointClient, EndpointSettings};
use crate::error::{self, EgressError, HttpError, NoRoute, UpgradeError};
use crate::policy::{ProxyPolicy, Target};
use crate::refusal::KeepRefusals;
use crate::resolve::Resolver;
use crate::settings::EgressSettings;
use crate::sockets::{SocketBudget, SocketPermit};

/// Timeout given to awc, whose own defaults are 5 s each. It is so long that the caller's deadline always passes first.
const AWC_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The limits of one request.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Time from the call to the last byte of the answer, with lookup, proxy, TLS and body.
    pub deadline: Duration,
    /// The longest accepted body, in bytes. It is checked before memory is allocated.
    pub max_body: usize,
}

/// A complete answer of any status. A redirect is returned like any other answer.
#[derive(Clone)]
pub struct HttpAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body, at most [`HttpLimits::max_body`] bytes.
    pub body: Bytes,
    /// Headers in the order received, names in lower case. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Body and headers are left out, because both may hold credentials.
        f.debug_struct("HttpAnswer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An open WebSocket without its framing, which is `longwire_wire::websocket`.
pub struct WebSocketIo {
    /// The socket. It has no timeouts and answers no ping; both are the owner's work.
    pub io: BoxedSocket,
    /// The bytes that came in the same read as the 101: the first bytes for the frame reader.
    pub early: Bytes,
}

impl fmt::Debug for WebSocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketIo")
            .field("early_bytes", &self.early.len())
            .finish_non_exhaustive()
    }
}

/// Opens all outgoing connections of one arbiter. Cheap to clone, not `Send`.
#[derive(Clone)]
pub struct Egress {
    arbiter: Rc<ArbiterEgress>,
    clients: Rc<Clients>,
    permit: Option<SocketPermit>,
}

/// The parts that all clones of an [`Egress`] have in common.
struct ArbiterEgress {
    settings: EgressSettings,
    resolver: Rc<Resolver>,
    /// The clients in use, so that all installations with one proxy policy share connections.
    clients: RefCell<HashMap<ProxyPolicy, Weak<Clients>>>,
}

/// The HTTP clients of one proxy policy.
struct Clients {
    http: Client,
    /// Separate from `http`, so that an upgrade never reuses a kept connection that is about to close.
    upgrade: Client,
    /// For connections without awc.
    dialer: Dialer,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Egress {
    /// The egress of this arbiter, with the proxy policy of `settings`.
    pub fn new(settings: &EgressSettings) -> Self {
        let resolver = Resolver::new(settings.concurrent_lookups, settings.lookup_ttl);
        let arbiter = Rc::new(ArbiterEgress {
            settings: settings.clone(),
            resolver: Rc::new(resolver),
            clients: RefCell::default(),
        });
        let clients = arbiter.clients(&settings.proxy);
        Self {
            arbiter,
            clients,
            permit: None,
        }
    }

    /// The same egress with another proxy policy. All users of one policy share connections.
    pub fn with_proxy(&self, policy: ProxyPolicy) -> Self {
        Self {
            arbiter: Rc::clone(&self.arbiter),
            clients: self.arbiter.clients(&policy),
            permit: self.permit.clone(),
        }
    }

    /// The same egress with a permit of the [budget](EgressSettings::sockets), for the sockets of one bot.
    ///
    /// A socket holds a clone of the permit until it is closed, and all clones count as one socket. Therefore no open
    /// socket may [share](SocketPermit::is_shared) the permit when the next one is opened.
    pub fn with_permit(&self, permit: SocketPermit) -> Self {
        Self {
            permit: Some(permit),
            ..self.clone()
        }
    }

    /// A client for one webhook of an application, over the same dialer and socket budget.
    pub fn endpoint(&self, settings: &EndpointSettings) -> EndpointClient {
        EndpointClient::new(
            settings,
            &self.arbiter.settings,
            self.clients.dialer.clone(),
        )
    }

    /// Posts `body` as `application/json` to `url` (`http` or `https`) and reads the whole answer.
    ///
    /// `headers` are added and replace ours. A connection is kept open for the next call while at least half of the
    /// budget's sockets for calls are free. A chunked body that was cut short is not noticed, because awc does not report
    /// it; the parser of the body has to check that it is complete.
    pub async fn post_json(
        &self,
        url: &Url,
        body: Bytes,
        headers: &[(&str, &str)],
        limits: HttpLimits,
    ) -> Result<HttpAnswer, HttpError> {
        let request = |http: &Client, uri| {
            let request = http.post(uri);
            request.insert_header((header::CONTENT_TYPE, "application/json"))
        };
        self.call(url, request, body, headers, limits).await
    }

    /// Gets `url` (`http` or `https`) and reads the whole answer, otherwise as [`post_json`](Self::post_json).
    pub async fn get(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        limits: HttpLimits,
    ) -> Result<HttpAnswer, HttpError> {
        let request = |http: &Client, uri| http.get(uri);
        self.call(url, request, Bytes::new(), headers, limits).await
    }

    async fn call(
        &self,
        url: &Url,
        request: impl FnOnce(&Client, Uri) -> ClientRequest,
        body: Bytes,
        headers: &[(&str, &str)],
        limits: HttpLimits,
    ) -> Result<HttpAnswer, HttpError> {
        let (uri, peer) = self.permitted(url, ["http", "https"])?;
        within(limits.deadline, async {
            let mut request = request(&self.clients.http, uri);
            for (name, value) in headers {
                request = request.insert_header((*name, *value));
            }
            let mut permit = self.arbiter.settings.sockets.kept_call();
            if permit.is_none() {
                request = request.force_close();
                permit.clone_from(&self.permit);
            }
            let mut answer = with_permit(permit, request.send_body(body))
                .await
                .map_err(|error| error::of_request(error, &peer))?;
            let declared = answer
                .headers()
                .get(header::CONTENT_LENGTH)
                .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
            let too_large = || HttpError::BodyTooLarge {
                limit_bytes: limits.max_body,
            };
            if declared.is_some_and(|declared| declared > limits.max_body) {
                return Err(too_large());
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = answer.next().await {
                let chunk = chunk.map_err(|error| error::of_body(error, &peer))?;
                if body.len() + chunk.len() > limits.max_body {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            // awc reads an early end of the connection as the end of the body.
            if declared.is_some_and(|declared| declared != body.len()) {
                let source = NoRoute::Dropped;
                return Err(EgressError::Unreachable { peer, source }.into());
            }
            let headers = answer.headers().iter().map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            });
            Ok(HttpAnswer {
                status: answer.status().as_u16(),
                headers: headers.collect(),
                body: body.freeze(),
            })
        })
        .await
        .unwrap_or(Err(EgressError::TimedOut.into()))
    }

    /// Opens a WebSocket at `url` (`ws` or `wss`), without subprotocol or extension.
    ///
    /// `deadline` covers lookup, proxy, TLS and handshake. Without a [permit](Self::with_permit) the socket takes a permit
    /// for a connection from the budget.
    pub async fn websocket(
        &self,
        url: &Url,
        deadline: Duration,
    ) -> Result<WebSocketIo, UpgradeError> {
        let (uri, peer) = self.permitted(url, ["ws", "wss"])?;
        let permit = self.permit.clone();
        let permit = permit.or_else(|| self.arbiter.settings.sockets.connection());
        let permit = permit.ok_or(EgressError::TooManyOpenFiles)?;
        let connected = with_permit(Some(permit), self.clients.upgrade.ws(uri).connect());
        let (answer, framed) = within(deadline, connected)
            .await
            .ok_or(EgressError::TimedOut)?
            .map_err(|error| error::of_upgrade(error, &peer))?;
        // We offered neither a subprotocol nor an extension, so a server that chose one would send what we cannot read.
        for name in [
            header::SEC_WEBSOCKET_EXTENSIONS,
            header::SEC_WEBSOCKET_PROTOCOL,
        ] {
            if answer.headers().contains_key(&name) {
                let detail = format!("the server chose a {name} that was not offered");
                return Err(EgressError::Protocol { detail }.into());
            }
        }
        let parts = framed.into_parts();
        Ok(WebSocketIo {
            io: parts.io,
            // A slice would keep the 8 KiB buffer of the handshake alive for these few bytes.
            early: Bytes::copy_from_slice(&parts.read_buf),
        })
    }

    /// The client for calls.
    pub(crate) fn http(&self) -> &Client {
        &self.clients.http
    }

    pub(crate) fn sockets(&self) -> &SocketBudget {
        &self.arbiter.settings.sockets
    }

    pub(crate) fn permit(&self) -> Option<SocketPermit> {
        self.permit.clone()
    }

    /// Converts `url` for awc and returns its `host:port`. Refuses a URL that must not be dialled.
    pub(crate) fn permitted(
        &self,
        url: &Url,
        schemes: [&str; 2],
    ) -> Result<(Uri, String), EgressError> {
        if !schemes.contains(&url.scheme()) {
            return Err(EgressError::BadUrl {
                reason: "the scheme does not fit",
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::BadUrl {
                reason: "it holds a user or a password",
            });
        }
        let target = Target::of_url(url).ok_or(EgressError::BadUrl {
            reason: "it names no host",
        })?;
        if !self.arbiter.settings.allows(target) {
            let scheme = url.scheme().to_owned();
            return Err(EgressError::PlainRefused { scheme });
        }
        let uri = Uri::try_from(url.as_str()).map_err(|_| EgressError::BadUrl {
            reason: "it holds characters http cannot carry",
        })?;
        Ok((uri, peer(target.host, target.port)))
    }
}

impl ArbiterEgress {
    fn clients(&self, policy: &ProxyPolicy) -> Rc<Clients> {
        let mut in_use = self.clients.borrow_mut();
        if let Some(clients) = in_use.get(policy).and_then(Weak::upgrade) {
            return clients;
        }
        in_use.retain(|_, clients| clients.strong_count() > 0);
        let dialer = Dialer::new(
            Rc::clone(&self.resolver),
            self.settings.routing(policy),
            self.settings.sockets.clone(),
        );
        let clients = Rc::new(Clients {
            http: self.client(dialer.clone()),
            upgrade: self.client(dialer.clone()),
            dialer,
        });
        in_use.insert(policy.clone(), Rc::downgrade(&clients));
        clients
    }

    fn client(&self, dialer: Dialer) -> Client {
        let connector = Connector::new()
            .connector(dialer)
            .rustls_0_23(Arc::clone(&self.settings.tls))
            .timeout(AWC_TIMEOUT)
            .handshake_timeout(AWC_TIMEOUT)
            // 0 removes awc's limit of 100, which would count open WebSockets.
            .limit(0);
        Client::builder()
            .connector(connector)
            .wrap(KeepRefusals)
            .disable_timeout()
            .disable_redirects()
            .no_default_headers()
            .finish()
    }
}

/// Runs `work`; `None` if `deadline` passes first.
async fn within<F: Future>(deadline: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(deadline, work).await.ok()
}
