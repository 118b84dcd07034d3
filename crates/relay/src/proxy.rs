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
mod figures;
mod headers;
mod info;
mod opaque;
mod redaction;
mod reply;
mod target;
mod tokens;
mod turns;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::TokenId;
use longwire_egress::{Egress, EgressSettings, StreamingLimits};
use longwire_installation::{InstallationId, PublicId, Revision};
use longwire_listener::{AccessCheck, Draining, RouteAccess, RouteClass, Routes};
use longwire_platform::feishu::TenantTokens;
use longwire_store::{InstallationRecord, Store};
use longwire_wire::open_api::code;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

pub use bots::Bots;
pub use call::LIMITS;
pub use figures::{CallOutcome, DURATION_EDGES_MS, PathFigures};
pub use turns::Pacing;

use audit::CallAudit;
use body::CallBody;
use call::{Call, CountedCall};
use chats::Chats;
use figures::Figures;
use info::KeptInfo;
use reply::OwnAnswer;
use target::Target;
use turns::Turns;

/// Ways out that are kept per thread: of bots with a proxy of their own.
const MOST_WAYS_OUT: usize = 256;

/// How many connections of a token to a bot are open.
pub type CountConnections = Arc<dyn Fn(TokenId, PublicId) -> usize + Send + Sync>;

/// What the proxy is built on.
pub struct ProxySettings {
    /// Which bots there are.
    pub bots: Arc<dyn Bots>,
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
pub struct Proxy {
    bots: Arc<dyn Bots>,
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

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

/// What one thread of the listener calls with.
struct ThreadProxy {
    shared: Arc<Proxy>,
    egress: Egress,
    tokens: TenantTokens,
    /// Of bots with a proxy of their own, each as of a change of its row.
    ways_out: RefCell<HashMap<InstallationId, (Revision, Egress)>>,
}

impl Proxy {
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
        let thread = Data::new(ThreadProxy {
            shared: Arc::clone(self),
            egress: Egress::new(&self.egress),
            tokens: TenantTokens::default(),
            ways_out: RefCell::default(),
        });
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
            routes = routes.route(method, "/open-apis{path:.*}", open, pass);
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

impl ThreadProxy {
    /// The way out of a bot. The error says why its proxy cannot be used.
    fn egress_of(&self, bot: &InstallationRecord) -> Result<Egress, String> {
        if !bot.has_proxy() {
            return Ok(self.egress.clone());
        }
        let mut ways_out = self.ways_out.borrow_mut();
        if let Some((revision, egress)) = ways_out.get(&bot.id)
            && *revision == bot.revision
        {
            return Ok(egress.clone());
        }
        let proxy = self.shared.store.open_proxy(bot);
        let proxy = proxy.map_err(|error| error.to_string())?;
        let Some(proxy) = proxy else {
            return Ok(self.egress.clone());
        };
        let policy = proxy.expose_secret().parse();
        let policy = policy.map_err(|error: longwire_egress::ProxyUrlError| error.to_string())?;
        let egress = self.egress.with_proxy(policy);
        if ways_out.len() >= MOST_WAYS_OUT {
            ways_out.clear();
        }
        ways_out.insert(bot.id, (bot.revision, egress.clone()));
        Ok(egress)
    }
}

/// Any call but those for tokens.
async fn pass(thread: Data<ThreadProxy>, request: HttpRequest, payload: Payload) -> HttpResponse {
    match answer(&thread, &request, payload).await {
        Ok(response) => response,
        Err(own) => own.to_response(),
    }
}

async fn answer(
    thread: &ThreadProxy,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, OwnAnswer> {
    let shared = &thread.shared;
    let target = Target::of(request.uri()).map_err(|error| {
        let status = actix_web::http::StatusCode::BAD_REQUEST;
        OwnAnswer::own(status, "path_refused", error.to_string())
    })?;
    let caller = caller::identify(shared, request.headers())?;
    let (grant, bot) = (&caller.grant, &caller.bot);
    let class = match *request.method() {
        Method::GET => RouteClass::Read,
        _ => RouteClass::Write,
    };
    let checked = shared.access.check_rate(grant.token, class);
    checked.map_err(|_| OwnAnswer::rate_of_api(u16::MAX, 1))?;
    let template = target.template();
    shared.figures.called(grant.token, bot.public_id);
    let counted = CountedCall {
        figures: &shared.figures,
        audit: &shared.audit,
        began: Instant::now(),
        grant,
        bot,
        method: label(request.method()),
        template: &template,
        outcome: CallOutcome::CallerGone,
    };
    let call = Call {
        thread,
        caller: &caller,
        method: request.method(),
        target: &target,
        template: &template,
        headers: request.headers(),
    };
    let made = allowed_call(&call, payload).await;
    counted.is(match &made {
        Ok((_, outcome)) => *outcome,
        Err(own) => CallOutcome::Code(own.code),
    });
    made.map(|(response, _)| response)
}

/// Makes a call if the token's scopes allow it.
async fn allowed_call(
    call: &Call<'_>,
    payload: Payload,
) -> Result<(HttpResponse, CallOutcome), OwnAnswer> {
    let (grant, bot) = (&call.caller.grant, &call.caller.bot);
    let needed = area::needed(call.target, &bot.app_id);
    if call.target.segments().next() == Some("auth") {
        return Err(OwnAnswer::platforms(
            code::TOKEN_NOT_PERMITTED,
            "auth_refused",
            "longwire gives tokens at auth/v3/tenant_access_token/internal and app_access_token/internal only; apps of a store are not supported",
        ));
    }
    if !needed.iter().any(|&scope| grant.has(scope)) {
        return Err(OwnAnswer::platforms(
            code::SCOPE_MISSING,
            "scope_missing",
            format!(
                "the longwire token lacks a scope for this path: {}",
                needed[0]
            ),
        ));
    }
    let is_get = *call.method == Method::GET;
    if is_get && call.target.below_root() == info::CONNECTIONS {
        let count = (call.thread.shared.connections)(grant.token, bot.public_id);
        return Ok((info::connections(count), CallOutcome::Code(0)));
    }
    let body = CallBody::read(payload, call.headers).await?;
    let made = call.make(body).await;
    if is_get && call.target.below_root() == info::BOT {
        return info::kept_or(&call.thread.shared.infos, bot, made);
    }
    let made = made?;
    let status = made.answer.status.as_u16();
    let outcome = made
        .answer
        .code()
        .map_or(CallOutcome::Status(status), CallOutcome::Code);
    Ok((made.into_response(), outcome))
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => words::OTHER,
    }
}
