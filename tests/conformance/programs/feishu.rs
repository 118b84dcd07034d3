//! Programs of Feishu.

use longwire_sim::{Apps, ChatMessage, Payload, Push, Sim, SimSettings};
use longwire_tests::{Gateway, SECRET, Setup};

use super::program::{Given, Program};
use super::running::Running;
use crate::scene::Between;

const APP: &str = "cli_a1b2c3d4e5f60718";
const BOT: &str = "helper";

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
    let message = ChatMessage {
        text: said.to_owned(),
        ..ChatMessage::default()
    };
    let chat = message.chat.clone();
    control.push(
        APP,
        Push {
            payload: Payload::Message(message),
            ..Push::default()
        },
    );
    let answer = running.until("its answer", || {
        control.bot_messages(Some(APP)).into_iter().next()
    });
    assert!(answer.content.contains(answered), "{answer:#?}");
    assert_eq!(answer.chat, chat);
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
