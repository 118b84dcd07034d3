//! Serves a simulated platform: one thread with a runtime of its own, one TCP port, plain or TLS, and one clock. The
//! [`Service`] decides what is answered.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio_rustls::TlsAcceptor;

use crate::http::{Http, HttpRequest};
use crate::settings::{SimTls, StartError};
use crate::socket::SimSocket;
use crate::tls;

/// Length of the accept queue, in which thousands of clients that reconnect at once wait.
const BACKLOG: i32 = 4096;
/// Pause after a failed accept. The usual reason is a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A platform that is served.
pub(crate) trait Service: Send + Sync + 'static {
    /// Answers one request. Returns the connection if more requests may follow on it.
    fn answer(
        self: Arc<Self>,
        http: Http,
        request: HttpRequest,
    ) -> impl Future<Output = io::Result<Option<Http>>> + Send;

    /// Does everything that is due, and returns the time of the next call.
    fn tick(&self) -> Option<Instant>;

    /// Notified if something is due earlier than the last `tick` returned.
    fn alarm(&self) -> &Notify;

    /// Runs beside the requests for as long as they are served; nothing unless a platform has such work.
    fn background(self: Arc<Self>) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// A bound port, not served yet.
pub(crate) struct BoundListener {
    listener: std::net::TcpListener,
    acceptor: Option<TlsAcceptor>,
    pub(crate) address: SocketAddr,
    ca_pem: Option<String>,
}

impl BoundListener {
    pub(crate) fn new(listen: SocketAddr, tls: Option<&SimTls>) -> Result<Self, StartError> {
        let (acceptor, ca_pem) = match tls {
            None => (None, None),
            Some(tls) => {
                let made = tls::generate(tls)?;
                (Some(TlsAcceptor::from(made.config)), Some(made.ca_pem))
            }
        };
        let listener = bind(listen).map_err(|source| StartError::Listen {
            address: listen,
            source,
        })?;
        let address = listener.local_addr().map_err(StartError::Runtime)?;
        Ok(Self {
            listener,
            acceptor,
            address,
            ca_pem,
        })
    }

    /// Serves the site from a thread of its own.
    pub(crate) fn serve(self, site: Arc<impl Service>) -> Result<Server, StartError> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (listener, acceptor) = (self.listener, self.acceptor);
        let thread = std::thread::Builder::new()
            .name("longwire-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = accept(&site, listener, acceptor) => {}
                        () = run_clock(&*site) => {}
                        () = Arc::clone(&site).background() => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(StartError::Runtime)?;
        Ok(Server {
            address: self.address,
            ca_pem: self.ca_pem,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// A served platform. Dropping it ends every connection and waits for the thread.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn accept(
    site: &Arc<impl Service>,
    listener: std::net::TcpListener,
    acceptor: Option<TlsAcceptor>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the simulator cannot accept");
            return;
        }
    };
    loop {
        match listener.accept().await {
            Ok((tcp, _)) => {
                tokio::spawn(serve_connection(Arc::clone(site), tcp, acceptor.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(site: Arc<impl Service>, tcp: TcpStream, acceptor: Option<TlsAcceptor>) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let socket = match acceptor {
        None => SimSocket::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(tls) => SimSocket::Tls(Box::new(tls.into())),
            Err(error) => {
                tracing::debug!(%error, "tls handshake failed");
                return;
            }
        },
    };
    let http = Http {
        socket,
        buffer: Vec::new(),
    };
    if let Err(error) = requests(site, http).await {
        tracing::debug!(%error, "http connection lost");
    }
}

/// Serves requests until the connection ends or becomes a WebSocket.
async fn requests(site: Arc<impl Service>, mut http: Http) -> io::Result<()> {
    loop {
        let request = match http.next().await {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(error) => {
                if let Some(status) = error.status() {
                    http.respond(status, "text/plain", error.to_string().as_bytes())
                        .await?;
                }
                return Ok(());
            }
        };
        let keep_alive = request.keep_alive();
        match Arc::clone(&site).answer(http, request).await? {
            Some(again) if keep_alive => http = again,
            _ => return Ok(()),
        }
    }
}

/// Runs the only timer, which sleeps until the next thing is due.
async fn run_clock(site: &impl Service) {
    loop {
        match site.tick() {
            None => site.alarm().notified().await,
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = site.alarm().notified() => {}
                }
            }
        }
    }
}
