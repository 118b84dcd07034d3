//! What the errors of delivery mean to a caller.

use longwire_delivery::{
    AckError, ChangeError, ClaimError, ClaimedAnswerError, CreateError, EndpointRefused,
    EventsExpired, RelayTaken, RemoveError, ReplayError, RotateError, SeekError, SimulateError,
    SteerError, StreamError,
};
use longwire_listener::{FieldError, Problem};

use super::unknown;
use crate::events::foreign_event;
use crate::problem_code::ProblemCode;
use crate::store_calls::{chain, not_written};

fn unavailable(error: &dyn std::error::Error) -> Problem {
    ProblemCode::StoreUnavailable.problem(chain(error))
}

fn wrong_endpoint(error: &EndpointRefused) -> Problem {
    let detail = "the webhook cannot be posted to";
    ProblemCode::InvalidRequest
        .problem(detail)
        .with_error(FieldError {
            pointer: error.pointer().to_owned(),
            code: "invalid_value",
            detail: chain(error),
        })
}

fn relay_taken(error: &RelayTaken) -> Problem {
    let detail = "the consumer would never receive anything";
    ProblemCode::InvalidRequest
        .problem(detail)
        .with_error(FieldError {
            pointer: "/road".to_owned(),
            code: "conflict",
            detail: error.to_string(),
        })
}

/// The place is older than what is kept.
fn events_expired(expired: &EventsExpired) -> Problem {
    let problem = ProblemCode::EventsExpired.problem(expired.to_string());
    problem.with("oldest", expired.oldest.to_string())
}

pub(super) fn not_created(error: CreateError) -> Problem {
    match &error {
        CreateError::Endpoint(refused) => wrong_endpoint(refused),
        CreateError::RelayTaken(taken) => relay_taken(taken),
        CreateError::Read(_) => unavailable(&error),
        CreateError::Expired(expired) => events_expired(expired),
        CreateError::Store(error) => not_written(error),
    }
}

pub(super) fn not_changed(name: &str, error: ChangeError) -> Problem {
    match &error {
        ChangeError::Unknown => unknown(name),
        ChangeError::Outdated { .. } => ProblemCode::Outdated.problem(error.to_string()),
        ChangeError::OtherName | ChangeError::OtherRoad => {
            ProblemCode::OtherRoad.problem(error.to_string())
        }
        ChangeError::Endpoint(refused) => wrong_endpoint(refused),
        ChangeError::RelayTaken(taken) => relay_taken(taken),
        ChangeError::Store(error) => not_written(error),
        ChangeError::Seal(_) => unavailable(&error),
    }
}

pub(super) fn not_removed(name: &str, error: RemoveError) -> Problem {
    match &error {
        RemoveError::Unknown => unknown(name),
        RemoveError::Store(error) => not_written(error),
        RemoveError::Read(_) => unavailable(&error),
    }
}

pub(super) fn not_steered(name: &str, error: SteerError) -> Problem {
    match &error {
        SteerError::Unknown => unknown(name),
        SteerError::Store(error) => not_written(error),
        SteerError::Seal(_) => unavailable(&error),
    }
}

pub(super) fn not_rotated(name: &str, error: RotateError) -> Problem {
    match &error {
        RotateError::Unknown => unknown(name),
        RotateError::NoWebhook => ProblemCode::NoSecret.problem(error.to_string()),
        RotateError::Store(error) => not_written(error),
        RotateError::Seal(_) => unavailable(&error),
    }
}

pub(super) fn not_moved(name: &str, error: SeekError) -> Problem {
    match &error {
        SeekError::Unknown => unknown(name),
        SeekError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
        SeekError::Read(_) => unavailable(&error),
        SeekError::Expired(expired) => events_expired(expired),
        SeekError::NotDurable => ProblemCode::NotDurable.problem(error.to_string()),
    }
}

pub(super) fn not_claimed(name: &str, error: ClaimError) -> Problem {
    match &error {
        ClaimError::Unknown => unknown(name),
        ClaimError::OtherRoad => ProblemCode::WrongRoad.problem(error.to_string()),
        ClaimError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
    }
}

pub(super) fn not_acked(name: &str, error: AckError) -> Problem {
    match &error {
        AckError::Unknown => unknown(name),
        AckError::OtherRoad => ProblemCode::WrongRoad.problem(error.to_string()),
        AckError::ForeignEvent { .. } => foreign_event(),
        AckError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
        AckError::NotDurable => ProblemCode::NotDurable.problem(error.to_string()),
    }
}

pub(super) fn not_answered(name: &str, error: ClaimedAnswerError) -> Problem {
    match &error {
        ClaimedAnswerError::Unknown => unknown(name),
        ClaimedAnswerError::ForeignEvent { id } => {
            ProblemCode::NotFound.problem(format!("there is no event `{id}`"))
        }
        ClaimedAnswerError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
        ClaimedAnswerError::Refused { .. } => ProblemCode::AnswerRefused.problem(error.to_string()),
    }
}

pub(super) fn not_streamed(name: &str, error: StreamError) -> Problem {
    match &error {
        StreamError::Unknown => unknown(name),
        StreamError::OtherRoad => ProblemCode::WrongRoad.problem(error.to_string()),
        StreamError::ForeignEvent { .. } => foreign_event(),
        StreamError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
        StreamError::TooMany { most } => {
            let problem = ProblemCode::TooManyStreams.problem(error.to_string());
            problem.with("limit", *most)
        }
    }
}

pub(super) fn not_simulated(name: &str, error: SimulateError) -> Problem {
    match &error {
        SimulateError::Unknown => unknown(name),
        SimulateError::OtherRoad => ProblemCode::WrongRoad.problem(error.to_string()),
        SimulateError::NotRunning { .. } => ProblemCode::NotRunning.problem(error.to_string()),
        SimulateError::NoAnswer(_) => ProblemCode::WebhookUnanswered.problem(chain(&error)),
    }
}

pub(super) fn not_replayed(name: &str, error: ReplayError) -> Problem {
    match &error {
        ReplayError::Unknown => unknown(name),
        ReplayError::ForeignEvent { id } => {
            ProblemCode::NotFound.problem(format!("there is no event `{id}`"))
        }
        ReplayError::Nothing => ProblemCode::NothingThere.problem(error.to_string()),
        ReplayError::TooMany { .. } => ProblemCode::ReplayLimit.problem(error.to_string()),
        ReplayError::Read(_) => unavailable(&error),
        ReplayError::Expired(expired) => events_expired(expired),
        ReplayError::Store(error) => not_written(error),
    }
}
