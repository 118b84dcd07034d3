//! Starts and stops a simulated Feishu platform, and routes its HTTP requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use longwire_wire::endpoint;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;

use crate::api;
use crate::api_calls;
use crate::bootstrap::{self, BootstrapReply};
use crate::connection::Connection;
use crate::control::Control;
use crate::http::{Http, HttpRequest};
use crate::http_sender;
use crate::live::OutputSignal;
use crate::server::{BoundListener, Server, Service};
use crate::settings::{SimSettings, StartError};
use crate::state::{Scheme, SharedState};
use crate::upgrade::{self, UpgradeReply};

/// A running simulated platform. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<SharedState>,
    server: Server,
}

impl Sim {
    /// Listens and serves from a thread of its own. Works inside and outside of any runtime.
    pub fn start(settings: SimSettings) -> Result<Self, StartError> {
        settings.check()?;
        let bound = BoundListener::new(settings.listen, settings.tls.as_ref())?;
        let shared = Arc::new(SharedState::new(settings)?);
        let server = bound.serve(Arc::clone(&shared))?;
        Ok(Self { shared, server })
    }

    /// The base URL that clients use as the open platform's, such as `http://127.0.0.1:40123`.
    pub fn base_url(&self) -> String {
        match self.shared.scheme {
            Scheme::Plain => format!("http://{}", self.address()),
            Scheme::Tls => format!("https://{}", self.address()),
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// PEM of the certificate authority clients have to trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.server.ca_pem.as_deref()
    }

    /// A handle that controls it.
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

impl Service for SharedState {
    async fn answer(
        self: Arc<Self>,
        mut http: Http,
        request: HttpRequest,
    ) -> io::Result<Option<Http>> {
        let path = request.path();
        if path == upgrade::PATH {
            upgraded(self, http, &request).await?;
            return Ok(None);
        }
        if path == endpoint::PATH && request.method == "POST" {
            let host = request.header("host").unwrap_or("localhost");
            match bootstrap::answer(&self, host, &request.body) {
                BootstrapReply::Answer { status, body } => {
                    http.respond(status, "application/json; charset=utf-8", &body)
                        .await?;
                }
                BootstrapReply::Hang => {
                    http.hang().await;
                    return Ok(None);
                }
                BootstrapReply::Reset => {
                    http.socket.reset();
                    return Ok(None);
                }
            }
        } else if api_calls::is_below_root(path) {
            return api_calls::answered(&self, http, &request).await;
        } else if path == endpoint::PATH {
            http.respond(405, "text/plain", b"405 method not allowed")
                .await?;
        } else if api::is_below_root(path) {
            let (status, answer) = api::answer(&Control { shared: self }, &request).await;
            http.respond(status, "application/json", answer.to_string().as_bytes())
                .await?;
        } else {
            http.respond(404, "text/plain", b"404 page not found")
                .await?;
        }
        Ok(Some(http))
    }

    fn tick(&self) -> Option<Instant> {
        let mut state = self.state();
        // All instants are taken under the lock, because deadlines rely on their order.
        let now = Instant::now();
        state.tick(now)
    }

    fn alarm(&self) -> &Notify {
        &self.alarm
    }

    async fn background(self: Arc<Self>) {
        http_sender::run(self).await;
    }
}

async fn upgraded(
    shared: Arc<SharedState>,
    mut http: Http,
    request: &HttpRequest,
) -> io::Result<()> {
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
            let output_signal = Arc::new(OutputSignal::default());
            let id = {
                let mut state = shared.state();
                let now = Instant::now();
                state.connect(app, device_id, Arc::clone(&output_signal), now)
            };
            Connection::new(shared, id, output_signal, socket, head)
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
