//! The connection that subscribes last holds a WeCom bot. A displaced gateway shows it, and does not take the bot back
//! by reflex.

use longwire_sim::wecom::{ConnectionFault, Control, DisplacedOrder, Push, Target};
use longwire_tests::{
    Gateway, SECRET, Setup, Signal, bot_id, holder, live_wecom_bot, longwire, time_ms, wait_until,
    wecom_platform,
};
use serde_json::{Value, json};

fn displaced(gateway: &Gateway) -> Value {
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced")
}

/// Two programs that both come back take a bot from each other once a second, for ever: what users of the official
/// clients report.
fn nobody_fights(order: DisplacedOrder) {
    let sim = wecom_platform(|settings| {
        settings.displaced_order = order;
        // The platform's other heartbeats go on, and end the connection much later.
        settings.time_factor = 20.0;
    });
    let control = sim.control();
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let first = setup.clone().start();
    first.expect_error("another program has taken the bot");
    first.wait_live("a");
    let second = setup.start();
    second.expect_error("another program has taken the bot");
    second.wait_live("a");
    let view = displaced(&first);
    assert_eq!(view["reason"], "displaced", "{view}");
    assert_eq!(view["until"], Value::Null, "no time to come back: {view}");
    assert!(time_ms(&view["state_since"]).is_some(), "when: {view}");
    for words in ["reason_text", "next_step"] {
        assert!(
            !view[words].as_str().unwrap_or_default().is_empty(),
            "{view}"
        );
    }
    // The second one works, and hears of the first nothing more: several of its heartbeats later nobody has come.
    let held = holder(&control, "a");
    let push = control.push(&bot_id("a"), Push::text("for the second"));
    let msgid = control.record(push).expect("it is new").msgid;
    wait_until("the second has it", || {
        second
            .event(&msgid)
            .map_or(Err("no".to_owned()), |_| Ok(()))
    });
    let pings = holder(&control, "a").pings;
    wait_until("five more heartbeats pass", || {
        let now = holder(&control, "a").pings;
        if now >= pings + 5 {
            Ok(())
        } else {
            Err(now.to_string())
        }
    });
    let ledger = control.ledger();
    assert_eq!(
        (
            ledger.subscribes,
            ledger.displacements,
            ledger.connections_opened
        ),
        (2, 1, 2),
        "{ledger:?}"
    );
    assert_eq!(holder(&control, "a").id, held.id);
    assert_eq!(first.installation("a")["state"], "displaced");
    is_recorded_as_displacement(&first, &control);

    // An operator may decide otherwise: that is no reflex.
    first.tell("a", "stop");
    first.wait_installation("a", "stopped", |view| view["state"] == "stopped");
    first.tell("a", "start");
    first.wait_live("a");
    displaced(&second);
}

/// The platform's word that it happened is an event like any other.
fn is_recorded_as_displacement(gateway: &Gateway, control: &Control) {
    let events = gateway.events();
    let types: Vec<_> = events
        .iter()
        .map(|event| event.event_type.as_deref())
        .collect();
    assert_eq!(
        types,
        [Some("event.disconnected_event")],
        "{:?}",
        control.ledger()
    );
}

#[test]
fn two_gateways_with_one_bot_do_not_fight() {
    nobody_fights(DisplacedOrder::AfterAck);
}

#[test]
fn it_does_not_matter_which_of_them_hears_first() {
    nobody_fights(DisplacedOrder::BeforeAck);
}

/// An actor that failed is made anew; whom the bot belongs to has not changed by that.
#[test]
fn a_displaced_bot_that_is_rebuilt_stays_away() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("debug.fault_injection", true)
        .start();
    for expected in [
        "injected into",
        "an installation failed",
        "another program has taken the bot",
    ] {
        gateway.expect_error(expected);
    }
    gateway.wait_live("a");
    assert_eq!(
        control.fault(Target::Bot(bot_id("a")), ConnectionFault::Displace),
        1
    );
    let before = displaced(&gateway);
    let fault = json!({ "actor": "installation", "fault": "panic" });
    let answer = gateway
        .admin()
        .post("/admin/v1/installations/a/fault", Some(&fault))
        .expect("the admin interface answers");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let after = gateway.wait_installation("a", "made anew and still displaced", |view| {
        view["lights"]["restarts"] == 1 && view["state"] == "displaced"
    });
    assert_eq!(after["state_since"], before["state_since"], "{after}");
    assert_eq!(control.ledger().subscribes, 1);
}

/// A displacement told of a connection that is no longer ours says nothing about the one that is.
#[test]
fn an_old_connections_displacement_is_not_ours() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.pong_grace", "1s"));
    let control = sim.control();
    let bot = || Target::Bot(bot_id("a"));
    // The platform takes the old connection for live until the new one subscribes, and tells it.
    assert_eq!(control.fault(bot(), ConnectionFault::HalfOpen), 1);
    gateway.wait_installation("a", "live again", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    assert_eq!(control.ledger().displacements, 1);
    control.push(&bot_id("a"), Push::text("to the new one"));
    gateway.wait_all_recorded(&control, 1);
    assert_eq!(gateway.installation("a")["state"], "live");
}

/// Waits until the displacement is on disk: from then on no end of the process, however sudden, forgets it.
fn displaced_for_good(gateway: &Gateway) -> Value {
    wait_until("the displacement is kept", || {
        let kept = gateway.installation("a");
        match time_ms(&kept["displaced_since"]) {
            Some(_) => Ok(kept),
            None => Err(kept.to_string()),
        }
    })
}

/// Waits until the platform knows that nobody holds the bot.
fn nobody_holds(control: &Control) {
    wait_until(
        "the platform knows that the gateway is gone",
        || match control.connections(Some(&bot_id("a"))).len() {
            0 => Ok(()),
            some => Err(format!("{some} connections")),
        },
    );
}

/// Two gateways that service managers start again whenever they end. The bot stays with the one that took it.
#[test]
fn two_gateways_that_are_started_again_and_again_do_not_fight() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let mut first = setup.clone().start();
    first.expect_error("another program has taken the bot");
    first.wait_live("a");
    let mut second = setup.start();
    second.wait_live("a");
    let before = displaced(&first);
    let since = displaced_for_good(&first)["displaced_since"].clone();

    for signal in [Signal::Kill, Signal::Term, Signal::Kill] {
        first.signal(signal);
        first.wait_end();
        first.restart();
        let after = displaced(&first);
        assert_eq!(after["reason"], "displaced", "{after}");
        assert_eq!(after["state_since"], since, "{before} and then {after}");
        assert_eq!(displaced_for_good(&first)["displaced_since"], since);
        assert_eq!(second.installation("a")["state"], "live");
    }
    // Whoever has the bot comes back, and not even then does the other one take what is free for a moment.
    for signal in [Signal::Term, Signal::Kill] {
        second.signal(signal);
        second.wait_end();
        nobody_holds(&control);
        first.kill();
        first.restart();
        displaced(&first);
        second.restart();
        second.wait_live("a");
    }
    let ledger = control.ledger();
    assert_eq!(
        (ledger.displacements, ledger.subscribes),
        (1, 4),
        "two at first, and two restarts of the second: {ledger:?}"
    );

    // An operator's decision is no reflex, and a restart does not forget it either.
    second.expect_error("another program has taken the bot");
    first.tell("a", "start");
    first.wait_live("a");
    displaced_for_good(&second);
    first.kill();
    nobody_holds(&control);
    first.restart();
    first.wait_live("a");
    assert_eq!(first.installation("a")["displaced_since"], Value::Null);
    assert_eq!(second.installation("a")["state"], "displaced");
}

/// What `longwire installations start` says while nobody serves holds from the next start on.
#[test]
fn a_displaced_bot_is_taken_back_by_command() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.expect_error("another program has taken the bot");
    gateway.wait_live("a");
    let target = Target::Bot(bot_id("a"));
    assert_eq!(control.fault(target, ConnectionFault::Displace), 1);
    displaced(&gateway);
    displaced_for_good(&gateway);
    gateway.kill();
    let environment = [("STORY_SECRET", SECRET)];
    let run = |gateway: &Gateway, verb| {
        let command = ["installations", verb, "a", "--config", "longwire.toml"];
        longwire(gateway.directory(), &command, &environment, "")
    };
    let shown = run(&gateway, "show");
    shown.assert(
        0,
        &["by another client, until `longwire installations start`"],
    );
    // To stop it is no wish to have it: the stop holds over restarts, and the displacement is kept beside it.
    for verb in ["stop", "nothing", "start"] {
        if verb != "nothing" {
            run(&gateway, verb).assert(0, &[]);
        }
        gateway.restart();
        match verb {
            "start" => drop(gateway.wait_live("a")),
            _ => {
                gateway.wait_installation("a", "stopped", |view| view["state"] == "stopped");
                displaced_for_good(&gateway);
            }
        }
        gateway.kill();
    }
    assert_eq!(control.ledger().subscribes, 2);
    gateway.restart();
    gateway.wait_live("a");
}
