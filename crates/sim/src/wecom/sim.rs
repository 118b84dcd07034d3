//! Starts and stops a simulated WeCom platform, and routes what is asked of it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;

use crate::api::is_below_root;
use crate::connection::Connection;
use crate::http::{Http, Request};
use crate::live::Doorbell;
use crate::server::{Bound, Server, Site};
use crate::settings::StartError;
use crate::wecom::ack::Verdict;
use crate::wecom::api;
use crate::wecom::control::Control;
use crate::wecom::media::{Download, disposition};
use crate::wecom::settings::SimSettings;
use crate::wecom::upgrade::{self, UpgradeReply};
use crate::wecom::world::{Shared, World};

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
        } else if path.starts_with("/media/") {
            let download = {
                let mut world = self.world();
                let now = Instant::now();
                world.download(path, now)
            };
            return media(http, download).await.map(Some);
        } else if path == "/response" && request.method == "POST" {
            let answer = {
                let mut world = self.world();
                let now = Instant::now();
                respond_by_url(&mut world, &request, now)
            };
            http.respond(200, "application/json", answer.to_string().as_bytes())
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

async fn media(mut http: Http, download: Download) -> io::Result<Http> {
    match download {
        Download::File {
            ciphertext,
            file_name,
        } => {
            let name = file_name.map(|name| ("Content-Disposition", disposition(&name)));
            http.respond_with(
                200,
                "application/octet-stream",
                name.as_slice(),
                &ciphertext,
            )
            .await?;
        }
        Download::Refused(status) => http.respond(status, "text/plain", b"").await?,
    }
    Ok(http)
}

/// The answer to a POST to a `response_url`.
fn respond_by_url(world: &mut World, request: &Request, now: Instant) -> Value {
    let code = request.query("response_code");
    let code = code.and_then(|code| u64::from_str_radix(&code, 16).ok());
    let body = serde_json::from_slice::<Map<String, Value>>(&request.body);
    let verdict = match (code, body) {
        (Some(code), Ok(body)) => world.respond_by_url(code, &body, now),
        (None, _) => Verdict::invalid("response_code is missing"),
        (_, Err(_)) => Verdict::invalid("the body is not a JSON object"),
    };
    json!({"errcode": verdict.code, "errmsg": verdict.text})
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
