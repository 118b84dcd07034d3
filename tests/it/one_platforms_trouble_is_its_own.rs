//! A platform that hangs, or accepts its bots and drops them, does not affect the bots of another platform host. A bot
//! that was live a moment ago does not wait behind bots that fail again and again.
//!
//! Each story makes the whole queue longer than a story may take, so that a bot that has to wait for all of it fails
//! the story.

use longwire_sim::wecom::{self, ConnectionFault, Target};
use longwire_sim::{Behaviour, Sim};
use longwire_tests::{Gateway, Setup, app_id, bot_id, platform, wait_until, wecom_platform};

/// Bots of the platform in trouble. More than may have an attempt under way, and at two attempts a second more than
/// begin within the time that a story waits.
const TROUBLED: usize = 300;

fn troubled(number: usize) -> String {
    format!("troubled-{number}")
}

/// A healthy bot of WeCom, which connects first, and the troubled ones of the other platform.
fn start(sim: &Sim, wecom: &wecom::Sim, change: impl FnOnce(Setup) -> Setup) -> Gateway {
    let setup = Setup::new(sim).wecom_bot("healthy", wecom);
    let setup = (0..TROUBLED).fold(setup, |setup, number| setup.bot(&troubled(number)));
    let gateway = change(setup).start();
    gateway.wait_live("healthy");
    gateway
}

/// Breaks the connection of the healthy bot and waits until it has another one.
fn loses_its_link_and_is_back(gateway: &Gateway, wecom: &wecom::Sim) {
    let before = gateway.installation("healthy")["generation"].as_u64();
    let target = Target::Bot(bot_id("healthy"));
    assert_eq!(wecom.control().fault(target, ConnectionFault::Drop), 1);
    gateway.wait_installation("healthy", "live again", |view| {
        view["state"] == "live" && view["generation"].as_u64() > before
    });
}

fn wait_queued(gateway: &Gateway, least: u64) {
    gateway.wait_overview("the queue is long", |overview| {
        overview["by_state"]["queued"].as_u64() >= Some(least)
    });
}

#[test]
fn bots_whose_platform_hangs_make_no_bot_of_another_one_deaf() {
    let (sim, wecom) = (platform(|_| ()), wecom_platform(|_| ()));
    sim.control().behaviour(None, Behaviour::BootstrapHang);
    let gateway = start(&sim, &wecom, |setup| {
        setup
            .set("fleet.arbiters", 1)
            .set("timing.bootstrap", "10m")
    });
    wait_until("as many hang as may hang", || {
        match sim.control().ledger().bootstraps {
            hanging @ ..100 => Err(hanging.to_string()),
            _ => Ok(()),
        }
    });
    wait_queued(&gateway, 100);
    for _ in 0..3 {
        loses_its_link_and_is_back(&gateway, &wecom);
    }
}

#[test]
fn bots_that_flap_take_no_turns_from_a_bot_of_another_platform() {
    let (sim, wecom) = (platform(|_| ()), wecom_platform(|_| ()));
    sim.control().behaviour(None, Behaviour::UpgradeThenDrop);
    let gateway = start(&sim, &wecom, |setup| setup.set("connect.per_second", 2));
    wait_queued(&gateway, 200);
    loses_its_link_and_is_back(&gateway, &wecom);
}

#[test]
fn a_bot_that_was_live_goes_before_those_that_fail_on_the_same_platform() {
    let (sim, wecom) = (platform(|_| ()), wecom_platform(|_| ()));
    let control = sim.control();
    for number in 0..TROUBLED {
        let app = app_id(&troubled(number));
        control.behaviour(Some(&app), Behaviour::BootstrapHttp { status: 503 });
    }
    let gateway = start(&sim, &wecom, |setup| {
        setup.bot("neighbour").set("connect.per_second", 20)
    });
    gateway.wait_live("neighbour");
    gateway.wait_overview("everybody has failed", |overview| {
        overview["connections"]["attempts"].as_u64() > Some(TROUBLED as u64 + 100)
    });
    wait_queued(&gateway, 200);
    let before = gateway.overview()["connections"]["attempts"].as_u64();
    let app = longwire_sim::Target::App(app_id("neighbour"));
    assert_eq!(control.fault(app, longwire_sim::ConnectionFault::Drop), 1);
    gateway.wait_installation("neighbour", "live again", |view| {
        view["state"] == "live" && view["lights"]["reconnects"] == 1
    });
    let attempts = gateway.overview()["connections"]["attempts"].as_u64();
    let between = attempts.zip(before).map(|(now, then)| now - then);
    assert!(
        between < Some(TROUBLED as u64 / 2),
        "it waited for {between:?} attempts of others"
    );
}
