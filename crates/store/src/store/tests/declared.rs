//! What the configuration file declares, compared with what the store has, and what operators decide beside it.

use super::consumers::each_engine;
use super::*;
use crate::installation::{
    DeclarationChange, DeclarationChanges, Declare, DeclaredKey, FileStanding,
};

fn declare(name: &str) -> NewInstallation {
    NewInstallation {
        origin: Origin::File,
        ..installation(name)
    }
}

fn disabled(name: &str) -> NewInstallation {
    NewInstallation {
        desired: Desired::Stop,
        ..declare(name)
    }
}

fn changes(changes: &DeclarationChanges) -> Vec<DeclarationChange> {
    let declared = changes.declared.iter();
    declared.map(|declared| declared.change.clone()).collect()
}

fn named(store: &Store, name: &str) -> InstallationRecord {
    let record = store.reader().installation(name).expect("readable");
    record.expect("it is there")
}

fn put(store: &Store, declared: Vec<NewInstallation>) -> DeclarationChanges {
    store.declare(declared, Declare::WholeFile).expect("put")
}

#[test]
fn a_comparison_says_what_the_file_would_change_and_writes_nothing() {
    each_engine(|bench| {
        let store = &bench.store;
        put(store, vec![declare("a"), declare("b"), declare("c")]);
        let all = || {
            let records = store.reader().installations().expect("readable");
            let what = |one: &InstallationRecord| (one.name.to_string(), one.revision);
            records.iter().map(what).collect::<Vec<_>>()
        };
        let before = all();
        let other = || {
            let mut b = declare("b");
            b.app_secret = "another".into();
            b.desired = Desired::Stop;
            vec![declare("a"), b, declare("d"), declare("bot")]
        };
        let wanted = [
            DeclarationChange::Same,
            DeclarationChange::Changed(vec![DeclaredKey::Secret, DeclaredKey::Enabled]),
            DeclarationChange::Added,
            DeclarationChange::TakenOver(Vec::new()),
        ];
        let would = store.declare(other(), Declare::Compare).expect("compared");
        assert_eq!(changes(&would), wanted);
        assert_eq!(would.left.len(), 1);
        assert_eq!(would.left[0].name.as_str(), "c");
        assert_eq!(all(), before);
        let did = put(store, other());
        assert_eq!(changes(&did), wanted);
        assert_eq!(named(store, "b").desired, Desired::Stop);
        let c = named(store, "c");
        assert_eq!((c.origin, c.desired), (Origin::Cli, Desired::Stop));
        assert!(matches!(c.standing, Some(FileStanding::Left { .. })));
        // What is the same is not written again.
        let a = named(store, "a").revision;
        put(store, other());
        assert_eq!(named(store, "a").revision, a);
    });
}

#[test]
fn a_part_of_the_file_leaves_the_rest_alone() {
    each_engine(|bench| {
        let store = &bench.store;
        put(store, vec![declare("a"), declare("b")]);
        let mut a = declare("a");
        a.app_secret = "another".into();
        let did = store.declare(vec![a], Declare::Part).expect("put");
        let secret = DeclarationChange::Changed(vec![DeclaredKey::Secret]);
        assert_eq!(changes(&did), [secret]);
        assert!(did.left.is_empty());
        let b = named(store, "b");
        assert_eq!((b.origin, b.desired), (Origin::File, Desired::Run));
    });
}

/// The bot keeps its id, and with it its events and its connection.
#[test]
fn a_bot_that_gets_another_name_in_the_file_is_the_same_installation() {
    each_engine(|bench| {
        let store = &bench.store;
        put(store, vec![declare("a"), declare("b")]);
        let before = named(store, "a");
        let renamed = NewInstallation {
            app_id: before.app_id.clone(),
            ..declare("another")
        };
        let did = put(store, vec![renamed, declare("b")]);
        let name = DeclarationChange::Changed(vec![DeclaredKey::Name]);
        assert_eq!(changes(&did), [name, DeclarationChange::Same]);
        assert!(did.left.is_empty());
        let after = named(store, "another");
        assert_eq!(after.public_id, before.public_id);
        assert!(after.has_same_access(&before));
    });
}

#[test]
fn what_an_operator_decided_of_a_declared_bot_holds_until_the_file_says_another_thing() {
    each_engine(|bench| {
        let store = &bench.store;
        let file = || vec![declare("on"), disabled("off")];
        put(store, file());
        let (on, off) = (named(store, "on").id, named(store, "off").id);
        store.set_desired(on, Desired::Stop).expect("stopped");
        store.set_desired(off, Desired::Run).expect("started");
        let held = |name: &str| named(store, name).standing.and_then(FileStanding::declared);
        let since = named(store, "on").standing.map(FileStanding::since_ms);
        store.set_desired(on, Desired::Stop).expect("stopped again");
        assert_eq!(
            named(store, "on").standing.map(FileStanding::since_ms),
            since
        );
        assert_eq!(
            changes(&put(store, file())),
            [const { DeclarationChange::Same }; 2]
        );
        assert_eq!(named(store, "on").desired, Desired::Stop);
        assert_eq!(named(store, "off").desired, Desired::Run);
        assert_eq!(held("on"), Some(Desired::Run));
        assert_eq!(held("off"), Some(Desired::Stop));
        // An operator decides as the file does: nothing is held any more.
        store.set_desired(on, Desired::Run).expect("started");
        store.set_desired(off, Desired::Stop).expect("stopped");
        assert_eq!((held("on"), held("off")), (None, None));
        // The file says another thing than at the time of the stop.
        store.set_desired(on, Desired::Stop).expect("stopped");
        put(store, vec![disabled("on"), disabled("off")]);
        assert_eq!(named(store, "on").standing, None);
        put(store, file());
        assert_eq!(named(store, "on").desired, Desired::Run);
    });
}

#[test]
fn a_bot_that_left_the_file_is_an_operators_until_it_is_declared_again() {
    each_engine(|bench| {
        let store = &bench.store;
        let id = put(store, vec![declare("a")]).declared[0]
            .record
            .as_ref()
            .map(|record| record.id)
            .expect("it was written");
        store.set_desired(id, Desired::Stop).expect("held");
        put(store, Vec::new());
        let left = named(store, "a").standing;
        assert!(
            matches!(left, Some(FileStanding::Left { .. })),
            "{left:?}: what was held is forgotten"
        );
        store.set_desired(id, Desired::Stop).expect("stopped");
        assert_eq!(named(store, "a").standing, left, "it is stopped as before");
        let back = put(store, vec![declare("a")]);
        assert_eq!(
            changes(&back),
            [DeclarationChange::TakenOver(vec![DeclaredKey::Enabled])]
        );
        let a = named(store, "a");
        assert_eq!(
            (a.origin, a.desired, a.standing, a.id),
            (Origin::File, Desired::Run, None, id)
        );
        put(store, Vec::new());
        store.set_desired(id, Desired::Run).expect("started");
        assert_eq!(named(store, "a").standing, None);
        store.set_desired(id, Desired::Stop).expect("stopped");
        store.remove_installation(id).expect("removed");
    });
}

/// What is held is on disk.
#[test]
fn what_is_held_is_there_after_a_restart() {
    let mut bench = Bench::running();
    let id = bench.store.put_from_file(vec![declare("a")]).expect("put")[0].id;
    bench.store.set_desired(id, Desired::Stop).expect("stopped");
    let before = named(&bench.store, "a").standing;
    bench.restart_with_runs_of(1_000);
    let again = bench.store.put_from_file(vec![declare("a")]).expect("put");
    assert_eq!(again[0].desired, Desired::Stop);
    assert!(before.is_some() && again[0].standing == before);
}
