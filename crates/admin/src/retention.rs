//! `/admin/v1/retention` and `/admin/v1/events/erase`: what is kept and what goes, and what a person wants to have erased.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use longwire_access::{AuditAction, Scope};
use longwire_installation::Origin;
use longwire_janitor::{EraseError, JanitorHandle, PersonId};
use longwire_listener::{Caller, Problem, Routes};
use longwire_store::{InstallationRetention, KeepRule, PayloadPolicy};
use serde::Deserialize;

use crate::document::{ErasedDocument, KeepDocument, RetentionDocument};
use crate::store_calls::{read, write};
use crate::{Admin, audit, owned};

/// The shortest time that events of a bot are kept, in milliseconds, and the smallest number of bytes.
const SHORTEST_MS: i64 = 60 * 60 * 1_000;
const FEWEST_BYTES: u64 = 1 << 20;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .get("/admin/v1/retention", Scope::AdminRead, show)
        .get(
            "/admin/v1/installations/{installation}/retention",
            Scope::InstallationsRead,
            show_of,
        )
        .post(
            "/admin/v1/installations/{installation}/retention",
            Scope::InstallationsWrite,
            set,
        )
        .post("/admin/v1/events/erase", Scope::AdminControl, erase)
}

fn janitor(admin: &Admin) -> Result<&JanitorHandle, Problem> {
    let janitor = admin.settings.janitor.as_ref();
    janitor.ok_or_else(|| Problem::not_found("no such resource"))
}

/// How retention does.
async fn show(admin: Data<Admin>, _: Caller) -> Result<Json<RetentionDocument>, Problem> {
    Ok(Json(RetentionDocument::from(&janitor(&admin)?.view())))
}

/// The rules of one installation.
async fn show_of(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
) -> Result<Json<KeepDocument>, Problem> {
    let record = owned::stored(&admin, &caller, &installation).await?;
    let store = admin.settings.store.clone();
    let state = read(move || store.reader().retention()).await?;
    let found = state
        .listed
        .iter()
        .find(|one| one.installation == record.id);
    let rules = found.map_or_else(InstallationRetention::default, |one| one.rules);
    Ok(Json(rules.into()))
}

/// The rules of one installation: all of them. What is absent has no bound of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesRequest {
    age_ms: Option<i64>,
    bytes: Option<u64>,
    events: Option<u64>,
    store: Option<String>,
}

impl RulesRequest {
    fn rules(&self) -> Result<InstallationRetention, Problem> {
        if self.age_ms.is_some_and(|age| age < SHORTEST_MS) {
            return Err(Problem::invalid("events are kept for an hour at least"));
        }
        if self.bytes.is_some_and(|bytes| bytes < FEWEST_BYTES) {
            return Err(Problem::invalid("bytes is at least 1048576"));
        }
        if self.events == Some(0) {
            return Err(Problem::invalid("events is at least 1"));
        }
        let payload = self
            .store
            .as_deref()
            .map_or(Some(PayloadPolicy::Full), PayloadPolicy::parse);
        Ok(InstallationRetention {
            keep: KeepRule {
                age_ms: self.age_ms,
                bytes: self.bytes,
                events: self.events,
            },
            payload: payload.ok_or_else(|| Problem::invalid("store is full or hash"))?,
        })
    }
}

async fn set(
    admin: Data<Admin>,
    caller: Caller,
    installation: Path<String>,
    request: Json<RulesRequest>,
) -> Result<Json<KeepDocument>, Problem> {
    let set = set_for(&admin, &caller, &installation, &request).await;
    let action = AuditAction::RetentionChange;
    audit::keep_refusal(&admin, &caller, action, &installation, &set);
    set.map(|rules| Json(rules.into()))
}

async fn set_for(
    admin: &Data<Admin>,
    caller: &Caller,
    installation: &str,
    request: &RulesRequest,
) -> Result<InstallationRetention, Problem> {
    // Before the body is looked at: who may not know of the installation learns nothing of it.
    let record = owned::stored(admin, caller, installation).await?;
    let rules = request.rules()?;
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    if record.origin == Origin::File {
        let detail = format!("`{}` is declared by the configuration file", record.name);
        return Err(Problem::conflict("declared_by_file", detail));
    }
    let subject = record.public_id.to_string();
    let store = audit::audited(admin, caller, AuditAction::RetentionChange, &subject);
    write(move || store.set_retention(record.id, rules)).await?;
    if let Some(janitor) = &admin.settings.janitor {
        janitor.look_again();
    }
    Ok(rules)
}

/// Who is to be erased.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseRequest {
    /// `open_id`, `union_id`, `user_id`, or WeCom's `userid`.
    person: String,
    /// Only in events of this installation, by id or name.
    installation: Option<String>,
    /// Count alone.
    #[serde(default)]
    dry_run: bool,
}

async fn erase(
    admin: Data<Admin>,
    caller: Caller,
    request: Json<EraseRequest>,
) -> Result<Json<ErasedDocument>, Problem> {
    let erased = erase_for(&admin, &caller, &request).await;
    if !request.dry_run {
        // The audit tells that and how many, and must not keep the id that was to be forgotten.
        let subject = match &erased {
            Ok(erased) => format!("{} events", erased.events),
            Err(_) => String::new(),
        };
        audit::keep(&admin, &caller, AuditAction::PersonErase, &subject, &erased);
    }
    erased.map(Json)
}

async fn erase_for(
    admin: &Data<Admin>,
    caller: &Caller,
    request: &EraseRequest,
) -> Result<ErasedDocument, Problem> {
    let janitor = janitor(admin)?;
    let person: PersonId = request
        .person
        .parse()
        .map_err(|error: longwire_janitor::PersonIdError| Problem::invalid(error.to_string()))?;
    admin.settings.draining.refuse()?;
    audit::has_room(admin)?;
    let installation = match &request.installation {
        Some(name) => Some(owned::stored(admin, caller, name).await?.id),
        // All spaces' events are looked through.
        None if caller.is_gateway_wide() => None,
        None => {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "token_narrowed",
                "name an installation, or use a token that is for the whole gateway",
            ));
        }
    };
    let erased = janitor.erase(&person, installation, request.dry_run).await;
    let erased = erased.map_err(|error| refused(&error))?;
    if !request.dry_run {
        tracing::info!(events = erased.events, token = %caller.token, "what names a person was erased");
    }
    Ok(ErasedDocument::of(&erased, request.dry_run))
}

fn refused(error: &EraseError) -> Problem {
    match error {
        EraseError::Busy => Problem::conflict("erasure_under_way", error.to_string()),
        EraseError::Read(_) | EraseError::Write(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            longwire_fleet::setback::chain(error),
        ),
    }
}
