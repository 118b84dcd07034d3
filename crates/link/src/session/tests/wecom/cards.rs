//! Clicks on cards of WeCom: the application answers them over the connection, or nobody does.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Life, click};
use crate::session::tests::world::application::result_of;
use crate::session::*;

/// How long the application has.
const LIMIT: Duration = Duration::from_millis(4500);

impl Life {
    fn recorded_click(&mut self) {
        self.click();
        self.world.turn();
        self.record();
    }

    fn record(&mut self) {
        self.world.commit(None);
        self.world.hear_store();
        self.world.turn();
    }

    /// What was said since the last look.
    fn said(&mut self) -> Vec<Value> {
        let written = self.world.written.clone();
        self.check();
        let texts = written.into_iter().filter(|(opcode, _)| *opcode == 1);
        texts
            .map(|(_, payload)| serde_json::from_slice(&payload).expect("json"))
            .collect()
    }
}

#[test]
fn a_click_is_answered_under_its_own_id() {
    let mut life = Life::subscribed(8);
    life.recorded_click();
    life.said();
    let view = life.world.session.view();
    assert_eq!((view.unanswered, view.awaiting_application), (0, 1));
    life.world.answer_card(0, true);
    life.world.turn();
    let body: Value = serde_json::from_str(&result_of(0)).expect("json");
    let answer = json!({
        "cmd": "aibot_respond_update_msg",
        "headers": { "req_id": "r1" },
        "body": body,
    });
    assert_eq!(life.said(), [answer]);
    life.answer_all();
    life.world.turn();
    assert_eq!(life.world.malformed, [""; 0]);
    assert_eq!(life.world.application.answered, 1);
}

#[test]
fn a_first_visit_is_answered_with_a_welcome() {
    let mut life = Life::subscribed(8);
    let visit = click(1).replace("template_card_event", "enter_chat");
    life.say(&visit);
    life.world.turn();
    life.record();
    life.said();
    life.world.answer_card(0, true);
    life.world.turn();
    let said = life.said();
    assert_eq!(said[0]["cmd"], "aibot_respond_welcome_msg");
}

#[test]
fn an_answer_that_is_late_or_missing_is_not_sent() {
    let mut life = Life::subscribed(8);
    life.recorded_click();
    life.recorded_click();
    life.said();
    life.world.answer_card(0, false);
    life.world.pass(LIMIT - Duration::from_millis(1));
    assert_eq!(life.world.session.view().awaiting_application, 1);
    life.world.pass(Duration::from_millis(1));
    assert_eq!(life.world.session.view().awaiting_application, 0);
    life.world.answer_card(0, true);
    life.world.turn();
    assert_eq!(life.said(), [Value::Null; 0]);
    let application = &life.world.application;
    assert_eq!((application.defaulted, application.late), (2, 1));
}

/// What the store refuses at first is recorded later; the time for the answer runs from the receipt all the same.
#[test]
fn the_limit_counts_from_the_receipt() {
    let mut life = Life::subscribed(8);
    life.click();
    life.world.turn();
    life.world.refuse();
    life.world.hear_store();
    life.world.pass(Duration::from_secs(3));
    life.record();
    assert_eq!(life.world.application.asked, 1);
    life.world.pass(LIMIT - Duration::from_secs(3));
    assert_eq!(life.world.session.view().awaiting_application, 0);
    assert_eq!(life.world.application.defaulted, 1);
}

#[test]
fn an_answer_that_wecom_refuses_is_told() {
    let mut life = Life::subscribed(8);
    life.recorded_click();
    life.check();
    life.world.answer_card(0, true);
    life.world.turn();
    life.check();
    life.answer(0, 40_058);
    life.world.turn();
    assert_eq!(life.world.malformed, ["card_answer_refused"]);
}

/// Behind the close frame nothing is said, and over another connection the id of the callback means nothing.
#[test]
fn an_ended_connection_answers_nothing() {
    let mut life = Life::subscribed(8);
    life.recorded_click();
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.said();
    life.world.answer_card(0, true);
    life.world.turn();
    assert!(
        life.said()
            .iter()
            .all(|said| said["cmd"] != "aibot_respond_update_msg")
    );
    assert_eq!(life.world.application.late, 1);
}
