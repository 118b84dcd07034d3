//! The process or the bot is stopped, or the process is killed.

use longwire_sim::wecom::Flood;
use longwire_tests::{Setup, Signal, bot_id};

use super::comparison::{missing, settle};
use super::{flood, recorded, until_more_are_recorded, wecom};

#[test]
fn a_stop_of_the_process_in_a_flood_keeps_everything() {
    let sim = wecom();
    let control = sim.control();
    let mut gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .wecom_bot("b", &sim)
        .set("server.drain", "25s")
        .start();
    gateway.wait_live("a");
    gateway.wait_live("b");
    control.push_flood(Flood {
        apps: vec![bot_id("a")],
        payload_bytes: 700,
        ..Flood::default()
    });
    until_more_are_recorded(&gateway, 1_000);
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    control.stop_traffic();
    assert_eq!(missing(&control, &gateway), [0]);
    let ledger = control.ledger();
    assert_eq!(
        (ledger.closed_by_client, ledger.protocol_errors),
        (2, 0),
        "with a goodbye: {ledger:?}"
    );
    let end = gateway.log().entry("stopped").expect("its last words");
    assert_eq!(end["unanswered"], 0, "{end}");
}

/// The bot is stopped and started in the middle of its flood.
#[test]
fn a_stop_of_the_bot_in_a_flood_keeps_everything() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    for _ in 0..3 {
        until_more_are_recorded(&gateway, 300);
        gateway.tell("a", "stop");
        gateway.wait_installation("a", "stopped", |view| view["state"] == "stopped");
        gateway.tell("a", "start");
        gateway.wait_live("a");
    }
    until_more_are_recorded(&gateway, 300);
    assert_eq!(settle(&control, &gateway), [0, 0, 0]);
}

/// A killed process loses what it had read and not recorded. The log has no gap before that.
#[test]
fn a_kill_in_a_flood_leaves_no_gap() {
    let sim = wecom();
    let control = sim.control();
    let mut gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    flood(&control);
    for _ in 0..3 {
        gateway.wait_live("a");
        until_more_are_recorded(&gateway, 300);
        let said = recorded(&gateway) as usize;
        let before = gateway.events().len();
        gateway.kill();
        let after = gateway.events().len();
        assert!(
            after >= before && after >= said,
            "{said} said, {before} then {after} there"
        );
        gateway.restart();
    }
    gateway.wait_live("a");
    until_more_are_recorded(&gateway, 300);
    assert_eq!(settle(&control, &gateway).len(), 3);
}
