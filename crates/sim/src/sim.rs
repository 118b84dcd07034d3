//! Starts and stops a simulated platform: one thread with its own runtime, whatever the caller runs on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use longwire_wire::endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::api;
use crate::bootstrap::{self, BootstrapReply};
use crate::connection::Connection;
use crate::control::Control;
use crate::http::{Http, Request};
use crate::settings::{SimSettings, StartError};
use crate::socket::Socket;
use crate::tls;
use crate::upgrade::{self, UpgradeReply};
use crate::world::{Scheme, Shared};

/// Thousands of clients that come back at once wait here.
const BACKLOG: i32 = 4096;
/// Pause after a failed accept, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running simulated platform. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// Listens and serves from a thread of its own. Works inside and outside of any runtime.
    pub fn start(settings: SimSettings) -> Result<Self, StartError> {
        settings.check()?;
        let (acceptor, ca_pem) = match &settings.tls {
            None => (None, None),
            Some(tls) => {
                let made = tls::generate(tls)?;
                (Some(TlsAcceptor::from(made.config)), Some(made.ca_pem))
            }
        };
        let listener = listen(settings.listen).map_err(|source| StartError::Listen {
            address: settings.listen,
            source,
        })?;
        let address = listener.local_addr().map_err(StartError::Runtime)?;
        let shared = Arc::new(Shared::new(settings));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("longwire-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = serve(&serving, listener, acceptor) => {}
                        () = run_clock(&serving) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(StartError::Runtime)?;
        Ok(Self {
            shared,
            address,
            ca_pem,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// What clients take for the open platform, such as `http://127.0.0.1:40123`.
    pub fn base_url(&self) -> String {
        match self.shared.scheme {
            Scheme::Plain => format!("http://{}", self.address),
            Scheme::Tls => format!("https://{}", self.address),
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// PEM of the certificate authority clients have to trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A handle that steers it.
    pub fn control(&self) -> Control {
        Control {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Ends every connection and waits for the thread.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

async fn serve(
    shared: &Arc<Shared>,
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
                tokio::spawn(greet(Arc::clone(shared), tcp, acceptor.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn greet(shared: Arc<Shared>, tcp: TcpStream, acceptor: Option<TlsAcceptor>) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let socket = match acceptor {
        None => Socket::Plain(tcp),
        Some(acceptor) => match acceptor.accept(tcp).await {
            Ok(tls) => Socket::Tls(Box::new(tls)),
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
    if let Err(error) = requests(shared, http).await {
        tracing::debug!(%error, "http connection lost");
    }
}

/// Serves requests until the connection ends or becomes a WebSocket.
async fn requests(shared: Arc<Shared>, mut http: Http) -> io::Result<()> {
    let control = Control {
        shared: Arc::clone(&shared),
    };
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
        let path = request.path();
        if path == upgrade::PATH {
            return upgraded(shared, http, &request).await;
        }
        if path == endpoint::PATH && request.method == "POST" {
            let host = request.header("host").unwrap_or("localhost");
            match bootstrap::answer(&shared, host, &request.body) {
                BootstrapReply::Answer { status, body } => {
                    http.respond(status, "application/json; charset=utf-8", &body)
                        .await?;
                }
                BootstrapReply::Hang => {
                    http.hang().await;
                    return Ok(());
                }
                BootstrapReply::Reset => {
                    http.socket.reset();
                    return Ok(());
                }
            }
        } else if path == endpoint::PATH {
            http.respond(405, "text/plain", b"405 method not allowed")
                .await?;
        } else if path == api::ROOT || path.starts_with("/sim/v1/") {
            let (status, answer) = api::answer(&control, &request);
            http.respond(status, "application/json", answer.to_string().as_bytes())
                .await?;
        } else {
            http.respond(404, "text/plain", b"404 page not found")
                .await?;
        }
        if !request.keep_alive() {
            return Ok(());
        }
    }
}

async fn upgraded(shared: Arc<Shared>, mut http: Http, request: &Request) -> io::Result<()> {
    use tokio::io::AsyncWriteExt as _;

    match upgrade::answer(&shared, request) {
        UpgradeReply::Open {
            app,
            device_id,
            mut head,
        } => {
            if !shared.settings.events_with_upgrade {
                http.socket.write_all(&head).await?;
                http.socket.flush().await?;
                head.clear();
            }
            let Http { socket, buffer } = http;
            Connection::open(shared, socket, app, device_id, head)
                .run(buffer)
                .await;
        }
        UpgradeReply::Refuse { head } => {
            http.socket.write_all(&head).await?;
            http.socket.shutdown().await?;
        }
        UpgradeReply::Hang => http.hang().await,
        UpgradeReply::Reset => http.socket.reset(),
    }
    Ok(())
}

/// The only timer: sleeps until the next thing is due.
async fn run_clock(shared: &Shared) {
    loop {
        let next = {
            let mut world = shared.world();
            let now = Instant::now();
            world.tick(now)
        };
        match next {
            None => shared.alarm.notified().await,
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = shared.alarm.notified() => {}
                }
            }
        }
    }
}
