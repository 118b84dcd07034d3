//! Decides who may ask a listener.
//!
//! ```text
//! check_host   each request, before its route: was it meant for this listener
//! AccessCheck  each route that is not open, and each path that does not exist:
//!              token ──▶ grant ──▶ scope of the route ──▶ rate of the token ──▶ Caller, for the handler
//! ```
//! A refusal comes before the handler and before anything of a body is looked at. What was wrong with a token is told in the
//! log and counted; whoever presents it hears one answer to all of it.

mod host;
mod needs;
mod rate;
mod refusals;
mod streams;

use std::fmt;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest, ResponseError as _, Route, web,
};
use longwire_access::{
    AuditAction, AuditEntry, AuditResult, Grant, Scope, TokenId, TokenRefusal, TokenText,
};

use crate::Problem;
use refusals::Refusals;

pub(crate) use host::AllowedHosts;
pub use needs::{RouteAccess, RouteClass};
pub use rate::TokenRates;
pub use streams::{StreamLimits, StreamPermit, StreamPlaces};

/// Knows which tokens are valid. A closure does.
pub trait Authenticate: Send + Sync + 'static {
    /// What this token grants now, in milliseconds since 1970. Looks into memory only: each request waits for it.
    ///
    /// # Errors
    /// The token is not valid.
    fn authenticate(&self, presented: &TokenText, now_ms: i64) -> Result<Grant, TokenRefusal>;
}

impl<F> Authenticate for F
where
    F: Fn(&TokenText, i64) -> Result<Grant, TokenRefusal> + Send + Sync + 'static,
{
    fn authenticate(&self, presented: &TokenText, now_ms: i64) -> Result<Grant, TokenRefusal> {
        self(presented, now_ms)
    }
}

/// What the listeners of a process decide by.
#[derive(Clone)]
pub struct AccessSettings {
    /// Which tokens are valid.
    pub tokens: Arc<dyn Authenticate>,
    /// How often one token may ask.
    pub rates: TokenRates,
    /// How many streams may be open.
    pub streams: StreamLimits,
}

/// Decides who may ask, for all listeners of a process. Its clones share their counts.
#[derive(Clone)]
pub struct AccessCheck(Arc<Shared>);

struct Shared {
    tokens: Arc<dyn Authenticate>,
    rates: rate::RateCheck,
    streams: StreamPlaces,
    refusals: Refusals,
}

/// Why a token that came in no header is refused. The id is that of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresentedRefusal {
    /// The text is none.
    NoToken,
    /// It is not valid.
    Refused(TokenId, TokenRefusal),
    /// It may not do this.
    ScopeMissing(TokenId, Scope),
    /// It asks more often than it may.
    TooOften(TokenId),
}

/// What a route that needs a token asks of it.
type Need = Option<(Scope, RouteClass)>;

impl AccessCheck {
    /// Decides by these.
    pub fn new(settings: AccessSettings) -> Self {
        Self(Arc::new(Shared {
            tokens: settings.tokens,
            rates: rate::RateCheck::new(settings.rates),
            streams: StreamPlaces::new(settings.streams),
            refusals: Refusals::new(),
        }))
    }

    /// The streams of this process.
    pub fn streams(&self) -> &StreamPlaces {
        &self.0.streams
    }

    /// Requests that were refused for want of a valid token since the start, by reason.
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        self.0.refusals.counts()
    }

    /// Counts a request of a token that came another way than in `Authorization: Bearer lw_…`.
    ///
    /// # Errors
    /// 429 with the code `rate_limited`.
    pub fn check_rate(&self, token: TokenId, class: RouteClass) -> Result<(), Problem> {
        self.0.rates.check(token, class)
    }

    /// The route, behind what it needs.
    pub(crate) fn guard(&self, route: Route, access: RouteAccess) -> Route {
        match access {
            RouteAccess::Open => route,
            RouteAccess::Scope { scope, class } => self.wrap(route, Some((scope, class))),
        }
    }

    /// The answer where nothing has the path or the method. It needs a valid token, so that a stranger learns of no path.
    pub(crate) fn answer(&self, problem: Problem) -> Route {
        let answer = web::to(move || ready(problem.clone()));
        self.wrap(answer, None)
    }

    fn wrap(&self, route: Route, need: Need) -> Route {
        let access = self.clone();
        route.wrap(from_fn(
            move |request: ServiceRequest, next: Next<BoxBody>| {
                let admitted = access.admit(&request, need);
                async move {
                    match admitted {
                        Ok(caller) => {
                            request.extensions_mut().insert(caller);
                            let answer = next.call(request);
                            match need {
                                Some((_, RouteClass::Write)) => to_its_end(answer).await,
                                Some((_, RouteClass::Read | RouteClass::Stream)) | None => {
                                    answer.await
                                }
                            }
                        }
                        Err(problem) => Ok(request.into_response(problem.error_response())),
                    }
                }
            },
        ))
    }

    fn admit(&self, request: &ServiceRequest, need: Need) -> Result<Caller, Problem> {
        let text = bearer(request).ok_or_else(|| self.missing())?;
        let presented: TokenText = text.parse().map_err(|error| {
            self.0.refusals.malformed();
            refused(format!("{error}"))
        })?;
        let now_ms = now_ms();
        let grant = self.0.tokens.authenticate(&presented, now_ms);
        let grant = grant.map_err(|refusal| {
            self.0.refusals.refused(presented.id(), refusal, now_ms);
            refused(
                "the token is unknown, revoked or expired; `longwire tokens list` shows those that are valid",
            )
        })?;
        if let Some((scope, class)) = need {
            if !grant.has(scope) {
                return Err(scope_missing(scope));
            }
            if scope.is_gateway_wide() && !grant.is_gateway_wide() {
                return Err(not_gateway_wide(scope));
            }
            self.0.rates.check(grant.token, class)?;
        }
        Ok(Caller(Rc::new(Admitted {
            grant,
            presented,
            tokens: Arc::clone(&self.0.tokens),
        })))
    }

    /// What a token grants that comes in no header: clients of the platforms send it as the secret of an app. The request counts
    /// for its rate.
    ///
    /// # Errors
    /// The text is no token, or one that may not do this, or not so often. What is wrong is for the operator: the client hears
    /// one answer to all of it.
    pub fn admit_presented(
        &self,
        presented: &str,
        scope: Scope,
        class: RouteClass,
    ) -> Result<(TokenText, Grant), PresentedRefusal> {
        let presented: TokenText = presented.parse().map_err(|_| {
            self.0.refusals.malformed();
            PresentedRefusal::NoToken
        })?;
        let now_ms = now_ms();
        let grant = self.0.tokens.authenticate(&presented, now_ms);
        let grant = grant.map_err(|refusal| {
            self.0.refusals.refused(presented.id(), refusal, now_ms);
            PresentedRefusal::Refused(presented.id(), refusal)
        })?;
        if !grant.has(scope) {
            return Err(PresentedRefusal::ScopeMissing(grant.token, scope));
        }
        let counted = self.0.rates.check(grant.token, class);
        counted.map_err(|_| PresentedRefusal::TooOften(grant.token))?;
        Ok((presented, grant))
    }

    /// Whether a token is valid now. A connection that stays open asks it again and again.
    pub fn still_admits(&self, presented: &TokenText) -> bool {
        self.0.tokens.authenticate(presented, now_ms()).is_ok()
    }

    fn missing(&self) -> Problem {
        self.0.refusals.missing();
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "token_missing",
            "this needs a token: send `Authorization: Bearer lw_…`. `longwire tokens create` makes one",
        )
    }
}

/// Carries a change out, also when its client hangs up meanwhile and nobody waits for the answer any more. What follows from a
/// change, such as its entry in the audit, would not be done otherwise.
async fn to_its_end<T: 'static>(
    change: impl Future<Output = Result<T, Error>> + 'static,
) -> Result<T, Error> {
    let outcome = actix_web::rt::spawn(change).await;
    outcome.unwrap_or_else(|_| Err(Problem::interrupted().into()))
}

/// What a request brings in `Authorization: Bearer …`.
fn bearer(request: &ServiceRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?;
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refused(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "token_refused", detail)
}

fn scope_missing(scope: Scope) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "scope_missing",
        format!("this needs a token with the scope {scope}"),
    )
    .with("scope", scope.label())
}

fn not_gateway_wide(scope: Scope) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "token_narrowed",
        format!(
            "{scope} is about the whole gateway: it needs a token of the space `default` that is not narrowed to installations"
        ),
    )
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// Who sent the request: what their token grants. A handler asks for it as an argument.
#[derive(Debug, Clone)]
pub struct Caller(Rc<Admitted>);

struct Admitted {
    grant: Grant,
    presented: TokenText,
    tokens: Arc<dyn Authenticate>,
}

impl Caller {
    /// Whether the token is still valid. A connection that stays open asks it again and again, because the token may be revoked
    /// or expire meanwhile.
    pub fn is_still_admitted(&self) -> bool {
        let Admitted {
            presented, tokens, ..
        } = &*self.0;
        tokens.authenticate(presented, now_ms()).is_ok()
    }

    /// What the audit keeps of something that is asked for now: done, or refused with a problem.
    #[must_use]
    pub fn audit_entry(
        &self,
        action: AuditAction,
        subject: &str,
        refused: Option<&Problem>,
    ) -> AuditEntry {
        let result = refused.map_or_else(AuditResult::done, |problem| {
            AuditResult::problem(problem.code())
        });
        AuditEntry::by(self, action, subject, result, now_ms())
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.grant.fmt(f)
    }
}

impl Deref for Caller {
    type Target = Grant;

    fn deref(&self) -> &Grant {
        &self.0.grant
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        // An open route has no caller.
        ready(
            caller.ok_or_else(|| refused("this route takes no token, and needs to know who asks")),
        )
    }
}

/// Passes a request on that was meant for this listener.
pub(crate) async fn check_host<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match host::check(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(problem) => {
            let answer = request.into_response(problem.error_response());
            Ok(answer.map_into_right_body())
        }
    }
}
