//! The whole fleet in one look.

use std::collections::BTreeMap;

use longwire_api::timestamp::{serialize_ms, serialize_optional_ms};
use longwire_fleet::{
    AnswerTotals, CardTotals, ConnectionLimitView, ConnectionTotals, EventTotals, Overview,
    Quantiles, StoreView,
};
use longwire_store::DiskConcern;
use serde::{Serialize, Serializer};

/// `GET /overview`, and each message of `GET /feed`. The fields are described with [`Overview`].
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct OverviewDocument(#[serde(with = "OverviewFields")] pub Overview);

#[derive(Serialize)]
#[serde(remote = "Overview")]
struct OverviewFields {
    #[serde(rename = "started", serialize_with = "serialize_ms")]
    started_ms: i64,
    #[serde(rename = "now", serialize_with = "serialize_ms")]
    now_ms: i64,
    installations: u64,
    by_state: BTreeMap<&'static str, u64>,
    overloaded: u64,
    alarms: u64,
    actors: BTreeMap<&'static str, u64>,
    #[serde(with = "EventFields")]
    events: EventTotals,
    #[serde(with = "AnswerFields")]
    answers: AnswerTotals,
    #[serde(with = "CardFields")]
    cards: CardTotals,
    callbacks: BTreeMap<&'static str, u64>,
    #[serde(with = "ConnectionFields")]
    connections: ConnectionTotals,
    malformed: BTreeMap<&'static str, u64>,
    #[serde(with = "QuantileFields")]
    ack_latency_us: Quantiles,
    #[serde(with = "QuantileFields")]
    record_latency_us: Quantiles,
    #[serde(with = "QuantileFields")]
    card_latency_us: Quantiles,
    #[serde(with = "QuantileFields")]
    callback_latency_us: Quantiles,
    #[serde(with = "StoreFields")]
    store: StoreView,
    #[serde(with = "ConnectionLimitFields")]
    connection_limit: ConnectionLimitView,
    draining: bool,
}

#[derive(Serialize)]
#[serde(remote = "EventTotals")]
struct EventFields {
    received: u64,
    recorded: u64,
    repeats_by_event_id: u64,
    repeats_by_message: u64,
    unparsed: u64,
    unparsed_dropped: u64,
    assembled: u64,
}

#[derive(Serialize)]
#[serde(remote = "AnswerTotals")]
struct AnswerFields {
    acked: u64,
    refused: u64,
    refused_late: u64,
    shed: u64,
    late_receipts: u64,
    orphaned_receipts: u64,
    unrecorded: u64,
}

#[derive(Serialize)]
#[serde(remote = "CardTotals")]
struct CardFields {
    asked: u64,
    answered: u64,
    defaulted: u64,
    late: u64,
}

#[derive(Serialize)]
#[serde(remote = "ConnectionTotals")]
struct ConnectionFields {
    attempts: u64,
    opened: u64,
    lost: u64,
    reconnects: u64,
    renewed: u64,
    renewals_failed: u64,
    silent: u64,
    left_unread: u64,
    panics: u64,
}

#[derive(Serialize)]
#[serde(remote = "ConnectionLimitView")]
struct ConnectionLimitFields {
    limit: Option<u64>,
    held: u64,
    waiting: u64,
}

#[derive(Serialize)]
#[serde(remote = "Quantiles")]
struct QuantileFields {
    count: u64,
    p50: u64,
    p99: u64,
    max: u64,
}

#[derive(Serialize)]
#[serde(remote = "StoreView")]
struct StoreFields {
    state: &'static str,
    cause: Option<&'static str>,
    detail: Option<String>,
    advice: Option<&'static str>,
    #[serde(rename = "since", serialize_with = "serialize_optional_ms")]
    since_ms: Option<i64>,
    queue: u64,
    queue_high_water: u64,
    commits: u64,
    notes_dropped: u64,
    #[serde(serialize_with = "concerns")]
    concerns: Vec<DiskConcern>,
}

/// A concern as clients read it.
#[derive(Serialize)]
struct ConcernFields {
    concern: &'static str,
    detail: &'static str,
    advice: &'static str,
}

fn concerns<S: Serializer>(concerns: &[DiskConcern], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(concerns.iter().map(|concern| ConcernFields {
        concern: concern.label(),
        detail: concern.text(),
        advice: concern.advice(),
    }))
}
