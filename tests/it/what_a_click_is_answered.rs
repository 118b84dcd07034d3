//! What a person sees who clicks on a card: the application's answer, or the default in time, whatever the application does.

use std::time::Duration;

use longwire_sim::{AttemptOutcome, ClickedCard, Control, Push, PushId, RecordState, Traffic};
use longwire_tests::{
    Gateway, Setup, Webhook, WebhookAnswer, app_id, platform, until_answered, wait_acked,
    wait_until,
};
use serde_json::{Value, json};

/// How long the platform waits (Feishu, "handle card callbacks": 3 s).
const PLATFORM_WAITS_MS: u64 = 3_000;
const DONE: &str = r#"{"toast": {"type": "success", "content": "done"}}"#;

fn click(control: &Control, bot: &str, nth: usize) -> PushId {
    let click = ClickedCard {
        chat: format!("oc_{bot}{nth}"),
        value: json!({ "nth": nth }),
        ..ClickedCard::default()
    };
    control.push(&app_id(bot), Push::card_click(click))
}

/// A gateway of these bots. Each has an application that claims the clicks on its cards, over this road.
fn answering(sim: &longwire_sim::Sim, bots: &[(&str, Value)]) -> Gateway {
    let setup = Setup::new(sim).set("webhooks.allow_networks", vec!["loopback"]);
    let setup = bots.iter().fold(setup, |setup, (bot, _)| setup.bot(bot));
    let gateway = setup.start();
    for (bot, road) in bots {
        let id = gateway.wait_live(bot)["id"].clone();
        let consumer = json!({"name": bot, "road": road, "filter": {"installations": [id]},
            "claims_cards": true});
        let public = gateway.public();
        let added = public
            .post("/v1/consumers", Some(&consumer))
            .expect("an answer");
        assert_eq!(added.status, 201, "{added:?}");
    }
    gateway
}

/// What the platform decoded of the answer to a click.
fn shown(control: &Control, push: PushId) -> Value {
    let record = wait_acked(control, push);
    let answer = record.answer_data.expect("a result in the ACK");
    serde_json::from_str(&answer).expect("JSON")
}

#[test]
fn the_answer_of_a_webhook_and_of_a_pull_reader_is_what_the_person_sees() {
    let sim = platform(|_| ());
    let control = sim.control();
    let application = Webhook::new(|_| WebhookAnswer {
        body: DONE,
        ..WebhookAnswer::OK
    });
    let gateway = answering(
        &sim,
        &[
            (
                "hooked",
                json!({"kind": "webhook", "url": application.url()}),
            ),
            ("pulled", json!({"kind": "pull"})),
        ],
    );
    let by_hook = shown(&control, click(&control, "hooked", 1));
    assert_eq!(by_hook["toast"]["content"], "done");
    assert_eq!(application.delivered().len(), 1);

    let asked = click(&control, "pulled", 2);
    let public = gateway.public();
    let event = wait_until("the click is there to be pulled", || {
        let page = public.json("/v1/consumers/pulled/events?wait=2s");
        let event = page["data"][0].clone();
        (!event.is_null()).then_some(event).ok_or(page.to_string())
    });
    assert_eq!(event["event"]["data"]["kind"], "card_action");
    let id = event["id"].as_str().expect("an id");
    let answer = json!({"toast": {"type": "info", "content": "pulled"}});
    let path = format!("/v1/consumers/pulled/events/{id}/answer");
    let answered = public.post(&path, Some(&answer)).expect("an answer");
    assert!(answered.status < 300, "{answered:?}");
    assert_eq!(shown(&control, asked), answer);
    let ledger = until_answered(&control);
    assert_eq!(ledger.bad_acks.total(), 0, "{ledger:?}");
}

/// The clicks of a bot whose application takes them and answers nothing, between the messages of another bot.
#[test]
fn a_stalled_application_costs_no_click_more_than_the_platform_waits() {
    let sim = platform(|_| ());
    let control = sim.control();
    let stalled = Webhook::new(|_| WebhookAnswer {
        after: Duration::from_secs(30),
        ..WebhookAnswer::OK
    });
    let gateway = answering(
        &sim,
        &[
            ("stuck", json!({"kind": "webhook", "url": stalled.url()})),
            ("busy", json!({"kind": "pull"})),
        ],
    );
    control.push_at_rate(Traffic {
        per_second: 200.0,
        apps: vec![app_id("busy")],
        ..Traffic::default()
    });
    let clicks: Vec<PushId> = (0..40).map(|nth| click(&control, "stuck", nth)).collect();
    for push in clicks {
        let record = wait_acked(&control, push);
        assert_eq!(record.state, RecordState::Acked);
        assert_eq!(record.attempts.len(), 1, "not pushed again: {record:?}");
        assert_eq!(record.attempts[0].outcome, AttemptOutcome::Acked);
        let took = record.acked_at_ms.expect("it is acked") - record.attempts[0].at_ms;
        assert!(took < PLATFORM_WAITS_MS, "answered after {took} ms");
        let answer: Value =
            serde_json::from_str(&record.answer_data.expect("a default")).expect("JSON");
        assert_eq!(answer["toast"]["type"], "info", "{answer}");
    }
    control.stop_traffic();
    let ledger = until_answered(&control);
    let longest_ms = ledger.ack_latency.max_us / 1_000;
    assert!(longest_ms < PLATFORM_WAITS_MS, "{longest_ms} ms");
    assert_eq!((ledger.bad_acks.total(), ledger.lost), (0, 0), "{ledger:?}");
    drop(gateway);
}
