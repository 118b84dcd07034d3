//! A bot gets a new secret, and the answer waits until the platform has taken it.
//!
//! ```text
//! connected       the new secret is tried on a second connection while the present one serves; a refused one is dropped
//! not connected   there is nothing to lose: it is the secret at once, and the bot is tried with it
//! ```

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Json, Path};
use longwire_access::AuditAction;
use longwire_consumer::{DefinitionFault, FaultCode};
use longwire_installation::{Desired, Platform, Revision};
use longwire_listener::{Caller, Problem};
use longwire_store::{CandidateState, InstallationRecord};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use super::change::{stored, view};
use super::retry::end_of_attempt;
use super::try_secret::try_waiting;
use crate::body::SecretBody;
use crate::problem_code::{ProblemCode, body_problem};
use crate::store_calls::write;
use crate::{Api, audit};

/// The longest time until the platform has said something: as long as a try of the secret may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How often the store is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A new secret that is the bot's from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
pub(crate) struct RotatedSecretDocument {
    /// `proved`: the platform took it while the former one served. `kept`: the bot was not connected, so it was used at once;
    /// `state` tells what came of it. `same`: it is the secret that the bot had.
    outcome: &'static str,
    /// The bot's state.
    state: Option<&'static str>,
    /// Why it is not live, by a stable name.
    reason: Option<String>,
    /// What to do about it.
    next_step: Option<String>,
    /// The number of its latest connection.
    generation: u64,
    /// How long the bot had no connection because of the change, in milliseconds. Only where it was `proved`.
    gap_ms: Option<u64>,
}

/// Sets the secret, and answers what came of it.
pub(crate) async fn rotate_secret(
    api: Data<Api>,
    caller: Caller,
    installation: Path<String>,
    body: Json<Value>,
) -> Result<HttpResponse, Problem> {
    let body = SecretBody(body.into_inner());
    let rotated = rotate_for(&api, &caller, &installation, &body).await;
    let action = AuditAction::InstallationChange;
    audit::keep_refusal(&api, &caller, action, &installation, &rotated);
    Ok(HttpResponse::Ok().json(rotated?))
}

async fn rotate_for(
    api: &Api,
    caller: &Caller,
    id_or_name: &str,
    body: &SecretBody,
) -> Result<RotatedSecretDocument, Problem> {
    audit::admit(api)?;
    let record = stored(api, caller, id_or_name).await?;
    is_a_secret_alone(&body.0, record.platform)?;
    let rules = &api.settings.installation_rules;
    let present = api.settings.fleet.present_secret(record.id);
    let change = rules.read_change(&body.0, &record, present);
    let change = change.map_err(|faults| body_problem(faults.all()))?;
    let action = AuditAction::InstallationChange;
    let store = audit::audited_store(api, caller, action, id_or_name);
    let id = record.id;
    let before = view(api, &record).map_or(0, |view| view.generation);
    let changed = write(move || store.change_installation(id, change)).await?;
    api.settings.fleet.reload();
    tracing::info!(installation = %record.public_id, name = %record.name, token = %caller.token, "secret rotated");
    if changed.revision == record.revision {
        return Ok(document(api, &record, "same", None));
    }
    match waiting(&changed) {
        Some(candidate) => proved(api, caller, &changed, candidate).await,
        None if changed.desired == Desired::Run && changed.mode.connects() => {
            end_of_attempt(api, &changed, before).await;
            Ok(document(api, &changed, "kept", None))
        }
        None => Ok(document(api, &changed, "kept", None)),
    }
}

/// Waits until the platform has taken the candidate, or not.
async fn proved(
    api: &Api,
    caller: &Caller,
    record: &InstallationRecord,
    candidate: Revision,
) -> Result<RotatedSecretDocument, Problem> {
    let id = record.public_id.to_string();
    if record.platform == Platform::Wecom {
        let tried = try_waiting(api, caller, &id).await?;
        return Ok(document(api, record, "proved", Some(tried.gap_ms)));
    }
    // Bots of Feishu and Lark try it by themselves.
    let end = Instant::now() + LONGEST;
    loop {
        let now = stored(api, caller, &id).await?;
        let Some(of_now) = now.candidate.as_deref() else {
            return Ok(document(api, &now, "proved", gap_ms(api, &now)));
        };
        if let CandidateState::Refused { reason } = &of_now.state
            && of_now.revision == candidate
        {
            let detail = format!("the new secret was refused: {reason}");
            let step = view(api, &now).and_then(|view| view.renewal?.next_step);
            let problem = ProblemCode::SecretRefused.problem(detail);
            return Err(problem.with("next_step", step.unwrap_or_default()));
        }
        if of_now.revision != candidate {
            let detail = "another new secret was set meanwhile";
            return Err(ProblemCode::TryGivenUp.problem(detail));
        }
        if Instant::now() >= end {
            let detail = "nothing is known of the new secret yet; the present one serves meanwhile";
            return Err(ProblemCode::TimedOut.problem(detail));
        }
        sleep(ASK_AGAIN).await;
    }
}

/// The candidate that waits.
fn waiting(record: &InstallationRecord) -> Option<Revision> {
    let candidate = record.candidate.as_deref()?;
    (candidate.state == CandidateState::Waiting).then_some(candidate.revision)
}

fn gap_ms(api: &Api, record: &InstallationRecord) -> Option<u64> {
    Some(view(api, record)?.renewal?.gap_ms)
}

fn document(
    api: &Api,
    record: &InstallationRecord,
    outcome: &'static str,
    gap_ms: Option<u64>,
) -> RotatedSecretDocument {
    let view = view(api, record);
    RotatedSecretDocument {
        outcome,
        state: view.as_ref().map(|view| view.state),
        generation: view.as_ref().map_or(0, |view| view.generation),
        reason: view.as_ref().and_then(|view| view.reason.clone()),
        next_step: view.and_then(|view| view.next_step),
        gap_ms,
    }
}

/// Refuses a body that would change anything else, or nothing.
fn is_a_secret_alone(body: &Value, platform: Platform) -> Result<(), Problem> {
    let key = match platform {
        Platform::Feishu | Platform::Lark => "app_secret",
        Platform::Wecom => "secret",
    };
    let Some(members) = body.as_object() else {
        // The reader of the change says so.
        return Ok(());
    };
    let missing = (!members.contains_key(key)).then(|| DefinitionFault {
        pointer: format!("/{key}"),
        code: FaultCode::Missing,
        detail: format!("`{key}` has to be there"),
    });
    let others = members.keys().filter(|name| *name != key);
    let unknown = others.map(|name| DefinitionFault {
        pointer: format!("/{name}"),
        code: FaultCode::UnknownMember,
        detail: format!("only `{key}` is known here"),
    });
    let faults: Vec<_> = missing.into_iter().chain(unknown).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(body_problem(&faults)),
    }
}
