//! WeCom never resends. A message that was read is recorded once and in its order, whatever happens to the disk, the
//! process or another bot.

use longwire_sim::Traffic;
use longwire_sim::wecom::{Content, Flood, Media, Push};
use longwire_tests::{Setup, Signal, bot_id, live_wecom_bot, wait_until, wecom_platform};
use serde_json::{Value, json};

/// S160: events are recorded like messages, those of kinds that do not exist yet too.
#[test]
fn messages_and_events_of_every_kind_are_recorded() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let media = || Media::new("a.bin", vec![7; 100]);
    let pushes = [
        (Push::text("hello"), "message.text"),
        (Push::of(Content::Image(media())), "message.image"),
        (Push::of(Content::File(media())), "message.file"),
        (Push::of(Content::Video(media())), "message.video"),
        (Push::of(Content::Voice("said".to_owned())), "message.voice"),
        (
            Push::of(Content::Mixed(vec![
                Content::Text("look".to_owned()),
                Content::Image(media()),
            ])),
            "message.mixed",
        ),
        (
            Push::of(Content::Other {
                msgtype: "hologram".to_owned(),
                value: json!({}),
            }),
            "message",
        ),
        (Push::event("enter_chat"), "event.enter_chat"),
        (
            Push::of(Content::card_event("task", "yes")),
            "event.template_card_event",
        ),
        (Push::of(Content::feedback("f1", 2)), "event.feedback_event"),
        (Push::event("moved_to_mars"), "event"),
    ];
    for (push, _) in &pushes {
        control.push(&bot_id("a"), push.clone());
    }
    gateway.wait_all_recorded(&control, pushes.len());
    let events = gateway.events();
    for (event, (push, kind)) in events.iter().zip(&pushes) {
        let payload: Value = serde_json::from_slice(&event.payload).expect("the platform's JSON");
        let told = event.event_type.as_deref().unwrap_or_default();
        assert!(told.starts_with(kind), "{told} for {push:?}");
        assert_eq!(event.chat.as_deref(), Some("zhangsan"));
        assert_eq!(
            payload["headers"]["req_id"].as_str(),
            event.trace_id.as_deref()
        );
    }
}

/// A control character as it is inside a text is not JSON, and the platform sends it all the same.
#[test]
fn a_message_with_a_raw_control_character_is_recorded() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let frame = json!({
        "cmd": "aibot_msg_callback", "headers": { "req_id": "r-1" },
        "body": {
            "msgid": "m-1", "aibotid": bot_id("a"), "chattype": "single", "from": { "userid": "zhangsan" },
            "msgtype": "text", "text": { "content": "one@two" },
        },
    });
    let raw = frame.to_string().replace('@', "\n");
    control.push(&bot_id("a"), Push::of(Content::Raw(raw)).with_msgid("m-1"));
    gateway.wait_all_recorded(&control, 1);
    let event = gateway.event("m-1").expect("it is recorded");
    let payload: Value = serde_json::from_slice(&event.payload).expect("it is JSON now");
    assert_eq!(payload["body"]["text"]["content"], "one\ntwo");
}

/// The network makes the platform send a message twice, under another `req_id`.
#[test]
fn a_repeat_is_recorded_once() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let push = control.push(&bot_id("a"), Push::text("hello"));
    gateway.wait_all_recorded(&control, 1);
    for _ in 0..3 {
        assert!(control.push_again(push));
    }
    control.push(&bot_id("a"), Push::text("another"));
    gateway.wait_all_recorded(&control, 2);
    let overview = gateway.wait_overview("the repeats are counted", |overview| {
        overview["events"]["repeats_by_event_id"] == 3
    });
    assert_eq!(overview["events"]["recorded"], 2, "{overview}");
}

/// S159: the seed gave each message a thread. The log has them in the order of the connection, chat by chat.
#[test]
fn messages_are_recorded_in_their_order() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    control.push_flood(Flood {
        total: Some(5_000),
        payload_bytes: 512,
        ..Flood::default()
    });
    wait_until("all are recorded", || {
        let recorded = gateway.overview()["events"]["recorded"].take();
        if recorded == 5_000 {
            Ok(())
        } else {
            Err(recorded.to_string())
        }
    });
    let pushed: Vec<String> = control
        .records(None)
        .into_iter()
        .map(|record| record.msgid)
        .collect();
    let recorded: Vec<String> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect();
    assert_eq!(recorded, pushed);
}

/// Nobody sends them again: a store that takes nothing for a while gets them when it takes something again.
#[test]
fn what_was_read_waits_for_a_full_disk_to_have_room() {
    let sim = wecom_platform(|_| ());
    let control = sim.control();
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let Some(gateway) = setup.start_on_volume(64 << 20) else {
        return;
    };
    gateway.expect_error("events are not recorded");
    gateway.wait_live("a");
    gateway.volume().fill().expect("it can be filled");
    control.push_at_rate(Traffic {
        per_second: 500.0,
        total: Some(2_000),
        payload_bytes: 1_024,
        ..Traffic::default()
    });
    gateway.wait_overview("the store is in trouble", |overview| {
        overview["store"]["state"] == "degraded"
    });
    gateway.volume().empty().expect("it can be emptied");
    wait_until(
        "everything was written to the connection",
        || match control.ledger().delivered {
            2_000 => Ok(()),
            other => Err(other.to_string()),
        },
    );
    gateway.wait_all_recorded(&control, 2_000);
    assert_eq!(
        gateway.wait_live("a")["generation"],
        1,
        "the connection waited"
    );
}

/// Whether the process is killed in the middle of a flood or told to stop: what was said to be recorded is there, and
/// there is no gap in what is there. After the stop nothing was left that was read.
#[test]
fn an_end_in_a_flood_leaves_no_gap() {
    let sim = wecom_platform(|settings| settings.keep_records = 2_000_000);
    let mut gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    let control = sim.control();
    control.push_flood(Flood {
        payload_bytes: 700,
        ..Flood::default()
    });
    let mut before = 0;
    for signal in [Signal::Kill, Signal::Term] {
        gateway.wait_live("a");
        let said = wait_until("a thousand are recorded", || {
            let recorded = gateway.overview()["events"]["recorded"].as_u64();
            match recorded {
                Some(many) if many >= 1_000 => Ok(many as usize),
                few => Err(format!("{few:?}")),
            }
        });
        gateway.signal(signal);
        let status = gateway.wait_end();
        let recorded = gateway.events().split_off(before);
        assert!(recorded.len() >= said, "{} of {said}", recorded.len());
        let pushed = control.records(None).into_iter().map(|record| record.msgid);
        let recorded_ids = recorded
            .iter()
            .filter_map(|event| event.event_id.as_deref());
        let first = recorded[0].event_id.as_deref();
        let pushed = pushed.skip_while(|msgid| Some(&**msgid) != first);
        assert!(
            recorded_ids.eq(pushed.take(recorded.len())),
            "{signal:?}: a gap, or another order"
        );
        before += recorded.len();
        if signal == Signal::Term {
            assert_eq!(status.code(), Some(0));
            let end = gateway.log().entry("stopped").expect("its last words");
            assert_eq!(end["unanswered"], 0, "{end}");
        } else {
            gateway.restart();
        }
    }
    control.stop_traffic();
}
