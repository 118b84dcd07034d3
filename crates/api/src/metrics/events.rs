//! Metrics of events and of the answers to them.

use std::fmt;

use longwire_fleet::{Overview, Quantiles};

use super::families::Families;

pub(super) fn write(overview: &Overview, families: &mut Families<'_>) -> fmt::Result {
    write_events(overview, families)?;
    write_answers(overview, families)?;
    write_cards(overview, families)?;
    write_callbacks(overview, families)?;
    families.gauges_by(
        "ack_seconds",
        "From the read of an event's last byte to its ACK, since the start",
        ["quantile"],
        quantiles(&overview.ack_latency_us),
    )?;
    families.gauges_by(
        "record_seconds",
        "From the read of an event's last byte until it is durable, where the platform asks for no ACK, since the start",
        ["quantile"],
        quantiles(&overview.record_latency_us),
    )?;
    families.gauges_by(
        "card_seconds",
        "From the read of a card event's last byte to its answer, where an application claims it, since the start",
        ["quantile"],
        quantiles(&overview.card_latency_us),
    )
}

fn write_events(overview: &Overview, families: &mut Families<'_>) -> fmt::Result {
    let events = &overview.events;
    families.counters(&[
        (
            "events_received",
            "Whole events read, repeats included",
            events.received,
        ),
        (
            "events_recorded",
            "Events that were new and are durable",
            events.recorded,
        ),
    ])?;
    families.counters_by(
        "events_repeated",
        "Repeats recognized, by the key that told",
        "key",
        [
            ("event_id", events.repeats_by_event_id),
            ("message", events.repeats_by_message),
        ],
    )?;
    families.counters(&[
        (
            "events_unparsed",
            "Events recorded although their payload was not understood",
            events.unparsed,
        ),
        (
            "events_unparsed_dropped",
            "Frames not understood and not recorded: more than is kept of such for one bot and hour",
            events.unparsed_dropped,
        ),
        (
            "events_assembled",
            "Split pushes put together",
            events.assembled,
        ),
        (
            "events_unrecorded",
            "Events read that are lost, where the platform sends none again",
            overview.answers.unrecorded,
        ),
    ])
}

fn write_answers(overview: &Overview, families: &mut Families<'_>) -> fmt::Result {
    let answers = &overview.answers;
    families.counters_by(
        "answers",
        "Answers to the platform",
        "outcome",
        [
            ("acked", answers.acked),
            ("refused", answers.refused),
            ("refused_late", answers.refused_late),
            ("shed", answers.shed),
        ],
    )?;
    families.gauge(
        "overloaded",
        "Installations to which more came lately than could be recorded in time",
        overview.overloaded as f64,
    )?;
    families.gauge(
        "alarms",
        "Installations whose last five attempts or more failed",
        overview.alarms as f64,
    )?;
    families.counters(&[(
        "orphaned_receipts",
        "Receipts whose connection was gone",
        answers.orphaned_receipts,
    )])?;
    let malformed = overview.malformed.iter();
    families.counters_by(
        "malformed",
        "Input that was not understood",
        "kind",
        malformed.map(|(&kind, &count)| (kind, count)),
    )
}

fn write_cards(overview: &Overview, families: &mut Families<'_>) -> fmt::Result {
    let cards = &overview.cards;
    families.counters(&[(
        "cards_asked",
        "Questions to applications about card events",
        cards.asked,
    )])?;
    families.counters_by(
        "cards",
        "Answers to card events, the application's and those by default",
        "outcome",
        [("answered", cards.answered), ("defaulted", cards.defaulted)],
    )?;
    families.counters(&[(
        "cards_late",
        "Answers of applications to card events that came too late",
        cards.late,
    )])
}

fn write_callbacks(overview: &Overview, families: &mut Families<'_>) -> fmt::Result {
    let verdicts = overview.callbacks.iter();
    families.counters_by(
        "callbacks",
        "Requests to the callback route, by what became of them",
        "verdict",
        verdicts.map(|(&verdict, &count)| (verdict, count)),
    )?;
    families.gauges_by(
        "callback_seconds",
        "From the head of a callback until its event is durable, card events that an application claims left out, since the start",
        ["quantile"],
        quantiles(&overview.callback_latency_us),
    )
}

/// Median, 99th percentile and maximum in seconds.
fn quantiles(of: &Quantiles) -> [([&'static str; 1], f64); 3] {
    [("0.5", of.p50), ("0.99", of.p99), ("1", of.max)].map(|(q, us)| ([q], us as f64 / 1e6))
}
