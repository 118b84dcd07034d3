//! What an application answers to a click, and how the platform judges it.

use longwire_wire::card_answer::{AnswerShape, CardAnswer, old_card_answer};
use serde_json::{Value, json};

use super::vectors::{Kind, REQUESTS};

fn parsed(json: &[u8]) -> Value {
    serde_json::from_slice(json).expect("JSON")
}

#[test]
fn answers_go_out_as_the_platform_takes_them() {
    let mut answers = 0;
    for request in REQUESTS.iter() {
        let Some(expect) = &request.expect else {
            continue;
        };
        let (Some(returned), Some(expected)) = (&expect.handler_returns, &expect.response_json)
        else {
            continue;
        };
        let event_type = expect.dispatch["event_type"].as_str();
        let shape = AnswerShape::of(event_type.unwrap_or("card.action.trigger_v1"));
        let shape = shape.expect(&request.name);
        let sent = match request.kind {
            // The vectors have the old answer; an application writes the new one.
            Kind::CardCallbackV1 => {
                let returned = match returned.as_object().is_some_and(serde_json::Map::is_empty) {
                    true => json!({}),
                    false => json!({"card": {"type": "raw", "data": returned}}),
                };
                let answer = CardAnswer::parse(shape, returned.to_string().as_bytes());
                old_card_answer(answer.expect(&request.name).json()).expect(&request.name)
            }
            _ => {
                let answer = CardAnswer::parse(shape, returned.to_string().as_bytes());
                answer.expect(&request.name).json().clone()
            }
        };
        assert_eq!(&parsed(&sent), expected, "{}", request.name);
        answers += 1;
    }
    assert!(answers >= 8, "{answers}");
}

/// Where the documents say that an answer is wrong, it is refused with the code that the platform shows. The components of a
/// card are the platform's to judge.
#[test]
fn answers_are_judged_as_the_platform_does() {
    let mut judged = 0;
    for request in REQUESTS
        .iter()
        .filter(|r| r.name.starts_with("verdict_card_"))
    {
        let answer = request.answer.as_ref().expect("an answer");
        let verdict = request.verdict.as_ref().expect("a verdict");
        let is_about_body = answer.status == 200 && answer.delay_ms < 3_000;
        if !is_about_body || request.name == "verdict_card_bad_card" {
            continue;
        }
        let found = CardAnswer::parse(AnswerShape::CardClick, answer.body.as_bytes());
        let found = found.and_then(|answer| {
            answer.check_schema(longwire_wire::card_answer::CardSchema::V2)?;
            Ok(0)
        });
        let code = found.unwrap_or_else(|error| error.code());
        assert_eq!(Some(code), verdict.code, "{}", request.name);
        judged += 1;
    }
    assert_eq!(judged, 6);
}
