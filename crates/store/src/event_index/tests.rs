//! The index without a database; with one, see `sqlite/event_index/tests.rs`.

use longwire_wire::identity::EventKey;
use sha2::{Digest, Sha256};

use super::*;
use longwire_installation::InstallationId;

fn key(number: u64) -> LogKey {
    let digest = Sha256::digest(number.to_le_bytes());
    let bytes = digest[..16].try_into().expect("a digest has 32 bytes");
    LogKey::of(InstallationId(1), EventKey(bytes))
}

/// Notes and keeps a stretch of events, one transaction for all.
fn record(index: &mut EventIndex, numbers: std::ops::Range<u64>, claimed_ms: i64) {
    index.turn();
    for number in numbers {
        let seq = Seq(number.cast_signed());
        index.note(key(number), seq, Some(claimed_ms));
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
    let page = Page(page.0.clone());
    assert_eq!(page.find(key(0), Seq(1_000)), Some(Seq(1_000)));
    assert_eq!(page.find(key(299), Seq(1_000)), Some(Seq(1_299)));
    assert_eq!(page.find(key(300), Seq(1_000)), None);
}

#[test]
fn what_is_rolled_back_was_never_there() {
    let mut index = EventIndex::new(1_000, Vec::new());
    record(&mut index, 1..5, 1);
    index.keep(None, 0);
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
    index.keep(None, 0);
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
    index.keep(None, 0);
    record(&mut index, 600..632, 1);
    let pages = index.due().len();
    assert!((1..BUCKETS).contains(&pages), "a part of them: {pages}");
    index.undo();
    record(&mut index, 600..632, 1);
    let all = index.rest();
    assert_eq!(all.len(), BUCKETS);
    index.keep(None, 0);
    assert_eq!(index.recent(key(1)), None, "it is the run's now");
    let asked = |claimed_ms| index.may_hold(key(1), claimed_ms).count();
    assert_eq!(asked(Some(1)), 1);
    assert_eq!(asked(None), 1);
    assert_eq!(asked(Some(10 * claims::PERIOD_MS)), 0);
}

#[test]
fn a_repeat_is_looked_for_where_it_may_be() {
    const HOUR_MS: i64 = 60 * 60 * 1_000;
    let at_ms = 1_790_000_000_000;
    let mut claims = Claims::default();
    assert!(claims.may_hold(None));
    assert!(!claims.may_hold(Some(at_ms)));
    claims.add(None);
    assert!(!claims.may_hold(Some(at_ms)));
    for hours in [0, 1, 13] {
        claims.add(Some(at_ms + hours * HOUR_MS));
    }
    for (hours, may) in [
        (-37, false),
        (-25, false),
        (-12, true),
        (0, true),
        (7, true),
        (25, true),
        (38, false),
        (10 * 365 * 24, false),
    ] {
        let claimed_ms = at_ms + hours * HOUR_MS;
        assert_eq!(claims.may_hold(Some(claimed_ms)), may, "{hours} h");
    }
    let kept = Claims::from_bytes(claims.to_bytes().as_deref());
    assert_eq!(kept, Some(claims));
    assert_eq!(Claims::from_bytes(None), Some(Claims::Any));
    assert_eq!(Claims::from_bytes(Some(&[0; 9])), None);
}

/// Nonsense costs its run the shortcut, and nothing else.
#[test]
fn whatever_is_claimed_is_found_again() {
    let mut claims = Claims::default();
    let far_apart = (-10..10).map(|step| step * (i64::MAX / 10));
    for claimed_ms in far_apart.chain([i64::MIN, i64::MAX]) {
        claims.add(Some(claimed_ms));
        assert!(claims.may_hold(Some(claimed_ms)), "{claimed_ms}");
    }
    assert_ne!(claims, Claims::Any);
    for period in 0..100 {
        claims.add(Some(period * claims::PERIOD_MS));
    }
    assert_eq!((claims.to_bytes(), claims), (None, Claims::Any));
}
