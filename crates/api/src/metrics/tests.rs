//! The text that collectors read, byte for byte, and how long it is reused.

use std::cell::Cell;
use std::time::Duration;

use longwire_fleet::{
    AnswerTotals, CardTotals, ConnectionLimitView, ConnectionTotals, EventTotals, Quantiles,
    StoreView,
};

use super::*;

/// Every number another one, and every family there is.
fn snapshot() -> Snapshot {
    let kind = |count| actors::Kind {
        states: BTreeMap::from([("busy", count), ("ready", count + 1)]),
        mailbox_depth_max: count + 2,
        restarts: count + 3,
    };
    Snapshot {
        version: "…",
        retention: Some(RetentionView {
            oldest: None,
            events_gone: 201,
            bytes_gone: 202,
            used_bytes: 203,
            free_bytes: 204,
            given_back_bytes: 205,
            steps: 206,
            writer_busy: std::time::Duration::from_micros(207),
            passed_events: 208,
            erased_events: 209,
            ..RetentionView::default()
        }),
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
            cards: CardTotals {
                asked: 70,
                answered: 71,
                defaulted: 72,
                late: 73,
            },
            callbacks: BTreeMap::from([("recorded", 74), ("signature_wrong", 75)]),
            connections: ConnectionTotals {
                attempts: 4,
                opened: 5,
                lost: 6,
                reconnects: 7,
                renewed: 51,
                renewals_failed: 52,
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
            card_latency_us: Quantiles {
                count: 0,
                p50: 10_000,
                p99: 200_000,
                max: 2_500_000,
            },
            callback_latency_us: Quantiles {
                count: 0,
                p50: 1_000,
                p99: 2_000,
                max: 3_000,
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
                concerns: Vec::new(),
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
            disk_bytes: Some(640),
            queue_events: 65,
            queue_bytes: 66,
            rejected_groups: 67,
            notes_dropped: 68,
            journey_steps_dropped: 69,
            ..Figures::default()
        },
        store_up: false,
        consumers: deliveries::Consumers {
            by_state: BTreeMap::from([(("pull", "active"), 80), (("webhook", "failing"), 81)]),
            in_flight: 82,
            lag_events_max: 83,
            lag_seconds_max: 84.5,
        },
        delivery: DeliveryFigures {
            done: 85,
            taken: 86,
            refused: 87,
            unreachable: 88,
            no_answer: 89,
            timed_out: 90,
            other_status: 91,
            nacked: 92,
            expired: 93,
            given_up: 94,
            skipped: 95,
            gone: 210,
            redelivered: 96,
            latency: std::array::from_fn(|at| at as u64),
            latency_sum_ms: 97_500,
        },
        token_refusals: vec![("missing", 70), ("expired", 71)],
        log_lines_dropped: 69,
        relay_calls: vec![RelayCalls {
            method: "POST",
            path: "im/v1/messages/{}/reply".into(),
            outcomes: vec![("0".to_owned(), 106), ("230020".to_owned(), 107)],
            durations: vec![(0.01, 108), (f64::INFINITY, 109)],
            total_s: 110.5,
        }],
    }
}

#[test]
fn the_text_is_what_collectors_know() {
    let text = render(snapshot()).expect("it can be written");
    assert_eq!(text, include_str!("expected.txt"));
}

/// What is not known is left out, its name and its help stay.
#[test]
fn an_unknown_number_is_absent() {
    let mut snapshot = snapshot();
    snapshot.overview.connection_limit.limit = None;
    snapshot.figures.free_bytes = None;
    snapshot.figures.disk_bytes = None;
    let text = render(snapshot).expect("it can be written");
    let known = include_str!("expected.txt");
    for line in known.lines() {
        let is_unknown = line.starts_with("longwire_connections_limit ")
            || line.starts_with("longwire_store_free_bytes ")
            || line.starts_with("longwire_store_disk_bytes ");
        assert_eq!(text.contains(line), !is_unknown, "{line}");
    }
}

/// Those who ask at the same time get the same text, and it is made again all the same.
#[test]
fn a_text_is_given_out_for_a_while() {
    let cache = Cache::default();
    let made = Cell::new(0);
    let ask = || {
        cache.get(|| {
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
