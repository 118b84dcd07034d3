//! The answers to subscribes, their rate limit, and displacement.

use std::time::Duration;

use longwire_sim::wecom::{
    Behaviour, Bots, CommandKind, DisplacedOrder, Push, ScriptedAnswer, SubscriptionState,
};
use serde_json::{Value, json};

use crate::client::{BOT, Client, SECRET, start, until, wait};

#[test]
fn the_right_secret_subscribes_and_a_wrong_one_leaves_the_socket_open() {
    let sim =
        start(|settings| settings.bots = Bots::Known(vec![(BOT.to_owned(), SECRET.to_owned())]));
    let mut client = Client::dial(&sim).expect("101");
    for (bot, secret) in [(BOT, "wrong"), ("another", SECRET)] {
        let refusal = client.subscribe(bot, secret);
        assert_eq!(refusal["errcode"], 853000);
        let text = refusal["errmsg"].as_str().expect("text");
        assert!(
            text.starts_with("invalid bot_id or secret, hint: ["),
            "{text}"
        );
    }
    assert_eq!(client.send_markdown("zhangsan")["errcode"], 846609);
    assert_eq!(
        client.ping()["errcode"],
        0,
        "pings are answered in any state"
    );
    assert_eq!(client.subscribe(BOT, SECRET)["errmsg"], "ok");
    let view = &sim.control().connections(Some(BOT))[0];
    assert_eq!(view.state, SubscriptionState::Subscribed);
    let ledger = sim.control().ledger();
    assert_eq!((ledger.subscribes, ledger.subscribed), (3, 1));
    assert_eq!(ledger.answered("aibot_subscribe", 853000), 2);
}

#[test]
fn subscribing_again_on_the_same_connection_displaces_nobody() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let body = json!({"bot_id": BOT, "secret": SECRET, "scene": 1, "plug_version": "2026.7.2"});
    assert_eq!(client.ask("aibot_subscribe", body)["errcode"], 0);
    assert_eq!(client.ping()["errcode"], 0, "the next frame is no event");
    assert_eq!(sim.control().ledger().displacements, 0);
}

#[test]
fn too_many_subscribes_in_a_minute_are_refused_and_later_ones_are_not() {
    let sim = start(|settings| {
        settings.subscribes_per_minute = Some(2);
        settings.time_factor = 100.0;
        settings.idle_close = None;
    });
    let mut client = Client::subscribed(&sim);
    assert_eq!(client.subscribe(BOT, SECRET)["errcode"], 0);
    until(|| client.subscribe(BOT, SECRET)["errcode"] == 45009);
    assert_eq!(client.subscribe("another bot", SECRET)["errcode"], 0);
    until(|| client.subscribe(BOT, SECRET)["errcode"] == 0);
}

#[test]
fn a_newer_subscription_displaces_the_older_connection() {
    for order in [DisplacedOrder::AfterAck, DisplacedOrder::BeforeAck] {
        let sim = start(|settings| {
            settings.displaced_order = order;
            settings.displaced_kept = Duration::from_secs(3_600);
        });
        let mut old = Client::subscribed(&sim);
        let mut young = Client::dial(&sim).expect("101");
        assert_eq!(old.ping()["errcode"], 0, "an open socket displaces nobody");
        assert_eq!(young.subscribe(BOT, SECRET)["errcode"], 0);
        let event = old.frame();
        assert_eq!(event["cmd"], "aibot_event_callback");
        let body = &event["body"];
        assert_eq!(body["event"]["eventtype"], "disconnected_event");
        assert_eq!((&body["aibotid"], body.get("from")), (&json!(BOT), None));
        assert_eq!(old.ping()["errcode"], 0, "still answered");
        assert_eq!(old.send_markdown("zhangsan")["errcode"], 846609);
        sim.control().push(BOT, Push::text("whose?"));
        assert_eq!(young.frame()["body"]["text"]["content"], "whose?");
        let views = sim.control().connections(Some(BOT));
        let states: Vec<_> = views.iter().map(|view| view.state).collect();
        let wanted = [SubscriptionState::Displaced, SubscriptionState::Subscribed];
        assert_eq!(states, wanted);
        assert_eq!(sim.control().ledger().displacements, 1);
        assert_eq!(sim.control().bots()[0].displacements, 1);
    }
}

#[test]
fn a_displaced_connection_ends_later_without_a_close_frame() {
    let sim = start(|settings| settings.displaced_kept = Duration::from_millis(30));
    let mut old = Client::subscribed(&sim);
    let mut young = Client::subscribed(&sim);
    let event = old.frame();
    assert_eq!(event["body"]["event"]["eventtype"], "disconnected_event");
    old.ends();
    drop(old);
    assert_eq!(young.ping()["errcode"], 0);
    let ledger = wait(&sim.control(), |ledger| ledger.connections_ended == 1);
    assert_eq!(ledger.closed_by_client, 0);
}

#[test]
fn a_subscribe_can_be_left_without_an_answer_or_get_a_strange_one() {
    let sim = start(|_| ());
    let control = sim.control();
    let mut client = Client::dial(&sim).expect("101");
    let script = |with| {
        control.behaviour(
            Some(BOT),
            Behaviour::answer(CommandKind::Subscribe, with).times(1),
        );
    };
    script(ScriptedAnswer::Ignore);
    script(ScriptedAnswer::Code(-1));
    script(ScriptedAnswer::Raw(
        r#"{"headers":{"req_id":"{req_id}"},"body":{"errcode":853000}}"#.to_owned(),
    ));
    script(ScriptedAnswer::Late(Duration::from_millis(30)));
    let body = || json!({"bot_id": BOT, "secret": SECRET});
    client.command("aibot_subscribe", body());
    assert_eq!(
        client.subscribe(BOT, SECRET)["errcode"],
        -1,
        "the first stays unanswered"
    );
    let strange = client.ask("aibot_subscribe", body());
    assert_eq!(strange["body"]["errcode"], 853000);
    assert_eq!(strange.get("errcode"), None::<&Value>);
    assert_eq!(control.ledger().subscribed, 0);
    assert_eq!(client.subscribe(BOT, SECRET)["errcode"], 0);
    script(ScriptedAnswer::DropBefore);
    client.command("aibot_subscribe", body());
    client.ends();
    assert_eq!(
        control.ledger().subscribed,
        2,
        "it was carried out all the same"
    );
}

#[test]
fn malformed_commands_are_refused_or_ignored_and_the_connection_lives() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    client.send(1, br#"{"cmd":"ping","headers":{"req_id":"x"}"#);
    client.send(1, b"[]");
    for (text, req_id) in [
        (r#"{"cmd":"ping"}"#, ""),
        (
            r#"{"cmd":"aibot_teleport","headers":{"req_id":"q1"},"body":{}}"#,
            "q1",
        ),
        (
            r#"{"cmd":"aibot_send_msg","headers":{"req_id":"q2"},"body":"text"}"#,
            "q2",
        ),
    ] {
        client.send(1, text.as_bytes());
        let refusal = client.frame();
        assert_eq!(refusal["headers"]["req_id"], req_id);
        assert_eq!(refusal["errcode"], 40058);
    }
    client.send(2, br#"{"cmd":"ping","headers":{"req_id":"binary"}}"#);
    assert_eq!(client.frame()["headers"]["req_id"], "binary");
    assert_eq!(sim.control().ledger().malformed, 5);

    let strict = start(|settings| settings.close_on_bad_json = true);
    let mut client = Client::subscribed(&strict);
    client.send(1, b"{");
    let close = client.message().expect("a close frame");
    assert_eq!(
        (close.opcode, close.payload),
        (8, 1007_u16.to_be_bytes().to_vec())
    );
}
