//! Programs of Feishu.

use longwire_sim::{Apps, Sim, SimSettings};
use longwire_tests::{Gateway, SECRET, Setup};
use serde_json::json;

use super::program::{Given, Program};
use super::running::Running;
use crate::scene::Between;

const APP: &str = "cli_a1b2c3d4e5f60718";
const BOT: &str = "helper";
const CHAT: &str = "oc_00000000000000000000000000000c03";

/// NoneBot echoes.
fn nonebot(between: Between) {
    answers(Program::Nonebot, between, "hello", "you said: hello");
}

/// koishi echoes.
fn koishi(between: Between) {
    answers(Program::Koishi, between, "hello", "you said: hello");
}

/// AstrBot says who is speaking.
fn astrbot(between: Between) {
    answers(Program::Astrbot, between, "/sid", "FriendMessage");
}

/// The program connects, gets what a person says, and the person reads its answer.
fn answers(program: Program, between: Between, said: &str, answered: &str) {
    let settings = SimSettings {
        apps: Apps::Known(vec![(APP.to_owned(), SECRET.to_owned())]),
        ..SimSettings::default()
    };
    let sim = Sim::start(settings).expect("a loopback port is free");
    let control = sim.control();
    let gateway = match between {
        Between::Nothing => None,
        Between::Longwire => Some(gateway(&sim)),
    };
    let given = match &gateway {
        None => given(sim.base_url(), SECRET.to_owned()),
        Some(gateway) => given(
            format!("http://{}", gateway.public().address()),
            gateway.relay_token("program", BOT),
        ),
    };
    let Some(running) = Running::start(program, &given) else {
        return;
    };
    running.until("its connection", || match &gateway {
        None => (control.connections(Some(APP)).len() == 1).then_some(()),
        Some(gateway) => gateway.relay_connections_are(1).then_some(()),
    });
    control.push(APP, message(said));
    let answer = running.until("its answer", || {
        control.bot_messages(Some(APP)).into_iter().next()
    });
    assert!(answer.content.contains(answered), "{answer:#?}");
    assert_eq!(answer.chat, CHAT);
}

/// What a person writes. The platform gives an app that may know them all three ids, without which NoneBot takes it for no
/// message.
fn message(text: &str) -> String {
    let sender = json!({ "open_id": "ou_1", "union_id": "on_1", "user_id": "a1b2c3d4" });
    json!({
        "schema": "2.0",
        "header": {
            "event_id": "ev_program",
            "event_type": "im.message.receive_v1",
            "create_time": "1767225600000",
            "token": "",
            "app_id": APP,
            "tenant_key": "t1",
        },
        "event": {
            "sender": { "sender_id": sender, "sender_type": "user", "tenant_key": "t1" },
            "message": {
                "message_id": "om_program",
                "create_time": "1767225600000",
                "update_time": "1767225600000",
                "chat_id": CHAT,
                "chat_type": "p2p",
                "message_type": "text",
                "content": json!({ "text": text }).to_string(),
            },
        },
    })
    .to_string()
}

fn given(url: String, secret: String) -> Given {
    Given {
        url,
        id: APP.to_owned(),
        secret,
    }
}

fn gateway(sim: &Sim) -> Gateway {
    let gateway = Setup::new(sim).bot(BOT).with("app_id", APP).start();
    gateway.wait_live(BOT);
    gateway
}

mod straight {
    use crate::scene::Between::Nothing;

    #[test]
    fn nonebot() {
        super::nonebot(Nothing);
    }

    #[test]
    fn koishi() {
        super::koishi(Nothing);
    }

    #[test]
    fn astrbot() {
        super::astrbot(Nothing);
    }
}

mod through_longwire {
    use crate::scene::Between::Longwire;

    #[test]
    fn nonebot() {
        super::nonebot(Longwire);
    }

    #[test]
    fn koishi() {
        super::koishi(Longwire);
    }

    #[test]
    fn astrbot() {
        super::astrbot(Longwire);
    }
}
