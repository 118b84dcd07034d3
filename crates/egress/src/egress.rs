//! One arbiter's way out: requests and upgrades over the common dialer.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use awc::http::{Uri, header};
use awc::{BoxedSocket, Client, Connector};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use url::Url;

use crate::dial::{Dialer, peer, with_permit};
use crate::fault::{self, Fault, HttpError, NoRoute, UpgradeError};
use crate::policy::{ProxyPolicy, Target};
use crate::refusal::KeepRefusals;
use crate::resolve::Resolver;
use crate::settings::EgressSettings;
use crate::sockets::SocketPermit;

/// awc has time limits of its own, 5 s each and blind to ours. This one never comes first: every call is
/// bounded by its caller's deadline.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// From the call to the last byte of the answer: lookup, proxy, TLS and body included.
    pub deadline: Duration,
    /// The longest body accepted, in bytes. Checked before memory is taken.
    pub max_body: usize,
}

/// A complete answer, whatever its status. Redirects are answers like any other.
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
        // Neither body nor headers: an answer may be nothing but credentials.
        f.debug_struct("HttpAnswer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// An open WebSocket without its framing; see [`ws`](crate::ws).
pub struct WebSocketIo {
    /// Where the frames go. Nothing times out on it and nothing is answered: that is the owner's work.
    pub io: BoxedSocket,
    /// What came in the same read as the 101: the first bytes for the [`Reader`](crate::ws::Reader).
    pub early: Bytes,
}

impl fmt::Debug for WebSocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketIo")
            .field("early_bytes", &self.early.len())
            .finish_non_exhaustive()
    }
}

/// Every outgoing connection of one arbiter. Cheap to clone, not `Send`.
#[derive(Clone)]
pub struct Egress {
    shared: Rc<Shared>,
    line: Rc<Line>,
    permit: Option<SocketPermit>,
}

struct Shared {
    settings: EgressSettings,
    resolver: Rc<Resolver>,
    /// Lines in use, so that all installations behind one proxy share its connections.
    lines: RefCell<HashMap<ProxyPolicy, Weak<Line>>>,
}

/// The clients of one proxy policy.
struct Line {
    http: Client,
    /// Apart from `http` so that an upgrade never meets a kept connection that is about to close.
    upgrade: Client,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Egress {
    /// Makes the way out of this arbiter, under the proxy policy of `settings`.
    pub fn new(settings: &EgressSettings) -> Self {
        let resolver = Resolver::new(settings.concurrent_lookups, settings.lookup_ttl);
        let shared = Rc::new(Shared {
            settings: settings.clone(),
            resolver: Rc::new(resolver),
            lines: RefCell::default(),
        });
        let line = shared.line(&settings.proxy);
        Self {
            shared,
            line,
            permit: None,
        }
    }

    /// The same way out under another proxy policy. Those who ask for the same one share connections.
    pub fn with_proxy(&self, policy: ProxyPolicy) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
            line: self.shared.line(&policy),
            permit: self.permit.clone(),
        }
    }

    /// The same way out with a permit that was had from the [budget](EgressSettings::sockets) before: for the sockets of one
    /// bot. Each holds the permit until it is closed, and clones of a permit count once: it
    /// [must not be shared](SocketPermit::is_shared) with an open socket when the next one is opened.
    pub fn with_permit(&self, permit: SocketPermit) -> Self {
        Self {
            permit: Some(permit),
            ..self.clone()
        }
    }

    /// Posts `body` as `application/json` to `url` (`http` or `https`) and reads the whole answer.
    ///
    /// `headers` are added, replacing ours. Connections are kept for a while and used again while there are plenty of
    /// sockets for calls. A chunked
    /// body cut short is not noticed, as awc does not tell; what it should hold has to be checked by whoever
    /// parses it.
    pub async fn post_json(
        &self,
        url: &Url,
        body: Bytes,
        headers: &[(&str, &str)],
        limits: HttpLimits,
    ) -> Result<HttpAnswer, HttpError> {
        let (uri, peer) = self.permitted(url, ["http", "https"])?;
        within(limits.deadline, async {
            let mut request = self
                .line
                .http
                .post(uri)
                .insert_header((header::CONTENT_TYPE, "application/json"));
            for (name, value) in headers {
                request = request.insert_header((*name, *value));
            }
            let mut permit = self.shared.settings.sockets.kept_call();
            if permit.is_none() {
                request = request.force_close();
                permit.clone_from(&self.permit);
            }
            let mut answer = with_permit(permit, request.send_body(body))
                .await
                .map_err(|error| fault::of_request(error, &peer))?;
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
                let chunk = chunk.map_err(|error| fault::of_body(error, &peer))?;
                if body.len() + chunk.len() > limits.max_body {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            // awc takes a connection that ends early for the end of the body.
            if declared.is_some_and(|declared| declared != body.len()) {
                return Err(HttpError::Unreachable {
                    peer,
                    source: NoRoute::Dropped,
                });
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
        .unwrap_or(Err(HttpError::TimedOut))
    }

    /// Opens a WebSocket at `url` (`ws` or `wss`), without subprotocol or extension.
    ///
    /// `deadline` covers lookup, proxy, TLS and handshake. Without a [permit](Self::with_permit) its socket is another one of
    /// the budget's connections.
    pub async fn websocket(
        &self,
        url: &Url,
        deadline: Duration,
    ) -> Result<WebSocketIo, UpgradeError> {
        let (uri, peer) = self.permitted(url, ["ws", "wss"])?;
        let permit = self.permit.clone();
        let permit = permit.or_else(|| self.shared.settings.sockets.connection());
        let permit = permit.ok_or(UpgradeError::TooManyOpenFiles)?;
        let connected = with_permit(Some(permit), self.line.upgrade.ws(uri).connect());
        let (answer, framed) = within(deadline, connected)
            .await
            .ok_or(UpgradeError::TimedOut)?
            .map_err(|error| fault::of_upgrade(error, &peer))?;
        // We offered neither, so a server that picked one would go on in a language we do not speak.
        for name in [
            header::SEC_WEBSOCKET_EXTENSIONS,
            header::SEC_WEBSOCKET_PROTOCOL,
        ] {
            if answer.headers().contains_key(&name) {
                return Err(UpgradeError::Protocol {
                    detail: format!("the server chose a {name} that was not offered"),
                });
            }
        }
        let parts = framed.into_parts();
        Ok(WebSocketIo {
            io: parts.io,
            // Copied out, or these few bytes would keep the 8 KiB buffer of the handshake alive.
            early: Bytes::copy_from_slice(&parts.read_buf),
        })
    }

    /// `url` as awc takes it, and its `host:port`; refuses what must not be dialled.
    fn permitted(&self, url: &Url, schemes: [&str; 2]) -> Result<(Uri, String), Fault> {
        if !schemes.contains(&url.scheme()) {
            return Err(Fault::BadUrl {
                reason: "the scheme does not fit",
            });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::BadUrl {
                reason: "it holds a user or a password",
            });
        }
        let target = Target::of_url(url).ok_or(Fault::BadUrl {
            reason: "it names no host",
        })?;
        if !self.shared.settings.allows(target) {
            return Err(Fault::PlainRefused);
        }
        let uri = Uri::try_from(url.as_str()).map_err(|_| Fault::BadUrl {
            reason: "it holds characters http cannot carry",
        })?;
        Ok((uri, peer(target.host, target.port)))
    }
}

impl Shared {
    fn line(&self, policy: &ProxyPolicy) -> Rc<Line> {
        let mut lines = self.lines.borrow_mut();
        if let Some(line) = lines.get(policy).and_then(Weak::upgrade) {
            return line;
        }
        lines.retain(|_, line| line.strong_count() > 0);
        let dialer = Dialer::new(
            Rc::clone(&self.resolver),
            self.settings.routing(policy),
            self.settings.sockets.clone(),
        );
        let line = Rc::new(Line {
            http: self.client(dialer.clone()),
            upgrade: self.client(dialer),
        });
        lines.insert(policy.clone(), Rc::downgrade(&line));
        line
    }

    fn client(&self, dialer: Dialer) -> Client {
        let connector = Connector::new()
            .connector(dialer)
            .rustls_0_23(Arc::clone(&self.settings.tls))
            .timeout(NEVER)
            .handshake_timeout(NEVER)
            // awc's limit of 100 counts open WebSockets; the fleet has its own connect budget.
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

/// `None` when `deadline` passes first.
async fn within<F: Future>(deadline: Duration, work: F) -> Option<F::Output> {
    tokio::time::timeout(deadline, work).await.ok()
}
