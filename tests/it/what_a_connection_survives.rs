//! A connection that breaks, freezes or sends nonsense costs a bot at most this connection.

use std::time::Duration;

use longwire_sim::{Behaviour, ConnectionFault, Control, Push, Script, Target};
use longwire_tests::{Gateway, Setup, app_id, message, platform, wait_until};
use serde_json::Value;

/// Peak memory a misbehaving platform may cost, over a frame that claims 256 MiB.
const GROWTH_KIB: u64 = 32 * 1024;

/// Waits for a connection of this or a later generation.
fn wait_generation(gateway: &Gateway, bot: &str, generation: u64) -> Value {
    gateway.wait_installation(
        bot,
        &format!("live again, generation {generation}"),
        |view| view["state"] == "live" && view["generation"].as_u64() >= Some(generation),
    )
}

/// Pushes one event to each bot and waits until all are ACKed.
fn events_flow(control: &Control, bots: &[&str], prefix: &str) {
    let pushed: Vec<_> = bots
        .iter()
        .enumerate()
        .map(|(number, bot)| {
            let id = format!("{prefix}-{number}");
            control.push(&app_id(bot), message(&id, &format!("om-{id}")))
        })
        .collect();
    wait_until("every bot's event is acknowledged", || {
        let open: Vec<_> = pushed
            .iter()
            .filter_map(|push| control.record(*push))
            .filter(|record| record.acked_at_ms.is_none())
            .collect();
        if open.is_empty() {
            Ok(())
        } else {
            Err(format!("{open:?}"))
        }
    });
}

/// The notes on how this bot's connections ended.
fn losses(gateway: &Gateway, bot: &str) -> Vec<String> {
    let reader = gateway.reader();
    let record = reader
        .installation(bot)
        .expect("the database answers")
        .expect("the bot is declared");
    let notes = reader
        .timeline(record.id, 100)
        .expect("the database answers");
    let lost = notes
        .into_iter()
        .filter(|note| note.entry.kind.label() == "lost");
    lost.map(|note| note.entry.detail).collect()
}

/// No FIN, no reads, no writes: the failure that leaves bots of the official SDKs deaf for hours
/// (oapi-sdk-go#224, openclaw-lark#543).
#[test]
fn a_half_open_connection_is_found_and_redialled() {
    let sim = platform(|settings| {
        // Events that are given to the dead connection come again soon.
        settings.ack_deadline = Duration::from_millis(400);
        settings.ladder = vec![Duration::from_millis(100); 30];
    });
    let control = sim.control();
    let gateway = Setup::new(&sim)
        .bot("a")
        .set("timing.pong_grace", "1s")
        .start();
    gateway.wait_live("a");
    assert_eq!(
        control.fault(Target::App(app_id("a")), ConnectionFault::HalfOpen),
        1,
        "one live connection is there"
    );
    control.push(&app_id("a"), message("into-the-void", "om-1"));
    let view = wait_generation(&gateway, "a", 2);
    assert_eq!(view["lights"]["reconnects"], 1, "{view}");
    assert_eq!(gateway.overview()["connections"]["silent"], 1);
    // The platform does not know yet, and may choose the dead connection.
    events_flow(&control, &["a", "a", "a"], "after");
    let arrived = gateway
        .wait_overview("the event given to the dead connection came again", |now| {
            now["events"]["recorded"] == 4
        });
    assert_eq!(arrived["connections"]["silent"], 1, "{arrived}");
}

/// S127: every loss is noticed and followed by another attempt.
#[test]
fn whatever_ends_a_connection_the_bot_comes_back() {
    let ends = [
        (
            "close 1000",
            ConnectionFault::Close(1000),
            "the platform closed the connection, code 1000",
        ),
        (
            "close 1001",
            ConnectionFault::Close(1001),
            "the platform closed the connection, code 1001",
        ),
        (
            "close 1011",
            ConnectionFault::Close(1011),
            "the platform closed the connection, code 1011",
        ),
        (
            "close without code",
            ConnectionFault::CloseWithoutCode,
            "the platform closed the connection",
        ),
        ("reset", ConnectionFault::Drop, "the connection broke"),
        ("fin", ConnectionFault::Hangup, "the connection broke"),
        (
            "256 MiB",
            ConnectionFault::OversizedFrame(256 << 20),
            "the other side broke the websocket protocol",
        ),
        (
            "2^63 bytes",
            ConnectionFault::OversizedFrame(1 << 62),
            "the other side broke the websocket protocol",
        ),
        (
            "reserved bits",
            ConnectionFault::Raw(vec![0xf2, 0x01, 0x00].into()),
            "the other side broke the websocket protocol",
        ),
        (
            "masked by the server",
            ConnectionFault::Raw(vec![0x82, 0x81, 1, 2, 3, 4, 5].into()),
            "the other side broke the websocket protocol",
        ),
    ];
    let bots: Vec<&str> = ends.iter().map(|(bot, ..)| *bot).collect();
    let sim = platform(|_| ());
    let control = sim.control();
    let setup = Setup::new(&sim).bot("bystander");
    let setup = bots.iter().fold(setup, |setup, bot| setup.bot(bot));
    let gateway = setup.start();
    for bot in &bots {
        gateway.wait_live(bot);
    }
    gateway.wait_live("bystander");
    events_flow(&control, &bots, "before");

    let peak_before = gateway.memory_kib("VmHWM");
    for (bot, fault, _) in &ends {
        let hit = control.fault(Target::App(app_id(bot)), fault.clone());
        assert_eq!(hit, 1, "{bot}");
    }
    for (bot, _, words) in &ends {
        wait_generation(&gateway, bot, 2);
        wait_until(&format!("{bot}: the timeline tells why"), || {
            let losses = losses(&gateway, bot);
            if losses.first().is_some_and(|loss| loss.starts_with(words)) {
                Ok(())
            } else {
                Err(format!("{losses:?}"))
            }
        });
    }
    events_flow(&control, &bots, "after");
    let grown = gateway.memory_kib("VmHWM").saturating_sub(peak_before);
    assert!(grown < GROWTH_KIB, "{grown} KiB more at the peak");
    let bystander = gateway.installation("bystander");
    assert_eq!(
        (&bystander["state"], &bystander["generation"]),
        (&"live".into(), &1.into()),
        "one bot's trouble is its own: {bystander}"
    );
    assert_eq!(gateway.overview()["connections"]["panics"], 0);
}

#[test]
fn nonsense_is_counted_and_ends_no_connection() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot("a").start();
    gateway.wait_live("a");
    let app = Target::App(app_id("a"));
    let nonsense = [
        ConnectionFault::Garbage(vec![0xff; 64].into()),
        ConnectionFault::Garbage(Vec::new().into()),
        ConnectionFault::Garbage(b"\x08\x01".to_vec().into()),
        ConnectionFault::Text("{\"type\":\"ping\"}".to_owned()),
        ConnectionFault::Method2,
        ConnectionFault::CardFrame,
    ];
    for fault in &nonsense {
        control.fault(app.clone(), fault.clone());
    }
    control.fault(app.clone(), ConnectionFault::ProtocolPing);
    control.fault(app, ConnectionFault::ServerPing);
    let many_parts = Push::of(message("hostile", "om-0")).with_header("sum", Some("50000000"));
    control.push(&app_id("a"), many_parts);
    let view = gateway.wait_installation("a", "everything is counted", |view| {
        view["lights"]["malformed"].as_u64() == Some(nonsense.len() as u64 + 1)
    });
    assert_eq!(
        (&view["state"], &view["generation"]),
        (&"live".into(), &1.into()),
        "{view}"
    );
    let overview = gateway.overview();
    for kind in ["text_message", "unknown_method", "card_frame_not_an_event"] {
        assert_eq!(overview["malformed"][kind], 1, "{kind}: {overview}");
    }
    wait_until("pings of both layers are answered", || {
        let live = control.connections(None);
        match live.as_slice() {
            [one] if one.protocol_pongs == 1 && one.pongs == 1 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    events_flow(&control, &["a"], "after");
}

/// Each of these makes an official SDK flood the platform with pings, or never ping again.
#[test]
fn no_pong_makes_a_ping_storm_or_a_silence() {
    let pongs = [
        (
            "zero",
            r#"{"ReconnectCount":-1,"ReconnectInterval":1,"ReconnectNonce":0,"PingInterval":0}"#,
        ),
        ("negative", r#"{"PingInterval":-5}"#),
        ("huge", r#"{"PingInterval":9223372036854775807}"#),
        ("text", r#"{"PingInterval":"1","ReconnectNonce":"x"}"#),
        ("fraction", r#"{"PingInterval":0.001}"#),
        ("null", r#"{"PingInterval":null}"#),
        ("only the nonce", r#"{"ReconnectNonce":0}"#),
        ("no object", "[]"),
        ("no json", "PingInterval=0"),
        ("nothing", ""),
    ];
    let sim = platform(|_| ());
    let control = sim.control();
    let mut setup = Setup::new(&sim).bot("metronome");
    for (bot, raw) in pongs {
        let behaviour = if raw.is_empty() {
            Behaviour::PongNoPayload
        } else {
            Behaviour::PongConfig {
                raw: raw.to_owned(),
            }
        };
        control.behaviour(Some(&app_id(bot)), behaviour);
        setup = setup.bot(bot);
    }
    let gateway = setup.start();
    let pings = |bot: &str| -> u64 {
        let live = control.connections(Some(&app_id(bot)));
        live.iter().map(|live| live.pings).sum()
    };
    gateway.wait_live("metronome");
    for (bot, _) in pongs {
        gateway.wait_live(bot);
    }
    // The clock of this story is a bot whose platform is in its senses.
    let begun = pings("metronome");
    wait_until(
        "the metronome and all others pinged four times more",
        || {
            let fewest = pongs.iter().map(|(bot, _)| pings(bot)).min();
            if pings("metronome") >= begun + 4 && fewest >= Some(4) {
                Ok(())
            } else {
                Err(format!(
                    "metronome {}, others {fewest:?}",
                    pings("metronome")
                ))
            }
        },
    );
    let beats = pings("metronome");
    for (bot, raw) in pongs {
        let view = gateway.installation(bot);
        assert_eq!(
            (&view["state"], &view["generation"]),
            (&"live".into(), &1.into()),
            "{view}"
        );
        let pings = pings(bot);
        assert!(
            pings <= beats + 3,
            "{bot}: {pings} pings after {raw}, the metronome had {beats}"
        );
    }
    let malformed = &gateway.overview()["malformed"];
    assert!(malformed["config_value"].as_u64() >= Some(3), "{malformed}");
}

/// Once is enough to leave a bot of the Python SDK waiting for ever (oapi-sdk-python#169).
#[test]
fn an_attempt_that_hangs_or_breaks_is_followed_by_another() {
    let once: Vec<(&str, Script<Behaviour>)> = [
        ("bootstrap hangs", Behaviour::BootstrapHang),
        ("bootstrap is reset", Behaviour::BootstrapReset),
        (
            "bootstrap is endless",
            Behaviour::BootstrapHuge {
                body_bytes: 64 << 20,
            },
        ),
        (
            "url of another scheme",
            Behaviour::BootstrapUrl {
                url: "ftp://127.0.0.1/ws".to_owned(),
            },
        ),
        (
            "url with nobody behind",
            Behaviour::BootstrapUrl {
                url: "ws://127.0.0.1:1/ws/v2?ticket=x".to_owned(),
            },
        ),
        ("upgrade hangs", Behaviour::UpgradeHang),
        ("upgrade is reset", Behaviour::UpgradeReset),
        ("upgrade by somebody else", Behaviour::UpgradeWrongAccept),
        ("accepted and dropped", Behaviour::UpgradeThenDrop),
    ]
    .map(|(bot, behaviour)| (bot, behaviour.times(1)))
    .into();
    let bots: Vec<&str> = once.iter().map(|(bot, _)| *bot).collect();
    let sim = platform(|_| ());
    let control = sim.control();
    let mut setup = Setup::new(&sim)
        .set("timing.bootstrap", "1s")
        .set("timing.handshake", "1s");
    for (bot, script) in once {
        control.behaviour(Some(&app_id(bot)), script);
        setup = setup.bot(bot);
    }
    let gateway = setup.start();
    for bot in &bots {
        wait_generation(&gateway, bot, 2);
    }
    events_flow(&control, &bots, "after");
    let peak = gateway.memory_kib("VmHWM");
    assert!(peak < 256 * 1024, "{peak} KiB: an endless answer was kept");
}

#[test]
fn an_event_in_the_packet_of_the_upgrade_is_not_lost() {
    let sim = platform(|settings| settings.events_with_upgrade = true);
    let control = sim.control();
    let early: Vec<_> = (0..3)
        .map(|number| {
            let event = message(&format!("early-{number}"), &format!("om-{number}"));
            control.push(&app_id("a"), event)
        })
        .collect();
    let gateway = Setup::new(&sim).bot("a").start();
    wait_until("the early events are acknowledged", || {
        let ledger = control.ledger();
        if ledger.acked == early.len() as u64 {
            Ok(())
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    for push in early {
        let record = control
            .record(push)
            .expect("the simulator keeps its records");
        assert_eq!(
            record.attempts.len(),
            1,
            "read from the first packet: {record:?}"
        );
    }
    assert_eq!(gateway.events().len(), 3);
}

/// An open socket proves little: a backoff that starts over with it makes a tight loop here.
#[test]
fn a_platform_that_accepts_and_drops_meets_a_growing_backoff() {
    let sim = platform(|_| ());
    let control = sim.control();
    control.behaviour(Some(&app_id("a")), Behaviour::UpgradeThenDrop);
    let gateway = Setup::new(&sim)
        .bot("a")
        .bot("bystander")
        .set("timing.backoff_base", "20ms")
        .set("timing.backoff_cap", "300ms")
        .start();
    let view = gateway.wait_installation("a", "its attempts are counted on", |view| {
        view["state"] == "backing_off" && view["attempt"].as_u64() >= Some(6)
    });
    assert_eq!(view["reason"], "reset", "{view}");
    control.behaviour(Some(&app_id("a")), Behaviour::Nominal);
    gateway.wait_live("a");
    // Only a pong is proof.
    gateway.wait_installation("a", "has answered", |view| {
        view["lights"]["pong_round_trip_us"].is_u64()
    });
    events_flow(&control, &["a", "bystander"], "after");
}
