//! The platform sends what cannot be read.

use longwire_sim::wecom::{ConnectionFault, Push};
use longwire_tests::{bot_id, live_wecom_bot, wait_until};
use serde_json::Value;

use super::bot;

/// The growth of peak memory that more than a megabyte of garbage may cause.
const GROWTH_KIB: u64 = 32 * 1024;

/// S189 and S190: unreadable input is counted by its kind, and the connection stays open. WeCom never resends it, so its
/// bytes are recorded, unless they are empty or beyond the budget of unreadable input.
#[test]
fn nonsense_is_counted_and_ends_no_connection() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let before = gateway.memory_kib("VmHWM");
    let text = |text: &str| ConnectionFault::Text(text.to_owned());
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
        (ConnectionFault::Garbage(vec![0xff; 64].into()), "not_utf8"),
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
        ConnectionFault::Text(text) if text.is_empty() || *kind == "answer_to_nothing" => None,
        ConnectionFault::Text(text) => Some(text.clone().into_bytes()),
        ConnectionFault::Garbage(bytes) => Some(bytes.to_vec()),
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

/// Sends every frame that the vectors mark as one to ignore over one connection.
#[test]
fn what_the_vectors_say_to_ignore_ends_no_connection() {
    let vectors = include_str!("../../../crates/wire/vectors/wecom-frames.json");
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
        assert_eq!(
            control.fault(bot("a"), ConnectionFault::Text(text.to_owned())),
            1
        );
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

/// A platform that sends only unreadable input does not fill the disk, and the log says so.
#[test]
fn what_cannot_be_read_is_kept_within_bounds() {
    const SENT: u64 = 100;
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    for number in 0..SENT {
        control.fault(bot("a"), ConnectionFault::Text(format!("what is {number}")));
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

/// A frame that a relay or a cut in the middle of a character damaged slightly is still the same message.
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
        control.fault(bot("a"), ConnectionFault::Garbage(frame.clone().into()));
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
