//! A bot that fails five times in a row raises an alarm for any cause: it is logged once with the whole chain of
//! causes, and cleared by the next connection that lasts. The log alone says enough about connections and split pushes
//! to find a failure.

use longwire_sim::{FragmentPlan, Push, SimSettings, wecom};
use longwire_tests::{
    Gateway, Setup, absent_platform, app_id, platform, wait_acked, wecom_platform,
};
use serde_json::{Value, json};

/// The entries that begin with these words about a bot.
fn entries(gateway: &Gateway, words: &str, app_id: &Value) -> Vec<Value> {
    let mut entries = gateway.log().entries();
    entries.retain(|entry| {
        entry["app_id"] == *app_id
            && entry["message"]
                .as_str()
                .is_some_and(|message| message.starts_with(words))
    });
    entries
}

fn alarms(gateway: &Gateway) -> (Value, bool) {
    let metrics = gateway.public().get("/metrics").expect("it answers").body;
    let count = gateway.overview()["alarms"].take();
    let is_in_metrics = metrics.contains(&format!("\nlongwire_alarms {count}"));
    (count, is_in_metrics)
}

#[test]
fn an_unreachable_platform_is_an_alarm_once_and_until_it_is_back() {
    let (feishu_port, feishu_address) = absent_platform();
    let (wecom_port, wecom_address) = absent_platform();
    // Somewhere to declare the bots at; the platforms come later.
    let elsewhere = platform(|_| ());
    let nowhere = wecom_platform(|_| ());
    let gateway = Setup::new(&elsewhere)
        .bot_at("feishu", &format!("http://{feishu_address}"))
        .wecom_bot("wecom", &nowhere)
        .with("base_url", format!("ws://{wecom_address}"))
        .bot("healthy")
        .start();
    gateway.wait_live("healthy");
    for name in ["feishu", "wecom"] {
        let view = gateway.wait_installation(name, "many failures", |view| {
            view["lights"]["failures"].as_u64() >= Some(8) && view["state"] == "backing_off"
        });
        assert_eq!(view["lights"]["alarm"], true, "{view}");
        // The cause to the bottom, on either way to the platform.
        let reason = view["reason_text"].as_str().unwrap_or_default();
        assert!(reason.ends_with(": the connection was refused"), "{reason}");
        let told = entries(
            &gateway,
            "alarm: max reconnect attempts reached",
            &view["app_id"],
        );
        let [told] = told.as_slice() else {
            panic!("told once, not with every attempt: {told:?}");
        };
        assert_eq!(
            (&told["level"], &told["failures"]),
            (&json!("WARN"), &json!(5))
        );
        assert!(
            told["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("refused"))
        );
        assert!(told["next_step"].is_string(), "{told}");
    }
    assert_eq!(gateway.installation("healthy")["lights"]["alarm"], false);
    assert_eq!(alarms(&gateway), (json!(2), true));

    drop((feishu_port, wecom_port));
    let feishu = platform(|settings: &mut SimSettings| settings.listen = feishu_address);
    let wecom = wecom_platform(|settings: &mut wecom::SimSettings| settings.listen = wecom_address);
    for name in ["feishu", "wecom"] {
        let view = gateway.wait_installation(name, "live, and the alarm is over", |view| {
            view["state"] == "live" && view["lights"]["alarm"] == false
        });
        let over = entries(&gateway, "connected for long enough", &view["app_id"]);
        assert_eq!(over.len(), 1, "{over:?}");
        assert_eq!(over[0]["level"], "INFO");
    }
    assert_eq!(alarms(&gateway), (json!(0), true));
    drop((feishu, wecom));
}

/// S126: the delay and the number of each attempt that is to come, and the cause of the failure before it.
#[test]
fn each_attempt_is_logged_with_its_delay_and_number() {
    let (_port, address) = absent_platform();
    let elsewhere = platform(|_| ());
    let gateway = Setup::new(&elsewhere)
        .bot_at("feishu", &format!("http://{address}"))
        .start();
    let view = gateway.wait_installation("feishu", "some failures", |view| {
        view["lights"]["failures"].as_u64() >= Some(4) && view["state"] == "backing_off"
    });
    let told = entries(&gateway, "not connected; trying again", &view["app_id"]);
    let attempts: Vec<_> = told.iter().map(|entry| entry["attempt"].as_u64()).collect();
    assert_eq!(attempts[..4], [Some(1), Some(2), Some(3), Some(4)]);
    for entry in told {
        assert!(entry["wait_ms"].as_i64() >= Some(0), "{entry}");
        let reason = entry["reason"].as_str().unwrap_or_default();
        assert!(reason.ends_with(": the connection was refused"), "{entry}");
    }
}

/// S48 and S25.
#[test]
fn connections_and_fragments_are_logged_with_their_facts() {
    // The platform names a longer interval than the operator, whose holds.
    let sim = platform(|settings| settings.client_config.ping_interval = Some(90));
    let wecom = wecom_platform(|_| ());
    let gateway = Setup::new(&sim)
        .bot("feishu")
        .wecom_bot("wecom", &wecom)
        .set("log.filter", "info,longwire_fleet::assembler=debug")
        .start();
    for (name, has_service, interval) in [("feishu", true, "1s"), ("wecom", false, "1s")] {
        let view = gateway.wait_live(name);
        let connected = entries(&gateway, "connected", &view["app_id"]);
        let [connected] = connected.as_slice() else {
            panic!("{connected:?}");
        };
        assert_eq!(connected["installation"], view["id"], "{connected}");
        assert_eq!(
            connected["service_id"].is_number(),
            has_service,
            "{connected}"
        );
        assert_eq!(connected["ping_interval"], interval, "{connected}");
    }

    let control = sim.control();
    let plan = FragmentPlan {
        size_bytes: Some(1_000),
        ..FragmentPlan::default()
    };
    let push = control.push(&app_id("feishu"), Push::made_up(2_500).in_fragments(plan));
    let record = wait_acked(&control, push);
    let entries = gateway.log().entries();
    let of = |message: &str| -> Vec<&Value> {
        entries
            .iter()
            .filter(|entry| entry["message"] == message)
            .collect()
    };
    let parts = of("a part of a split push");
    let facts: Vec<_> = parts
        .iter()
        .map(|part| {
            (
                part["seq"].as_u64(),
                part["sum"].as_u64(),
                part["pending"].as_u64(),
            )
        })
        .collect();
    let sum = Some(facts.len() as u64);
    assert!(facts.len() >= 3, "{facts:?}");
    for (nth, fact) in (0_u64..).zip(&facts) {
        let pending = u64::from(Some(nth + 1) < sum);
        assert_eq!(*fact, (Some(nth), sum, Some(pending)));
    }
    let whole = of("a split push is whole");
    let [whole] = whole.as_slice() else {
        panic!("{whole:?}");
    };
    assert_eq!(whole["message_id"], parts[0]["message_id"]);
    assert_eq!(whole["chunks"].as_u64(), sum);
    assert!(whole["bytes"].as_u64() >= Some(2_000), "{whole} {record:?}");
}
