//! The Open API of the platforms for applications that have a token of ours and not the app's secret.
//!
//! ```text
//! POST auth/v3/tenant_access_token/internal   app id and lw_… ─▶ t-… of ours            (tokens.rs, opaque.rs)
//! any  /open-apis/…    t-… ─▶ who, which bot (caller.rs) ─▶ may they (area.rs) ─▶ turn (budgets.rs)
//!                      ─▶ the bot's platform, with its own token (call.rs) ─▶ answer (answer.rs)
//! ```
//! Bodies pass through in both directions; only short ones are read. What goes on is the method, the path and query byte for
//! byte, most headers (`headers.rs`) and the body, always to the base URL of the bot and nowhere else (`target.rs`). Every
//! answer of ours is JSON with `code` and `msg` (`reply.rs`).
//!
//! Two calls are answered here: `event/v1/connection`, because the platform would count longwire's own connection, and
//! `bot/v3/info` from memory while the platform does not answer, because programs end without it.
//!
//! Nothing here keeps a body, or writes one into a log, a metric or the audit.

mod answer;
mod area;
mod audit;
mod body;
mod bots;
mod budgets;
mod call;
mod caller;
mod chats;
mod counted;
mod failure;
mod figures;
mod headers;
mod info;
mod opaque;
mod pass;
mod redaction;
mod reply;
mod target;
mod thread;
mod tokens;
mod turns;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use longwire_access::TokenId;
use longwire_egress::{EgressSettings, StreamingLimits};
use longwire_installation::PublicId;
use longwire_listener::{AccessCheck, Draining, RouteAccess, Routes};
use longwire_store::Store;

pub use bots::BotsOfApps;
pub use call::LIMITS;
pub use figures::{DURATION_EDGES_MS, PathFigures, RelayedOutcome};
pub use turns::Pacing;

use audit::CallAudit;
use chats::Chats;
use figures::Figures;
use info::KeptInfo;
use thread::ThreadProxy;
use turns::Turns;

/// How many connections of a token to a bot are open.
pub type CountConnections = Arc<dyn Fn(TokenId, PublicId) -> usize + Send + Sync>;

/// What the proxy is built on.
pub struct ProxySettings {
    /// Which bots there are.
    pub bots: Arc<dyn BotsOfApps>,
    /// How many connections of a token to a bot are open.
    pub connections: CountConnections,
    /// Tokens, secrets and the audit.
    pub store: Store,
    /// How often a token may ask.
    pub access: AccessCheck,
    /// How calls leave.
    pub egress: EgressSettings,
    /// Whether the process is about to end.
    pub draining: Draining,
    /// How long each step of a call may take.
    pub limits: StreamingLimits,
    /// Whether calls wait for their turn.
    pub pacing: Pacing,
}

/// The proxy of a process. One for all threads of its listener.
pub struct OpenApiProxy {
    bots: Arc<dyn BotsOfApps>,
    connections: CountConnections,
    store: Store,
    access: AccessCheck,
    egress: EgressSettings,
    limits: StreamingLimits,
    turns: Turns,
    chats: Chats,
    figures: Figures,
    infos: KeptInfo,
    audit: Arc<CallAudit>,
}

impl fmt::Debug for OpenApiProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenApiProxy").finish_non_exhaustive()
    }
}

impl OpenApiProxy {
    /// With nothing called yet.
    #[must_use]
    pub fn new(settings: ProxySettings) -> Arc<Self> {
        let ProxySettings {
            bots,
            connections,
            store,
            access,
            egress,
            draining,
            limits,
            pacing,
        } = settings;
        Arc::new(Self {
            bots,
            connections,
            audit: CallAudit::new(store.clone(), draining),
            store,
            access,
            egress,
            limits,
            turns: Turns::new(pacing),
            chats: Chats::default(),
            figures: Figures::new(),
            infos: KeptInfo::default(),
        })
    }

    /// The routes of the public listener. Called once per thread of it.
    ///
    /// They are open as far as the listener is concerned: the tokens of callers are not in its form.
    pub fn routes(self: &Arc<Self>) -> Routes {
        let thread = Data::new(ThreadProxy::new(self));
        let open = RouteAccess::Open;
        let tenant = "/open-apis/auth/v3/tenant_access_token/internal";
        let app = "/open-apis/auth/v3/app_access_token/internal";
        let mut routes = Routes::new()
            .with(thread)
            .route(Method::POST, tenant, open, tokens::tenant)
            .route(Method::POST, app, open, tokens::app);
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            routes = routes.route(method, "/open-apis{path:.*}", open, pass::pass);
        }
        routes
    }

    /// An event of a bot goes to an application. Replies to its message are paced by its chat from now on.
    pub fn saw_event(&self, bot: PublicId, payload: &[u8]) {
        self.chats.learn_from_event(bot, payload);
    }

    /// Calls since the start, by method and path. Paths have `{}` for ids, and there are few of them.
    #[must_use]
    pub fn figures(&self) -> BTreeMap<(&'static str, Box<str>), PathFigures> {
        self.figures.paths()
    }

    /// The calls of a token as a bot within the last minute.
    #[must_use]
    pub fn calls_per_minute(&self, token: TokenId, bot: PublicId) -> u32 {
        self.figures.per_minute(token, bot)
    }
}
