//! What a client has from longwire that the platform does not give it.

use longwire_tests::Tap;

use super::events::Message;
use super::news::News;
use super::speaks::{CHAT, carry_a_file};
use super::stage::{APP, SECRET, Stage};
use crate::scene::Scene;

/// Code 500 is longwire's to repeat: the platform sees one attempt, and has its ACK before the handler is called.
pub(crate) fn gets_again_what_its_handler_refused(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let message = Message::of("refused", "refuse me once");
    let push = stage.push(message.payload());
    assert_eq!(stage.client.next("the event"), message.told());
    assert_eq!(stage.client.next("its repeat"), message.told());
    let record = stage.acked(push);
    assert_eq!(record.attempts.len(), 1, "{record:#?}");
    stage.is_spotless();
}

/// A token that longwire does not know, and the bot's real secret, are refused as the platform refuses a wrong secret: for
/// good, and with nothing that says which bots there are.
pub(crate) fn gives_up_without_its_token(scene: Scene) {
    let mut said = Vec::new();
    for secret in ["not a token", SECRET] {
        let Some(stage) = Stage::with_secret(scene, secret) else {
            return;
        };
        match stage.client.next("the refusal") {
            News::GaveUp { error } => said.push(error),
            other => stage.client.complain(&format!("{other:?}")),
        }
        let gateway = stage.gateway.as_ref().expect("it is between");
        assert!(gateway.consumers_are(0));
    }
    assert!(said[0].contains("514"), "{said:?}");
    assert_eq!(said[0], said[1]);
}

/// longwire is killed and started again; the client comes back by itself, and has what came in between.
pub(crate) fn misses_nothing_while_longwire_restarts(scene: Scene) {
    let Some(mut stage) = Stage::set(scene) else {
        return;
    };
    let before = Message::of("before", "say before");
    stage.push(before.payload());
    assert_eq!(stage.client.next("the event"), before.told());
    assert!(matches!(
        stage.client.next("the reply"),
        News::Replied { .. }
    ));

    let gateway = stage.gateway.as_mut().expect("it is between");
    gateway.kill();
    let meanwhile = Message::of("meanwhile", "say meanwhile");
    stage.sim.push(APP, meanwhile.payload());
    assert_eq!(stage.client.next("the loss"), News::Reconnecting);
    stage.gateway.as_mut().expect("it is between").restart();

    let mut told = Vec::new();
    while !matches!(&told.last(), Some(News::Replied { to, .. }) if *to == meanwhile.message_id) {
        told.push(stage.client.next("the reply to what came meanwhile"));
    }
    assert!(told.contains(&News::Reconnected), "{told:?}");
    let calls = told.iter().filter(|news| **news == meanwhile.told());
    assert_eq!(calls.count(), 1, "{told:?}");
}

/// Secret and tenant token of the bot, which pass between longwire and the platform, are in no byte that passes between
/// longwire and the client.
pub(crate) fn never_meets_the_secret(scene: Scene) {
    let Some((stage, [near, far])) = Stage::tapped_on_both_sides(scene) else {
        return;
    };
    carry_a_file(&stage);
    let tenant_tokens = tenant_tokens(&far);
    assert!(
        !tenant_tokens.is_empty(),
        "longwire called the platform with a token"
    );
    assert!(
        far.holds(SECRET.as_bytes()),
        "longwire sent the platform the secret"
    );
    assert!(near.holds(CHAT.as_bytes()), "the trace is no trace");
    for secret in tenant_tokens.iter().map(String::as_str).chain([SECRET]) {
        assert!(
            !near.holds(secret.as_bytes()),
            "a secret went to the client, or came from it"
        );
    }
}

/// Two instances with one token share its chats, each chat with one of them; when one is killed, the other has them all.
pub(crate) fn shares_chats_with_another_instance(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let other = stage.another_instance();
    stage.instances_are(2);
    let chats: Vec<String> = (0..8).map(|chat| format!("oc_shared_{chat}")).collect();
    let mut owners = Vec::new();
    for round in 0..3 {
        for (at, chat) in chats.iter().enumerate() {
            let name = format!("{round}_{at}");
            let message = Message::of(&name, "say hi").in_chat(chat);
            stage.push(message.payload());
            let owner = stage.client.until("one of both to answer", || {
                let clients = [&stage.client, &other];
                let told = clients.map(|client| client.told());
                let who = told.iter().position(Option::is_some)?;
                assert_eq!(told.iter().flatten().next(), Some(&message.told()));
                Some(who)
            });
            let client = [&stage.client, &other][owner];
            assert!(matches!(client.next("the reply"), News::Replied { .. }));
            if round == 0 {
                owners.push(owner);
            }
            assert_eq!(owners[at], owner, "{chat} went to the other one");
        }
    }
    for instance in [0, 1] {
        assert!(owners.contains(&instance), "{owners:?}");
    }

    // What is answered and not yet ACKed would rightly come again.
    stage.client.until("the consumer to be done", || {
        let gateway = stage.gateway.as_ref()?;
        let consumer = gateway.shown_consumer("program");
        (consumer["status"]["lag_events"] == 0 && consumer["status"]["in_flight"] == 0)
            .then_some(())
    });
    drop(other);
    for (at, chat) in chats.iter().enumerate() {
        let message = Message::of(&format!("after_{at}"), "say hi").in_chat(chat);
        stage.push(message.payload());
        assert_eq!(stage.client.next("the event"), message.told());
        assert!(matches!(
            stage.client.next("the reply"),
            News::Replied { .. }
        ));
    }
}

/// The tokens that the platform gave.
fn tenant_tokens(far: &Tap) -> Vec<String> {
    let said = far.said_by_the_platform();
    let said = String::from_utf8_lossy(&said).into_owned();
    let parts = said.split("\"tenant_access_token\":\"").skip(1);
    parts
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}
