//! Metrics of the consumers, over all of them: no label names one.

use std::collections::BTreeMap;
use std::fmt;

use longwire_consumer::Road;
use longwire_delivery::{ConsumerView, DeliveryFigures, LATENCY_EDGES_MS};

use super::families::Families;
use crate::consumers::state;

/// What the views of all consumers come to.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    /// How many there are, by road and state.
    pub(super) by_state: BTreeMap<(&'static str, &'static str), u64>,
    /// Deliveries that have not ended.
    pub(super) in_flight: usize,
    /// The most numbers of the log that one of them has not done.
    pub(super) lag_events_max: u64,
    /// The age of the oldest event in memory that is not done, in seconds.
    pub(super) lag_seconds_max: f64,
}

impl Consumers {
    pub(super) fn of(views: &[ConsumerView]) -> Self {
        let mut all = Self::default();
        for view in views {
            let road = match view.definition.road {
                Road::Webhook(_) => "webhook",
                Road::Pull => "pull",
                Road::Stream { .. } => "stream",
                Road::Relay(_) => "relay",
            };
            *all.by_state.entry((road, state(view).0)).or_default() += 1;
            let progress = &view.progress;
            all.in_flight += progress.in_flight;
            all.lag_events_max = all.lag_events_max.max(progress.lag_events);
            all.lag_seconds_max = all.lag_seconds_max.max(progress.lag.as_secs_f64());
        }
        all
    }
}

pub(super) fn write(
    consumers: &Consumers,
    figures: &DeliveryFigures,
    families: &mut Families<'_>,
) -> fmt::Result {
    write_consumers(consumers, families)?;
    write_attempts(figures, families)?;
    let edges = LATENCY_EDGES_MS.iter().map(|&ms| ms as f64 / 1e3);
    let edges = edges.chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = edges.zip(figures.latency).collect();
    families.histogram(
        "delivery_seconds",
        "From the record of an event to the end of the first attempt by which an application took it",
        figures.latency_sum_ms as f64 / 1e3,
        &buckets,
    )
}

fn write_consumers(consumers: &Consumers, families: &mut Families<'_>) -> fmt::Result {
    let states = consumers.by_state.iter();
    families.gauges_by(
        "consumers",
        "Consumers by road and state",
        ["road", "state"],
        states.map(|(&(road, state), &count)| ([road, state], count as f64)),
    )?;
    for (name, help, value) in [
        (
            "deliveries_in_flight",
            "Deliveries that have not ended",
            consumers.in_flight as f64,
        ),
        (
            "consumer_lag_events_max",
            "The most numbers of the log that one consumer has not done",
            consumers.lag_events_max as f64,
        ),
        (
            "consumer_lag_seconds_max",
            "The age of the oldest event that one consumer has in memory and has not done",
            consumers.lag_seconds_max,
        ),
    ] {
        families.gauge(name, help, value)?;
    }
    Ok(())
}

fn write_attempts(figures: &DeliveryFigures, families: &mut Families<'_>) -> fmt::Result {
    families.counters_by(
        "delivered_events",
        "Events that consumers are done with: an application took them, or they were given up or too old by policy",
        "outcome",
        [
            ("done", figures.done),
            ("given_up", figures.given_up),
            ("skipped", figures.skipped),
            ("gone", figures.gone),
        ],
    )?;
    families.counters_by(
        "delivery_attempts",
        "Attempts to deliver that ended",
        "outcome",
        [
            ("taken", figures.taken),
            ("refused", figures.refused),
            ("unreachable", figures.unreachable),
            ("no_answer", figures.no_answer),
            ("timed_out", figures.timed_out),
            ("other_status", figures.other_status),
            ("nacked", figures.nacked),
            ("expired", figures.expired),
        ],
    )?;
    families.counters(&[(
        "events_redelivered",
        "Events that were sent though an application may have had them",
        figures.redelivered,
    )])
}
