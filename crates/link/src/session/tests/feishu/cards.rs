//! Clicks on cards: whatever the application does, the platform hears something in time, and other events do not wait.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::AnswerPayload;
use longwire_wire::frame::{Frame, METHOD_DATA, key};

use super::{DEFAULT_RESULT, Life, click, connection, push_of_type};
use crate::session::tests::world::application::result_of;
use crate::session::*;
use crate::timing::Timing;

impl Life {
    /// Clicks that are read, recorded and proven.
    fn recorded_clicks(&mut self, count: usize) {
        (0..count).for_each(|_| self.click(1));
        self.record();
    }

    fn record(&mut self) {
        self.world.turn();
        self.world.commit(None);
        self.world.hear_store();
        self.world.turn();
    }

    /// What was answered since the last look, with the results: by message id, in the order of the answers.
    fn answers(&mut self) -> Vec<(String, i64, Option<String>)> {
        let written = self.world.written.clone();
        self.check();
        let frames = written.into_iter().filter(|(opcode, _)| *opcode == 2);
        let frames = frames.map(|(_, payload)| Frame::from_bytes(payload.into()).expect("a frame"));
        let data = frames.filter(|frame| frame.method == METHOD_DATA);
        data.map(|frame| {
            let payload = frame.payload.as_deref().unwrap_or_default();
            let answer = AnswerPayload::parse(payload).expect("an answer");
            let data = answer.data.map(String::from_utf8).transpose();
            let message_id = frame.header(key::MESSAGE_ID).expect("an echo").to_owned();
            (message_id, answer.code, data.expect("text"))
        })
        .collect()
    }
}

fn deadline() -> Duration {
    CardSettings::default().deadline
}

fn answer(message_id: &str, result: &str) -> (String, i64, Option<String>) {
    (message_id.to_owned(), 200, Some(result.to_owned()))
}

fn plain(message_id: &str) -> (String, i64, Option<String>) {
    (message_id.to_owned(), 200, None)
}

/// S202: a click on a new card comes over the long connection, and its answer goes back there.
#[test]
fn a_click_is_answered_as_the_application_says() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    assert_eq!(life.answers(), [], "the application is asked first");
    let view = life.world.session.view();
    assert_eq!((view.unanswered, view.awaiting_application), (1, 1));
    life.world.answer_card(0, true);
    life.world.turn();
    assert_eq!(life.answers(), [answer("m1", &result_of(0))]);
    let view = life.world.session.view();
    assert_eq!((view.unanswered, view.awaiting_application), (0, 0));
    let application = &life.world.application;
    assert_eq!((application.asked, application.answered), (1, 1));
    assert_eq!((application.defaulted, application.late), (0, 0));
}

#[test]
fn without_an_answer_a_click_is_answered_by_default_at_the_deadline() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.pass(deadline() - Duration::from_millis(1));
    assert_eq!(life.answers(), []);
    life.world.pass(Duration::from_millis(1));
    assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);
    life.world.answer_card(0, true);
    life.world.turn();
    assert_eq!(life.answers(), [], "no second answer");
    let application = &life.world.application;
    assert_eq!((application.defaulted, application.late), (1, 1));
}

#[test]
fn an_application_that_has_no_answer_is_not_waited_for() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.answer_card(0, false);
    life.world.turn();
    assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);
    assert_eq!(life.world.application.late, 0);
}

#[test]
fn a_click_that_no_filter_wants_is_answered_as_any_event_at_once() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.nobody_claims();
    life.world.turn();
    assert_eq!(life.answers(), [plain("m1")]);
    assert_eq!(life.world.session.view().awaiting_application, 0);
    let application = &life.world.application;
    assert_eq!((application.unclaimed, application.defaulted), (1, 0));
}

#[test]
fn a_click_that_nobody_claims_is_answered_as_any_event() {
    let mut life = Life::new();
    life.world.cards_claimed = false;
    life.recorded_clicks(1);
    assert_eq!(life.answers(), [plain("m1")]);
    assert_eq!(life.world.application.asked, 0);
}

/// The deadline counts from the receipt, so a slow store leaves less time to the application; and an event that is not
/// durable within the budget is refused, whatever it is.
#[test]
fn the_deadline_counts_from_the_receipt() {
    let mut life = Life::new();
    life.click(1);
    life.world.turn();
    life.world.pass(Duration::from_millis(1500));
    life.record();
    assert_eq!(life.world.application.asked, 1);
    life.world.pass(deadline() - Duration::from_millis(1500));
    assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);

    let mut life = Life::new();
    life.click(1);
    life.world.turn();
    life.world.pass(Timing::default().answer_budget);
    life.record();
    assert_eq!(life.answers(), [("m1".to_owned(), 500, None)]);
    assert_eq!(life.world.application.asked, 0);
}

#[test]
fn a_repeat_waits_beside_the_click_and_gets_the_same_answer() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    let (_, payload) = life.payloads[0].clone();
    life.send("again", 1, &payload);
    life.record();
    assert_eq!(life.world.application.asked, 1, "it is not asked again");
    assert_eq!(life.world.session.view().awaiting_application, 2);
    life.payloads.push(("again".to_owned(), payload));
    life.world.answer_card(0, true);
    life.world.turn();
    let given = result_of(0);
    assert_eq!(
        life.answers(),
        [answer("m1", &given), answer("again", &given)]
    );
}

#[test]
fn a_repeat_waits_until_its_own_deadline() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.pass(Duration::from_millis(10));
    let (_, payload) = life.payloads[0].clone();
    life.send("again", 1, &payload);
    life.record();
    life.payloads.push(("again".to_owned(), payload));
    life.world.pass(deadline() - Duration::from_millis(10));
    assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);
    assert_eq!(life.world.session.view().awaiting_application, 1);
    life.world.pass(Duration::from_millis(10));
    assert_eq!(life.answers(), [answer("again", DEFAULT_RESULT)]);
}

/// The application may let go of the question about a click whose time was up while it is asked about a repeat.
#[test]
fn a_question_that_is_over_takes_no_answer_from_a_repeat() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.pass(deadline());
    assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);
    let (_, payload) = life.payloads[0].clone();
    life.send("again", 1, &payload);
    life.record();
    life.payloads.push(("again".to_owned(), payload));
    assert_eq!(life.world.application.asked, 2);
    life.world.answer_card(0, false);
    life.world.turn();
    assert_eq!(life.answers(), [], "the second question is open");
    life.world.answer_card(0, true);
    life.world.turn();
    assert_eq!(life.answers(), [answer("again", &result_of(0))]);
}

/// Half of the window is left to the events that need no application.
#[test]
fn a_stuck_application_holds_up_no_other_event() {
    let mut life = Life::new();
    life.recorded_clicks(8);
    assert_eq!(life.world.session.view().awaiting_application, 4);
    let by_default: Vec<_> = (5..9)
        .map(|number| answer(&format!("m{number}"), DEFAULT_RESULT))
        .collect();
    assert_eq!(life.answers(), by_default);
    (0..4).for_each(|_| life.push(1));
    life.record();
    let plain: Vec<_> = (9..13).map(|number| plain(&format!("m{number}"))).collect();
    assert_eq!(life.answers(), plain);
    assert_eq!(life.world.application.asked, 4);
}

#[test]
fn a_click_of_several_frames_is_one_question() {
    let mut life = Life::new();
    life.click(2);
    life.world.turn();
    life.world.attach_assembler();
    life.world.turn();
    life.world.hear_assembler();
    life.record();
    life.world.answer_card(0, true);
    life.world.turn();
    assert_eq!(life.answers(), [answer("m1", &result_of(0))]);
}

#[test]
fn a_connection_that_finishes_answers_its_clicks_before_it_closes() {
    for (within_ms, waits_ms) in [(1000, 1000), (10_000, 2500)] {
        let mut life = Life::new();
        life.recorded_clicks(1);
        let within = Duration::from_millis(within_ms);
        life.world.tell(Input::Close(CloseMode::Finish { within }));
        life.world.pass(Duration::from_millis(waits_ms - 1));
        assert_eq!(life.answers(), [], "there is time left");
        life.world.pass(Duration::from_millis(1));
        assert_eq!(life.world.close_codes(), [1000]);
        assert_eq!(life.answers(), [answer("m1", DEFAULT_RESULT)]);
    }
}

#[test]
fn of_a_lost_connection_nothing_is_owed() {
    let mut life = Life::new();
    life.recorded_clicks(1);
    life.world.is_input_over = true;
    life.world.turn();
    assert_eq!(life.world.finished, Some(1));
    assert_eq!(life.answers(), []);
}

/// A data frame of type `card` is told to the operator, and is a click all the same.
#[test]
fn a_frame_of_type_card_is_a_click() {
    let mut world = connection(8);
    world.tell(Input::Opened(Bytes::new()));
    world.incoming = push_of_type("card", "m1", 1, 0, click(1).as_bytes());
    world.turn();
    world.commit(None);
    world.hear_store();
    assert_eq!(world.malformed, ["card_frame_not_an_event"]);
    assert_eq!((world.log.len(), world.application.asked), (1, 1));
}
