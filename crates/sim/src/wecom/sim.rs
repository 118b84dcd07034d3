//! Starts and stops a simulated WeCom platform, and routes its HTTP requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use longwire_platform_server::wecom::CommandResult;
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;

use crate::api::is_below_root;
use crate::connection::Connection;
use crate::http::{Http, HttpRequest};
use crate::live::OutputSignal;
use crate::server::{BoundListener, Server, Service};
use crate::settings::StartError;
use crate::wecom::api;
use crate::wecom::control::Control;
use crate::wecom::settings::SimSettings;
use crate::wecom::state::{Download, disposition};
use crate::wecom::state::{PlatformState, SharedState};
use crate::wecom::upgrade::{self, UpgradeReply};

/// A running simulated WeCom platform. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<SharedState>,
    server: Server,
    tls: bool,
}

impl Sim {
    /// Listens and serves from a thread of its own. Works inside and outside of any runtime.
    pub fn start(settings: SimSettings) -> Result<Self, StartError> {
        settings.check()?;
        let tls = settings.tls.is_some();
        let bound = BoundListener::new(settings.listen, settings.tls.as_ref())?;
        let host = settings.public_host.clone();
        let host = host.unwrap_or_else(|| bound.address.to_string());
        let scheme = if tls { "https" } else { "http" };
        let shared = Arc::new(SharedState::new(settings, format!("{scheme}://{host}")));
        let server = bound.serve(Arc::clone(&shared))?;
        Ok(Self {
            shared,
            server,
            tls,
        })
    }

    /// The URL that clients connect to, such as `ws://127.0.0.1:40123`.
    pub fn base_url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}", self.address())
    }

    /// The base URL of the control API, such as `http://127.0.0.1:40123`.
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
        if is_below_root(path) {
            let (status, answer) = api::answer(&Control { shared: self }, &request);
            http.respond(status, "application/json", answer.to_string().as_bytes())
                .await?;
        } else if path.starts_with("/media/") {
            let download = {
                let mut state = self.state();
                let now = Instant::now();
                state.download(path, now)
            };
            return media(http, download).await.map(Some);
        } else if path == "/response" && request.method == "POST" {
            let answer = {
                let mut state = self.state();
                let now = Instant::now();
                respond_by_url(&mut state, &request, now)
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
        let mut state = self.state();
        let now = Instant::now();
        state.tick(now)
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
fn respond_by_url(state: &mut PlatformState, request: &HttpRequest, now: Instant) -> Value {
    let code = request.query("response_code");
    let code = code.and_then(|code| u64::from_str_radix(&code, 16).ok());
    let body = serde_json::from_slice::<Map<String, Value>>(&request.body);
    let result = match (code, body) {
        (Some(code), Ok(body)) => state.respond_by_url(code, &body, now),
        (None, _) => CommandResult::invalid("response_code is missing"),
        (_, Err(_)) => CommandResult::invalid("the body is not a JSON object"),
    };
    json!({"errcode": result.code, "errmsg": result.text})
}

async fn upgraded(
    shared: Arc<SharedState>,
    mut http: Http,
    request: &HttpRequest,
) -> io::Result<()> {
    match upgrade::answer(&shared, request) {
        UpgradeReply::Open(head) => {
            http.socket.write_all(&head).await?;
            http.socket.flush().await?;
            let Http { socket, buffer } = http;
            let output_signal = Arc::new(OutputSignal::default());
            let id = {
                let mut state = shared.state();
                let now = Instant::now();
                state.connect(Arc::clone(&output_signal), now)
            };
            Connection::new(shared, id, output_signal, socket, Vec::new())
                .run(buffer)
                .await;
        }
        UpgradeReply::Refuse(head) => {
            http.socket.write_all(&head).await?;
            http.socket.shutdown().await?;
        }
        UpgradeReply::Hang => http.hang().await,
        UpgradeReply::Reset => http.socket.reset(),
    }
    Ok(())
}
