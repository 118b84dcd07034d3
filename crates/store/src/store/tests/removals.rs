//! Installations are removed, and their events stay.

use super::*;
use crate::installation::InstallationChange;

#[test]
fn a_removed_installation_is_gone_and_its_events_stay() {
    let mut bench = Bench::running();
    assert_eq!(bench.ask(event(1, 1)), recorded(1, 1));
    let before = bot(&bench);
    let store = bench.store.clone();
    let removed = store.remove_installation(before.id).expect("removed");
    assert!(removed.removed_ms.is_some());

    let reader = store.reader();
    assert!(reader.installations().expect("readable").is_empty());
    assert_eq!(reader.count_wanted().expect("readable"), 0);
    for name in ["bot".to_owned(), before.public_id.to_string()] {
        assert!(reader.installation(&name).expect("readable").is_none());
    }
    let kept = reader.every_installation().expect("readable").remove(0);
    assert_eq!(
        (
            kept.public_id,
            kept.name.as_str(),
            kept.platform,
            kept.app_id.as_str(),
            &kept.space
        ),
        (
            before.public_id,
            "bot",
            before.platform,
            "cli_bot",
            &before.space
        )
    );
    assert_eq!(
        (kept.desired, kept.removed_ms),
        (Desired::Stop, removed.removed_ms)
    );
    let page = reader.events(everything()).expect("readable");
    assert_eq!(page.events[0].installation, before.id);
    assert_eq!(store.open_secret(&kept).expect("opens").expose_secret(), "");
    assert!(store.open_proxy(&kept).expect("opens").is_none());

    for refused in [
        store.remove_installation(before.id).map(drop),
        store.set_desired(before.id, Desired::Run),
        store
            .change_installation(before.id, InstallationChange::default())
            .map(drop),
    ] {
        assert!(
            matches!(refused, Err(WriteError::UnknownInstallation { .. })),
            "{refused:?}"
        );
    }
    // The same bot under the same name is another installation, whose events are its own.
    let again = store
        .add_installation(installation("bot"))
        .expect("the name is free");
    assert_ne!((again.id, again.public_id), (before.id, before.public_id));
    let other = event(2, 1);
    bench.bot = again.id;
    assert_eq!(bench.ask(other), recorded(2, 2));
    store.remove_installation(again.id).expect("removed");
    drop(store);
    assert_eq!(bench.integrity(), "ok");
}

#[test]
fn a_declared_one_is_removed_from_the_file_first() {
    let bench = Bench::still();
    let declared = NewInstallation {
        origin: Origin::File,
        ..installation("declared")
    };
    let id = bench.store.put_from_file(vec![declared]).expect("put")[0].id;
    let refused = bench.store.remove_installation(id);
    assert!(
        matches!(refused, Err(WriteError::DeclaredByFile { .. })),
        "{refused:?}"
    );
    bench.store.put_from_file(Vec::new()).expect("put");
    bench.store.remove_installation(id).expect("removed");
}

/// The sealed texts of what was removed are in no file any more, once the write-ahead log is in the database.
#[test]
fn sealed_secrets_do_not_stay_in_the_file() {
    let mut bench = Bench::running();
    let before = bot(&bench);
    let sealed: Vec<String> = before.sealed().map(str::to_owned).collect();
    assert_eq!(sealed.len(), 2);
    let files = |bench: &Bench| {
        let mut all = Vec::new();
        for file in fs::read_dir(bench.directory.path()).expect("listed") {
            all.extend(fs::read(file.expect("an entry").path()).expect("readable"));
        }
        all
    };
    let has = |all: &[u8], text: &str| all.windows(text.len()).any(|at| at == text.as_bytes());
    let all = files(&bench);
    assert!(
        sealed.iter().all(|text| has(&all, text)),
        "they are looked for rightly"
    );
    bench.store.remove_installation(before.id).expect("removed");
    bench.close();
    let all = files(&bench);
    for text in &sealed {
        assert!(!has(&all, text), "{text}");
    }
}
