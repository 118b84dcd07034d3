//! A new secret is tried at the moment that an operator chose.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use longwire_access::AuditAction;
use longwire_fleet::{SecretTried, TrySecretError};
use longwire_listener::{Caller, Problem};
use longwire_store::{CandidateState, InstallationRecord};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use super::change::stored;
use crate::problem_code::ProblemCode;
use crate::{Api, audit};

/// A secret that was set a moment ago may not have come to the installation yet, which reads its row when it is told to. So
/// long it is waited for.
const ROW_COMES_WITHIN: Duration = Duration::from_secs(5);
/// How often it is asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A new secret that the platform took, and that is used from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TriedSecret)]
pub(crate) struct TriedSecretDocument {
    /// The number of the connection that serves with it.
    generation: u64,
    /// How long the bot had no connection, in milliseconds.
    gap_ms: u64,
}

impl From<SecretTried> for TriedSecretDocument {
    fn from(tried: SecretTried) -> Self {
        Self {
            generation: tried.generation,
            gap_ms: tried.gap_ms,
        }
    }
}

/// Tries the new secret that waits, and answers what came of it.
pub(crate) async fn try_secret(
    api: Data<Api>,
    caller: Caller,
    installation: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tried = try_for(&api, &caller, &installation).await;
    let action = AuditAction::InstallationTry;
    audit::keep(&api, &caller, action, &installation, &tried);
    let document = TriedSecretDocument::from(tried?);
    Ok(HttpResponse::Ok().json(document))
}

async fn try_for(api: &Api, caller: &Caller, id_or_name: &str) -> Result<SecretTried, Problem> {
    audit::admit(api)?;
    try_waiting(api, caller, id_or_name).await
}

/// Tries the new secret that waits, for a caller whose change is admitted.
pub(super) async fn try_waiting(
    api: &Api,
    caller: &Caller,
    id_or_name: &str,
) -> Result<SecretTried, Problem> {
    let end = Instant::now() + ROW_COMES_WITHIN;
    loop {
        let record = stored(api, caller, id_or_name).await?;
        let id = record.public_id.to_string();
        match api.settings.fleet.try_secret(&id).await {
            Ok(tried) => {
                let SecretTried { generation, gap_ms } = tried;
                tracing::info!(name = %record.name, installation = %id, generation, gap_ms, token = %caller.token, "new secret tried");
                return Ok(tried);
            }
            Err(TrySecretError::NoCandidate) if waits(&record) && Instant::now() < end => {
                sleep(ASK_AGAIN).await;
            }
            Err(error) => return Err(refused(&error)),
        }
    }
}

/// Whether the store has a new secret that waits.
fn waits(record: &InstallationRecord) -> bool {
    let candidate = record.candidate.as_deref();
    candidate.is_some_and(|candidate| candidate.state == CandidateState::Waiting)
}

/// Why the new secret is not in use.
fn refused(error: &TrySecretError) -> Problem {
    let code = match error {
        TrySecretError::UnknownInstallation => ProblemCode::UnknownInstallation,
        TrySecretError::NoCandidate => ProblemCode::NoNewSecret,
        TrySecretError::NotConnected { .. } => ProblemCode::NotConnected,
        TrySecretError::Refused { .. } => ProblemCode::SecretRefused,
        TrySecretError::Failed { .. } => ProblemCode::SecretNotTried,
        TrySecretError::GivenUp => ProblemCode::TryGivenUp,
        TrySecretError::TimedOut => ProblemCode::TimedOut,
    };
    let problem = code.problem(error.to_string());
    problem.with("next_step", error.advice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_code_of_its_label() {
        let reason = String::from("853000");
        for (error, status) in [
            (TrySecretError::UnknownInstallation, 404),
            (TrySecretError::NoCandidate, 409),
            (TrySecretError::NotConnected { state: "queued" }, 503),
            (
                TrySecretError::Refused {
                    reason: reason.clone(),
                    next_step: "look",
                },
                409,
            ),
            (TrySecretError::Failed { reason }, 502),
            (TrySecretError::GivenUp, 409),
            (TrySecretError::TimedOut, 504),
        ] {
            let problem = refused(&error);
            assert_eq!(problem.code(), error.label());
            let code = ProblemCode::find(problem.code()).expect("it has a page");
            assert_eq!(code.status().as_u16(), status, "{error}");
        }
    }
}
