//! Clicks on cards are answered by applications, in time or not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_consumer::Expansions;
use longwire_delivery::{AskedAnswer, AskedCard, AskedEvent, ClaimedAnswerError};
use longwire_installation::Platform;
use longwire_store::{Happening, Seq};
use longwire_wire::callback::OLD_CARD_TYPE;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::endpoint::{Answer, Webhook};
use crate::webhooks::webhook;
use crate::world::{SOON, World, space, until, until_true};

/// Asks about a click as the connection of its bot does. The receiver fails when there is no answer.
pub(crate) fn ask(world: &World, seq: Seq, within: Duration) -> oneshot::Receiver<AskedAnswer> {
    ask_about("card.action.trigger", world, seq, within)
}

fn ask_about(
    event_type: &'static str,
    world: &World,
    seq: Seq,
    within: Duration,
) -> oneshot::Receiver<AskedAnswer> {
    let (tell, told) = oneshot::channel();
    let event = AskedEvent {
        platform: Platform::Feishu,
        event_type: event_type.into(),
        chat: Some("oc_1".into()),
        payload: Bytes::from_static(b"{}"),
    };
    let due = Instant::now() + within;
    let card = AskedCard::new(world.bot.id, seq, due, event, move |answer| {
        // A test that has ended does not wait.
        let _ = tell.send(answer);
    });
    world.deliveries.ask_card(card);
    told
}

/// The result that came, if it is one.
fn result(answer: AskedAnswer) -> Option<Bytes> {
    match answer {
        AskedAnswer::Result(result) => Some(result),
        AskedAnswer::Nobody => None,
    }
}

fn claims(name: &str, url: &str) -> Value {
    let mut definition = webhook(name, url);
    definition["claims_cards"] = json!(true);
    definition
}

pub(crate) async fn defaulted(world: &World, seq: Seq) -> String {
    until("the journey tells why", || {
        let steps = world.store.reader().journey_of(seq).expect("readable");
        steps.into_iter().find_map(|one| match one.step.what {
            Happening::CardDefaulted { detail } => Some(detail),
            Happening::Attempt(_)
            | Happening::Acknowledged { .. }
            | Happening::ReplySent
            | Happening::ReplyFailed { .. }
            | Happening::CardAnswered { .. }
            | Happening::GaveUp { .. } => None,
        })
    })
    .await
}

/// An application does not see which generation a click is of.
#[actix_rt::test]
async fn a_click_of_the_old_generation_is_answered_like_a_new_one() {
    let world = World::new().await;
    let answered = r#"{"toast":{"type":"info","content":"done"}}"#;
    let hook = Webhook::new(move |_, _| Answer::body(answered));
    world.create(claims("app", &hook.url())).await;
    let seq = world.old_click();
    let answer = timeout(SOON, ask_about(OLD_CARD_TYPE, &world, seq, SOON));
    let answer = answer.await.expect("in time").expect("an answer");
    assert_eq!(result(answer).as_deref(), Some(answered.as_bytes()));
}

#[actix_rt::test]
async fn the_answer_of_a_webhook_is_checked_and_passed_on() {
    let world = World::new().await;
    let hook = Webhook::new(|number, _| match number {
        0 => Answer::body(r#"{"toast": {"type": "info", "content": "done"}}"#),
        1 => Answer::body(r#"{"toast": {"type": "loud", "content": "done"}}"#),
        _ => Answer::status(500),
    });
    assert!(!world.deliveries.claims_cards(world.bot.id));
    world.create(claims("app", &hook.url())).await;
    assert!(world.deliveries.claims_cards(world.bot.id));
    let seq = world.click("a");
    let answer = timeout(SOON, ask(&world, seq, SOON))
        .await
        .expect("in time");
    let answer = result(answer.expect("an answer")).expect("a result");
    let answer: Value = serde_json::from_slice(&answer).expect("JSON");
    assert_eq!(answer["toast"]["content"], "done");
    // A toast of no type that the platform knows.
    let seq = world.click("b");
    let answer = timeout(SOON, ask(&world, seq, SOON))
        .await
        .expect("in time");
    assert!(answer.is_err());
    assert!(defaulted(&world, seq).await.contains("toast"));
    let seq = world.click("c");
    let answer = timeout(SOON, ask(&world, seq, SOON))
        .await
        .expect("in time");
    assert!(answer.is_err());
    assert_eq!(
        defaulted(&world, seq).await,
        "the application answered with an error"
    );
}

#[actix_rt::test]
async fn a_late_application_costs_the_default() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer {
        after: Duration::from_millis(500),
        ..Answer::body(r#"{"toast": {"type": "info", "content": "done"}}"#)
    });
    world.create(claims("app", &hook.url())).await;
    let seq = world.click("a");
    let answer = ask(&world, seq, Duration::from_millis(100));
    assert!(timeout(SOON, answer).await.expect("in time").is_err());
    assert_eq!(
        defaulted(&world, seq).await,
        "the application did not answer in time"
    );
    // It is delivered all the same.
    until_true("it is done", || world.view("app").progress.floor >= seq).await;
}

#[actix_rt::test]
async fn a_paused_consumer_is_not_waited_for_and_claims_nothing() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    world.create(claims("app", &hook.url())).await;
    let pause = world
        .deliveries
        .pause(space(), "app", "maintenance".to_owned());
    pause.await.expect("paused");
    assert!(!world.deliveries.claims_cards(world.bot.id));
    let seq = world.click("a");
    let answer = timeout(SOON, ask(&world, seq, SOON))
        .await
        .expect("in time");
    assert_eq!(answer.map(result), Ok(None));
}

#[actix_rt::test]
async fn a_click_that_the_filter_leaves_out_is_claimed_by_nobody() {
    let world = World::new().await;
    let hook = Webhook::new(|_, _| Answer::ok());
    let mut definition = claims("app", &hook.url());
    definition["filter"] = json!({"chats": ["oc_2"]});
    world.create(definition).await;
    assert!(world.deliveries.claims_cards(world.bot.id));
    let seq = world.click("a");
    let answer = timeout(SOON, ask(&world, seq, SOON))
        .await
        .expect("in time");
    assert_eq!(answer.map(result), Ok(None), "said, not dropped");
}

#[actix_rt::test]
async fn a_pull_reader_answers_a_click() {
    let world = World::new().await;
    let definition = json!({"name": "app", "road": {"kind": "pull"}, "claims_cards": true});
    world.create(definition).await;
    let seq = world.click("a");
    let answer = ask(&world, seq, SOON);
    let space = space();
    let claim = world
        .deliveries
        .claim(space, "app", None, 1, SOON, Expansions::NONE);
    let id = claim.await.expect("a claim")[0].id;
    let said = Bytes::from_static(br#"{"toast": {"type": "info", "content": "done"}}"#);
    let given = world.deliveries.answer(space, "app", id, said.clone());
    assert_eq!(given.await, Ok(()));
    let answer = timeout(SOON, answer)
        .await
        .expect("in time")
        .expect("an answer");
    let answer = result(answer).expect("a result");
    assert!(String::from_utf8_lossy(&answer).contains("done"));
    let other = Bytes::from_static(b"no json");
    world.click("b");
    let claim = world
        .deliveries
        .claim(space, "app", None, 1, Duration::ZERO, Expansions::NONE);
    assert!(
        claim.await.expect("a claim").is_empty(),
        "clicks come one after the other"
    );
    let given = world.deliveries.answer(space, "app", id, other).await;
    assert_eq!(given, Ok(()), "nobody waits for it any more");
    let seq = Seq(i64::MAX);
    let unknown = longwire_consumer::EventId::new(
        longwire_consumer::StoreTag(world.store.identity().prefix()),
        seq,
    );
    let given = world.deliveries.answer(space, "app", unknown, said).await;
    assert!(matches!(given, Err(ClaimedAnswerError::Refused { .. })));
}
