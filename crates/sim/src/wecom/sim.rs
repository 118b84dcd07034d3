//! Starts and stops a simulated WeCom platform, and routes what is asked of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;

use crate::api::is_below_root;
use crate::connection::Connection;
use crate::http::{Http, Request};
use crate::live::Doorbell;
use crate::server::{Bound, Server, Site};
use crate::settings::StartError;
use crate::wecom::api;
use crate::wecom::control::Control;
use crate::wecom::settings::SimSettings;
use crate::wecom::upgrade::{self, UpgradeReply};
use crate::wecom::world::Shared;

/// A running simulated WeCom platform. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    server: Server,
    tls: bool,
}

impl Sim {
    /// Listens and serves from a thread of its own. Works inside and outside of any runtime.
    pub fn start(settings: SimSettings) -> Result<Self, StartError> {
        settings.check()?;
        let tls = settings.tls.is_some();
        let bound = Bound::new(settings.listen, settings.tls.as_ref())?;
        let host = settings.public_host.clone();
        let host = host.unwrap_or_else(|| bound.address.to_string());
        let scheme = if tls { "https" } else { "http" };
        let shared = Arc::new(Shared::new(settings, format!("{scheme}://{host}")));
        let server = bound.serve(Arc::clone(&shared))?;
        Ok(Self {
            shared,
            server,
            tls,
        })
    }

    /// What clients connect to, such as `ws://127.0.0.1:40123`.
    pub fn base_url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}", self.address())
    }

    /// Below this the control API is served, such as `http://127.0.0.1:40123`.
    pub fn control_url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// PEM of the certificate authority clients have to trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.server.ca_pem.as_deref()
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

impl Site for Shared {
    async fn answer(self: Arc<Self>, mut http: Http, request: Request) -> io::Result<Option<Http>> {
        let path = request.path();
        if is_below_root(path) {
            let (status, answer) = api::answer(&Control { shared: self }, &request);
            http.respond(status, "application/json", answer.to_string().as_bytes())
                .await?;
        } else if request.header("upgrade").is_some() || path == "/" {
            upgraded(self, http, &request).await?;
            return Ok(None);
        } else {
            http.respond(404, "text/plain", b"404 page not found")
                .await?;
        }
        Ok(Some(http))
    }

    fn tick(&self) -> Option<Instant> {
        let mut world = self.world();
        let now = Instant::now();
        world.tick(now)
    }

    fn alarm(&self) -> &Notify {
        &self.alarm
    }
}

async fn upgraded(shared: Arc<Shared>, mut http: Http, request: &Request) -> io::Result<()> {
    match upgrade::answer(&shared, request) {
        UpgradeReply::Open(head) => {
            http.socket.write_all(head.as_bytes()).await?;
            http.socket.flush().await?;
            let Http { socket, buffer } = http;
            let doorbell = Arc::new(Doorbell::default());
            let id = {
                let mut world = shared.world();
                let now = Instant::now();
                world.connect(Arc::clone(&doorbell), now)
            };
            Connection::new(shared, id, doorbell, socket, Vec::new())
                .run(buffer)
                .await;
        }
        UpgradeReply::Refuse(head) => {
            http.socket.write_all(head.as_bytes()).await?;
            http.socket.shutdown().await?;
        }
        UpgradeReply::Hang => http.hang().await,
        UpgradeReply::Reset => http.socket.reset(),
    }
    Ok(())
}
