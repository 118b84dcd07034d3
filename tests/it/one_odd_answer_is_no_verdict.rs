//! A single answer of the platform does not stop a bot for an hour. A rate limit is not a refusal, and a refusal is
//! asked about again soon until it has repeated.

use longwire_sim::wecom::{self, CommandKind, ConnectionFault, ScriptedAnswer, Target};
use longwire_sim::{Behaviour, Sim};
use longwire_tests::{
    Gateway, Setup, app_id, bot_id, holder, live_wecom_bot, platform, time_ms, wait_until,
    wecom_platform,
};
use serde_json::Value;

/// The rate limit of every call, as older calls of the platform send it.
fn rate_limit() -> Behaviour {
    Behaviour::BootstrapRefuse {
        http: 400,
        code: 99_991_400,
        msg: "request trigger frequency limit".to_owned(),
    }
}

/// A bot that is live, and then loses its connection while the platform answers the next bootstrap in this way.
fn loses_its_link(setup: Setup, sim: &Sim, then: Behaviour) -> Gateway {
    let gateway = setup.bot("a").start();
    gateway.wait_live("a");
    let control = sim.control();
    control.behaviour(Some(&app_id("a")), then.times(1));
    let target = longwire_sim::Target::App(app_id("a"));
    wait_until("its connection is dropped", || {
        match control.fault(target.clone(), longwire_sim::ConnectionFault::Drop) {
            1 => Ok(()),
            other => Err(other.to_string()),
        }
    });
    gateway
}

fn wait_ms(view: &Value) -> i64 {
    let ms = |key: &str| time_ms(&view[key]).unwrap_or_else(|| panic!("{key}: {view}"));
    ms("until") - ms("state_since")
}

#[test]
fn a_rate_limit_with_status_400_is_waited_out() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim)
        .set("timing.limited_base", "300ms")
        .set("timing.limited_cap", "600ms");
    let gateway = loses_its_link(setup, &sim, rate_limit());
    gateway.wait_installation("a", "live again by itself", |view| {
        view["state"] == "live" && view["lights"]["reconnects"] == 1
    });
    let warned = gateway
        .log()
        .entry("trying again, though it may take somebody's help");
    let reason = warned.expect("it is told")["reason"].to_string();
    for words in [
        "limits the rate",
        "99991400",
        "request trigger frequency limit",
    ] {
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_refusal_is_asked_about_again_after_a_minute() {
    let sim = platform(|_| ());
    let not_found = Behaviour::BootstrapHttp { status: 404 };
    let gateway = loses_its_link(Setup::new(&sim), &sim, not_found);
    gateway.expect_error("refused by the platform");
    let view = gateway.wait_installation("a", "refused", |view| view["state"] == "refused");
    assert_eq!(
        view["reason"], "http_status",
        "the reason is shown all the same"
    );
    assert!(view["next_step"].is_string(), "{view}");
    let waits = wait_ms(&view);
    assert!((50_000..=66_100).contains(&waits), "{waits} ms: {view}");
}

#[test]
fn a_bot_that_was_refused_once_is_back_without_anybodys_help() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim).set("timing.refused_base", "300ms");
    let gateway = loses_its_link(setup, &sim, Behaviour::auth_failed());
    gateway.expect_error("refused by the platform");
    gateway.wait_installation("a", "live again by itself", |view| {
        view["state"] == "live" && view["lights"]["reconnects"] == 1
    });
}

/// WeCom's code for a wrong secret, once; each probe is a subscription, and there are no more of them than needed.
#[test]
fn a_bot_of_wecom_that_was_refused_once_is_back_too() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.refused_base", "300ms"));
    gateway.expect_error("refused by the platform");
    let control = sim.control();
    holder(&control, "a");
    let refused = wecom::Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Code(853_000));
    control.behaviour(Some(&bot_id("a")), refused.times(2));
    assert_eq!(
        control.fault(Target::Bot(bot_id("a")), ConnectionFault::Drop),
        1
    );
    gateway.wait_installation("a", "live again by itself", |view| {
        view["state"] == "live" && view["lights"]["reconnects"] == 1
    });
    let refusals = control.ledger().answered("aibot_subscribe", 853_000);
    assert_eq!(refusals, 2, "and no more subscriptions than these");
}

/// One that is refused again and again is believed: the probes become rare.
#[test]
fn a_refusal_that_repeats_is_believed() {
    let sim = wecom_platform(|settings| settings.bots = wecom::Bots::Known(Vec::new()));
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("timing.refused_base", "100ms")
        .set("timing.refused_probe", "1h")
        .start();
    gateway.expect_error("refused by the platform");
    let view = gateway.wait_installation("a", "probed hourly", |view| {
        view["state"] == "refused" && wait_ms(view) > 3_000_000
    });
    assert_eq!(view["lights"]["alarm"], true, "{view}");
    assert_eq!(sim.control().ledger().subscribes, 5);
}
