//! A batch and its outcomes as bytes.

use bytes::Bytes;
use bytestring::ByteString;
use longwire_installation::{InstallationId, Platform};
use longwire_wire::event::{NewEvent, Seq, Source};
use longwire_wire::identity::{EventKey, Identity, Tier};
use prost::Message;

use crate::cause::{Cause, Failure};
use crate::group::EventOwner;
use crate::receipt::{EventOutcome, RecordOutcome};

/// Bytes that are no batch, or no outcomes, of this version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotUnderstood {
    /// The encoding is broken.
    #[error("the bytes are broken")]
    Broken(#[from] prost::DecodeError),
    /// A field has a value that this version does not know.
    #[error("the field `{0}` has an unknown value")]
    Field(&'static str),
    /// There are more or fewer outcomes than events.
    #[error("{found} outcomes for {events} events")]
    Count {
        /// Outcomes.
        found: usize,
        /// Events of the batch.
        events: usize,
    },
}

/// A batch.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchBytes {
    #[prost(message, repeated, tag = "1")]
    groups: Vec<GroupBytes>,
}

#[derive(Clone, PartialEq, Message)]
struct GroupBytes {
    #[prost(int64, tag = "1")]
    installation: i64,
    /// The platform's word; none of events that are nobody's.
    #[prost(string, optional, tag = "2")]
    platform: Option<String>,
    #[prost(message, repeated, tag = "3")]
    events: Vec<EventBytes>,
}

#[derive(Clone, PartialEq, Message)]
struct EventBytes {
    #[prost(bytes = "vec", tag = "1")]
    event_key: Vec<u8>,
    #[prost(bytes = "vec", optional, tag = "2")]
    message_key: Option<Vec<u8>>,
    #[prost(string, optional, tag = "3")]
    event_id: Option<String>,
    #[prost(string, optional, tag = "4")]
    event_type: Option<String>,
    #[prost(string, optional, tag = "5")]
    chat: Option<String>,
    #[prost(string, tag = "6")]
    source: String,
    #[prost(int64, tag = "7")]
    received_ms: i64,
    #[prost(int64, optional, tag = "8")]
    created_ms: Option<i64>,
    #[prost(string, optional, tag = "9")]
    trace_id: Option<String>,
    #[prost(bytes = "bytes", tag = "10")]
    payload: Bytes,
}

/// What became of a batch.
#[derive(Clone, PartialEq, Message)]
struct AnswerBytes {
    /// The sender lets go of the database and records nothing more.
    #[prost(bool, tag = "1")]
    has_ended: bool,
    #[prost(message, optional, tag = "2")]
    failure: Option<FailureBytes>,
    #[prost(message, repeated, tag = "3")]
    outcomes: Vec<OutcomeBytes>,
}

#[derive(Clone, PartialEq, Message)]
struct FailureBytes {
    #[prost(string, tag = "1")]
    cause: String,
    #[prost(string, tag = "2")]
    detail: String,
}

#[derive(Clone, PartialEq, Message)]
struct OutcomeBytes {
    #[prost(message, optional, tag = "1")]
    recorded: Option<RecordedBytes>,
    /// The words of the rule that refused it.
    #[prost(string, optional, tag = "2")]
    poison: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct RecordedBytes {
    #[prost(int64, tag = "1")]
    seq: i64,
    /// By which key it was recognized, if it is a repeat.
    #[prost(string, optional, tag = "2")]
    tier: Option<String>,
}

/// What became of a batch, as the process that has the database answers it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All of it is durable; an outcome for each event.
    Recorded(Vec<EventOutcome>),
    /// Nothing of it counts as recorded.
    Failed(Failure),
    /// The database is let go of.
    Ended,
}

/// The bytes of a batch.
pub(crate) fn encode_batch<'a>(
    groups: impl Iterator<Item = (EventOwner, &'a [NewEvent])>,
) -> Vec<u8> {
    let groups = groups.map(|(owner, events)| GroupBytes {
        installation: owner.installation.0,
        platform: owner.platform.map(|platform| platform.label().to_owned()),
        events: events.iter().map(event_bytes).collect(),
    });
    BatchBytes {
        groups: groups.collect(),
    }
    .encode_to_vec()
}

/// The groups of a batch. The tickets of their events count from zero over the whole batch.
pub(crate) fn decode_batch(
    bytes: &[u8],
) -> Result<Vec<(EventOwner, Vec<NewEvent>)>, NotUnderstood> {
    // Payloads share one allocation.
    let batch = BatchBytes::decode(Bytes::copy_from_slice(bytes))?;
    let mut tickets = 0..;
    let groups = batch.groups.into_iter().map(|group| {
        let platform = group
            .platform
            .map(|label| Platform::parse(&label).ok_or(NotUnderstood::Field("platform")));
        let owner = EventOwner {
            installation: InstallationId(group.installation),
            platform: platform.transpose()?,
        };
        // The range has no end.
        let events = group.events.into_iter().zip(&mut tickets);
        let events = events.map(|(event, ticket)| new_event(event, ticket));
        Ok((owner, events.collect::<Result<_, _>>()?))
    });
    groups.collect()
}

fn event_bytes(event: &NewEvent) -> EventBytes {
    let text = |text: &Option<ByteString>| text.as_ref().map(ToString::to_string);
    EventBytes {
        event_key: event.identity.event.0.to_vec(),
        message_key: event.identity.message.map(|key| key.0.to_vec()),
        event_id: text(&event.event_id),
        event_type: text(&event.event_type),
        chat: text(&event.chat),
        source: event.source.label().to_owned(),
        received_ms: event.received_ms,
        created_ms: event.created_ms,
        trace_id: text(&event.trace_id),
        payload: event.payload.clone(),
    }
}

fn new_event(event: EventBytes, ticket: u32) -> Result<NewEvent, NotUnderstood> {
    let key = |bytes: Vec<u8>, field| {
        let key = bytes.try_into().map_err(|_| NotUnderstood::Field(field));
        key.map(EventKey)
    };
    let message = event.message_key.map(|bytes| key(bytes, "message_key"));
    Ok(NewEvent {
        ticket,
        identity: Identity {
            event: key(event.event_key, "event_key")?,
            message: message.transpose()?,
        },
        event_id: event.event_id.map(ByteString::from),
        event_type: event.event_type.map(ByteString::from),
        chat: event.chat.map(ByteString::from),
        source: Source::parse(&event.source).ok_or(NotUnderstood::Field("source"))?,
        received_ms: event.received_ms,
        created_ms: event.created_ms,
        trace_id: event.trace_id.map(ByteString::from),
        payload: event.payload,
    })
}

/// The bytes of an answer.
pub(crate) fn encode_answer(answer: &Answer) -> Vec<u8> {
    let answer = match answer {
        Answer::Recorded(outcomes) => AnswerBytes {
            outcomes: outcomes.iter().map(outcome_bytes).collect(),
            ..AnswerBytes::default()
        },
        Answer::Failed(failure) => AnswerBytes {
            failure: Some(FailureBytes {
                cause: failure.cause.label().to_owned(),
                detail: failure.detail.clone(),
            }),
            ..AnswerBytes::default()
        },
        Answer::Ended => AnswerBytes {
            has_ended: true,
            ..AnswerBytes::default()
        },
    };
    answer.encode_to_vec()
}

/// The answer to a batch of so many events.
pub(crate) fn decode_answer(bytes: &[u8], events: usize) -> Result<Answer, NotUnderstood> {
    let answer = AnswerBytes::decode(bytes)?;
    if answer.has_ended {
        return Ok(Answer::Ended);
    }
    if let Some(failure) = answer.failure {
        // A cause of another version is some cause.
        let cause = Cause::parse(&failure.cause).unwrap_or(Cause::Other);
        return Ok(Answer::Failed(Failure::new(cause, failure.detail)));
    }
    let found = answer.outcomes.len();
    if found != events {
        return Err(NotUnderstood::Count { found, events });
    }
    let outcomes = answer.outcomes.into_iter().map(event_outcome);
    Ok(Answer::Recorded(outcomes.collect::<Result<_, _>>()?))
}

fn outcome_bytes(outcome: &EventOutcome) -> OutcomeBytes {
    let recorded = |seq: Seq, tier: Option<Tier>| OutcomeBytes {
        recorded: Some(RecordedBytes {
            seq: seq.0,
            tier: tier.map(|tier| tier.label().to_owned()),
        }),
        poison: None,
    };
    match outcome {
        EventOutcome::Recorded(RecordOutcome::Recorded(seq)) => recorded(*seq, None),
        EventOutcome::Recorded(RecordOutcome::Repeat { of, tier }) => recorded(*of, Some(*tier)),
        EventOutcome::Poison(rule) => OutcomeBytes {
            recorded: None,
            poison: Some(rule.clone()),
        },
    }
}

fn event_outcome(outcome: OutcomeBytes) -> Result<EventOutcome, NotUnderstood> {
    match (outcome.recorded, outcome.poison) {
        (Some(RecordedBytes { seq, tier }), None) if seq > 0 => {
            let seq = Seq(seq);
            Ok(EventOutcome::Recorded(match tier.as_deref() {
                None => RecordOutcome::Recorded(seq),
                Some(label) => {
                    let tiers = [Tier::EventId, Tier::Message];
                    let tier = tiers.into_iter().find(|tier| tier.label() == label);
                    let tier = tier.ok_or(NotUnderstood::Field("tier"))?;
                    RecordOutcome::Repeat { of: seq, tier }
                }
            }))
        }
        (None, Some(rule)) => Ok(EventOutcome::Poison(rule)),
        _ => Err(NotUnderstood::Field("recorded")),
    }
}
