//! `/v1/installations/{installation}/user-authorizations`: people who let a bot's app act for them, and the page that they come back
//! to.
//!
//! The page is open, because a person's browser has no token: what it may do is in the state of its address. It repeats nothing of
//! the request.

mod page;

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use longwire_access::AuditAction;
use longwire_consumer::{FaultCode, time_text};
use longwire_fleet::UserAuthorizationError;
use longwire_installation::{InstallationId, PublicId};
use longwire_listener::{Caller, Problem};
use longwire_store::UserAuthorizationRecord;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::body::Body;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;
use crate::store_calls::chain;
use crate::{Api, audit};

pub(crate) use page::finish;

/// The most scopes of one page of the platform.
const MOST_SCOPES: usize = 50;
/// The longest redirect address, in bytes.
const MAX_REDIRECT: usize = 2_048;

/// What a person agreed to. No token is here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserAuthorization)]
pub(crate) struct AuthorizationDocument {
    /// The person, as the bot's app knows them.
    open_id: String,
    /// `authorized`, or `ended`: then the person has to agree again.
    state: &'static str,
    /// Why it ended, by a stable name.
    reason: Option<String>,
    /// The scopes that were granted.
    scopes: Vec<String>,
    /// When the person agreed.
    authorized: String,
    /// Until when the present access token holds.
    access_until: String,
    /// Until when it can be renewed without the person; absent without the scope `offline_access`.
    refresh_until: Option<String>,
}

impl From<UserAuthorizationRecord> for AuthorizationDocument {
    fn from(record: UserAuthorizationRecord) -> Self {
        Self {
            open_id: record.open_id,
            state: match record.ended {
                None => "authorized",
                Some(_) => "ended",
            },
            reason: record.ended,
            scopes: record
                .scopes
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            authorized: time_text(record.authorized_ms),
            access_until: time_text(record.access_until_ms),
            refresh_until: record.refresh_until_ms.map(time_text),
        }
    }
}

/// The bot of this id or name, if the caller sees it.
fn bot(
    api: &Api,
    caller: &Caller,
    id_or_name: &str,
) -> Result<(InstallationId, PublicId), Problem> {
    let fleet = &api.settings.fleet;
    let seen = fleet.installation(id_or_name).filter(|view| {
        let id = view.id.parse();
        id.is_ok_and(|id| caller.sees(&view.space, id))
    });
    let found = seen.and_then(|view| {
        let public_id: PublicId = view.id.parse().ok()?;
        Some((fleet.installation_id(&view.id)?, public_id))
    });
    found.ok_or_else(|| {
        let detail = format!("there is no installation `{id_or_name}`");
        ProblemCode::NotFound.problem(detail)
    })
}

/// What a caller wants a person to agree to.
struct Wish {
    open_id: String,
    scopes: Vec<String>,
    redirect: String,
}

/// Begins an authorization: the answer has the page that the person is sent to.
pub(crate) async fn begin(
    api: Data<Api>,
    caller: Caller,
    installation: Path<String>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let begun = begin_for(&api, &caller, &installation, &body);
    let action = AuditAction::UserAuthorizationBegin;
    audit::keep(&api, &caller, action, &installation, &begun);
    begun
}

fn begin_for(
    api: &Api,
    caller: &Caller,
    installation: &str,
    body: &Body,
) -> Result<HttpResponse, Problem> {
    audit::admit(api)?;
    let (id, public_id) = bot(api, caller, installation)?;
    let wish = read_wish(body, public_id)?;
    let begun = (api.settings.fleet).begin_user_authorization(
        id,
        &wish.open_id,
        &wish.scopes,
        &wish.redirect,
    );
    let link = begun.map_err(|error| refused(&error))?;
    Ok(HttpResponse::Created()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({
            "open_id": wish.open_id,
            "url": link.url.as_str(),
            "until": time_text(link.until_ms),
        })))
}

fn read_wish(body: &Body, bot: PublicId) -> Result<Wish, Problem> {
    let path = format!("/callbacks/feishu/{bot}/authorized");
    body.read(|members| {
        let open_id = members.required("open_id", |value, faults| {
            let text = value.short_text(faults)?;
            match text.starts_with("ou_") {
                true => Some(text.to_owned()),
                false => {
                    let detail = "an open_id of the bot's app belongs here: `ou_…`";
                    value.fault(FaultCode::InvalidValue, detail, faults)
                }
            }
        });
        let scopes = members.required("scopes", |value, faults| {
            let scope = |value: longwire_consumer::Member<'_>, faults: &mut _| {
                let text = value.short_text(faults)?;
                match text.contains(char::is_whitespace) {
                    false => Some(text.to_owned()),
                    true => {
                        let detail = "one scope belongs here, without blanks";
                        value.fault(FaultCode::InvalidValue, detail, faults)
                    }
                }
            };
            value.list(MOST_SCOPES, scope, faults)
        });
        let redirect = members.required("redirect", |value, faults| {
            let text = value.text(faults)?;
            let url = url::Url::parse(text).ok();
            let is_ours = url.is_some_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.path().ends_with(&path)
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            match is_ours && text.len() <= MAX_REDIRECT {
                true => Some(text.to_owned()),
                false => {
                    let detail = format!(
                        "the address at which browsers reach this gateway belongs here, as it is registered in the console: it ends with `{path}`"
                    );
                    value.fault(FaultCode::InvalidValue, detail, faults)
                }
            }
        });
        Some(Wish {
            open_id: open_id?,
            scopes: scopes?,
            redirect: redirect?,
        })
    })
}

/// What is kept of a person's authorization.
pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let (installation, open_id) = path.into_inner();
    let (id, _) = bot(&api, &caller, &installation)?;
    let kept = api.settings.fleet.user_authorization(id, &open_id).await;
    let kept = kept.map_err(|error| refused(&error))?;
    let kept = kept.ok_or_else(|| refused(&UserAuthorizationError::Unknown))?;
    Ok(HttpResponse::Ok().json(AuthorizationDocument::from(kept)))
}

/// A token with which calls are made for the person.
pub(crate) async fn token(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::UserTokenGive;
    asked(&api, &caller, path, action, async |id, open_id| {
        let given = api.settings.fleet.user_access_token(id, open_id).await;
        let given = given.map_err(|error| refused(&error))?;
        let scopes: Vec<&str> = given.scopes.split_whitespace().collect();
        Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(json!({
                "access_token": given.token.expose_secret(),
                "until": time_text(given.until_ms),
                "scopes": scopes,
            })))
    })
    .await
}

/// Forgets what a person agreed to, with its tokens.
pub(crate) async fn remove(
    api: Data<Api>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let action = AuditAction::UserAuthorizationRemove;
    asked(&api, &caller, path, action, async |id, open_id| {
        let fleet = &api.settings.fleet;
        let removed = fleet.remove_user_authorization(id, open_id).await;
        match removed.map_err(|error| refused(&error))? {
            true => Ok(HttpResponse::NoContent().finish()),
            false => Err(refused(&UserAuthorizationError::Unknown)),
        }
    })
    .await
}

/// Does `work` for a person of a bot that the caller may know of, and writes into the audit what came of it.
async fn asked(
    api: &Api,
    caller: &Caller,
    path: Path<(String, String)>,
    action: AuditAction,
    work: impl AsyncFnOnce(InstallationId, &str) -> Result<HttpResponse, Problem>,
) -> Result<HttpResponse, Problem> {
    let (installation, open_id) = path.into_inner();
    let may_ask = audit::admit(api).and_then(|()| bot(api, caller, &installation));
    let outcome = match may_ask {
        Ok((id, _)) => work(id, &open_id).await,
        Err(refused) => Err(refused),
    };
    audit::keep(api, caller, action, &installation, &outcome);
    outcome
}

/// Why there is no authorization or token.
fn refused(error: &UserAuthorizationError) -> Problem {
    use UserAuthorizationError as E;
    let code = match error {
        E::UnknownInstallation => ProblemCode::NotFound,
        E::OtherPlatform => ProblemCode::OtherPlatform,
        E::Unknown | E::UnknownState => ProblemCode::NoAuthorization,
        E::Denied | E::OtherPerson | E::Ended { .. } => ProblemCode::AuthorizationEnded,
        E::NotRunning { .. } | E::Settings(_) | E::NoAnswer => ProblemCode::PlatformUnanswered,
        E::Platform(error) => match error.label() {
            "platform_busy" | "unreachable" | "unknown" => ProblemCode::PlatformUnanswered,
            _ => ProblemCode::PlatformRefused,
        },
        E::Read(_) | E::Write(_) | E::Seal(_) => ProblemCode::StoreUnavailable,
    };
    let problem = code.problem(chain(error));
    let problem = problem.with("reason", error.label());
    problem.with("next_step", error.next_step())
}
