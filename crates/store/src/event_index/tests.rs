//! The index without a database; with one, see `sqlite/event_index/tests.rs`.

use longwire_wire::identity::EventKey;
use sha2::{Digest, Sha256};

use super::*;
use crate::InstallationId;

fn key(number: u64) -> LogKey {
    let digest = Sha256::digest(number.to_le_bytes());
    let bytes = digest[..16].try_into().expect("a digest has 32 bytes");
    LogKey::of(InstallationId(1), EventKey(bytes))
}

/// Notes and keeps a stretch of events, one transaction for all.
fn record(index: &mut EventIndex, numbers: std::ops::Range<u64>, at_ms: i64) {
    index.turn();
    for number in numbers {
        let seq = Seq(number.cast_signed());
        index.note(key(number), seq, at_ms);
    }
}

#[test]
fn one_event_of_two_installations_has_two_keys() {
    let event = EventKey([7; 16]);
    let keys = [1, 2, 10_000].map(|bot| LogKey::of(InstallationId(bot), event));
    assert_ne!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
    // On one page all the same: the installation has no say in the first bits.
    assert_eq!(keys[0].bucket(), keys[2].bucket());
}

#[test]
fn a_filter_never_denies_and_seldom_errs() {
    let mut filter = Filter::for_keys(10_000);
    for number in 0..10_000 {
        filter.add(key(number).hash());
    }
    let filter = Filter::from_bytes(&filter.to_bytes()).expect("its own bytes");
    assert!((0..10_000).all(|number| filter.may_hold(key(number).hash())));
    let wrong = (10_000..110_000)
        .filter(|&number| filter.may_hold(key(number).hash()))
        .count();
    assert!(wrong < 400, "{wrong} of 100,000");
    assert!(Filter::from_bytes(&[]).is_none());
    assert!(Filter::from_bytes(&[0; 33]).is_none());
}

#[test]
fn a_page_finds_its_keys_and_no_others() {
    let mut page = Page::default();
    for number in 0..300 {
        page.push(key(number), u32::try_from(number).expect("small"));
    }
    let page = Page::from_bytes(page.as_bytes().to_vec());
    assert_eq!(page.find(key(0), Seq(1_000)), Some(Seq(1_000)));
    assert_eq!(page.find(key(299), Seq(1_000)), Some(Seq(1_299)));
    assert_eq!(page.find(key(300), Seq(1_000)), None);
}

#[test]
fn what_is_rolled_back_was_never_there() {
    let mut index = EventIndex::new(1_000, Vec::new());
    record(&mut index, 1..5, 1);
    index.keep(None);
    record(&mut index, 5..9, 2);
    assert_eq!(index.recent(key(7)), Some(Seq(7)));
    index.undo();
    assert_eq!(index.recent(key(7)), None);
    assert_eq!(index.recent(key(4)), Some(Seq(4)));
}

#[test]
fn a_run_reaches_no_further_than_its_committed_events() {
    let mut index = EventIndex::new(4, Vec::new());
    record(&mut index, 1..5, 1);
    index.keep(None);
    // The turn comes with this transaction, whose events are rolled back.
    record(&mut index, 5..9, 2);
    index.undo();
    record(&mut index, 5..6, 3);
    while index.completed().is_none() {
        assert!(!index.rest().is_empty(), "pages are left");
    }
    let span = index.completed().expect("completed").span;
    assert_eq!((span.first, span.through), (Seq(1), Seq(4)));
}

#[test]
fn a_rolled_back_page_is_written_again() {
    let mut index = EventIndex::new(512, Vec::new());
    record(&mut index, 1..600, 1);
    index.keep(None);
    record(&mut index, 600..632, 1);
    let pages = index.due().len();
    assert!((1..BUCKETS).contains(&pages), "a part of them: {pages}");
    index.undo();
    record(&mut index, 600..632, 1);
    let all = index.rest();
    assert_eq!(all.len(), BUCKETS);
    index.keep(None);
    assert_eq!(index.recent(key(1)), None, "it is the run's now");
    let day_ms = CLOCKS_MS + 1;
    assert_eq!(index.may_hold(key(1), Some(day_ms), day_ms).count(), 1);
    assert_eq!(index.may_hold(key(1), Some(day_ms + 1), day_ms).count(), 0);
    // From the future, as its first push was.
    assert_eq!(
        index.may_hold(key(1), Some(100 * day_ms), day_ms).count(),
        1
    );
    assert_eq!(index.may_hold(key(1), None, 1).count(), 1);
}
