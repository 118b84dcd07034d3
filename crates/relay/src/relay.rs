//! The relay's handle: what it was given, its routes, and who takes over requests for an upgrade.

use std::rc::Rc;
use std::sync::Arc;
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

use crate::connected::{Connected, ConnectedCount};
use crate::entrance::Entrance;
use crate::feishu::{self, Feishu};
use crate::limits::RelayLimits;
use crate::line::hang_up;
use crate::proxy::{self, OpenApiProxy, Pacing, ProxySettings};
use crate::public_url::PublicUrl;
use crate::refusals::{RefusalCause, Refusals, RefusedConnection};
use crate::wecom::{self, Wecom};

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
    /// Whether calls of the Open API wait for their turn.
    pub pacing: Pacing,
    /// How applications reach the listener, if not as their requests say (`Host`).
    pub public_url: Option<PublicUrl>,
}

/// The relay of a process. One for all threads of its listener.
pub struct Relay {
    entrance: Arc<Entrance>,
    feishu: Arc<Feishu>,
    wecom: Arc<Wecom>,
    proxy: Arc<OpenApiProxy>,
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
            pacing,
            public_url,
        } = settings;
        let connected = Arc::<Connected>::default();
        let counted = Arc::clone(&connected);
        let proxy = OpenApiProxy::new(ProxySettings {
            bots: Arc::new(fleet.clone()),
            connections: Arc::new(move |token, installation| counted.count(token, installation)),
            store,
            access: access.clone(),
            egress,
            draining: draining.clone(),
            limits: proxy::LIMITS,
            pacing,
        });
        let entrance = Arc::new(Entrance {
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
        });
        Arc::new(Self {
            feishu: Arc::new(Feishu::new(&entrance, &proxy)),
            wecom: Arc::new(Wecom::new(&entrance, limits)),
            entrance,
            proxy,
        })
    }

    /// The routes that SDKs call, for the public listener. Called once per thread of it.
    pub fn routes(self: &Arc<Self>) -> Routes {
        self.feishu.routes().and(self.proxy.routes())
    }

    /// Makes what takes over requests for an upgrade, for each thread of the public listener. Inside an actix system.
    pub fn upgrades(self: &Arc<Self>) -> impl Fn() -> Rc<dyn UpgradeHandler> + Send + Sync + use<> {
        let relay = Arc::clone(self);
        move || {
            let entrance = &relay.entrance;
            actix_rt::spawn(Arc::clone(&entrance.connected).watch(entrance.fleet.clone()));
            Rc::new(Upgrades(Arc::clone(&relay)))
        }
    }

    /// The proxy of the Open API.
    #[must_use]
    pub fn proxy(&self) -> &OpenApiProxy {
        &self.proxy
    }

    /// How many connections of this token to this bot are open.
    #[must_use]
    pub fn connections(&self, token: TokenId, installation: PublicId) -> usize {
        self.entrance.connected.count(token, installation)
    }

    /// All open connections, by token and bot, in no order.
    #[must_use]
    pub fn connected(&self) -> Vec<ConnectedCount> {
        self.entrance.connected.counts()
    }

    /// Connections that were refused since the start, by cause.
    #[must_use]
    pub fn refused(&self) -> Vec<(RefusalCause, u64)> {
        self.entrance.refusals.counts()
    }

    /// The last of them, the newest first.
    #[must_use]
    pub fn last_refused(&self) -> Vec<RefusedConnection> {
        self.entrance.refusals.last()
    }
}

/// Takes over requests for an upgrade.
struct Upgrades(Arc<Relay>);

impl UpgradeHandler for Upgrades {
    fn upgrade(&self, request: UpgradeRequest, socket: UpgradedSocket) {
        match &*request.path {
            feishu::PATH => feishu::upgrade(&self.0.feishu, request, socket),
            wecom::PATH => wecom::upgrade(&self.0.wecom, request, socket),
            _ => hang_up(socket, refusal(404, &[])),
        }
    }
}
