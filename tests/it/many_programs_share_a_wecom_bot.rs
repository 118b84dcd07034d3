//! Any number of programs, written for WeCom and connected to the gateway instead, share one bot. The platform sees one
//! connection, and no program hears of another.

use std::collections::{BTreeMap, BTreeSet};

use longwire_sim::wecom::{Chat, ConnectionFault, Control, Push, Sim, Target, Via};
use longwire_tests::{
    Gateway, SECRET, Setup, Signal, WecomClient, bot_id, live_wecom_bot, req_id_of, wait_until,
    wecom_platform, wecom_programs,
};
use serde_json::{Value, json};

/// A person of this name writes, and this is the message's id.
fn message(control: &Control, person: &str, text: &str) -> String {
    let push = Push::text(text).in_chat(Chat::single(person));
    let push = control.push(&bot_id("a"), push);
    control.record(push).expect("it is new").msgid
}

fn to_somebody(text: &str) -> Value {
    json!({ "chatid": "zhangsan", "msgtype": "markdown", "markdown": { "content": text } })
}

/// What people see of the bot.
fn shown(control: &Control) -> Vec<String> {
    let shown = control.shown(None);
    shown.iter().map(|shown| shown.text().to_owned()).collect()
}

fn nobody_was_told(clients: &[WecomClient]) {
    for client in clients {
        let told = json!(client.frames()).to_string();
        assert!(!told.contains("disconnected_event"), "{told}");
        assert!(!client.is_over());
    }
}

#[test]
fn five_programs_get_everything_and_one_answer_wins() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let clients = wecom_programs(&gateway, &["one", "two", "three", "four", "five"]);
    let people: Vec<String> = (0..10).map(|n| format!("person{n}")).collect();
    let msgids: BTreeSet<String> = (people.iter())
        .flat_map(|person| {
            [
                message(&control, person, "a"),
                message(&control, person, "b"),
            ]
        })
        .collect();
    for client in &clients {
        for msgid in &msgids {
            client.wait_callback(msgid);
        }
        assert_eq!(client.msgids().len(), msgids.len(), "each once");
    }
    // They answer in turns, so that none is always the first.
    let mut won: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (first, msgid) in msgids.iter().enumerate() {
        for nth in 0..clients.len() {
            let which = (first + nth) % clients.len();
            let client = &clients[which];
            let req_id = req_id_of(&client.wait_callback(msgid));
            match client.reply(&req_id, &format!("{msgid} by {which}")) {
                0 => won.entry(msgid.clone()).or_default().push(which),
                code => assert_eq!(code, 846_605, "as of an id that expired"),
            }
        }
        assert_eq!(won[msgid], [first % clients.len()], "the first");
    }
    let replies = control.shown(None);
    let replies = replies
        .iter()
        .filter(|shown| matches!(shown.via, Via::Reply(_)));
    assert_eq!(replies.count(), msgids.len(), "one answer each");
    nobody_was_told(&clients);
    let ledger = control.ledger();
    let upstream = (
        ledger.subscribes,
        ledger.displacements,
        ledger.connections_opened,
    );
    assert_eq!(upstream, (1, 0, 1), "{ledger:?}");
}

#[test]
fn a_real_displacement_reaches_the_programs_as_nothing() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    gateway.expect_error("another program has taken the bot");
    let clients = wecom_programs(&gateway, &["one", "two"]);
    control.fault(Target::Bot(bot_id("a")), ConnectionFault::Displace);
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    for client in &clients {
        assert_eq!(client.ask("ping", Value::Null), 0);
        let sent = client.ask("aibot_send_msg", to_somebody("hello?"));
        assert_eq!(sent, -1, "the platform is busy: try again");
    }
    nobody_was_told(&clients);
    gateway.tell("a", "stop");
    gateway.tell("a", "start");
    gateway.wait_live("a");
    let msgid = message(&control, "zhangsan", "are you back?");
    for client in &clients {
        client.wait_callback(&msgid);
    }
    nobody_was_told(&clients);
}

fn restartable() -> (Sim, Gateway) {
    // The documented window of an answer is a day, whatever connection the callback came over.
    let sim = wecom_platform(|settings| settings.req_ids_end_with_connection = false);
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    (sim, gateway)
}

#[test]
fn programs_come_back_after_a_restart_and_have_what_they_missed() {
    let (sim, mut gateway) = restartable();
    let control = sim.control();
    let token = gateway.relay_token("one", "a");
    let client = WecomClient::subscribed(&gateway, "a", &token);
    let had = message(&control, "zhangsan", "first");
    let answerable = req_id_of(&client.wait_callback(&had));
    wait_until("it was handed over", || handed_over(&gateway, "one", 1));
    // A program that is busy: what it is sent it may never see.
    client.answer_pings(false);
    let unproved = message(&control, "lisi", "second");
    client.wait_callback(&unproved);
    gateway.kill();
    client.wait_over();
    gateway.restart();
    gateway.wait_live("a");
    let missed = message(&control, "wangwu", "third");
    let client = WecomClient::subscribed(&gateway, "a", &token);
    client.wait_callback(&unproved);
    client.wait_callback(&missed);
    assert!(!client.msgids().contains(&had), "that one was handed over");
    assert_eq!(client.reply(&answerable, "late, and in the window"), 0);
    assert_eq!(shown(&control), ["late, and in the window"]);
}

/// The official Python SDK does not come back after a close frame, and the plugin of OpenClaw not after the news that another
/// program took its bot. So a gateway that ends hangs up, as the platform does.
#[test]
fn a_gateway_that_ends_hangs_up() {
    let (sim, mut gateway) = restartable();
    let control = sim.control();
    let token = gateway.relay_token("one", "a");
    let client = WecomClient::subscribed(&gateway, "a", &token);
    let msgid = message(&control, "zhangsan", "hello");
    client.wait_callback(&msgid);
    gateway.signal(Signal::Term);
    client.wait_over();
    let told = json!(client.frames()).to_string();
    assert!(!told.contains("disconnected_event"), "{told}");
    assert!(gateway.wait_end().success());
    gateway.restart();
    gateway.wait_live("a");
    let client = WecomClient::subscribed(&gateway, "a", &token);
    let next = message(&control, "zhangsan", "are you there?");
    client.wait_callback(&next);
    assert_eq!(client.msgids(), [next], "the other one was handed over");
}

/// Whether the consumer of this name has nothing left of so many events.
fn handed_over(gateway: &Gateway, consumer: &str, events: usize) -> Result<(), String> {
    let (_, floor) = gateway.consumer(consumer);
    let last = gateway.events().get(events - 1).map(|event| event.seq);
    if last.is_some_and(|seq| floor >= seq) {
        Ok(())
    } else {
        Err(format!("{floor:?} of {last:?}"))
    }
}

#[test]
fn instances_of_one_program_share_by_chat_and_a_dead_ones_chats_move() {
    let (sim, gateway) = live_wecom_bot(|setup| setup);
    let control = sim.control();
    let token = gateway.relay_token("one", "a");
    let instances = [(), ()].map(|()| WecomClient::subscribed(&gateway, "a", &token));
    let people: Vec<String> = (0..12).map(|n| format!("person{n}")).collect();
    let mut of_instance: BTreeMap<String, usize> = BTreeMap::new();
    for text in ["a", "b", "c"] {
        // All at once, so that both have something to do.
        let pushes = people.iter();
        let pushes = pushes.map(|person| Push::text(text).in_chat(Chat::single(person)));
        let pushes = control.push_burst(&bot_id("a"), pushes.collect());
        for (person, push) in people.iter().zip(pushes) {
            let msgid = control.record(push).expect("it is new").msgid;
            let which = wait_until("one of them has it", || {
                let has = |client: &WecomClient| client.msgids().contains(&msgid);
                instances.iter().position(has).ok_or_else(|| msgid.clone())
            });
            let before = *of_instance.entry(person.clone()).or_insert(which);
            assert_eq!(before, which, "{person} stays with one");
        }
    }
    let counts = [0, 1].map(|which| of_instance.values().filter(|of| **of == which).count());
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    let [dead, left] = instances;
    // It was given something that it has not read.
    dead.answer_pings(false);
    let person = of_instance.iter().find(|(_, which)| **which == 0);
    let (person, _) = person.expect("it has chats");
    let unread = message(&control, person, "d");
    dead.wait_callback(&unread);
    let behind = message(&control, person, "e");
    drop(dead);
    left.wait_callback(&behind);
    let ids = left.msgids();
    let at = |msgid: &str| ids.iter().position(|id| *id == msgid);
    assert!(at(&unread) < at(&behind), "in order: {ids:?}");
    assert!(at(&unread).is_some());
}

#[test]
fn who_may_not_have_the_bot_learns_nothing() {
    let (_sim, gateway) = live_wecom_bot(|setup| setup);
    let token = gateway.relay_token("one", "a");
    let refused = |bot: &str, secret: &str| {
        let client = WecomClient::connect(gateway.public().address());
        let code = client.subscribe(bot, secret);
        assert!(!client.is_over(), "the platform closes nothing either");
        assert_eq!(client.ask("aibot_send_msg", to_somebody("x")), 846_609);
        code
    };
    let codes = [
        refused(&bot_id("a"), SECRET),
        refused(&bot_id("a"), "lw_nothing"),
        refused(&bot_id("b"), &token),
        refused(&token, &token),
        refused(
            &bot_id("a"),
            &gateway.relay_token("two", "a").to_uppercase(),
        ),
    ];
    assert_eq!(codes, [853_000; 5]);
}

#[test]
fn a_revoked_token_ends_its_connections() {
    let (_sim, gateway) = live_wecom_bot(|setup| setup);
    let token = gateway.relay_token("one", "a");
    let client = WecomClient::subscribed(&gateway, "a", &token);
    let tokens = gateway.admin().json("/admin/v1/tokens");
    let listed = tokens["data"].as_array().expect("a list");
    let one = listed.iter().find(|token| token["name"] == "one");
    let id = one.expect("it is listed")["id"].as_str().expect("an id");
    let path = format!("/admin/v1/tokens/{id}/revoke");
    let revoked = gateway.admin().post(&path, None).expect("it answers");
    assert!(revoked.status < 300, "{}", revoked.body);
    client.wait_over();
    let again = WecomClient::connect(gateway.public().address());
    assert_eq!(again.subscribe(&bot_id("a"), &token), 853_000);
}
