//! A bot that waits is tried now, and the answer waits for the end of the attempt.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use longwire_access::AuditAction;
use longwire_fleet::{InstallationView, RetryError};
use longwire_installation::Desired;
use longwire_listener::{Caller, Problem};
use longwire_store::InstallationRecord;
use tokio::time::{Instant, sleep};

use super::change::{stored, view};
use super::shown;
use crate::problem_code::ProblemCode;
use crate::store_calls::{not_written, write};
use crate::{Api, audit};

/// So long the end of an attempt is waited for: its turn among other bots, the bootstrap or the dial, the subscription. After
/// that the attempt goes on, and the answer has the state that it is in.
const ATTEMPT_ENDS_WITHIN: Duration = Duration::from_secs(20);
/// How often the bot's state is looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Tries it now, and answers with the bot as it is afterwards.
pub(crate) async fn retry(
    api: Data<Api>,
    caller: Caller,
    installation: Path<String>,
) -> Result<HttpResponse, Problem> {
    let tried = retry_for(&api, &caller, &installation).await;
    let action = AuditAction::InstallationRetry;
    audit::keep(&api, &caller, action, &installation, &tried);
    let (record, view) = tried?;
    Ok(shown(&record, view))
}

async fn retry_for(
    api: &Api,
    caller: &Caller,
    id_or_name: &str,
) -> Result<(InstallationRecord, Option<InstallationView>), Problem> {
    audit::admit(api)?;
    let record = stored(api, caller, id_or_name).await?;
    let id = record.public_id.to_string();
    let read_again = (api.settings.read_again)(record.id).await;
    read_again.map_err(|error| not_written(&error))?;
    let before = view(api, &record);
    match api.settings.fleet.retry(&id) {
        Ok(()) => {}
        Err(RetryError::Displaced) => take_back(api, caller, &record).await?,
        Err(error) => return Err(refused(error)),
    }
    tracing::info!(installation = %id, name = %record.name, token = %caller.token, "tried at once");
    let generation = before.map_or(0, |before| match has_settled(&before) {
        true if before.state == "live" => 0,
        true => before.generation,
        // The attempt under way is the one that is waited for.
        false => before.generation.saturating_sub(1),
    });
    let view = end_of_attempt(api, &record, generation).await;
    let record = stored(api, caller, &id).await?;
    Ok((record, view))
}

/// Whoever tries a displaced bot wants it, whoever else has it: the same as to start it.
async fn take_back(api: &Api, caller: &Caller, record: &InstallationRecord) -> Result<(), Problem> {
    let action = AuditAction::InstallationStart;
    let store = audit::audited_store(api, caller, action, &record.public_id.to_string());
    let id = record.id;
    write(move || store.set_desired(id, Desired::Run)).await?;
    api.settings.fleet.reload();
    Ok(())
}

/// The bot once an attempt after this generation has ended, or when it takes too long.
pub(super) async fn end_of_attempt(
    api: &Api,
    record: &InstallationRecord,
    generation: u64,
) -> Option<InstallationView> {
    let end = Instant::now() + ATTEMPT_ENDS_WITHIN;
    loop {
        let view = view(api, record);
        let has_ended = view
            .as_ref()
            .is_none_or(|view| view.generation > generation && has_settled(view));
        if has_ended || Instant::now() >= end {
            return view;
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Whether no attempt is under way.
fn has_settled(view: &InstallationView) -> bool {
    !matches!(view.state, "queued" | "bootstrapping" | "dialing")
}

/// Why it is not tried.
fn refused(error: RetryError) -> Problem {
    let code = match error {
        RetryError::UnknownInstallation => ProblemCode::UnknownInstallation,
        RetryError::Stopped => ProblemCode::NotWanted,
        RetryError::Webhook => ProblemCode::NoConnectionWanted,
        RetryError::Displaced => ProblemCode::Displaced,
    };
    let problem = code.problem(error.to_string());
    problem.with("next_step", error.advice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_code_of_its_label() {
        for error in [
            RetryError::UnknownInstallation,
            RetryError::Stopped,
            RetryError::Webhook,
            RetryError::Displaced,
        ] {
            assert_eq!(refused(error).code(), error.label());
        }
    }
}
