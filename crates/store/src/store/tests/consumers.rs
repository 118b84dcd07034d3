//! Consumers and their positions, told with each engine.

use longwire_access::Space;
use longwire_wire::event::Seq;

use super::*;
use crate::consumer::{
    ConsumerChange, ConsumerRecord, ConsumerState, NewConsumer, NewWebhookSecret, SavedPosition,
};
use crate::ids::ConsumerId;
use crate::lane::Urgency;

pub(super) fn consumer(name: &str) -> NewConsumer {
    NewConsumer {
        name: name.parse().expect("a name"),
        space: Space::default(),
        definition: format!("{{\"name\":\"{name}\"}}"),
        webhook_secret: Some("canary-webhook-1".into()),
        position: position(0, b""),
    }
}

pub(super) fn position(floor: i64, state: &'static [u8]) -> SavedPosition {
    SavedPosition {
        floor: Seq(floor),
        state: Bytes::from_static(state),
    }
}

/// A store on each engine, with its writer running.
pub(super) fn each_engine(check: impl Fn(&mut Bench)) {
    let mut sqlite = Bench::running();
    check(&mut sqlite);
    let mut memory = Bench::in_memory(&MemoryDatabase::default());
    memory.run();
    check(&mut memory);
}

/// Keeps a position, and waits until it is durable.
pub(super) fn keep(bench: &Bench, id: ConsumerId, position: SavedPosition, urgency: Urgency) {
    let (tell, told) = mpsc::channel();
    let kept = move || tell.send(()).expect("somebody waits");
    let writer = bench.store.writer();
    writer.keep_position(id, position, urgency, kept);
    told.recv_timeout(DEADLINE).expect("it is kept");
}

fn kept(bench: &Bench, id: ConsumerId) -> Option<SavedPosition> {
    bench.store.reader().position(id).expect("readable")
}

#[test]
fn a_consumer_is_kept_changed_and_removed() {
    each_engine(|bench| {
        let store = &bench.store;
        let first = store.add_consumer(consumer("orders")).expect("added");
        let taken = store.add_consumer(consumer("orders"));
        assert!(matches!(taken, Err(WriteError::NameTaken { .. })));
        let elsewhere = NewConsumer {
            space: "shop".parse().expect("a space"),
            webhook_secret: None,
            ..consumer("orders")
        };
        let second = store.add_consumer(elsewhere).expect("a name of its space");
        assert!(second.id > first.id && second.revision > first.revision);
        let all = store.reader().consumers().expect("readable");
        assert_eq!(all, [first.clone(), second.clone()]);
        let found = store.reader().consumer(&second.space, "orders");
        assert_eq!(found.expect("readable"), Some(second.clone()));

        let change = ConsumerChange {
            expected: Some(first.revision),
            definition: Some("{}".to_owned()),
            webhook_secret: None,
        };
        let changed = store.change_consumer(first.id, change).expect("changed");
        assert_eq!(changed.definition, "{}");
        let late = ConsumerChange {
            expected: Some(first.revision),
            ..ConsumerChange::default()
        };
        let late = store.change_consumer(first.id, late);
        assert!(
            matches!(&late, Err(WriteError::Outdated { found }) if *found == changed.revision),
            "{late:?}"
        );
        let reason = "asked for".to_owned();
        let paused = ConsumerState::Paused { reason };
        let set = |state: &ConsumerState| store.set_consumer_state(first.id, state.clone());
        let once = set(&paused).expect("set");
        assert_eq!(set(&paused).expect("set"), once, "that is no change");
        let found = store.reader().consumer(&Space::default(), "orders");
        assert_eq!(found.expect("readable"), Some(once));

        store.remove_consumer(first.id).expect("removed");
        let again = store.remove_consumer(first.id);
        assert!(matches!(again, Err(WriteError::UnknownConsumer { .. })));
        assert_eq!(store.reader().consumers().expect("readable"), [second]);
        assert_eq!(kept(bench, first.id), None);
        let third = store.add_consumer(consumer("orders")).expect("added");
        assert!(third.id > first.id, "no number is given twice");
    });
}

#[test]
fn a_position_is_what_was_kept_last() {
    each_engine(|bench| {
        let id = bench.store.add_consumer(consumer("a")).expect("added").id;
        assert_eq!(kept(bench, id), Some(position(0, b"")));
        keep(bench, id, position(3, b"three"), Urgency::Prompt);
        assert_eq!(kept(bench, id), Some(position(3, b"three")));
        // Nothing else comes to ride with.
        keep(bench, id, position(4, b"four"), Urgency::Lazy);
        assert_eq!(kept(bench, id), Some(position(4, b"four")));
        // One that is removed meanwhile holds nobody up.
        keep(bench, ConsumerId(404), position(1, b""), Urgency::Lazy);
        assert_eq!(kept(bench, ConsumerId(404)), None);
    });
}

/// A lazy position has no commit of its own while events come.
#[test]
fn a_lazy_position_rides_with_the_events() {
    let database = MemoryDatabase::default();
    let (release, gate) = bounded(1);
    let mut bench = Bench::in_memory(&database);
    let id = bench.store.add_consumer(consumer("a")).expect("added").id;
    database.hold(gate);
    bench.run();
    bench.submit(vec![event(1, 1)]);
    while database.batches().is_empty() {
        std::thread::yield_now();
    }
    let (tell, told) = mpsc::channel();
    let kept = move || tell.send(()).expect("somebody waits");
    let writer = bench.store.writer();
    writer.keep_position(id, position(1, b""), Urgency::Lazy, kept);
    bench.submit(vec![event(2, 2)]);
    drop(release);
    assert_eq!(bench.hear(), recorded(1, 1));
    assert_eq!(bench.hear(), recorded(2, 2));
    told.recv_timeout(DEADLINE).expect("it is kept");
    assert_eq!(database.batches(), [(1, 0), (1, 1)]);
}

#[test]
fn a_position_waits_for_a_database_that_takes_it() {
    let database = MemoryDatabase::default();
    let mut bench = Bench::in_memory(&database);
    let id = bench.store.add_consumer(consumer("a")).expect("added").id;
    bench.run();
    for cause in [Cause::DiskFull, Cause::Io] {
        database.fail([cause, cause]);
        keep(&bench, id, position(9, b"nine"), Urgency::Lazy);
        assert_eq!(kept(&bench, id), Some(position(9, b"nine")));
        bench.until_health(|health| *health == Health::Ok);
    }
}

#[test]
fn two_secrets_are_used_while_one_replaces_the_other() {
    each_engine(|bench| {
        let store = &bench.store;
        let before = store.add_consumer(consumer("a")).expect("added");
        let open = |record: &ConsumerRecord| store.open_webhook_secrets(record).expect("opens");
        let only = open(&before).expect("it has one");
        assert_eq!(only.current.expose_secret(), "canary-webhook-1");
        assert!(only.former.is_none());
        let rotate = |secret: &str, former_until_ms| {
            let webhook_secret = NewWebhookSecret {
                secret: secret.into(),
                former_until_ms,
            };
            let change = ConsumerChange {
                webhook_secret: Some(webhook_secret),
                ..ConsumerChange::default()
            };
            store.change_consumer(before.id, change).expect("changed")
        };
        let second = rotate("canary-webhook-2", Some(77));
        let both = open(&second).expect("it has two");
        assert_eq!(both.current.expose_secret(), "canary-webhook-2");
        let (former, until_ms) = both.former.expect("the first one");
        assert_eq!((former.expose_secret(), until_ms), ("canary-webhook-1", 77));
        let after = rotate("canary-webhook-3", None);
        assert!(open(&after).expect("it has one").former.is_none());
        let found = store.reader().consumer(&Space::default(), "a");
        assert_eq!(found.expect("readable"), Some(after.clone()));
        assert!(!format!("{after:?}").contains("canary"));

        let without = NewConsumer {
            webhook_secret: None,
            ..consumer("b")
        };
        let without = store.add_consumer(without).expect("added");
        assert!(!without.has_webhook_secret() && open(&without).is_none());
    });
}

#[test]
fn consumers_and_positions_are_there_after_a_restart() {
    let mut bench = Bench::running();
    let before = bench.store.add_consumer(consumer("a")).expect("added");
    keep(&bench, before.id, position(5, b"five"), Urgency::Prompt);
    bench.restart_with_runs_of(RUN_EVENTS);
    let all = bench.store.reader().consumers().expect("readable");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0], before);
    assert_eq!(kept(&bench, before.id), Some(position(5, b"five")));
    let secrets = bench.store.open_webhook_secrets(&all[0]).expect("opens");
    let secrets = secrets.expect("it has one");
    assert_eq!(secrets.current.expose_secret(), "canary-webhook-1");
}
