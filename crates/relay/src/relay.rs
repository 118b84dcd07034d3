//! The relay's handle: what it was given, its routes, and who takes over requests for an upgrade.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longwire_access::TokenId;
use longwire_delivery::Deliveries;
use longwire_egress::EgressSettings;
use longwire_fleet::Fleet;
use longwire_installation::PublicId;
use longwire_listener::{
    AccessCheck, Draining, Routes, StreamPlaces, UpgradeHandler, UpgradeRequest, UpgradedSocket,
};
use longwire_platform_server::upgrade::refusal;
use longwire_store::Store;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::connected::{Connected, ConnectedCount};
use crate::feishu::{self, FeishuTicket};
use crate::limits::RelayLimits;
use crate::proxy::{self, Proxy, ProxySettings};
use crate::refusals::{RefusalCause, Refusals, RefusedConnection};
use crate::tickets::Tickets;
use crate::wecom::{self, WecomClients};

/// How long a refusal may take to be sent.
const REFUSAL_MOST: Duration = Duration::from_secs(5);

/// What the relay is built on.
pub struct RelaySettings {
    /// Which bots there are.
    pub fleet: Fleet,
    /// Consumers, and their connections.
    pub deliveries: Deliveries,
    /// What the proxy keeps.
    pub store: Store,
    /// Which tokens are valid, and how often they ask.
    pub access: AccessCheck,
    /// How the proxy's calls leave.
    pub egress: EgressSettings,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// How many connections there may be.
    pub limits: RelayLimits,
    /// How long an application's handler may take for an event, unless its consumer says otherwise.
    pub handler_limit: Duration,
    /// How often SDKs of Feishu and Lark ping: whole seconds, one at least.
    pub ping_interval: Duration,
    /// How applications reach the listener, if not as their requests say (`Host`).
    pub public_url: Option<PublicUrl>,
}

/// The relay of a process. One for all threads of its listener.
pub struct Relay {
    pub(crate) fleet: Fleet,
    pub(crate) deliveries: Deliveries,
    pub(crate) access: AccessCheck,
    pub(crate) draining: Draining,
    pub(crate) handler_limit: Duration,
    pub(crate) ping_interval: Duration,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) places: StreamPlaces,
    pub(crate) connected: Arc<Connected>,
    pub(crate) refusals: Refusals,
    pub(crate) feishu_tickets: Mutex<Tickets<FeishuTicket>>,
    pub(crate) wecom: Arc<WecomClients>,
    pub(crate) proxy: Arc<Proxy>,
}

impl Relay {
    /// With nobody connected.
    #[must_use]
    pub fn new(settings: RelaySettings) -> Arc<Self> {
        let RelaySettings {
            fleet,
            deliveries,
            store,
            access,
            egress,
            draining,
            limits,
            handler_limit,
            ping_interval,
            public_url,
        } = settings;
        let connected = Arc::<Connected>::default();
        let counted = Arc::clone(&connected);
        let proxy = Proxy::new(ProxySettings {
            bots: Arc::new(fleet.clone()),
            connections: Arc::new(move |token, installation| counted.count(token, installation)),
            store,
            access: access.clone(),
            egress,
            draining: draining.clone(),
            limits: proxy::LIMITS,
        });
        Arc::new(Self {
            fleet,
            deliveries,
            access,
            draining,
            handler_limit,
            ping_interval,
            public_url,
            places: StreamPlaces::new(limits.places()),
            connected,
            refusals: Refusals::default(),
            feishu_tickets: Mutex::default(),
            wecom: WecomClients::new(limits),
            proxy,
        })
    }

    /// The routes that SDKs call, for the public listener. Called once per thread of it.
    pub fn routes(self: &Arc<Self>) -> Routes {
        feishu::routes(self).and(self.proxy.routes())
    }

    /// Makes what takes over requests for an upgrade, for each thread of the public listener. Inside an actix system.
    pub fn upgrades(self: &Arc<Self>) -> impl Fn() -> Rc<dyn UpgradeHandler> + Send + Sync + use<> {
        let relay = Arc::clone(self);
        move || {
            actix_rt::spawn(Arc::clone(&relay.connected).watch());
            Rc::new(Upgrades(Arc::clone(&relay)))
        }
    }

    /// The proxy of the Open API.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// How many connections of this token to this bot are open.
    #[must_use]
    pub fn connections(&self, token: TokenId, installation: PublicId) -> usize {
        self.connected.count(token, installation)
    }

    /// All open connections, by token and bot, in no order.
    #[must_use]
    pub fn connected(&self) -> Vec<ConnectedCount> {
        self.connected.counts()
    }

    /// Connections that were refused since the start, by cause.
    #[must_use]
    pub fn refused(&self) -> Vec<(RefusalCause, u64)> {
        self.refusals.counts()
    }

    /// The last of them, the newest first.
    #[must_use]
    pub fn last_refused(&self) -> Vec<RefusedConnection> {
        self.refusals.last()
    }
}

/// Takes over requests for an upgrade.
struct Upgrades(Arc<Relay>);

impl UpgradeHandler for Upgrades {
    fn upgrade(&self, request: UpgradeRequest, socket: UpgradedSocket) {
        match &*request.path {
            feishu::PATH => feishu::upgrade(&self.0, request, socket),
            wecom::PATH => wecom::upgrade(&self.0, request, socket),
            _ => hang_up(socket, refusal(404, &[])),
        }
    }
}

/// Sends a refusal of an upgrade, and hangs up.
pub(crate) fn hang_up(mut socket: UpgradedSocket, head: Vec<u8>) {
    actix_rt::spawn(async move {
        let sent = async {
            socket.write_all(&head).await?;
            socket.shutdown().await
        };
        // Whoever does not take it needs it no more.
        let _ = timeout(REFUSAL_MOST, sent).await;
    });
}

/// Scheme and authority under which applications reach the listener, such as `https://bots.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    is_tls: bool,
    authority: String,
}

/// The text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is http:// or https://, a host and perhaps a port, without a path")]
pub struct PublicUrlError;

impl PublicUrl {
    /// What a URL of this authority begins with for WebSocket.
    pub(crate) fn websocket_origin(&self) -> String {
        websocket_origin(self.is_tls, &self.authority)
    }
}

/// `ws://HOST` or `wss://HOST`.
pub(crate) fn websocket_origin(is_tls: bool, authority: &str) -> String {
    let scheme = if is_tls { "wss" } else { "ws" };
    format!("{scheme}://{authority}")
}

/// Whether a text may stand as the authority of a URL that we hand out: a host of a request is whatever its sender wrote.
pub(crate) fn is_authority(text: &str) -> bool {
    let is_allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_allowed)
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(PublicUrlError)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(PublicUrlError),
        };
        if !is_authority(authority) {
            return Err(PublicUrlError);
        }
        Ok(Self {
            is_tls,
            authority: authority.to_owned(),
        })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_scheme_and_authority() {
        for (text, origin) in [
            ("https://bots.example.com", Some("wss://bots.example.com")),
            ("http://10.0.0.1:7700/", Some("ws://10.0.0.1:7700")),
            ("https://[::1]:7700", Some("wss://[::1]:7700")),
            ("https://bots.example.com/path", None),
            ("https://user@bots.example.com", None),
            ("wss://bots.example.com", None),
            ("bots.example.com", None),
            ("https://", None),
        ] {
            let url: Result<PublicUrl, _> = text.parse();
            let found = url.as_ref().ok().map(PublicUrl::websocket_origin);
            assert_eq!(found.as_deref(), origin, "{text}");
        }
    }
}
