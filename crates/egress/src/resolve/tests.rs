//! Lookups that are shared, reused, limited in number, and replaced by the last good addresses.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;

#[actix_rt::test]
async fn an_address_needs_no_lookup() {
    let resolver = Resolver::with_lookup(|_| panic!("looked up"), 1, Duration::ZERO);
    for host in ["127.0.0.1", "::1", "[::1]"] {
        assert_eq!(resolver.resolve(host).await.expect("an address").len(), 1);
    }
}

#[actix_rt::test]
async fn many_dials_share_one_lookup() {
    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
    let lookup: Lookup = |_| {
        LOOKUPS.fetch_add(1, Ordering::SeqCst);
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    };
    let resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
    let answers = join_all((0..1000).map(|_| resolver.resolve("host.example"))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
}

#[actix_rt::test]
async fn a_failure_answers_all_who_waited_for_it() {
    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
    let lookup: Lookup = |_| {
        LOOKUPS.fetch_add(1, Ordering::SeqCst);
        Err(io::Error::other("no such name"))
    };
    let mut resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
    resolver.failure_ttl = resolver.ttl;
    let answers = join_all((0..100).map(|_| resolver.resolve("host.example"))).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
    // Not for longer than a success, though.
    let resolver = Resolver::with_lookup(lookup, 4, Duration::ZERO);
    for _ in 0..2 {
        resolver
            .resolve("host.example")
            .await
            .expect_err("no such name");
    }
    assert_eq!(LOOKUPS.load(Ordering::SeqCst), 3);
}

#[actix_rt::test]
async fn the_systems_own_number_is_kept() {
    let lookup: Lookup = |_| Err(crate::sockets::out_of_files());
    let resolver = Resolver::with_lookup(lookup, 4, Duration::from_secs(3600));
    for _ in 0..2 {
        let failed = resolver.resolve("host.example").await;
        assert!(crate::sockets::is_out_of_files(
            &failed.expect_err("no file")
        ));
    }
}

#[actix_rt::test]
async fn lookups_run_few_at_a_time() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let lookup: Lookup = |_| {
        let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(running, Ordering::SeqCst);
        std::thread::yield_now();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    };
    let resolver = &Resolver::with_lookup(lookup, 2, Duration::from_secs(3600));
    join_all((0..100).map(|n| async move { resolver.resolve(&format!("{n}.example")).await }))
        .await;
    assert!((1..=2).contains(&MOST.load(Ordering::SeqCst)));
}

/// Dials have deadlines and lookups have none. Dials to a name that hangs must not take more than one permit, or no
/// other name could be looked up.
#[actix_rt::test]
async fn a_name_that_hangs_takes_one_place() {
    static HANGS: AtomicBool = AtomicBool::new(true);
    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
    let lookup: Lookup = |host| {
        if host == "hanging.example" {
            LOOKUPS.fetch_add(1, Ordering::SeqCst);
            while HANGS.load(Ordering::SeqCst) {
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    };
    let resolver = Resolver::with_lookup(lookup, 2, Duration::from_secs(3600));
    for _ in 0..5 {
        let hanging = resolver.resolve("hanging.example");
        let given_up = tokio::time::timeout(Duration::from_millis(10), hanging).await;
        given_up.expect_err("it hangs");
    }
    let healthy = resolver.resolve("healthy.example");
    let healthy = tokio::time::timeout(Duration::from_secs(10), healthy).await;
    HANGS.store(false, Ordering::SeqCst);
    healthy
        .expect("a place is free")
        .expect("it has an address");
    // The lookup goes on after its dial was given up, and answers the next dial.
    resolver
        .resolve("hanging.example")
        .await
        .expect("it hangs no more");
    assert_eq!(LOOKUPS.load(Ordering::SeqCst), 1);
}

/// Names that hang may take all permits. A name that was resolved before is still resolved.
#[actix_rt::test]
async fn a_name_that_was_known_needs_no_place() {
    static HANGS: AtomicBool = AtomicBool::new(true);
    let lookup: Lookup = |host| {
        while host == "hanging.example" && HANGS.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    };
    // No answer is reused, so each dial needs a lookup.
    let resolver = Resolver {
        max_wait: Duration::from_millis(10),
        ..Resolver::with_lookup(lookup, 1, Duration::ZERO)
    };
    let first = resolver.resolve("healthy.example").await;
    let first = first.expect("an address");
    let hanging = resolver.resolve("hanging.example");
    let given_up = tokio::time::timeout(Duration::from_millis(10), hanging).await;
    given_up.expect_err("it hangs");
    for _ in 0..3 {
        let again = resolver.resolve("healthy.example");
        let again = tokio::time::timeout(Duration::from_secs(10), again).await;
        HANGS.store(again.is_ok(), Ordering::SeqCst);
        let again = again.expect("it waits for no place");
        assert_eq!(again.expect("the address it had"), first);
    }
    HANGS.store(false, Ordering::SeqCst);
}

/// If the name server fails, the last good addresses are used too. A name that never had an address has none.
#[actix_rt::test]
async fn a_failure_does_not_take_away_what_was_known() {
    static FAILS: AtomicBool = AtomicBool::new(false);
    let lookup: Lookup = |_| match FAILS.load(Ordering::SeqCst) {
        false => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
        true => Err(io::Error::other("temporary failure in name resolution")),
    };
    let resolver = Resolver::with_lookup(lookup, 1, Duration::ZERO);
    let forgetful = Resolver {
        last_good_ttl: Duration::ZERO,
        ..Resolver::with_lookup(lookup, 1, Duration::ZERO)
    };
    let first = resolver.resolve("known.example").await;
    let first = first.expect("an address");
    let same = forgetful.resolve("known.example").await;
    assert_eq!(same.expect("an address"), first);
    FAILS.store(true, Ordering::SeqCst);
    let later = forgetful.resolve("known.example").await;
    later.expect_err("what was known is too old");
    let again = resolver.resolve("known.example").await;
    assert_eq!(again.expect("the address it had"), first);
    let unknown = resolver.resolve("unknown.example").await;
    unknown.expect_err("it never had one");
}

#[actix_rt::test]
async fn names_are_forgotten() {
    let lookup: Lookup = |_| Ok(vec![Ipv4Addr::LOCALHOST.into()]);
    let resolver = Resolver::with_lookup(lookup, 4, Duration::ZERO);
    for n in 0..MAX_NAMES + 10 {
        resolver
            .resolve(&format!("{n}.example"))
            .await
            .expect("an address");
    }
    assert!(resolver.names.borrow().len() <= MAX_NAMES);
}
