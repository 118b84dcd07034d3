//! The client of one endpoint: its kept connections, and the order of a post.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write as _};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::answer::{ConnectionUse, PostAnswer};
use super::connection::{Connection, ExchangeError, Request, Transport};
use super::error::{PostError, PostProblem, RequestStep};
use super::headers::HeaderLines;
use super::reader::AnswerReader;
use super::settings::{EndpointSettings, PostLimits};
use super::target::EndpointUrl;
use crate::address_filter::AddressFilter;
use crate::dial::Dialer;
use crate::settings::EgressSettings;
use crate::sockets::{DialPermits, EndpointSockets, SocketPermit};

/// How long the rest of a long answer is read, so that its connection can be used again.
const SKIP_TIME: Duration = Duration::from_secs(1);

/// The most bytes of `Content-Length: …` with the empty line after it.
const LENGTH_LINE_BYTES: usize = 48;

/// Posts to one endpoint over kept connections. Not `Send`; an arbiter's own. It is made by
/// [`Egress::endpoint`](crate::Egress::endpoint).
///
/// Several posts may run at once, each over a connection of its own. How many do is for the caller to limit.
pub struct EndpointClient {
    url: EndpointUrl,
    peer: String,
    /// Request line and constant headers. The owner's headers often hold a credential.
    head: SecretString,
    tls: Option<Arc<ClientConfig>>,
    any_plain: bool,
    filter: Arc<AddressFilter>,
    dialer: Dialer,
    sockets: EndpointSockets,
    max_idle: usize,
    idle: Duration,
    kept: Rc<Kept>,
}

/// The connections without a request.
#[derive(Default)]
struct Kept {
    /// The one that was used last is at the end and is used next, so that the others grow old.
    connections: RefCell<Vec<Connection>>,
    /// Whether somebody waits for the oldest of them to grow too old.
    is_watched: Cell<bool>,
}

impl fmt::Debug for EndpointClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointClient")
            .field("peer", &self.peer)
            .field("kept", &self.idle_connections())
            .finish_non_exhaustive()
    }
}

impl EndpointClient {
    pub(crate) fn new(
        settings: &EndpointSettings,
        egress: &EgressSettings,
        dialer: Dialer,
    ) -> Self {
        let url = settings.url.clone();
        let tls = url.is_secure().then(|| match &settings.ca {
            Some(ca) => Arc::clone(&ca.config),
            None => Arc::clone(&egress.tls),
        });
        Self {
            peer: url.peer(),
            head: head(settings),
            tls,
            any_plain: egress.is_plain_host(url.host()),
            url,
            filter: Arc::clone(&settings.filter),
            dialer,
            sockets: egress.sockets.endpoint(),
            max_idle: settings.max_idle,
            idle: settings.idle,
            kept: Rc::default(),
        }
    }

    /// Posts one body with the headers of this request.
    ///
    /// The body comes in parts, which are written from where they lie. A status of any kind is an answer. What is longer
    /// than `limits.keep_bytes` is read on for up to 256 KiB and a second, without leaving the deadline, and dropped.
    ///
    /// If no connection is kept, and webhooks have no socket free, this waits for one for as long as `limits.deadline`; that
    /// time is not the application's.
    pub async fn post(
        &self,
        headers: &HeaderLines,
        body: &[&[u8]],
        limits: PostLimits,
    ) -> Result<PostAnswer, PostError> {
        let way = self.way(limits.deadline).await?;
        let deadline = Instant::now() + limits.deadline;
        let mut length = [0; LENGTH_LINE_BYTES];
        let request = Request {
            head: self.head.expose_secret().as_bytes(),
            lines: headers.as_bytes(),
            length: length_line(&mut length, body),
            body,
        };
        let attempt = Attempt {
            step: Cell::new(RequestStep::Connecting),
            was_sent: Cell::new(false),
            resent: Cell::new(false),
        };
        let sent = timeout_at(
            deadline,
            self.send(way, request, limits.keep_bytes, &attempt),
        )
        .await;
        let timed_out = |_| {
            Err(PostProblem::TimedOut {
                step: attempt.step.get(),
            })
        };
        let (mut reader, mut connection, connection_use) =
            sent.unwrap_or_else(timed_out)
                .map_err(|problem| PostError {
                    may_have_arrived: attempt.was_sent.get()
                        || problem.leaves_open_whether_it_arrived(attempt.step.get()),
                    problem,
                    resent: attempt.resent.get(),
                })?;
        let until = deadline.min(Instant::now() + SKIP_TIME);
        if timeout_at(until, connection.skip_rest(&mut reader))
            .await
            .is_ok()
        {
            self.keep(connection, &reader);
        }
        Ok(reader.into_answer(connection_use))
    }

    /// Closes all connections that are kept without a request.
    pub fn close_idle(&self) {
        self.kept.connections.borrow_mut().clear();
    }

    /// The number of connections that are kept without a request.
    pub fn idle_connections(&self) -> usize {
        self.kept.connections.borrow().len()
    }

    /// A kept connection, or the permission to open one.
    async fn way(&self, patience: Duration) -> Result<PostWay, PostError> {
        if let Some(kept) = self.take_kept().await {
            return Ok(PostWay::Kept(kept));
        }
        let permit = timeout(patience, self.sockets.permit()).await;
        match permit {
            Ok(Some(permit)) => Ok(PostWay::Fresh(permit)),
            Ok(None) | Err(_) => Err(PostError {
                problem: PostProblem::TooManyOpenFiles,
                may_have_arrived: false,
                resent: false,
            }),
        }
    }

    /// Sends over a kept connection, else over a new one; and once more if the kept one turns out to be closed.
    async fn send(
        &self,
        way: PostWay,
        request: Request<'_>,
        keep_bytes: usize,
        attempt: &Attempt,
    ) -> Result<(AnswerReader, Connection, ConnectionUse), PostProblem> {
        let (permit, connection_use) = match way {
            PostWay::Fresh(permit) => (permit, ConnectionUse::Opened),
            PostWay::Kept(mut kept) => {
                match kept.exchange(request, keep_bytes, &attempt.step).await {
                    Ok(reader) => return Ok((reader, kept, ConnectionUse::Kept)),
                    Err(ExchangeError::Io {
                        nothing_came: true, ..
                    }) => {}
                    Err(error) => return Err(self.problem(error, attempt)),
                }
                attempt.resent.set(true);
                let whole = attempt.step.get() == RequestStep::AwaitingAnswer;
                attempt.was_sent.set(whole);
                // Whoever closed this one has most likely closed the others too.
                drop(kept);
                self.close_idle();
                let permit = self.sockets.permit().await;
                let permit = permit.ok_or(PostProblem::TooManyOpenFiles)?;
                (permit, ConnectionUse::Resent)
            }
        };
        attempt.step.set(RequestStep::Connecting);
        let mut fresh = self.connect(permit).await?;
        match fresh.exchange(request, keep_bytes, &attempt.step).await {
            Ok(reader) => Ok((reader, fresh, connection_use)),
            Err(error) => Err(self.problem(error, attempt)),
        }
    }

    fn problem(&self, error: ExchangeError, attempt: &Attempt) -> PostProblem {
        match error {
            ExchangeError::Io { error, .. } => {
                PostProblem::of_io(error, &self.peer, attempt.step.get())
            }
            ExchangeError::Malformed(reason) => PostProblem::Malformed {
                peer: self.peer.clone(),
                reason,
            },
        }
    }

    async fn connect(&self, permit: SocketPermit) -> Result<Connection, PostProblem> {
        let may_be_kept = self.sockets.may_keep();
        let permits = DialPermits::of_endpoint(permit, &self.sockets);
        let target = self.url.target();
        let dial = self
            .dialer
            .dial_filtered(target, &self.filter, self.any_plain, permits);
        let tcp = dial.await?;
        let transport = match &self.tls {
            None => Transport::Plain(tcp),
            Some(config) => {
                let failed = |error: io::Error| {
                    PostProblem::of_io(error, &self.peer, RequestStep::Connecting)
                };
                let name = ServerName::try_from(self.url.server_name()).map_err(|error| {
                    self.no_tls(io::Error::new(io::ErrorKind::InvalidInput, error))
                })?;
                let connector = TlsConnector::from(Arc::clone(config));
                let tls = connector.connect(name, tcp).await.map_err(failed)?;
                Transport::Tls(Box::new(tls))
            }
        };
        Ok(Connection::new(transport, may_be_kept))
    }

    /// A host that no certificate can name.
    fn no_tls(&self, source: io::Error) -> PostProblem {
        PostProblem::Tls {
            peer: self.peer.clone(),
            problem: crate::tls::TlsProblem::of(&source),
            source,
        }
    }

    /// The newest kept connection that is still good. Those that are not are closed.
    async fn take_kept(&self) -> Option<Connection> {
        let now = Instant::now();
        loop {
            let mut newest = self.kept.connections.borrow_mut().pop()?;
            if newest.is_usable(now).await {
                return Some(newest);
            }
        }
    }

    fn keep(&self, connection: Connection, reader: &AnswerReader) {
        if let Some(connection) = connection.keep(reader, self.idle) {
            let mut kept = self.kept.connections.borrow_mut();
            if kept.len() < self.max_idle {
                kept.push(connection);
                if !self.kept.is_watched.replace(true) {
                    actix_rt::spawn(watch(Rc::downgrade(&self.kept)));
                }
            }
        }
    }
}

/// Closes connections that have waited for too long, while there are any. Without it, an endpoint that gets no more posts
/// would keep its sockets, and the others would miss them.
async fn watch(kept: Weak<Kept>) {
    loop {
        let first = kept.upgrade().and_then(|kept| kept.close_old());
        let Some(first) = first else {
            return;
        };
        sleep_until(first).await;
    }
}

impl Kept {
    /// Closes those that are too old. Returns when the next one will be; if there is none, nobody watches any more.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut connections = self.connections.borrow_mut();
        connections.retain(|connection| connection.usable_until() > now);
        let first = connections.iter().map(Connection::usable_until).min();
        self.is_watched.set(first.is_some());
        first
    }
}

/// How a post goes out.
enum PostWay {
    Kept(Connection),
    Fresh(SocketPermit),
}

/// What is known of a post while it runs.
struct Attempt {
    step: Cell<RequestStep>,
    /// Whether the whole request was written to a connection that is gone.
    was_sent: Cell<bool>,
    resent: Cell<bool>,
}

/// Request line and constant headers.
fn head(settings: &EndpointSettings) -> SecretString {
    let EndpointSettings {
        url,
        headers,
        content_type,
        ..
    } = settings;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\n",
        url.path_and_query(),
        url.authority(),
    );
    if !headers.has_user_agent() {
        head.push_str(concat!(
            "User-Agent: longwire/",
            env!("CARGO_PKG_VERSION"),
            "\r\n"
        ));
    }
    head.push_str(headers.lines());
    head.into()
}

/// `Content-Length` of `body`, and the empty line that ends a head.
fn length_line<'a>(buffer: &'a mut [u8; LENGTH_LINE_BYTES], body: &[&[u8]]) -> &'a [u8] {
    let length: usize = body.iter().map(|part| part.len()).sum();
    let mut rest = &mut buffer[..];
    write!(rest, "Content-Length: {length}\r\n\r\n").expect("it has room for 20 digits");
    let unused = rest.len();
    &buffer[..LENGTH_LINE_BYTES - unused]
}
