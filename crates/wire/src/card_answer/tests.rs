use serde_json::json;

use super::*;
use crate::answer::AnswerPayload;

fn parse(json: &Value) -> Result<CardAnswer, CardAnswerError> {
    CardAnswer::parse(AnswerShape::CardClick, json.to_string().as_bytes())
}

/// Refused at this place with this code.
fn refused(answer: &Value, pointer: &str, code: u32) {
    let error = parse(answer).expect_err(&answer.to_string());
    assert_eq!(
        (&*error.pointer, error.code()),
        (pointer, code),
        "{answer}: {error}"
    );
    assert!(error.to_string().contains(&code.to_string()), "{error}");
}

fn accepted(answer: &Value) {
    let checked = parse(answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
    let kept: Value = serde_json::from_slice(checked.json()).expect("JSON");
    assert_eq!(kept, *answer);
    let payload = AnswerPayload::parse(&checked.to_payload()).expect("our own");
    assert_eq!(payload.data.as_deref(), Some(&checked.json()[..]));
}

fn raw(data: Value) -> Value {
    json!({"card": {"type": "raw", "data": data}})
}

#[test]
fn documented_answers() {
    accepted(&json!({}));
    accepted(&json!({"toast": {"content": "ok"}}));
    for kind in ["info", "success", "warning", "error"] {
        accepted(
            &json!({"toast": {"type": kind, "content": "ok", "i18n": {"zh_cn": "好", "en_us": "ok", "ja_jp": "ok"}}}),
        );
    }
    accepted(&raw(json!({"schema": "2.0", "body": {"elements": []}})));
    accepted(&raw(json!({"elements": []})));
    accepted(&raw(
        json!({"schema": "1.0", "i18n_elements": {"zh_cn": []}}),
    ));
    accepted(
        &json!({"card": {"type": "template", "data": {"template_id": "AAq", "template_version_name": "1.0.0", "template_variable": {"a": 1}}}}),
    );
    accepted(
        &json!({"toast": {"content": "ok"}, "card": {"type": "template", "data": {"template_id": "AAq"}}}),
    );
}

/// S221: `{"error": …}` and `{"status": "ok"}` are no answers to a click.
#[test]
fn the_whole_answer() {
    for text in ["", "ok", "{", "{\"toast\":\"\\ud800\"}"] {
        let error = CardAnswer::parse(AnswerShape::CardClick, text.as_bytes()).expect_err(text);
        assert_eq!(
            (error.fault.clone(), error.code()),
            (CardFault::NotJson, 200_672)
        );
    }
    let error = CardAnswer::parse(AnswerShape::CardClick, b"\xff").expect_err("no text");
    assert_eq!(error.fault, CardFault::NotJson);
    for value in [json!([]), json!("{}"), json!(null), json!(1)] {
        refused(&value, "", 200_672);
    }
    // What handlers answer that know nothing of cards.
    refused(&json!({"status": "ok"}), "", 200_672);
    refused(&json!({"error": "no"}), "", 200_672);
    refused(
        &json!({"type": "raw", "data": {"elements": []}}),
        "",
        200_672,
    );
    refused(&json!({"inline": {"title": "x"}}), "", 200_672);
    let twice = br#"{"toast":{"content":"a"},"toast":{"content":"b"}}"#;
    let error = CardAnswer::parse(AnswerShape::CardClick, twice).expect_err("twice");
    assert_eq!(error.fault, CardFault::RepeatedMember);
}

/// Only what is documented goes to the platform, as it was written.
#[test]
fn other_members_are_left_out() {
    let text = br#"{ "reply": {"text": "x"}, "toast": {"content": "a" , "n": 12345678901234567890123}, "card": null}"#;
    let answer = CardAnswer::parse(AnswerShape::CardClick, text).expect("a toast");
    assert_eq!(
        &answer.json()[..],
        br#"{"toast":{"content": "a" , "n": 12345678901234567890123}}"#
    );
}

#[test]
fn toasts() {
    refused(&json!({"toast": "ok"}), "/toast", 200_672);
    refused(&json!({"toast": {}}), "/toast", 200_672);
    refused(
        &json!({"toast": {"type": "fatal", "content": "x"}}),
        "/toast/type",
        200_672,
    );
    refused(&json!({"toast": {"content": 1}}), "/toast/content", 200_672);
    refused(
        &json!({"toast": {"content": ""}}),
        "/toast/content",
        200_672,
    );
    refused(&json!({"toast": {"i18n": {}}}), "/toast/i18n", 200_672);
    refused(
        &json!({"toast": {"i18n": {"zh-CN": "x"}}}),
        "/toast/i18n/zh-CN",
        200_672,
    );
    refused(
        &json!({"toast": {"i18n": {"a/b~c": "x"}}}),
        "/toast/i18n/a~1b~0c",
        200_672,
    );
    refused(
        &json!({"toast": {"content": "x", "i18n": {"zh_cn": 1}}}),
        "/toast/i18n/zh_cn",
        200_672,
    );
}

#[test]
fn cards() {
    refused(&json!({"card": []}), "/card", 200_672);
    refused(&json!({"card": {"data": {}}}), "/card", 200_672);
    refused(&json!({"card": {"type": "raw"}}), "/card", 200_672);
    refused(
        &json!({"card": {"type": "card_json", "data": {}}}),
        "/card/type",
        200_672,
    );
    // A second layer of JSON.
    let error = parse(&raw(json!("{\"elements\":[]}"))).expect_err("a string");
    assert_eq!(
        (error.fault.clone(), error.code()),
        (CardFault::JsonInString, 200_672)
    );
    refused(&raw(json!({})), "/card/data", 200_673);
    refused(
        &raw(json!({"schema": "2.0", "elements": []})),
        "/card/data",
        200_673,
    );
    refused(
        &raw(json!({"schema": "2.0", "body": []})),
        "/card/data/body",
        200_673,
    );
    refused(
        &raw(json!({"schema": 2, "body": {}})),
        "/card/data/schema",
        200_673,
    );
    let error = parse(&raw(json!({"body": {"elements": []}}))).expect_err("no schema");
    assert_eq!(
        (error.fault.clone(), error.code()),
        (CardFault::SchemaNotNamed, 200_673)
    );
    let template = |data: Value| json!({"card": {"type": "template", "data": data}});
    refused(&template(json!({})), "/card/data", 200_673);
    refused(
        &template(json!({"template_id": ""})),
        "/card/data/template_id",
        200_673,
    );
    refused(
        &template(json!({"template_id": "a", "template_variable": "{}"})),
        "/card/data/template_variable",
        200_673,
    );
}

#[test]
fn a_card_has_30_kb_at_most() {
    let card = |room: usize| raw(json!({"elements": ["x".repeat(room)]}));
    let around = json!({"elements": [""]}).to_string().len();
    accepted(&card(CARD_BYTES - around));
    refused(&card(CARD_BYTES - around + 1), "/card/data", 200_673);
}

#[test]
fn components_of_a_form_have_names() {
    let form = |button: Value| {
        raw(json!({"schema": "2.0", "body": {"elements": [
            {"tag": "button"},
            {"tag": "form", "name": "f", "elements": [
                {"tag": "column_set", "columns": [{"elements": [button]}]},
            ]},
        ]}}))
    };
    accepted(&form(json!({"tag": "button", "name": "submit"})));
    accepted(&form(json!({"tag": "markdown"})));
    let place = "/card/data/body/elements/1/elements/0/columns/0/elements/0";
    refused(&form(json!({"tag": "button"})), place, 200_530);
    refused(&form(json!({"tag": "input", "name": ""})), place, 200_530);
}

#[test]
fn schema_2_is_not_replaced_by_1() {
    let old = parse(&raw(json!({"elements": []}))).expect("a card");
    let new = parse(&raw(json!({"schema": "2.0", "body": {}}))).expect("a card");
    let none = CardAnswer::leave();
    for (answer, sent, refused) in [
        (&old, CardSchema::V2, true),
        (&old, CardSchema::V1, false),
        (&new, CardSchema::V1, false),
        (&new, CardSchema::V2, false),
        (&none, CardSchema::V2, false),
    ] {
        let code = answer.check_schema(sent).err().map(|error| error.code());
        assert_eq!(code, refused.then_some(200_830), "{sent:?}");
    }
}

#[test]
fn previews() {
    let parse = |answer: Value| {
        let checked = CardAnswer::parse(AnswerShape::UrlPreview, answer.to_string().as_bytes());
        checked.map(drop).map_err(|error| error.pointer)
    };
    assert_eq!(parse(json!({})), Ok(()));
    assert_eq!(
        parse(
            json!({"inline": {"title": "a", "image_key": "img", "url": {"copy_url": "https://a.invalid", "pc": null}}})
        ),
        Ok(())
    );
    assert_eq!(
        parse(json!({"inline": {"i18n_title": {"en_us": "a"}}})),
        Ok(())
    );
    assert_eq!(parse(json!({"inline": {}})), Err("/inline".to_owned()));
    assert_eq!(
        parse(json!({"inline": {"title": 1}})),
        Err("/inline/title".to_owned())
    );
    assert_eq!(
        parse(json!({"inline": {"title": "a", "url": {"pc": 1}}})),
        Err("/inline/url/pc".to_owned())
    );
    assert_eq!(
        parse(json!({"toast": {"content": "a"}})),
        Err(String::new())
    );
}

#[test]
fn which_events_are_answered() {
    assert_eq!(
        AnswerShape::of("card.action.trigger"),
        Some(AnswerShape::CardClick)
    );
    assert_eq!(
        AnswerShape::of("url.preview.get"),
        Some(AnswerShape::UrlPreview)
    );
    assert_eq!(AnswerShape::of("im.message.receive_v1"), None);
}
