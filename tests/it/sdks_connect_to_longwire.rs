//! Programs built on an SDK of Feishu connect to longwire instead of to the platform.

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use longwire_sim::{ClickedCard, Control, Push, SimSettings};
use longwire_tests::{
    FeishuProgram, Gateway, Handled, Pushed, RelaySocket, SECRET, Setup, Signal, answered, app_id,
    bootstrap, granted_url, longwire, message_of, platform, until_answered, wait_acked, wait_until,
};
use longwire_wire::frame::Frame;
use longwire_wire::websocket::ReceivedMessage;
use serde_json::{Value, json};

const BOT: &str = "a";

/// A gateway with one bot, whose relay pings often.
fn gateway(sim: &longwire_sim::Sim) -> Gateway {
    gateway_with(sim, |setup| setup)
}

fn gateway_with(sim: &longwire_sim::Sim, change: impl FnOnce(Setup) -> Setup) -> Gateway {
    let setup = Setup::new(sim).bot(BOT).set("relay.ping_interval", "1s");
    let gateway = change(setup).start();
    gateway.wait_live(BOT);
    gateway
}

fn program(
    gateway: &Gateway,
    token: &str,
    handler: impl Fn(&Pushed) -> Handled + Send + Sync + 'static,
) -> FeishuProgram {
    let program = FeishuProgram::start(gateway.public(), &app_id(BOT), token, handler);
    wait_until("it is connected", || match program.connections() {
        0 => Err(format!("{:?}", program.refused())),
        _ => Ok(()),
    });
    program
}

/// A message of this text in this chat.
fn say(control: &Control, chat: &str, text: &str) {
    let name: String = text.chars().take(32).collect();
    let event = message_of(&format!("evt-{name}"), &format!("om-{name}"), text);
    let event = event.replace("oc_5ce6d572455d361153b7cb51da133945", &format!("oc_{chat}"));
    control.push(&app_id(BOT), event);
}

fn wait_texts(program: &FeishuProgram, texts: &[&str]) {
    wait_until("these texts have come", || {
        let came = program.texts();
        let are_all = texts.iter().all(|text| came.iter().any(|one| one == text));
        if are_all {
            Ok(())
        } else {
            Err(format!("{came:?}"))
        }
    });
}

/// Waits until this consumer is done with all there is.
fn wait_done(gateway: &Gateway, consumer: &str) {
    wait_until("the consumer is done", || {
        let shown = gateway.shown_consumer(consumer);
        match shown["status"]["lag_events"].as_i64() {
            Some(0) => Ok(()),
            _ => Err(shown.to_string()),
        }
    });
}

#[test]
fn an_event_arrives_as_it_was_recorded_and_a_long_one_is_split() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let program = program(&gateway, &token, |_| Handled::Done);
    say(&control, "x", "short");
    let long = "l".repeat(150_000);
    say(&control, "x", &long);
    wait_texts(&program, &["short", &long]);
    until_answered(&control);
    let got = program.got();
    let frames: Vec<usize> = got.iter().map(|one| one.frames).collect();
    assert_eq!(frames, [1, 3]);
    let recorded: Vec<_> = gateway
        .events()
        .into_iter()
        .map(|one| one.payload)
        .collect();
    let came: Vec<_> = got.iter().map(|one| one.payload.clone()).collect();
    assert_eq!(came, recorded, "byte for byte");
    assert!(
        got.iter()
            .all(|one| !one.is_redelivered && one.kind == "event")
    );
    // The consumer is called like the token, and has nothing left.
    wait_done(&gateway, "shop");
}

#[test]
fn a_click_is_answered_by_the_program() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let _program = program(&gateway, &token, |_| {
        Handled::Answer(json!({"toast": {"type": "info", "content": "from the program"}}))
    });
    let click = ClickedCard {
        value: json!({"order": 1}),
        ..ClickedCard::default()
    };
    let push = control.push(&app_id(BOT), Push::card_click(click));
    let record = wait_acked(&control, push);
    let data = record.answer_data.expect("a result in the ACK");
    let data: Value = serde_json::from_str(&data).expect("an answer is JSON");
    assert_eq!(data["toast"]["content"], "from the program");
}

#[test]
fn a_handler_that_fails_is_called_again_and_a_slow_one_once() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let (release, released) = mpsc::channel::<()>();
    let (failures, released) = (Mutex::new(0), Mutex::new(released));
    let program = program(&gateway, &token, move |pushed| match &*pushed.text() {
        "slow" => {
            let released = released.lock().expect("it is free");
            released.recv().expect("the story releases it");
            Handled::Done
        }
        "failing" => {
            let mut failures = failures.lock().expect("it is free");
            *failures += 1;
            if *failures < 3 {
                Handled::Failed
            } else {
                Handled::Done
            }
        }
        _ => Handled::Done,
    });
    say(&control, "x", "slow");
    say(&control, "x", "behind");
    say(&control, "y", "failing");
    say(&control, "z", "other");
    wait_texts(&program, &["slow", "failing", "other"]);
    wait_until("the failing handler was called three times", || {
        let texts = program.texts();
        let count = texts.iter().filter(|text| *text == "failing").count();
        if count == 3 {
            Ok(())
        } else {
            Err(format!("{texts:?}"))
        }
    });
    // Three pings and more have passed meanwhile; its chat waits for it and nothing is repeated.
    let count = |text: &str| program.texts().iter().filter(|one| *one == text).count();
    assert_eq!((count("slow"), count("behind"), count("other")), (1, 0, 1));
    let repeats = program
        .got()
        .into_iter()
        .filter(|one| one.text() == "failing");
    let labels: Vec<bool> = repeats.map(|one| one.is_redelivered).collect();
    assert_eq!(labels, [false, true, true]);
    release.send(()).expect("it waits");
    wait_texts(&program, &["behind"]);
    assert_eq!((count("slow"), count("behind")), (1, 1));
    let ids: BTreeSet<_> = program
        .got()
        .into_iter()
        .map(|one| one.message_id)
        .collect();
    assert_eq!(
        ids.len(),
        program.got().len(),
        "each attempt has its own id"
    );
}

#[test]
fn what_a_killed_program_had_goes_to_the_next_connection_labelled() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let hanging = program(&gateway, &token, |_| Handled::Silence);
    say(&control, "x", "first");
    say(&control, "y", "second");
    say(&control, "x", "third");
    wait_texts(&hanging, &["first", "second"]);
    hanging.kill();
    let next = program(&gateway, &token, |_| Handled::Done);
    wait_texts(&next, &["first", "second", "third"]);
    let got = next.got();
    let label = |text: &str| {
        let of_text = got.iter().filter(|one| one.text() == text);
        of_text.map(|one| one.is_redelivered).collect::<Vec<_>>()
    };
    assert_eq!(
        (label("first"), label("second"), label("third")),
        (vec![true], vec![true], vec![false])
    );
    let place = |text: &str| got.iter().position(|one| one.text() == text);
    assert!(
        place("first") < place("third"),
        "the order of the chat holds"
    );
}

#[test]
fn connections_of_one_token_share_chats_and_each_token_has_all() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let (shop, audit) = (
        gateway.relay_token("shop", BOT),
        gateway.relay_token("audit", BOT),
    );
    let one = program(&gateway, &shop, |_| Handled::Done);
    let two = program(&gateway, &shop, |_| Handled::Done);
    let all = program(&gateway, &audit, |_| Handled::Done);
    let mut said = BTreeSet::new();
    for number in 0..60 {
        let (chat, text) = (
            format!("{}", number % 6),
            format!("{}-{number}", number % 6),
        );
        say(&control, &chat, &text);
        said.insert(text);
    }
    wait_until("everybody has what is theirs", || {
        let (first, second) = (one.texts(), two.texts());
        let shared: BTreeSet<String> = first.iter().chain(&second).cloned().collect();
        let others: BTreeSet<String> = all.texts().into_iter().collect();
        if shared == said && others == said {
            Ok(())
        } else {
            Err(format!("{} {}", shared.len(), others.len()))
        }
    });
    let chats = |program: &FeishuProgram| {
        let texts = program.texts().into_iter();
        texts
            .map(|text| text[..1].to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        chats(&one).intersection(&chats(&two)).count(),
        0,
        "a chat has one connection"
    );
    assert_eq!(
        one.texts().len() + two.texts().len(),
        60,
        "and nothing comes twice"
    );
    assert_eq!(all.texts().len(), 60);
    // The chats of one that ends go to the other.
    one.kill();
    for chat in 0..6 {
        say(&control, &chat.to_string(), &format!("{chat}-again"));
    }
    wait_texts(
        &two,
        &[
            "0-again", "1-again", "2-again", "3-again", "4-again", "5-again",
        ],
    );
}

#[test]
fn what_came_while_the_program_or_the_gateway_was_away_is_there_afterwards() {
    let sim = platform(|settings: &mut SimSettings| {
        settings.ladder = vec![std::time::Duration::from_millis(100); 200];
    });
    let control = sim.control();
    let mut gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let first = program(&gateway, &token, |_| Handled::Done);
    say(&control, "x", "one");
    wait_texts(&first, &["one"]);
    wait_done(&gateway, "shop");
    drop(first);
    say(&control, "x", "two");
    until_answered(&control);
    gateway.signal(Signal::Term);
    assert!(gateway.wait_end().success());
    gateway.restart();
    gateway.wait_live(BOT);
    let second = program(&gateway, &token, |_| Handled::Done);
    wait_texts(&second, &["two"]);
    assert_eq!(second.texts(), ["two"]);
}

#[test]
fn a_revoked_token_ends_its_connections_and_lets_nobody_in() {
    let sim = platform(|_| ());
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let program = program(&gateway, &token, |_| Handled::Done);
    let id = token
        .split('_')
        .nth(1)
        .expect("a token has an id")
        .to_owned();
    let path = format!("/admin/v1/tokens/{id}/revoke");
    let answer = gateway.admin().post(&path, None).expect("an answer");
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    let refused = wait_until("the program hears that its token is wrong", || {
        program
            .refused()
            .ok_or_else(|| "it is connected".to_owned())
    });
    assert_eq!(refused["code"], 514);
}

#[test]
fn a_bot_that_is_removed_ends_its_connections() {
    let sim = platform(|_| ());
    let gateway = gateway(&sim);
    let server = format!("http://{}", gateway.admin().address());
    let command = |arguments: &[&str]| {
        let environment = [("LONGWIRE_ADMIN_URL", &*server)];
        longwire(gateway.directory(), arguments, &environment, SECRET)
    };
    // One of the configuration file cannot be removed.
    let (app, base_url) = (app_id("b"), sim.base_url());
    let add = [
        "installations",
        "add",
        "b",
        "--app-id",
        &app,
        "--base-url",
        &base_url,
    ];
    command(&[&add[..], &["--secret-stdin"]].concat()).assert(0, &["ins_"]);
    gateway.wait_live("b");
    let token = gateway.relay_token("shop", "b");
    let program = FeishuProgram::start(gateway.public(), &app_id("b"), &token, |_| Handled::Done);
    wait_until("it is connected", || match program.connections() {
        0 => Err(format!("{:?}", program.refused())),
        _ => Ok(()),
    });
    command(&["installations", "remove", "b", "--yes"]).assert(0, &["its events stay"]);
    let refused = wait_until("the program hears that it is not let in", || {
        program
            .refused()
            .ok_or_else(|| "it is connected".to_owned())
    });
    assert_eq!(refused["code"], 514);
}

/// What wrong secrets and bots are answered, which is one and the same.
#[test]
fn nobody_learns_which_bots_there_are() {
    let sim = platform(|_| ());
    let gateway = gateway(&sim);
    let (public, app) = (gateway.public(), app_id(BOT));
    let token = gateway.relay_token("shop", BOT);
    let unscoped = gateway.token();
    let mut forged = token.clone();
    forged.replace_range(30..31, if &token[30..31] == "0" { "1" } else { "0" });
    let expected = bootstrap(&public, &app, "no secret at all").body;
    for (app, secret) in [
        (&*app, SECRET),
        (&app, &forged),
        ("cli_0123456789abcdef", &token),
        ("cli_0123456789abcdef", SECRET),
        (&token, &token),
        (SECRET, &token),
        ("", ""),
    ] {
        let answer = bootstrap(&public, app, secret);
        assert_eq!((answer.status, &answer.body), (200, &expected));
    }
    assert!(expected.contains("514"), "{expected}");
    drop(unscoped);
    for body in [
        &b"{}"[..],
        b"",
        b"[]",
        b"{\"appid\":\"a\",\"AppSecret\":\"b\"}",
    ] {
        let answer = public.post_callback("/callback/ws/endpoint", &[], body);
        assert_eq!(answer.expect("an answer").status, 400);
    }
}

#[test]
fn a_url_lets_one_connection_in_once() {
    let sim = platform(|_| ());
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let url = granted_url(&bootstrap(&gateway.public(), &app_id(BOT), &token));
    assert!(url.contains("/relay/feishu?fpid="), "{url}");
    let _first = RelaySocket::open(&url).expect("it is valid");
    let refused = |url: &str| match RelaySocket::open(url) {
        Ok(_) => panic!("it was let in"),
        Err(error) if error.kind() == io::ErrorKind::Other => error.to_string(),
        Err(error) => panic!("{error}"),
    };
    let head = refused(&url);
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(
        head.to_lowercase().contains("handshake-status: 514"),
        "{head}"
    );
    let (before, _) = url.split_once("ticket=").expect("a ticket");
    for forged in [
        before.to_owned(),
        format!("{before}ticket=0"),
        format!("{before}ticket={:032x}", 1),
    ] {
        assert!(refused(&forged).starts_with("HTTP/1.1 403 "));
    }
    let elsewhere = url.replace("/relay/feishu", "/relay/elsewhere");
    assert!(refused(&elsewhere).starts_with("HTTP/1.1 404 "));
}

#[test]
fn answers_to_what_was_never_sent_and_garbage_do_no_harm() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = gateway(&sim);
    let token = gateway.relay_token("shop", BOT);
    let connect = || {
        let url = granted_url(&bootstrap(&gateway.public(), &app_id(BOT), &token));
        RelaySocket::open(&url).expect("it is valid")
    };
    let (mut one, other) = (connect(), connect());
    say(&control, "x", "only");
    // Neither pings: the event comes after a moment, to one of them.
    let (tell, told) = mpsc::channel();
    let ends = Arc::new(Mutex::new(Vec::new()));
    let mut other_socket = other;
    let (other_writer, one_writer) = (other_socket.writer(), one.writer());
    let (tell_other, ends_of_other) = (tell.clone(), Arc::clone(&ends));
    let reading = std::thread::spawn(move || {
        while let Some(ReceivedMessage::Binary(bytes)) = other_socket.next() {
            let _ = tell_other.send((1, bytes));
        }
        ends_of_other.lock().expect("it is free").push(1);
    });
    let reading_too = std::thread::spawn(move || {
        while let Some(ReceivedMessage::Binary(bytes)) = one.next() {
            let _ = tell.send((0, bytes));
        }
    });
    let (holder, bytes) = told.recv_timeout(longwire_tests::LIMIT).expect("it comes");
    let frame = Frame::from_bytes(bytes).expect("a frame");
    let done = answered(frame.clone(), br#"{"code":200}"#.to_vec()).to_bytes();
    let (mine, foreign) = match holder {
        0 => (&one_writer, &other_writer),
        _ => (&other_writer, &one_writer),
    };
    foreign.send(&done);
    foreign.send(b"\xff\xfe garbage");
    let mut never = frame;
    for header in never
        .headers
        .iter_mut()
        .filter(|one| one.key == "message_id")
    {
        header.value = "00000000-0000-4000-8000-000000000000".to_owned();
    }
    mine.send(&answered(never, br#"{"code":200}"#.to_vec()).to_bytes());
    say(&control, "x", "behind");
    assert!(
        told.try_recv().is_err(),
        "nobody's ACK but the holder's counts"
    );
    mine.send(&done);
    mine.send(&done);
    let (next_holder, bytes) = told
        .recv_timeout(longwire_tests::LIMIT)
        .expect("the next comes");
    assert_eq!(next_holder, holder, "a chat stays with its connection");
    let frame = Frame::from_bytes(bytes).expect("a frame");
    let payload = frame.payload.as_deref().expect("a payload");
    assert!(String::from_utf8_lossy(payload).contains("behind"));
    // Too much garbage ends its connection, and no other.
    for _ in 0..300 {
        other_writer.send(b"garbage");
    }
    wait_until("the connection is closed", || {
        match ends.lock().expect("it is free").is_empty() {
            true => Err("it is open".to_owned()),
            false => Ok(()),
        }
    });
    reading.join().expect("it ended");
    drop((one_writer, other_writer));
    drop(gateway);
    reading_too.join().expect("the drain ended it");
}
