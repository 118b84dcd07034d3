//! Metrics in the OpenMetrics text form, made at scrape time of the same views that the admin JSON shows.
//!
//! No label names an installation: ten thousand bots would be ten thousand series of each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::Data;
use bytes::Bytes;
use longwire_fleet::{ActorView, InstallationView, Overview};
use longwire_store::{COMMIT_EDGES_US, Figures, Health};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use longwire_listener::Problem;

use super::Surface;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A text is given out again for so many times as long as it took to make: whoever asks, and however often, metrics
/// take a tenth of one core at most. Of a thousand bots it is made in a few milliseconds.
const REUSED_FOR: u32 = 9;

/// The text that was made last, and until when it is given out.
#[derive(Default)]
pub(super) struct Rendered(Mutex<Option<(Bytes, Instant)>>);

impl Rendered {
    /// The text of `render`, made now or a moment ago.
    fn get<E>(&self, render: impl FnOnce() -> Result<String, E>) -> Result<Bytes, E> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        if let Some((text, until)) = &*last
            && began < *until
        {
            return Ok(text.clone());
        }
        let text = Bytes::from(render()?);
        let until = Instant::now() + began.elapsed() * REUSED_FOR;
        *last = Some((text.clone(), until));
        Ok(text)
    }
}

pub(super) async fn scrape(surface: Data<Surface>) -> Result<HttpResponse, Problem> {
    let text = surface.metrics.get(|| render(&surface))?;
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

fn render(surface: &Surface) -> Result<String, Problem> {
    let snapshot = Snapshot {
        overview: surface.fleet.overview(),
        connections: connections(&surface.fleet.installations()),
        kinds: kinds(&surface.fleet.actors()),
        figures: surface.store.figures(),
        store_up: surface.store.health() == Health::Ok,
        log_lines_dropped: longwire_terminal::stderr::lost_lines(),
    };
    let mut text = String::new();
    let mut registry = Registry::with_prefix("longwire");
    registry.register_collector(Box::new(snapshot));
    text::encode(&mut text, &registry).map_err(|_| Problem::interrupted())?;
    Ok(text)
}

/// What one scrape tells.
#[derive(Debug)]
struct Snapshot {
    overview: Overview,
    connections: BTreeMap<(&'static str, &'static str), u64>,
    kinds: BTreeMap<&'static str, Kind>,
    figures: Figures,
    store_up: bool,
    log_lines_dropped: u64,
}

/// All actors of one kind.
#[derive(Debug, Default)]
struct Kind {
    states: BTreeMap<&'static str, u64>,
    mailbox_depth_max: u64,
    restarts: u64,
}

fn connections(installations: &[InstallationView]) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut counts = BTreeMap::new();
    for installation in installations {
        *counts
            .entry((installation.platform, installation.state))
            .or_default() += 1;
    }
    counts
}

fn kinds(actors: &[ActorView]) -> BTreeMap<&'static str, Kind> {
    let mut kinds: BTreeMap<&'static str, Kind> = BTreeMap::new();
    for actor in actors {
        let kind = kinds.entry(actor.kind).or_default();
        *kind.states.entry(actor.state).or_default() += 1;
        kind.mailbox_depth_max = kind.mailbox_depth_max.max(actor.mailbox.depth);
        kind.restarts += actor.supervision.restarts;
    }
    kinds
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet(encoder);
        self.write_fleet(&mut sheet)?;
        self.write_actors(&mut sheet)?;
        self.write_store(&mut sheet)
    }
}

impl Snapshot {
    fn write_fleet(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let Overview {
            connections,
            events,
            answers,
            ack_latency_us: ack,
            record_latency_us: kept,
            ..
        } = &self.overview;
        sheet.gauges(
            "build",
            "The running version; always 1",
            &["version"],
            [([env!("CARGO_PKG_VERSION")], 1.0)],
        )?;
        sheet.gauges(
            "draining",
            "1 while the process is about to end",
            &[],
            [([], f64::from(self.overview.draining))],
        )?;
        sheet.gauges(
            "connections",
            "Installations by platform and state of their connection",
            &["platform", "state"],
            self.connections
                .iter()
                .map(|(&(platform, state), &count)| ([platform, state], count as f64)),
        )?;
        let places = &self.overview.connection_limit;
        sheet.gauges(
            "connections_limit",
            "Connections that the limit on open files allows; absent without one",
            &[],
            places.limit.map(|limit| ([], limit as f64)),
        )?;
        sheet.gauges(
            "connections_held",
            "Of them, those that are open, being opened, or kept for a bot that is about to be connected again",
            &[],
            [([], places.held as f64)],
        )?;
        sheet.gauges(
            "waiting_for_open_files",
            "Installations that are not connected because too many files are open",
            &[],
            [([], places.waiting as f64)],
        )?;
        sheet.counter(
            "connection_attempts",
            "Connection attempts begun",
            connections.attempts,
        )?;
        sheet.counter(
            "connections_opened",
            "Connections that opened",
            connections.opened,
        )?;
        sheet.counter(
            "connections_lost",
            "Connections that ended after they had opened",
            connections.lost,
        )?;
        sheet.counter(
            "reconnects",
            "Connections that replaced an earlier one",
            connections.reconnects,
        )?;
        sheet.counter(
            "connections_silent",
            "Connections found half-open",
            connections.silent,
        )?;
        sheet.counter(
            "connections_left_unread",
            "Connections that ended with input unread, where the platform sends it no second time",
            connections.left_unread,
        )?;
        sheet.counter("panics", "Actors that panicked", connections.panics)?;
        sheet.counter(
            "log_lines_dropped",
            "Lines of the log that were lost: whoever reads it was too slow, or it could not be written",
            self.log_lines_dropped,
        )?;
        sheet.counter(
            "events_received",
            "Whole events read, repeats included",
            events.received,
        )?;
        sheet.counter(
            "events_recorded",
            "Events that were new and are durable",
            events.recorded,
        )?;
        sheet.counters(
            "events_repeated",
            "Repeats recognized, by the key that told",
            "key",
            [
                ("event_id", events.repeats_by_event_id),
                ("message", events.repeats_by_message),
            ],
        )?;
        sheet.counter(
            "events_unparsed",
            "Events recorded although their payload was not understood",
            events.unparsed,
        )?;
        sheet.counter(
            "events_unparsed_dropped",
            "Frames not understood and not recorded: more than is kept of such for one bot and hour",
            events.unparsed_dropped,
        )?;
        sheet.counter(
            "events_assembled",
            "Split pushes put together",
            events.assembled,
        )?;
        sheet.counter(
            "events_unrecorded",
            "Events read that are lost, where the platform sends none again",
            answers.unrecorded,
        )?;
        sheet.counters(
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
        sheet.gauges(
            "overloaded",
            "Installations to which more came lately than could be recorded in time",
            &[],
            [([], self.overview.overloaded as f64)],
        )?;
        sheet.gauges(
            "alarms",
            "Installations whose last five attempts or more failed",
            &[],
            [([], self.overview.alarms as f64)],
        )?;
        sheet.counter(
            "orphaned_receipts",
            "Receipts whose connection was gone",
            answers.orphaned_receipts,
        )?;
        sheet.counters(
            "malformed",
            "Input that was not understood",
            "kind",
            self.overview
                .malformed
                .iter()
                .map(|(&kind, &count)| (kind, count)),
        )?;
        sheet.gauges(
            "ack_seconds",
            "From the read of an event's last byte to its ACK, since the start",
            &["quantile"],
            [("0.5", ack.p50), ("0.99", ack.p99), ("1", ack.max)]
                .map(|(q, us)| ([q], us as f64 / 1e6)),
        )?;
        sheet.gauges(
            "record_seconds",
            "From the read of an event's last byte until it is durable, where the platform asks for no ACK, since the start",
            &["quantile"],
            [("0.5", kept.p50), ("0.99", kept.p99), ("1", kept.max)]
                .map(|(q, us)| ([q], us as f64 / 1e6)),
        )
    }

    fn write_actors(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let states = self.kinds.iter().flat_map(|(&kind, of)| {
            of.states
                .iter()
                .map(move |(&s, &count)| ([kind, s], count as f64))
        });
        sheet.gauges(
            "actors",
            "Actors by kind and state",
            &["kind", "state"],
            states,
        )?;
        let depths = self
            .kinds
            .iter()
            .map(|(&kind, of)| ([kind], of.mailbox_depth_max as f64));
        sheet.gauges(
            "mailbox_depth_max",
            "The deepest mailbox of a kind",
            &["kind"],
            depths,
        )?;
        let restarts = self.kinds.iter().map(|(&kind, of)| (kind, of.restarts));
        sheet.counters(
            "actor_restarts",
            "Actors rebuilt after an unexpected end",
            "kind",
            restarts,
        )
    }

    fn write_store(&self, sheet: &mut Sheet<'_>) -> fmt::Result {
        let figures = &self.figures;
        sheet.gauges(
            "store_up",
            "1 while events are recorded",
            &[],
            [([], f64::from(self.store_up))],
        )?;
        sheet.gauges(
            "store_queue_events",
            "Events waiting for the writer",
            &[],
            [([], figures.queue_events as f64)],
        )?;
        sheet.gauges(
            "store_queue_bytes",
            "Bytes they hold",
            &[],
            [([], figures.queue_bytes as f64)],
        )?;
        sheet.gauges(
            "store_wal_bytes",
            "Length of the write-ahead log; above 16 MiB somebody keeps it from being cut",
            &[],
            [([], figures.wal_bytes as f64)],
        )?;
        // Left out where the file system does not tell.
        sheet.gauges(
            "store_free_bytes",
            "Free space on the disk of the database",
            &[],
            figures.free_bytes.map(|free| ([], free as f64)),
        )?;
        sheet.gauges(
            "store_batch_rows_max",
            "Most events in one transaction",
            &[],
            [([], figures.batch_max as f64)],
        )?;
        sheet.counter("store_rows", "Events written", figures.rows)?;
        sheet.counter(
            "store_failed_transactions",
            "Transactions that failed",
            figures.failed_commits,
        )?;
        sheet.counter(
            "store_rejected_groups",
            "Groups given back because the queue was full",
            figures.rejected_groups,
        )?;
        sheet.counter(
            "store_notes_dropped",
            "Timeline notes that were not kept",
            figures.notes_dropped,
        )?;
        let edges = COMMIT_EDGES_US
            .iter()
            .map(|&us| us as f64 / 1e6)
            .chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = edges.zip(figures.commit_us).collect();
        sheet.histogram(
            "store_txn_seconds",
            "Duration of transactions",
            figures.commit_sum_us as f64 / 1e6,
            &buckets,
        )
    }
}

/// Writes one family at a time.
struct Sheet<'a>(DescriptorEncoder<'a>);

impl Sheet<'_> {
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(
            self.0
                .encode_descriptor(name, help, None, counter.metric_type())?,
        )
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let mut family =
            self.0
                .encode_descriptor(name, help, None, ConstCounter::new(0_u64).metric_type())?;
        for (value, count) in values {
            ConstCounter::new(count).encode(family.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: &[&str; N],
        values: impl IntoIterator<Item = ([&'l str; N], f64)>,
    ) -> fmt::Result {
        let mut family =
            self.0
                .encode_descriptor(name, help, None, ConstGauge::new(0.0).metric_type())?;
        for (of, value) in values {
            let pairs: [(&str, &str); N] = std::array::from_fn(|at| (labels[at], of[at]));
            if N == 0 {
                return ConstGauge::new(value).encode(family);
            }
            ConstGauge::new(value).encode(family.encode_family(&pairs)?)?;
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        sum: f64,
        buckets: &[(f64, u64)],
    ) -> fmt::Result {
        use prometheus_client::metrics::MetricType;
        let count = buckets.iter().map(|(_, count)| count).sum();
        self.0
            .encode_descriptor(name, help, None, MetricType::Histogram)?
            .encode_histogram::<[(&str, &str); 0]>(sum, count, buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use longwire_fleet::{
        AnswerTotals, ConnectionLimitView, ConnectionTotals, EventTotals, Quantiles, StoreView,
    };

    use super::*;

    /// Every number another one, and every family there is.
    fn snapshot() -> Snapshot {
        let kind = |count| Kind {
            states: BTreeMap::from([("busy", count), ("ready", count + 1)]),
            mailbox_depth_max: count + 2,
            restarts: count + 3,
        };
        Snapshot {
            overview: Overview {
                started_ms: 0,
                now_ms: 0,
                installations: 0,
                by_state: BTreeMap::new(),
                overloaded: 28,
                alarms: 29,
                actors: BTreeMap::new(),
                events: EventTotals {
                    received: 11,
                    recorded: 12,
                    repeats_by_event_id: 13,
                    repeats_by_message: 14,
                    unparsed: 15,
                    unparsed_dropped: 16,
                    assembled: 17,
                },
                answers: AnswerTotals {
                    acked: 18,
                    refused: 19,
                    refused_late: 20,
                    shed: 21,
                    late_receipts: 0,
                    orphaned_receipts: 23,
                    unrecorded: 22,
                },
                connections: ConnectionTotals {
                    attempts: 4,
                    opened: 5,
                    lost: 6,
                    reconnects: 7,
                    silent: 8,
                    left_unread: 9,
                    panics: 10,
                },
                malformed: BTreeMap::from([("frame", 30), ("payload", 31)]),
                ack_latency_us: Quantiles {
                    count: 0,
                    p50: 1_500,
                    p99: 2_500,
                    max: 3_500_000,
                },
                record_latency_us: Quantiles {
                    count: 0,
                    p50: 0,
                    p99: 1,
                    max: 2,
                },
                store: StoreView {
                    state: "ok",
                    cause: None,
                    detail: None,
                    advice: None,
                    since_ms: None,
                    queue: 0,
                    queue_high_water: 0,
                    commits: 0,
                    notes_dropped: 0,
                },
                connection_limit: ConnectionLimitView {
                    limit: Some(1),
                    held: 2,
                    waiting: 3,
                },
                draining: true,
            },
            connections: BTreeMap::from([(("feishu", "live"), 32), (("wecom", "refused"), 33)]),
            kinds: BTreeMap::from([("dispatch", kind(40)), ("socket", kind(50))]),
            figures: Figures {
                failed_commits: 60,
                rows: 61,
                batch_max: 62,
                commit_sum_us: 1_234_567,
                commit_us: std::array::from_fn(|at| at as u64),
                wal_bytes: 63,
                free_bytes: Some(64),
                queue_events: 65,
                queue_bytes: 66,
                rejected_groups: 67,
                notes_dropped: 68,
                ..Figures::default()
            },
            store_up: false,
            log_lines_dropped: 69,
        }
    }

    #[test]
    fn the_text_is_what_collectors_know() {
        let mut text = String::new();
        let mut registry = Registry::with_prefix("longwire");
        registry.register_collector(Box::new(snapshot()));
        text::encode(&mut text, &registry).expect("it can be written");
        let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
        let text = text.replace(&version, "version=\"…\"");
        assert_eq!(text, include_str!("metrics.txt"));
    }

    /// What is not known is left out, its name and its help stay.
    #[test]
    fn an_unknown_number_is_absent() {
        let mut snapshot = snapshot();
        snapshot.overview.connection_limit.limit = None;
        snapshot.figures.free_bytes = None;
        let mut text = String::new();
        let mut registry = Registry::with_prefix("longwire");
        registry.register_collector(Box::new(snapshot));
        text::encode(&mut text, &registry).expect("it can be written");
        let known = include_str!("metrics.txt");
        for line in known.lines() {
            let is_unknown = line.starts_with("longwire_connections_limit ")
                || line.starts_with("longwire_store_free_bytes ");
            let is_version = line.starts_with("longwire_build");
            assert_eq!(text.contains(line), !is_unknown && !is_version, "{line}");
        }
    }

    /// Those who ask at the same time get the same text, and it is made again all the same.
    #[test]
    fn a_text_is_given_out_for_a_while() {
        let rendered = Rendered::default();
        let made = Cell::new(0);
        let ask = || {
            rendered.get(|| {
                made.set(made.get() + 1);
                // What takes time to make.
                std::thread::sleep(Duration::from_millis(20));
                Ok::<_, ()>(made.get().to_string())
            })
        };
        let first = ask().expect("it is made");
        assert_eq!(ask(), Ok(first));
        assert_eq!(made.get(), 1);
        let began = Instant::now();
        while ask().expect("it is there") == "1" {
            let limit = Duration::from_secs(30);
            assert!(began.elapsed() < limit, "it is never made again");
        }
    }
}
