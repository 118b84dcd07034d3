//! An attempt to connect fails.

use std::time::Duration;

use longwire_sim::SimTls;
use longwire_sim::wecom::{Behaviour, CommandKind, Push, ScriptedAnswer};
use longwire_tests::{SECRET, Setup, bot_id, time_ms, wecom_platform};

/// S185 and S148: an attempt that hangs, is refused or breaks off is followed by another.
#[test]
fn an_attempt_that_hangs_or_breaks_is_followed_by_another() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let scripts = [
        Behaviour::UpgradeReset,
        Behaviour::UpgradeRefuse { http: 403 },
        Behaviour::UpgradeRefuse { http: 503 },
        Behaviour::UpgradeWrongAccept,
        Behaviour::UpgradeThenDrop,
        Behaviour::UpgradeHang,
        Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Ignore),
        Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Code(846_601)),
        Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Code(-1)),
        Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::DropBefore),
        Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Foreign),
        Behaviour::answer(
            CommandKind::Subscribe,
            ScriptedAnswer::Raw("null".to_owned()),
        ),
    ];
    for script in scripts {
        control.behaviour(None, script.times(1));
    }
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("timing.handshake", "500ms")
        .set("timing.subscribe", "500ms")
        .start();
    gateway.wait_live("a");
    let ledger = control.ledger();
    assert!(ledger.upgrades_refused >= 2, "{ledger:?}");
    assert_eq!(ledger.answered("aibot_subscribe", 846_601), 1, "{ledger:?}");
    control.push(&bot_id("a"), Push::text("at last"));
    gateway.wait_all_recorded(&control, 1);
}

/// S153 and section 6.6 of the protocol: an operator has to correct wrong credentials, and is told how.
#[test]
fn a_bot_with_a_wrong_secret_says_so_and_waits() {
    let sim = wecom_platform(|settings| {
        let known = vec![
            (bot_id("a"), "another-secret".to_owned()),
            (bot_id("b"), SECRET.to_owned()),
        ];
        settings.bots = longwire_sim::wecom::Bots::Known(known);
    });
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .wecom_bot("b", &sim)
        .start();
    gateway.expect_error("refused by the platform");
    let view = gateway.wait_installation("a", "refused", |view| view["state"] == "refused");
    assert_eq!(view["reason"], "credentials_refused", "{view}");
    for words in ["reason_text", "next_step"] {
        let text = view[words].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{words}: {view}");
    }
    assert!(
        time_ms(&view["until"]).is_some(),
        "it is tried again, slowly: {view}"
    );
    gateway.wait_live("b");
    assert_eq!(
        sim.control().ledger().answered("aibot_subscribe", 853_000),
        1,
        "no reflex"
    );
}

/// Code 45009: a bot that subscribed too often waits.
#[test]
fn too_many_subscriptions_are_waited_out() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let limited = Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Code(45_009));
    control.behaviour(None, limited.times(1));
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    let view = gateway.wait_installation("a", "it waits", |view| {
        view["reason"] == "subscribe_limited"
    });
    let waits = time_ms(&view["until"]).zip(time_ms(&view["state_since"]));
    let waits = waits.map(|(until, since)| Duration::from_millis(until.abs_diff(since)));
    assert!(
        waits >= Some(Duration::from_secs(30)),
        "the limit is one per minute, or not known better: {view}"
    );
}

/// S180: the secret is not sent to a server whose certificate is not trusted.
#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let sim = wecom_platform(|settings| settings.tls = Some(SimTls::default()));
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_installation("a", "refused over TLS", |view| {
        view["reason"] == "tls_failed"
    });
    assert_eq!(sim.control().ledger().subscribes, 0);
    gateway.stop();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .file("ca.pem", sim.ca_pem().expect("the platform has TLS"))
        .set("tls.ca_file", "ca.pem")
        .start();
    gateway.wait_live("a");
    let control = sim.control();
    control.push_burst(
        &bot_id("a"),
        (0..100).map(|_| Push::made_up(3_000)).collect(),
    );
    gateway.wait_all_recorded(&control, 100);
}
