//! The store is locked, or its disk is full: the order of the log does not change, and nothing is lost.

use longwire_sim::wecom::{ConnectionFault, Control, Push, Target};
use longwire_tests::{Gateway, Setup, bot_id, wait_until, wecom_platform};

use super::comparison::settle;
use super::{burst, flood, until_more_are_recorded, wecom};

#[track_caller]
fn until_degraded(gateway: &Gateway) {
    gateway.wait_overview("the store is in trouble", |overview| {
        overview["store"]["state"] == "degraded"
    });
}

/// Pushes something to record, so that the trouble is noticed.
#[track_caller]
pub(super) fn until_degraded_by(gateway: &Gateway, control: &Control) {
    burst(control, 10);
    until_degraded(gateway);
}

/// A store that is locked again and again refuses some of the groups in flight and takes others.
#[test]
fn a_store_that_is_locked_now_and_then_changes_no_order() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    for _ in 0..5 {
        until_more_are_recorded(&gateway, 100);
        let locked = gateway.lock_store();
        until_degraded(&gateway);
        drop(locked);
    }
    until_more_are_recorded(&gateway, 100);
    assert_eq!(settle(&control, &gateway).iter().sum::<usize>(), 0);
    assert_eq!(gateway.wait_live("a")["generation"], 1);
}

/// Events of a lost connection are recorded before those of its successor, however long the store is locked.
#[test]
fn a_connection_lost_while_the_store_is_locked_keeps_its_place() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    burst(&control, 10);
    gateway.wait_all_recorded(&control, 10);
    for _ in 0..3 {
        let locked = gateway.lock_store();
        until_degraded_by(&gateway, &control);
        control.fault(Target::Bot(bot_id("a")), ConnectionFault::Hangup);
        let generation = gateway.installation("a")["generation"].as_u64();
        gateway.wait_installation("a", "back", |view| {
            view["state"] == "live" && view["generation"].as_u64() > generation
        });
        // The store refuses the predecessor's once more, so that they are offered again a second later; the successor's
        // are offered at once.
        let refused = failed_transactions(&gateway);
        wait_until("the store refuses them", || {
            match failed_transactions(&gateway) {
                now if now > refused => Ok(()),
                now => Err(now.to_string()),
            }
        });
        drop(locked);
        burst(&control, 10);
        until_more_are_recorded(&gateway, 10);
    }
    assert_eq!(settle(&control, &gateway), [0, 0, 0]);
}

/// The oldest lost connection does not wait for the events that younger ones keep.
#[test]
fn the_oldest_lost_connection_does_not_wait_for_those_behind_it() {
    // More than a window, and no more than the ended connections of a bot may keep.
    const EACH: usize = 75;
    let sim = wecom_platform(|settings| settings.keep_records = 10_000);
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("window.bytes", "64KiB")
        .start();
    gateway.wait_live("a");
    let locked = gateway.lock_store();
    for generation in 1..=2 {
        let push = Push::text(&"x".repeat(1024));
        control.push_burst(&bot_id("a"), vec![push; EACH]);
        until_reading(&gateway, false);
        assert_eq!(
            control.fault(Target::Bot(bot_id("a")), ConnectionFault::Drop),
            1,
            "of generation {generation}"
        );
        gateway.wait_installation("a", "connected anew", |view| {
            view["state"] == "live" && view["generation"].as_u64() > Some(generation)
        });
    }
    // The third is not read from the moment on at which the second keeps what it brought.
    until_reading(&gateway, false);
    drop(locked);
    burst(&control, 10);
    assert_eq!(settle(&control, &gateway), [0, 0]);
    until_reading(&gateway, true);
    assert_eq!(gateway.wait_live("a")["lights"]["unrecorded"], 0);
}

#[track_caller]
fn until_reading(gateway: &Gateway, wanted: bool) {
    let id = gateway.installation("a")["id"].take();
    let actor = format!("/fleet/bots/{}/socket", id.as_str().expect("it has an id"));
    wait_until("it reads, or no longer", || {
        let words = gateway.inspect(&actor);
        match &words["reading"] {
            reading if *reading == wanted => Ok(()),
            _ => Err(words.to_string()),
        }
    });
}

fn failed_transactions(gateway: &Gateway) -> u64 {
    let metrics = gateway.public().get("/metrics").expect("it answers").body;
    let figure = metrics
        .lines()
        .find_map(|line| line.strip_prefix("longwire_store_failed_transactions_total "));
    let figure = figure.expect("the metric is there");
    figure.parse().expect("a number")
}

#[test]
fn a_full_disk_in_a_flood_loses_nothing() {
    let sim = wecom();
    let control = sim.control();
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let Some(gateway) = setup.start_on_volume(512 << 20) else {
        return;
    };
    gateway.expect_error("events are not recorded");
    gateway.wait_live("a");
    flood(&control);
    for fault in [None, Some(ConnectionFault::Hangup)] {
        until_more_are_recorded(&gateway, 300);
        gateway.volume().fill().expect("it can be filled");
        until_degraded(&gateway);
        if let Some(fault) = fault {
            control.fault(Target::Bot(bot_id("a")), fault);
            control.stop_traffic();
        }
        gateway.volume().empty().expect("it can be emptied");
    }
    assert_eq!(settle(&control, &gateway).iter().sum::<usize>(), 0);
}
