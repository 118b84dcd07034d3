//! `/v1/events/{event}/journey`: what happened to an event, from the platform to each application.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_consumer::{EventId, Expansions, envelope_type, time_text};
use longwire_delivery::JourneyError;
use longwire_listener::{Caller, Problem};
use longwire_store::{DeliveryAttempt, DeliveryOutcome, EventRecord, Happening, JourneyRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, seq_of};
use crate::Api;
use crate::problem_code::ProblemCode;
use crate::query::QueryReader;
use crate::store_calls::{chain, read};

/// What happened to an event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JourneyDocument {
    /// The event.
    #[schema(value_type = String)]
    id: String,
    /// The attribute `type` of its envelope.
    r#type: String,
    /// When the platform says it happened.
    created: Option<String>,
    /// When longwire had the whole of it. It was recorded within milliseconds, and acknowledged only then.
    received: String,
    /// How often the platform pushed it again. Repeats are recognized and not recorded.
    repeats: u64,
    /// When the platform last pushed it again.
    last_repeat: Option<String>,
    /// What happened since, oldest first. Best effort: under overload steps are dropped.
    steps: Vec<StepDocument>,
}

/// One step of a journey.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepDocument {
    /// When; of an attempt, when it began.
    at: String,
    /// `acknowledged`, `attempt`, `reply_sent`, `reply_failed`, `card_answered`, `card_defaulted` or `given_up`.
    what: &'static str,
    /// The consumer that had a part in it. `null` for none, and for one that was removed.
    consumer: Option<String>,
    /// How long it took, or how long after the event had come it happened, in milliseconds.
    duration_ms: Option<f64>,
    /// Of an attempt: which try it was, from 1. Of what was given up: how many tries there were.
    attempt: Option<u32>,
    /// Of an attempt: `status`, `acked`, `nacked`, `lapsed`, or the reason why there was no answer.
    outcome: Option<&'static str>,
    /// Of an attempt over a webhook: the HTTP status.
    status: Option<u16>,
    /// Of an attempt over pull, stream or relay: the reader, as it calls itself.
    reader: Option<String>,
    /// Of an attempt: the beginning of what the application answered, as text.
    answer: Option<String>,
    /// The same where it is no text, in base64.
    answer_base64: Option<String>,
    /// Of an attempt: how many bytes the answer had.
    answer_bytes: Option<u64>,
    /// Why, for people.
    detail: Option<String>,
}

#[expect(clippy::cast_precision_loss, reason = "2^53 µs are 285 years")]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

impl StepDocument {
    fn new(at_ms: i64, what: &'static str) -> Self {
        Self {
            at: time_text(at_ms),
            what,
            consumer: None,
            duration_ms: None,
            attempt: None,
            outcome: None,
            status: None,
            reader: None,
            answer: None,
            answer_base64: None,
            answer_bytes: None,
            detail: None,
        }
    }

    /// As it is kept. `consumer` is the name of the one that had a part in it.
    pub(crate) fn of(record: &JourneyRecord, consumer: Option<String>) -> Self {
        let at_ms = record.step.at_ms;
        let mut step = match &record.step.what {
            Happening::Attempt(attempt) => Self::attempt(at_ms, attempt),
            Happening::Acknowledged { after_us } => Self {
                duration_ms: Some(ms(*after_us)),
                ..Self::new(at_ms, "acknowledged")
            },
            Happening::ReplySent => Self::new(at_ms, "reply_sent"),
            Happening::ReplyFailed { detail } => Self {
                detail: Some(detail.clone()),
                ..Self::new(at_ms, "reply_failed")
            },
            Happening::CardAnswered { after_us } => Self {
                duration_ms: Some(ms(*after_us)),
                ..Self::new(at_ms, "card_answered")
            },
            Happening::CardDefaulted { detail } => Self {
                detail: Some(detail.clone()),
                ..Self::new(at_ms, "card_defaulted")
            },
            Happening::GaveUp { attempts } => Self {
                attempt: Some(*attempts),
                ..Self::new(at_ms, "given_up")
            },
        };
        step.consumer = consumer;
        step
    }

    fn attempt(at_ms: i64, attempt: &DeliveryAttempt) -> Self {
        let (outcome, status, reader) = match &attempt.outcome {
            DeliveryOutcome::Status(status) => ("status", Some(*status), None),
            DeliveryOutcome::Failed(failure) => (failure.label(), None, None),
            DeliveryOutcome::Acked { reader } => ("acked", None, Some(reader.clone())),
            DeliveryOutcome::Nacked { reader } => ("nacked", None, Some(reader.clone())),
            DeliveryOutcome::Lapsed { reader } => ("lapsed", None, Some(reader.clone())),
        };
        let bytes = &attempt.answer.bytes;
        let (text, base64) = match std::str::from_utf8(bytes) {
            _ if bytes.is_empty() => (None, None),
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(bytes))),
        };
        Self {
            duration_ms: Some(ms(attempt.duration_us)),
            attempt: Some(attempt.number),
            outcome: Some(outcome),
            status,
            reader: reader.filter(|reader| !reader.is_empty()),
            answer: text,
            answer_base64: base64,
            answer_bytes: status.map(|_| attempt.answer.total_bytes),
            ..Self::new(at_ms, "attempt")
        }
    }
}

impl JourneyDocument {
    fn new(id: EventId, event: &EventRecord, steps: Vec<StepDocument>) -> Self {
        Self {
            id: id.to_string(),
            r#type: envelope_type(event.platform, event.event_type.as_deref()),
            created: event.created_ms.map(time_text),
            received: time_text(event.received_ms),
            repeats: event.repeats,
            last_repeat: event.last_repeat_ms.map(time_text),
            steps,
        }
    }
}

/// The journey of an event that the caller may see.
pub(crate) async fn show(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    event: Path<String>,
) -> Result<Json<JourneyDocument>, Problem> {
    QueryReader::of(request.query_string()).finish()?;
    let id = find(&api, &caller, &event, Expansions::NONE).await?.id;
    let missing = || ProblemCode::NotFound.problem(format!("there is no event `{event}`"));
    let seq = seq_of(&api, id).ok_or_else(missing)?;
    let store = api.settings.store.clone();
    let record = read(move || store.reader().event(seq)).await?;
    let record = record.ok_or_else(missing)?;
    let deliveries = &api.settings.deliveries;
    let steps = deliveries
        .journey(&caller.space, id)
        .await
        .map_err(not_shown)?;
    let steps = steps.iter().map(|step| {
        let consumer = step.consumer;
        let consumer = consumer.and_then(|id| deliveries.name_of(&caller.space, id));
        StepDocument::of(step, consumer)
    });
    Ok(Json(JourneyDocument::new(id, &record, steps.collect())))
}

/// Why a journey is not shown.
pub(crate) fn not_shown(error: JourneyError) -> Problem {
    match error {
        JourneyError::Unknown => ProblemCode::NotFound.problem(error.to_string()),
        JourneyError::Read(_) => ProblemCode::StoreUnavailable.problem(chain(&error)),
        JourneyError::Ended => ProblemCode::DeliveryEnded.problem(error.to_string()),
    }
}
