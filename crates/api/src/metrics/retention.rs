//! Metrics of retention.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use longwire_janitor::RetentionView;

use super::families::Families;

pub(super) fn write(view: &RetentionView, families: &mut Families<'_>) -> fmt::Result {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_s = since.map_or(0.0, |since| since.as_secs_f64());
    let oldest_age = view
        .oldest
        .map(|(_, at_ms)| (now_s - at_ms as f64 / 1e3).max(0.0));
    let held = view.holds.iter().map(|hold| hold.events).max().unwrap_or(0);
    for (name, help, value) in [
        (
            "retention_oldest_event_age_seconds",
            "Age of the oldest event that is kept",
            oldest_age,
        ),
        (
            "retention_used_bytes",
            "Bytes of the database that hold something",
            Some(view.used_bytes as f64),
        ),
        (
            "retention_free_bytes",
            "Bytes of the database that are free for what comes",
            Some(view.free_bytes as f64),
        ),
        (
            "retention_consumers_at_risk",
            "Consumers so far behind that their events go soon",
            Some(view.risks.len() as f64),
        ),
        (
            "retention_held_events",
            "Events beyond the bounds that wait for a consumer",
            Some(held as f64),
        ),
        (
            "retention_up",
            "0 while retention does not get on",
            Some(f64::from(u8::from(view.trouble.is_none()))),
        ),
    ] {
        families.gauge(name, help, value)?;
    }
    families.counters(&[
        (
            "retention_events",
            "Events that went since the database was made",
            view.events_gone,
        ),
        (
            "retention_bytes",
            "Bytes of their payloads",
            view.bytes_gone,
        ),
        (
            "retention_given_back_bytes",
            "Bytes that were given back to the disk",
            view.given_back_bytes,
        ),
        (
            "retention_passed_events",
            "Events that went before a consumer had done them",
            view.passed_events,
        ),
        (
            "retention_erased_events",
            "Payloads that were erased for a person",
            view.erased_events,
        ),
        ("retention_steps", "Steps of retention", view.steps),
        (
            "retention_writer_microseconds",
            "For how long the writer was busy with them",
            u64::try_from(view.writer_busy.as_micros()).unwrap_or(u64::MAX),
        ),
    ])
}
