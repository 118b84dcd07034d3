//! Answers `POST /callback/ws/endpoint`: decides who may connect, and makes the URL to connect to.
//!
//! A request is checked in this order: spelling of the body's keys (`AppID`, `AppSecret`; anything else gets HTTP 400
//! with code 9499), a scripted behaviour, the cloud of the app, its secret, the number of its live connections. Further
//! keys are ignored and no `Content-Type` is required, as the official SDKs need it.

use longwire_platform_server::feishu::SocketUrl;
use longwire_platform_server::feishu::bootstrap::{self, DataShape};
use longwire_wire::endpoint::{EndpointRequest, code};
use rand::Rng as _;

use crate::behaviour::{Behaviour, Occasion};
use crate::ids::hex32;
use crate::settings::Apps;
use crate::state::{PlatformState, Scheme, SharedState};
use crate::tickets::Ticket;

/// The reply to a bootstrap request, which the caller sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BootstrapReply {
    Answer { status: u16, body: Vec<u8> },
    Hang,
    Reset,
}

/// Answers one request whose `Host` header is `host`.
pub(crate) fn answer(shared: &SharedState, host: &str, body: &[u8]) -> BootstrapReply {
    let mut state = shared.state();
    state.ledger.bootstraps += 1;
    let Ok(request) = EndpointRequest::parse(body) else {
        return BootstrapReply::Answer {
            status: 400,
            body: bootstrap::malformed(),
        };
    };
    let host = shared.settings.public_host.as_deref().unwrap_or(host);
    let mut config = None;
    match state.scripts.take(Occasion::Bootstrap, &request.app_id) {
        Some(Behaviour::BootstrapAnswer { code, msg, data }) => return refuse(code, &msg, data),
        Some(Behaviour::BootstrapHttp { status }) => {
            let body = format!("<html><body>{status}</body></html>").into_bytes();
            return BootstrapReply::Answer { status, body };
        }
        Some(Behaviour::BootstrapRefuse { http, code, msg }) => {
            return BootstrapReply::Answer {
                status: http,
                body: bootstrap::refused(code, &msg, DataShape::Empty),
            };
        }
        Some(Behaviour::BootstrapNotJson) => return plain(b"upstream connect error".to_vec()),
        Some(Behaviour::BootstrapHuge { body_bytes }) => return plain(vec![b' '; body_bytes]),
        Some(Behaviour::BootstrapHang) => return BootstrapReply::Hang,
        Some(Behaviour::BootstrapReset) => return BootstrapReply::Reset,
        Some(Behaviour::BootstrapEmptyUrl) => return granted("", state.nominal_config_text()),
        Some(Behaviour::BootstrapUrl { url }) => return granted(&url, state.nominal_config_text()),
        Some(Behaviour::BootstrapNoConfig) => config = Some(None),
        Some(Behaviour::BootstrapConfig { raw }) => config = Some(Some(raw)),
        _ => {}
    }
    if let Err((code, msg)) = admit(&mut state, &request) {
        return refuse(code, msg, DataShape::Empty);
    }
    let app = state.app(&request.app_id);
    let url = issue(&mut state, app, shared.scheme, host);
    state.ledger.bootstraps_granted += 1;
    granted(&url, config.unwrap_or_else(|| state.nominal_config_text()))
}

fn admit(
    state: &mut PlatformState,
    request: &EndpointRequest<'_>,
) -> Result<(), (i64, &'static str)> {
    let app = &*request.app_id;
    if state
        .settings
        .foreign_apps
        .iter()
        .any(|foreign| foreign == app)
    {
        return Err((code::WRONG_DOMAIN, "Incorrect domain name"));
    }
    let known = match &state.settings.apps {
        Apps::Any => !app.is_empty() && !request.app_secret.is_empty(),
        Apps::Known(apps) => apps
            .iter()
            .any(|(id, secret)| id == app && *secret == request.app_secret),
    };
    if !known {
        return Err((code::AUTH_FAILED, "auth failed"));
    }
    let live = state
        .known_app(app)
        .map_or(0, |index| state.apps[index].connections());
    if live >= state.settings.connections_per_app {
        return Err((
            code::CONNECTION_LIMIT,
            "the number of connections exceeded the limit",
        ));
    }
    Ok(())
}

/// A connection URL with a ticket of its own.
fn issue(state: &mut PlatformState, app: usize, scheme: Scheme, host: &str) -> String {
    let device_id = state
        .rng
        .random_range(7_000_000_000_000_000_000u64..7_999_999_999_999_999_999);
    let ticket = uuid::Builder::from_random_bytes(state.rng.random()).into_uuid();
    let access_key = hex32(state.rng.random(), state.rng.random());
    let service_id = state.apps[app].service;
    let grant = Ticket {
        app,
        device_id: device_id.to_string(),
    };
    state.tickets.issue(ticket.to_string(), grant);
    let scheme = match scheme {
        Scheme::Plain => "ws",
        Scheme::Tls => "wss",
    };
    let url = SocketUrl {
        origin: &format!("{scheme}://{host}"),
        path: crate::upgrade::PATH,
        device_id: &device_id.to_string(),
        access_key: &access_key,
        service_id,
        ticket: &ticket.to_string(),
    };
    url.to_string()
}

impl PlatformState {
    fn nominal_config_text(&self) -> Option<String> {
        Some(String::from_utf8_lossy(&self.nominal_config).into_owned())
    }
}

/// The answer with code 0. A scripted configuration need not be JSON.
fn granted(url: &str, config: Option<String>) -> BootstrapReply {
    plain(bootstrap::granted(url, config.as_deref()))
}

fn refuse(code: i64, msg: &str, data: DataShape) -> BootstrapReply {
    plain(bootstrap::refused(code, msg, data))
}

fn plain(body: Vec<u8>) -> BootstrapReply {
    BootstrapReply::Answer { status: 200, body }
}
