//! A WeCom connection that breaks, freezes or sends nonsense costs a bot at most this connection.

use std::time::Duration;

use longwire_sim::SimTls;
use longwire_sim::wecom::{Asked, Behaviour, Fault, Push, ScriptedAnswer, Target};
use longwire_tests::{
    Gateway, SECRET, Setup, Signal, bot_id, holder, live_wecom_bot, wait_until, wecom_platform,
};
use serde_json::Value;

/// Peak memory a platform that sends garbage may cost, over a megabyte of it.
const GROWTH_KIB: u64 = 32 * 1024;

fn bot(name: &str) -> Target {
    Target::Bot(bot_id(name))
}

fn wait_generation(gateway: &Gateway, generation: u64) -> Value {
    gateway.wait_installation(
        "a",
        &format!("live again, generation {generation}"),
        |view| view["state"] == "live" && view["generation"].as_u64() >= Some(generation),
    )
}

/// S156 and S157: a heartbeat that is not answered ends the connection, in whichever way the answers stay away. The
/// official clients take two or three unanswered ones for that, the seed none at all.
#[test]
fn a_dead_connection_is_found_and_redialled() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.pong_grace", "1s"));
    let control = sim.control();
    let dead = [Fault::SilentPong, Fault::HalfOpen, Fault::StopReading];
    for (generation, fault) in (2..).zip(dead) {
        assert_eq!(control.fault(bot("a"), fault.clone()), 1, "{fault:?}");
        wait_generation(&gateway, generation);
        let push = control.push(&bot_id("a"), Push::text("are you there?"));
        wait_until("the new connection serves", || {
            let record = control.record(push).expect("it is new");
            match gateway.event(&record.msgid) {
                Some(_) => Ok(()),
                None => Err(format!("{record:?}")),
            }
        });
    }
    let overview = gateway.overview();
    assert_eq!(overview["connections"]["silent"], 3, "{overview}");
    let ledger = control.ledger();
    assert_eq!(
        (ledger.pings_with_body, ledger.protocol_pings),
        (0, 0),
        "the platform ends connections over these"
    );
}

/// S182, S183 and S184: closed with 1000 or 1001 it is over like any other, and none of them is followed by a
/// tight loop.
#[test]
fn whatever_ends_a_connection_the_bot_comes_back() {
    let (sim, gateway) = live_wecom_bot(|setup| setup.set("timing.pong_grace", "1s"));
    let control = sim.control();
    let ends = [
        Fault::Close(1000),
        Fault::Close(1001),
        Fault::Close(1011),
        Fault::CloseWithoutCode,
        Fault::Hangup,
        Fault::Drop,
        Fault::OversizedFrame(1 << 40),
        // As the platform did to clients that ping below their JSON (S181).
        Fault::MaskedFrame,
    ];
    let count = ends.len() as u64;
    for (generation, end) in (2..).zip(ends) {
        holder(&control, "a");
        assert_eq!(control.fault(bot("a"), end.clone()), 1, "{end:?}");
        wait_generation(&gateway, generation);
    }
    let ledger = control.ledger();
    assert_eq!(
        (ledger.subscribes, ledger.subscribed),
        (count + 1, count + 1),
        "one attempt each: {ledger:?}"
    );
    assert_eq!(gateway.overview()["connections"]["panics"], 0);
}

/// S189 and S190: what cannot be read is counted, told by its kind alone, and the connection lives. Nobody repeats it, so
/// it is recorded with its bytes as well, unless it says nothing or exceeds what is kept of such.
#[test]
fn nonsense_is_counted_and_ends_no_connection() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let before = gateway.memory_kib("VmHWM");
    let text = |text: &str| Fault::Text(text.to_owned());
    let nonsense = [
        (text("null"), "not_an_object"),
        (text("[1, 2]"), "not_an_object"),
        (text("\"text\""), "not_an_object"),
        (text("what is this"), "not_json"),
        (text(""), "not_json"),
        (text(&"x".repeat(1 << 20)), "not_json"),
        (text(&"[".repeat(1 << 20)), "not_json"),
        (
            text(r#"{"cmd":"aibot_future","headers":{"req_id":"1"}}"#),
            "unknown_command",
        ),
        (
            text(r#"{"headers":{"req_id":"nobodys"},"errcode":0}"#),
            "answer_to_nothing",
        ),
        (text("{}"), "no_req_id"),
        (
            text(r#"{"headers":{"req_id":7},"errcode":"x"}"#),
            "no_req_id",
        ),
        (Fault::Garbage(vec![0xff; 64].into()), "not_utf8"),
    ];
    for (fault, _) in &nonsense {
        assert_eq!(control.fault(bot("a"), fault.clone()), 1);
    }
    let view = gateway.wait_installation("a", "everything is counted", |view| {
        view["lights"]["malformed"].as_u64() == Some(nonsense.len() as u64)
    });
    let malformed = gateway.overview()["malformed"].take();
    for (_, kind) in &nonsense {
        let wanted = nonsense.iter().filter(|(_, other)| other == kind).count();
        assert_eq!(malformed[kind], wanted, "{kind}: {malformed}");
    }
    assert_eq!(
        (&view["state"], &view["generation"]),
        (&"live".into(), &1.into()),
        "{view}"
    );
    assert!(gateway.memory_kib("VmHWM") < before + GROWTH_KIB);
    control.push(&bot_id("a"), Push::text("still here?"));
    gateway.wait_all_recorded(&control, 1);
    let unparsed = nonsense.iter().filter_map(|(fault, kind)| match fault {
        Fault::Text(text) if text.is_empty() || *kind == "answer_to_nothing" => None,
        Fault::Text(text) => Some(text.clone().into_bytes()),
        Fault::Garbage(bytes) => Some(bytes.to_vec()),
        other => panic!("{other:?}"),
    });
    let recorded = gateway.events().into_iter();
    let recorded = recorded.filter(|event| event.event_type.is_none());
    assert_eq!(
        recorded.map(|event| event.payload).collect::<Vec<_>>(),
        unparsed.collect::<Vec<_>>(),
    );
    assert!(
        !gateway.log().text().contains("what is this"),
        "what the platform sent is nobody's to log"
    );
}

/// Every frame that the vectors call one to log and ignore, over one connection.
#[test]
fn what_the_vectors_say_to_ignore_ends_no_connection() {
    let vectors = include_str!("../../crates/wire/vectors/wecom-frames.json");
    let vectors: Value = serde_json::from_str(vectors).expect("the vectors are readable");
    let cases = vectors["cases"].as_array().expect("a list");
    let ignored: Vec<&str> = cases
        .iter()
        .filter(|case| {
            let action = case["expect"]["action"].as_str();
            action.is_some_and(|action| action.starts_with("log_and_ignore"))
        })
        .filter_map(|case| case["text"].as_str())
        .collect();
    assert_eq!(ignored.len(), 22);
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    for text in ignored {
        assert_eq!(control.fault(bot("a"), Fault::Text(text.to_owned())), 1);
    }
    // Written behind them, over the same connection.
    let push = control.push(&bot_id("a"), Push::text("still here?"));
    let record = control.record(push).expect("it is new");
    wait_until("all of them were read", || {
        match gateway.event(&record.msgid) {
            Some(_) => Ok(()),
            None => Err(gateway.installation("a").to_string()),
        }
    });
    assert_eq!(gateway.wait_live("a")["generation"], 1);
    assert_eq!(gateway.overview()["connections"]["panics"], 0);
}

/// A platform that sends nothing but what nobody can read does not fill the disk with it, and somebody is told.
#[test]
fn what_cannot_be_read_is_kept_within_bounds() {
    const SENT: u64 = 100;
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    for number in 0..SENT {
        control.fault(bot("a"), Fault::Text(format!("what is {number}")));
    }
    let view = gateway.wait_installation("a", "all of it is counted", |view| {
        view["lights"]["malformed"].as_u64() == Some(SENT)
    });
    // What one bot and hour are granted.
    let kept = 64;
    assert_eq!(view["lights"]["unparsed"], kept, "{view}");
    assert_eq!(view["lights"]["unparsed_dropped"], SENT - kept, "{view}");
    let events = gateway.overview()["events"].take();
    assert_eq!(events["unparsed_dropped"], SENT - kept, "{events}");
    wait_until("what is kept is recorded", || {
        match gateway.events().len() as u64 {
            count if count == kept => Ok(()),
            count => Err(format!("{count} events")),
        }
    });
    let told = gateway.log().text().matches("counted and dropped").count();
    assert_eq!(told, 1, "it is said once");
    assert_eq!(gateway.wait_live("a")["generation"], 1);
}

/// What a relay or a cut by bytes makes of a good frame is still that message, and comes again as the same.
#[test]
fn what_is_nearly_json_is_a_message_all_the_same() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let frame = |req_id: &str, content: &[u8]| {
        let head = format!(
            r#"{{"cmd":"aibot_msg_callback","headers":{{"req_id":"{req_id}"}},"body":{{"msgid":"m1","aibotid":"b","msgtype":"text","from":{{"userid":"u"}},"text":{{"content":""#
        );
        [head.as_bytes(), content, b"\"}}}"].concat()
    };
    let frames = [
        frame("r1", b"cut \xe6\x96"),
        [b"\xef\xbb\xbf", &frame("r2", b"mark")[..]].concat(),
        [&frame("r3", b"nul")[..], b"\0"].concat(),
        frame("r4", b"a\nb"),
        frame("r5", b"\\ud83d"),
    ];
    for frame in &frames {
        control.fault(bot("a"), Fault::Garbage(frame.clone().into()));
    }
    gateway.wait_installation("a", "all of them came", |view| {
        view["lights"]["repeats"].as_u64() == Some(frames.len() as u64 - 1)
    });
    let events = gateway.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0].event_id.as_deref(), Some("m1"));
    let payload: Value = serde_json::from_slice(&events[0].payload).expect("it is json now");
    assert_eq!(payload["body"]["text"]["content"], "cut \u{fffd}");
    assert_eq!(gateway.wait_live("a")["lights"]["malformed"], 0);
}

/// S194 and S195: messages in pieces, several in one packet, and pings of the WebSocket layer in between are no reason
/// to reconnect.
#[test]
fn messages_come_in_whatever_packets_they_come() {
    let sim = wecom_platform(|settings| settings.tls = None);
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    let burst = |size: usize| (0..200).map(|_| Push::made_up(size)).collect::<Vec<_>>();
    control.push_burst(&bot_id("a"), burst(512));
    control.push_burst(&bot_id("a"), burst(9_000));
    control.fault(bot("a"), Fault::ProtocolPing);
    control.fault(bot("a"), Fault::Continuation(7));
    control.push_burst(&bot_id("a"), burst(2_000));
    gateway.wait_all_recorded(&control, 600);
    wait_until(
        "the ping of the layer below is answered (S181)",
        || match holder(&control, "a").protocol_pongs {
            1 => Ok(()),
            other => Err(other.to_string()),
        },
    );
    assert_eq!(gateway.wait_live("a")["generation"], 1);
}

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
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Ignore),
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Code(846_601)),
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Code(-1)),
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::DropBefore),
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Foreign),
        Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Raw("null".to_owned())),
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

/// S153 and section 6.6 of the protocol: wrong credentials are somebody's to mend, and are shown with what to do.
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
        view["until_ms"].is_i64(),
        "it is tried again, slowly: {view}"
    );
    gateway.wait_live("b");
    assert_eq!(
        sim.control().ledger().answered("aibot_subscribe", 853_000),
        1,
        "no reflex"
    );
}

/// Code 45009: who asks too often is asked to wait, and waits.
#[test]
fn too_many_subscriptions_are_waited_out() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let limited = Behaviour::answer(Asked::Subscribe, ScriptedAnswer::Code(45_009));
    control.behaviour(None, limited.times(1));
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    let view = gateway.wait_installation("a", "it waits", |view| {
        view["reason"] == "subscribe_limited"
    });
    let waits = view["until_ms"]
        .as_i64()
        .zip(view["state_since_ms"].as_i64());
    let waits = waits.map(|(until, since)| Duration::from_millis(until.abs_diff(since)));
    assert!(
        waits >= Some(Duration::from_secs(30)),
        "the limit is one per minute, or not known better: {view}"
    );
}

/// S180: the secret goes to nobody whose certificate is not vouched for.
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

/// S186, S187 and S191: a bot that is stopped, and a process that ends, say goodbye and leave no connection; what was said
/// and every heartbeat are no news for the log.
#[test]
fn a_stop_says_goodbye_and_leaves_nothing_behind() {
    let (sim, mut gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    control.push(&bot_id("a"), Push::text("between us"));
    gateway.wait_all_recorded(&control, 1);
    wait_until("a heartbeat passes", || match control.ledger().pings {
        0 => Err("none".to_owned()),
        _ => Ok(()),
    });
    let gone = |count: u64| {
        wait_until("the connection is gone, with a close frame", || {
            let ledger = control.ledger();
            if (ledger.closed_by_client, ledger.connections_ended) == (count, count) {
                Ok(())
            } else {
                Err(format!("{ledger:?}"))
            }
        });
    };
    gateway.tell("a", "stop");
    gone(1);
    gateway.tell("a", "start");
    gateway.wait_live("a");
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    gone(2);
    // What a connection is told at its start is no heartbeat.
    let said = gateway.log().text().replace("ping_interval", "");
    for words in ["between us", "zhangsan", "ping", "aibot_"] {
        assert!(!said.contains(words), "{words}: {said}");
    }
}
