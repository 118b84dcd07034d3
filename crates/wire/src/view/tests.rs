use serde_json::{Value, json};

use super::*;

const MESSAGE: &str = "im.message.receive_v1";

fn feishu(event_type: &str, payload: &str) -> EventView {
    view(Family::Feishu, Some(event_type), payload.as_bytes())
}

fn view(family: Family, event_type: Option<&str>, payload: &[u8]) -> EventView {
    EventView::of(family, event_type, &Bytes::copy_from_slice(payload))
}

fn json(view: &EventView) -> Value {
    serde_json::to_value(view).expect("a view is JSON")
}

/// The message of that type and content.
fn message(message_type: &str, content: &str) -> MessageView {
    let payload = json!({"event": {"message": {
        "message_id": "om_1", "message_type": message_type, "content": content,
    }}});
    let view = feishu(MESSAGE, &payload.to_string());
    assert_eq!(view.kind, EventKind::Message);
    view.message.expect("a message has one")
}

fn text(message_type: &str, content: &str) -> Option<String> {
    let text = message(message_type, content).text;
    text.map(|text| text.to_string())
}

#[test]
fn what_cannot_be_read_is_unparsed() {
    for payload in ["", "{", "[]", "null", "\"{}\""] {
        for family in [Family::Feishu, Family::Wecom, Family::Longwire] {
            let view = view(family, Some(MESSAGE), payload.as_bytes());
            assert_eq!(json(&view), json!({"kind": "unparsed"}), "{payload}");
        }
    }
    let recorded_without_type = view(Family::Feishu, None, br#"{"event":{"chat_id":"oc_1"}}"#);
    assert_eq!(json(&recorded_without_type), json!({"kind": "unparsed"}));
}

#[test]
fn words_are_those_of_the_serde_form() {
    for kind in EventKind::ALL {
        assert_eq!(json!(kind), kind.label());
    }
    for kind in PersonKind::ALL {
        assert_eq!(json!(kind), kind.label());
    }
    for action in ["created", "disbanded"] {
        let found = [EventAction::Created, EventAction::Disbanded]
            .into_iter()
            .find(|known| known.label() == action);
        assert_eq!(json!(found), action);
    }
}

#[test]
fn a_type_that_is_not_known_has_chat_and_operator() {
    let view = feishu(
        "im.something.new_v9",
        r#"{"event":{"chat_id":"oc_1","operator_id":{"open_id":"ou_1"},"more":[{}]}}"#,
    );
    let expected = json!({
        "kind": "other",
        "chat": {"id": "oc_1"},
        "sender": {"kind": "user", "id": "ou_1", "ids": {"open_id": "ou_1"}},
    });
    assert_eq!(json(&view), expected);
}

#[test]
fn members_of_another_type_are_absent() {
    let view = feishu(
        MESSAGE,
        r#"{"header":7,"event":{"sender":[],"message":{"message_id":{},"chat_id":5,"chat_type":null,"mentions":{"a":1},"content":[1],"create_time":"soon"}}}"#,
    );
    let expected =
        json!({"kind": "message", "chat": {"id": "5"}, "message": {"mentions_bot": false}});
    assert_eq!(json(&view), expected);
    let bare = feishu(MESSAGE, r#"{"event":[]}"#);
    assert_eq!(
        json(&bare),
        json!({"kind": "message", "message": {"mentions_bot": false}})
    );
    let mentions = feishu(
        MESSAGE,
        r#"{"event":{"message":{"message_id":"om_1","mentions":[null,7,{"key":"@_user_1","id":"ou_1"},{"mentioned_type":"bot"}]}}}"#,
    );
    let expected = json!([{"kind": "unknown", "key": "@_user_1"}, {"kind": "bot"}]);
    assert_eq!(json(&mentions)["message"]["mentions"], expected);
}

#[test]
fn the_last_of_a_repeated_member_counts() {
    let view = feishu(
        MESSAGE,
        r#"{"event":{"message":{"message_id":"om_0"}},"event":{"message":{"message_id":"om_1","message_id":"om_2"}}}"#,
    );
    assert_eq!(
        view.message.and_then(|message| message.id).as_deref(),
        Some("om_2")
    );
}

#[test]
fn what_is_nearly_json_is_repaired() {
    let payload = "\u{feff}{\"event\":{\"message\":{\"message_id\":\"om_1\",\"content\":\"{\\\"text\\\":\\\"a\nb\\\"}\",\"message_type\":\"text\"}}}\0";
    let view = feishu(MESSAGE, payload);
    let text = view.message.and_then(|message| message.text);
    assert_eq!(text.as_deref(), Some("a\nb"));
    let view = view_of_bytes(b"{\"event\":{\"chat_id\":\"oc_1\",\"name\":\"\xe6\x96\"}}");
    assert_eq!(
        view.chat.and_then(|chat| chat.name).as_deref(),
        Some("\u{fffd}")
    );
}

fn view_of_bytes(payload: &[u8]) -> EventView {
    view(Family::Feishu, Some("im.chat.disbanded_v1"), payload)
}

#[test]
fn texts_are_kept_as_they_are() {
    assert_eq!(
        text("text", r#"{"text":" a \n"}"#).as_deref(),
        Some(" a \n")
    );
    assert_eq!(text("text", r#"{"text":""}"#).as_deref(), Some(""));
    assert_eq!(text("text", "{}").as_deref(), Some(""));
    assert_eq!(
        text("text", r#"{"text":"a\ud800b"}"#).as_deref(),
        Some("a\u{fffd}b")
    );
    // A type that is not known may have a text all the same.
    assert_eq!(text("new", r#"{"text":"a"}"#).as_deref(), Some("a"));
}

#[test]
fn a_content_that_cannot_be_read_leaves_the_message() {
    for content in ["", "plain", "[]", "null", "{\"text\":"] {
        assert_eq!(text("text", content), None, "{content}");
        assert_eq!(text("post", content), None, "{content}");
    }
    assert_eq!(text("post", "{}").as_deref(), Some(""));
    assert_eq!(
        text("post", r#"{"title":"t","content":"no rows"}"#).as_deref(),
        Some("t")
    );
}

#[test]
fn rich_text_has_a_line_per_row() {
    let check = |rows: &str, expected: &str| {
        let found = text("post", &format!(r#"{{"content":{rows}}}"#));
        assert_eq!(found.as_deref(), Some(expected), "{rows}");
    };
    check(
        r#"[[{"tag":"text","text":" a"},{"tag":"text","text":"b "}],[],[{"tag":"text","text":"c"}]]"#,
        " ab \n\nc",
    );
    check(
        r#"[[{"tag":"at","user_id":"all"}],{"tag":"text","text":"a"}]"#,
        "@_all\na",
    );
    check(
        r#"[[{"tag":"a","href":"https://host.invalid/"},{"tag":"at","user_name":"Bo"}]]"#,
        "https://host.invalid/Bo",
    );
    check(r#"[[{"tag":"new","text":"a"},7,null]]"#, "a");
    let post = message(
        "post",
        r#"{"content":[[{"tag":"at","user_id":"@_all"}],[{"tag":"img","image_key":"i"},{"tag":"media","file_key":"f","image_key":"c"}]]}"#,
    );
    assert_eq!(post.text.as_deref(), Some("@_all"));
    assert_eq!(post.mentions[0].kind, MentionKind::Everyone);
    let kinds: Vec<_> = post.attachments.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [AttachmentKind::Image, AttachmentKind::Video]);
}

#[test]
fn what_hangs_on_a_message() {
    let check = |message_type, content: Value, expected: Value| {
        let found = message(message_type, &content.to_string()).attachments;
        assert_eq!(json!(found), json!([expected]), "{message_type}");
    };
    check(
        "folder",
        json!({"file_key": "f", "file_name": "n"}),
        json!({"kind": "folder", "key": "f", "name": "n"}),
    );
    check(
        "audio",
        json!({"file_key": "f", "duration": "2300"}),
        json!({"kind": "audio", "key": "f", "duration_ms": 2300}),
    );
    check(
        "audio",
        json!({"file_key": "f", "duration": -1.5}),
        json!({"kind": "audio", "key": "f"}),
    );
    check(
        "location",
        json!({"name": "n", "longitude": "1"}),
        json!({"kind": "location", "name": "n"}),
    );
    check(
        "share_chat",
        json!({"chat_id": "oc_1"}),
        json!({"kind": "shared_chat", "key": "oc_1"}),
    );
    check(
        "share_user",
        json!({"user_id": "ou_1"}),
        json!({"kind": "shared_user", "key": "ou_1"}),
    );
}

#[test]
fn groups_change() {
    let view = feishu(
        "im.chat.updated_v1",
        r#"{"event":{"chat_id":"oc_1","after_change":{"name":"new"},"before_change":{"name":"old"}}}"#,
    );
    let expected = json!({"kind": "chat", "action": "updated", "chat": {"id": "oc_1", "kind": "group", "name": "new"}});
    assert_eq!(json(&view), expected);
    let view = feishu(
        "im.chat.member.user.withdrawn_v1",
        r#"{"event":{"chat_id":"oc_1","users":[{"name":"B","user_id":{"open_id":"ou_2"}},{"user_id":"u3"},1]}}"#,
    );
    let expected = json!([
        {"kind": "user", "id": "ou_2", "ids": {"open_id": "ou_2"}, "name": "B"},
        {"kind": "user", "id": "u3", "ids": {"user_id": "u3"}},
    ]);
    assert_eq!(json(&view)["members"], expected);
    assert_eq!(view.action, Some(EventAction::Withdrawn));
}

#[test]
fn menus_and_previews() {
    let view = feishu(
        "application.bot.menu_v6",
        r#"{"event":{"operator":{"operator_name":"A","operator_id":{"open_id":"ou_1"}},"event_key":"today"}}"#,
    );
    let expected = json!({
        "kind": "menu",
        "sender": {"kind": "user", "id": "ou_1", "ids": {"open_id": "ou_1"}, "name": "A"},
        "menu": {"key": "today"},
    });
    assert_eq!(json(&view), expected);
    let view = feishu(
        "url.preview.get",
        r#"{"event":{"operator":{"open_id":"ou_1"},"context":{"url":"https://host.invalid/","open_message_id":"om_1","open_chat_id":"oc_1"}}}"#,
    );
    assert_eq!(
        json(&view)["url_preview"],
        json!({"url": "https://host.invalid/", "message_id": "om_1"})
    );
    assert_eq!(view.chat.map(|chat| chat.id).as_deref(), Some("oc_1"));
}

#[test]
fn senders_of_every_kind() {
    for (word, kind, by_person, by_program) in [
        ("user", "user", true, false),
        ("bot", "bot", false, true),
        ("app", "app", false, true),
        ("anonymous", "anonymous", true, false),
        ("system", "system", false, false),
        ("cat", "unknown", false, false),
    ] {
        let payload =
            json!({"event": {"sender": {"sender_type": word, "sender_id": {"union_id": "on_1"}}}});
        let view = feishu(MESSAGE, &payload.to_string());
        let expected = json!({"kind": kind, "id": "on_1", "ids": {"union_id": "on_1"}});
        assert_eq!(json(&view)["sender"], expected);
        let by = (view.is_by_person(), view.is_by_program());
        assert_eq!(by, (by_person, by_program), "{word}");
    }
    let reaction = r#"{"event":{"operator_type":"app","app_id":"cli_1"}}"#;
    let reaction = feishu("im.message.reaction.created_v1", reaction);
    assert!(reaction.is_by_program(), "{reaction:?}");
    // WeCom sends no bot what a bot wrote.
    let payload = br#"{"body":{"msgtype":"text","from":{"userid":"u"},"text":{"content":"x"}}}"#;
    assert!(view(Family::Wecom, Some("text"), payload).is_by_person());
}

#[test]
fn a_click_of_wecom_has_its_facts_in_either_place() {
    let flat = r#"{"body":{"from":{"userid":"u"},"event":{"eventtype":"template_card_event","event_key":"say \"yes\"","task_id":"t"}}}"#;
    let view = view(
        Family::Wecom,
        Some("event.template_card_event"),
        flat.as_bytes(),
    );
    let expected = json!({"value": "say \"yes\"", "task_id": "t", "has_update_token": false});
    assert_eq!(json(&view)["card"], expected);
    assert!(click_identity(&view).is_some());
}

#[test]
fn operations_keep_what_they_know() {
    let operation = Operation {
        consumer: Some("orders".into()),
        reason: Some("lag".into()),
        installations: Some(812),
        lag_events: Some(7),
        patience_percent: Some(50),
        ..Operation::default()
    };
    let view = view(
        Family::Longwire,
        Some("longwire.consumer.lagging"),
        &operation.to_json(),
    );
    assert_eq!(view.action, Some(EventAction::Lagging));
    assert_eq!(view.operation.as_deref(), Some(&operation));
}
