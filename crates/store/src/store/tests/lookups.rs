//! What an event is recorded with, and how it is found, told with each engine.

use longwire_wire::event::Seq;
use proptest::prelude::*;

use super::consumers::each_engine;
use super::*;
use crate::event_record::EventRecord;

/// An event of our own, which belongs to a bot or to nobody.
fn operational(ticket: u32, event_type: &'static str) -> NewEvent {
    NewEvent {
        identity: Identity::operational(event_type, &ticket.to_string()),
        event_id: None,
        event_type: Some(ByteString::from_static(event_type)),
        source: Source::Operational,
        ..event(ticket, 0)
    }
}

fn find(bench: &Bench, seq: i64) -> EventRecord {
    let found = bench.store.reader().event(Seq(seq)).expect("readable");
    found.expect("it is recorded")
}

#[test]
fn an_event_keeps_its_platform() {
    each_engine(|bench| {
        for (seq, platform) in (1..).zip(Platform::ALL) {
            let key = u8::try_from(seq).expect("few");
            let mut group = bench.group(vec![event(1, key)]);
            group.platform = Some(*platform);
            bench.store.writer().submit(group).expect("room");
            assert_eq!(bench.hear(), recorded(1, seq));
            assert_eq!(find(bench, seq).platform, Some(*platform));
        }
        let none = bench.store.reader().event(Seq(9)).expect("readable");
        assert!(none.is_none());
    });
}

#[test]
fn an_event_of_our_own_may_be_nobodys() {
    each_engine(|bench| {
        let store = &bench.store;
        let mut told = store.follow_operational();
        let ours = |ticket, key| {
            let mut group = bench.group(vec![operational(ticket, key)]);
            group.installation = InstallationId::NONE;
            group.platform = None;
            store.writer().submit(group).expect("room");
            bench.hear()
        };
        let degraded = "longwire.store.degraded";
        assert_eq!(ours(1, degraded), recorded(1, 1));
        assert_eq!(ours(1, degraded), repeat(1, 1, Tier::EventId));
        assert_eq!(ours(2, degraded), recorded(2, 2));
        let displaced = operational(3, "longwire.installation.displaced");
        assert_eq!(bench.ask(displaced), recorded(3, 3));
        assert_eq!(bench.ask(event(4, 4)), recorded(4, 4));
        // Those who follow these alone are told of each once, and of nothing else.
        let mut tickets = Vec::new();
        while let Ok(event) = told.try_recv() {
            tickets.push(event.ticket);
        }
        assert_eq!(tickets, [1, 2, 3]);
        let found = find(bench, 1);
        assert_eq!(
            (found.installation, found.platform, found.source),
            (InstallationId::NONE, None, Source::Operational)
        );
        assert_eq!(find(bench, 3).platform, Some(Platform::Feishu));
        let query = EventQuery {
            installations: Some(vec![InstallationId::NONE]),
            ..everything()
        };
        let page = store.reader().events(query).expect("readable");
        let found: Vec<i64> = page.events.iter().map(|event| event.seq.0).collect();
        assert_eq!(found, [1, 2]);

        // Nobody sees what they refer to.
        let reader = store.reader();
        assert_eq!(reader.installations().expect("readable").len(), 1);
        assert_eq!(reader.count_wanted().expect("readable"), 1);
        let nobody = longwire_installation::PublicId::from_bytes([0; 16]).to_string();
        for name in ["", "0", &nobody] {
            let found = reader.installation(name).expect("readable");
            assert!(found.is_none(), "{name}");
        }
        for desired in [Desired::Run, Desired::Stop] {
            let set = store.set_desired(InstallationId::NONE, desired);
            assert!(
                matches!(set, Err(WriteError::UnknownInstallation { .. })),
                "{set:?}"
            );
        }
    });
}

/// Rows of a version that did not keep the platform have that of their installation.
#[test]
fn an_event_of_an_earlier_version_has_the_platform_of_its_bot() {
    let mut bench = Bench::running();
    let wecom = NewInstallation {
        platform: Platform::Wecom,
        ..installation("wecom")
    };
    let wecom = bench.store.add_installation(wecom).expect("added").id;
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let mut group = bench.group(vec![event(2, 2)]);
    group.installation = wecom;
    bench.store.writer().submit(group).expect("room");
    assert_eq!(bench.hear(), recorded(2, 2));
    bench.close();
    let path = bench.database().display().to_string();
    let mut old = SqliteConnection::establish(&path).expect("a database");
    migrations::back_to(&mut old, 7);
    drop(old);
    bench.open(Store::open(&settings(bench.directory.path())).expect("brought up to date"));
    assert_eq!(find(&bench, 1).platform, Some(Platform::Feishu));
    assert_eq!(find(&bench, 2).platform, Some(Platform::Wecom));
    bench.run();
    assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
}

#[test]
fn the_events_of_some_bots_are_read_alone() {
    each_engine(|bench| {
        let store = &bench.store;
        let mut bots = vec![bench.bot];
        for name in ["b", "c"] {
            bots.push(
                store
                    .add_installation(installation(name))
                    .expect("added")
                    .id,
            );
        }
        for key in 0..9_u8 {
            let mut group = bench.group(vec![event(1, key)]);
            group.installation = bots[usize::from(key) % 3];
            store.writer().submit(group).expect("room");
            assert!(is_recorded(&bench.hear()));
        }
        let read = |installations| {
            let query = EventQuery {
                installations,
                ..everything()
            };
            let page = store.reader().events(query).expect("readable");
            page.events
                .iter()
                .map(|event| event.seq.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(read(Some(vec![bots[0], bots[2]])), [1, 3, 4, 6, 7, 9]);
        assert_eq!(read(Some(vec![])), [0_i64; 0]);
        assert_eq!(read(None).len(), 9);
    });
}

#[test]
fn a_store_says_who_it_is() {
    let mut bench = Bench::running();
    let identity = bench.store.identity();
    assert_eq!(bench.store.reader().identity().expect("readable"), identity);
    assert_eq!(identity.prefix(), identity.as_bytes()[..8]);
    bench.restart_with_runs_of(RUN_EVENTS);
    assert_eq!(bench.store.identity(), identity);
    assert_ne!(Bench::still().store.identity(), identity);
}

/// Times rise, but for those of a clock that was set back; numbers may be missing.
fn log_of(times: &[(i64, i64)]) -> Bench {
    let bench = Bench::still();
    let path = bench.database().display().to_string();
    let mut other = SqliteConnection::establish(&path).expect("connects");
    for (seq, at_ms) in times {
        let row = format!(
            "INSERT INTO event (seq, installation_id, event_key, source, received_ms, payload)
             VALUES ({seq}, 1, zeroblob(16), 'long_connection', {at_ms}, x'7b7d')"
        );
        other.batch_execute(&row).expect("recorded");
    }
    bench
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_first_event_at_a_time_is_found(steps in prop::collection::vec((1..4_i64, 0..3_i64), 0..30)) {
        let mut next = (0, 100);
        let times: Vec<(i64, i64)> = steps.iter().map(|(seq, at_ms)| {
            next = (next.0 + seq, next.1 + at_ms);
            next
        }).collect();
        let bench = log_of(&times);
        for at_ms in 98..next.1 + 3 {
            let first = times.iter().find(|(_, received)| *received >= at_ms);
            let found = bench.store.reader().first_at(at_ms).expect("readable");
            prop_assert_eq!(found, first.map(|(seq, _)| Seq(*seq)));
        }
    }
}

#[test]
fn a_clock_that_was_set_back_leaves_a_place_where_the_time_is_passed() {
    let times = [(1, 10), (2, 20), (3, 30), (4, 12), (5, 22), (6, 32)];
    let bench = log_of(&times);
    for at_ms in 0..40 {
        let found = bench.store.reader().first_at(at_ms).expect("readable");
        let Some(Seq(found)) = found else {
            assert!(at_ms > 32, "{at_ms}");
            continue;
        };
        let time_of = |seq: i64| times.iter().find(|(one, _)| *one == seq).map(|(_, at)| *at);
        assert!(time_of(found).is_some_and(|at| at >= at_ms), "{at_ms}");
        assert!(time_of(found - 1).is_none_or(|at| at < at_ms), "{at_ms}");
    }
}

#[test]
fn the_log_tells_how_an_event_came() {
    use crate::arrival::Acknowledgement::{AfterCommit, AfterRepeat, NotAwaited, NotPushed};
    each_engine(|bench| {
        for (seq, platform) in [(1, Platform::Feishu), (2, Platform::Wecom)] {
            let key = u8::try_from(seq).expect("few");
            let mut group = bench.group(vec![event(1, key)]);
            group.platform = Some(platform);
            bench.store.writer().submit(group).expect("room");
            assert_eq!(bench.hear(), recorded(1, seq));
        }
        let ours = operational(2, "longwire.installation.live");
        assert_eq!(bench.ask(ours), recorded(2, 3));
        let acknowledgement = |seq| find(bench, seq).arrival().acknowledgement;
        assert_eq!(
            [1, 2, 3].map(acknowledgement),
            [AfterCommit, NotAwaited, NotPushed]
        );
        assert_eq!(bench.ask(event(3, 1)), repeat(3, 1, Tier::EventId));
        let arrival = find(bench, 1).arrival();
        assert_eq!((arrival.acknowledgement, arrival.repeats), (AfterRepeat, 1));
        assert!(arrival.last_repeat_ms.is_some());
    });
}
