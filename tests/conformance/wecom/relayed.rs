//! What a client has from longwire that the platform does not give it: the bot's other programs do not take it away.

use longwire_sim::wecom::{Chat, Push, Via};
use serde_json::json;

use super::news::News;
use super::order::Order;
use super::stage::Stage;
use crate::client::Client;
use crate::scene::Scene;

/// Of one bot, with a token each.
const PROGRAMS: usize = 5;
/// An hour's messages: as many as one conversation takes of the bot, and in each round another conversation.
const ROUNDS: usize = 20;

/// Each of five programs gets every callback, one answer of each round wins, and nobody hears of the others.
pub(crate) fn five_programs_share_a_bot(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let others: Vec<_> = (1..PROGRAMS)
        .map(|number| stage.another(&format!("program-{number}")))
        .collect();
    for other in &others {
        assert_eq!(other.next("the subscription"), News::Subscribed);
    }
    let programs: Vec<&Client<News>> = [&stage.client].into_iter().chain(&others).collect();
    for round in 0..ROUNDS {
        let user = format!("user-{round}");
        let push = stage.push(Push::text("who answers?").in_chat(Chat::single(&user)));
        let mut req_ids = Vec::new();
        for program in &programs {
            req_ids.push(handled(program, "text"));
        }
        let asked = stage.record(push).deliveries[0].req_id.clone();
        assert!(req_ids.iter().all(|req_id| *req_id == asked), "{req_ids:?}");
        // In each round another one is the first to be asked.
        let answers: Vec<bool> = (0..PROGRAMS)
            .map(|at| programs[(at + round) % PROGRAMS])
            .map(|program| is_taken(program, &asked))
            .collect();
        let taken = answers.iter().filter(|taken| **taken).count();
        assert_eq!(taken, 1, "{answers:?}");
        let shown = stage.newly_shown(round);
        assert_eq!((shown.chat, shown.via), (user, Via::Reply(asked)));
    }
    for program in &programs {
        assert_eq!(program.told(), None);
    }
    let ledger = stage.sim.ledger();
    assert_eq!(ledger.displacements, 0, "{ledger:#?}");
    assert_eq!(
        ledger.subscribed, 1,
        "longwire subscribed, once: {ledger:#?}"
    );
    stage.is_well_spoken();
}

/// Two instances with one token share its chats, each chat with one of them; when one is killed, the other has them all.
pub(crate) fn two_instances_share_the_chats(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let other = stage.another_instance();
    assert_eq!(other.next("the subscription"), News::Subscribed);
    let users: Vec<String> = (0..8).map(|user| format!("user-{user}")).collect();
    let mut owners = Vec::new();
    for round in 0..3 {
        for (at, user) in users.iter().enumerate() {
            stage.push(Push::text("hi").in_chat(Chat::single(user)));
            let owner = stage.client.until("one of both to hear it", || {
                let told = [&stage.client, &other].map(|client| client.told());
                told.iter().position(Option::is_some)
            });
            let told = [&stage.client, &other][owner].next("its kind");
            assert!(matches!(&told, News::Handled { event, .. } if event == "message.text"));
            if round == 0 {
                owners.push(owner);
            }
            assert_eq!(owners[at], owner, "{user} went to the other one");
        }
    }
    for instance in [0, 1] {
        assert!(owners.contains(&instance), "{owners:?}");
    }

    drop(other);
    for user in &users {
        stage.push(Push::text("hi").in_chat(Chat::single(user)));
        handled(&stage.client, "text");
    }
    assert_eq!(stage.client.told(), None);
}

/// The `req_id` of the message that the program tells of.
fn handled(program: &Client<News>, kind: &str) -> String {
    let mut told = Vec::new();
    for wanted in ["message", &format!("message.{kind}")] {
        match program.next("the message") {
            News::Handled { event, frame } if event == wanted => told.push(frame),
            other => program.complain(&format!("{other:?}")),
        }
    }
    let req_id = told[0]["headers"]["req_id"].as_str();
    req_id.expect("a callback has a req_id").to_owned()
}

/// Whether the program's answer under this `req_id` is taken. If not, it is told what it would be told of an expired one.
fn is_taken(program: &Client<News>, req_id: &str) -> bool {
    program.order(&Order::Reply {
        req_id,
        body: json!({ "msgtype": "markdown", "markdown": { "content": "I" } }),
    });
    match program.next("the answer") {
        News::Answered { answer } => {
            assert_eq!(answer["errcode"], 0);
            assert_eq!(answer["headers"]["req_id"], req_id);
            true
        }
        News::Refused { error } => {
            assert!(error.contains("846605"), "{error}");
            false
        }
        other => program.complain(&format!("{other:?}")),
    }
}
