//! Each client hears what the platform says.

use longwire_sim::wecom::{Chat, Content, Media, Push};
use serde_json::{Value, json};

use super::stage::{BOT, Stage};
use crate::scene::Scene;
use crate::text::long_text;

/// Seconds since 1970.
const TIME: i64 = 1_767_225_600;
const GROUP: &str = "wrGROUPxyz";
/// Stands for what points to a file: where that leads is shown by the downloads.
const LINK: &str = "a link";

/// Text, image, mixed, voice, file, video; in single chats and groups, short and long.
pub(crate) fn messages_of_every_kind(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    // More than one read of any client.
    let long = long_text(80_000);
    for content in [
        Content::Text("你好".into()),
        Content::Text(long),
        Content::Image(file()),
        mixed(),
        Content::Voice("打开灯".into()),
        Content::File(file()),
        Content::Video(file()),
    ] {
        let (kind, member) = member(&content);
        for chat in [Chat::default(), Chat::group(GROUP, "lisi")] {
            let body = heard(&stage, Push::of(content.clone()).in_chat(chat), Some(kind));
            assert_eq!(body["msgtype"], kind);
            assert_eq!(body[kind], member);
        }
    }
    stage.is_spotless();
}

/// A message of each kind, quoted.
pub(crate) fn quotes(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    for quoted in [
        Content::Text("before".into()),
        Content::Image(file()),
        mixed(),
        Content::Voice("said".into()),
        Content::File(file()),
        Content::Video(file()),
    ] {
        let (kind, member) = member(&quoted);
        let body = heard(&stage, Push::text("this?").quoting(quoted), Some("text"));
        assert_eq!(body["text"], json!({ "content": "this?" }));
        assert_eq!(body["quote"], json!({ "msgtype": kind, kind: member }));
    }
    stage.is_spotless();
}

/// Entering a chat, a choice on a card, a rating.
pub(crate) fn events(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let choice = json!({
        "card_type": "vote_interaction", "event_key": "submit", "task_id": "task-1",
        "selected_items": { "selected_item": [
            { "question_key": "q", "option_ids": { "option_id": ["a", "b"] } },
        ] },
    });
    let rating = json!({
        "id": "fb-1", "type": 2, "content": "不对", "inaccurate_reason_list": [2, 4],
    });
    for (kind, detail) in [
        ("enter_chat", None),
        ("template_card_event", Some(choice)),
        ("feedback_event", Some(rating)),
    ] {
        let body = heard(&stage, event(kind, detail.clone()), Some(kind));
        assert_eq!(body["msgtype"], "event");
        assert_eq!(body["event"]["eventtype"], kind);
        assert_eq!(body["event"].get(kind), detail.as_ref());
    }
    stage.is_spotless();
}

/// Types that no client has a name for reach the handler of all messages, or of all events.
pub(crate) fn what_it_has_no_name_for(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let (kind, value) = ("appmsg", json!({ "title": "a.pdf" }));
    let message = Content::Other {
        msgtype: kind.to_owned(),
        value: value.clone(),
    };
    let body = heard(&stage, message.into(), None);
    assert_eq!((&body["msgtype"], &body[kind]), (&json!(kind), &value));

    let (kind, detail) = ("auth_change_event", json!({ "auth_list": [1, 2] }));
    let body = heard(&stage, event(kind, Some(detail.clone())), None);
    let both = json!({ "eventtype": kind, kind: detail });
    assert_eq!(body["event"], both);
    stage.is_spotless();
}

/// Pushes, and gives the body that the client was handed, with links made [`LINK`]. All around its content is
/// what the platform put there.
fn heard(stage: &Stage, push: Push, kind: Option<&str>) -> Value {
    let push = Push {
        create_time: Some(TIME),
        ..push
    };
    let is_event = matches!(push.content, Content::Event { .. });
    let chat = push.chat.clone();
    let (push, frame) = stage.heard(push, kind);
    let record = stage.record(push);
    let what = if is_event { "event" } else { "msg" };
    assert_eq!(frame["cmd"], format!("aibot_{what}_callback"));
    let headers = json!({ "req_id": record.deliveries[0].req_id });
    assert_eq!(frame["headers"], headers);
    let body = without_links(&frame["body"]);
    let chattype = chat.group.as_ref().map_or("single", |_| "group");
    for (key, value) in [
        ("msgid", json!(record.msgid)),
        ("aibotid", json!(BOT)),
        ("create_time", json!(TIME)),
        ("from", json!({ "userid": chat.user })),
        ("chattype", json!(chattype)),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert_eq!(body.get("chatid"), chat.group.map(Value::from).as_ref());
    body
}

fn without_links(value: &Value) -> Value {
    match value {
        Value::Object(members) if members.contains_key("aeskey") => {
            let url = members.get("url").and_then(Value::as_str);
            assert!(url.is_some_and(|url| url.contains("/media/")), "{url:?}");
            json!(LINK)
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(key, value)| (key.clone(), without_links(value)));
            members.collect()
        }
        Value::Array(items) => items.iter().map(without_links).collect(),
        value => value.clone(),
    }
}

/// The name of its type, and the member of that name as documented.
fn member(content: &Content) -> (&'static str, Value) {
    match content {
        Content::Text(text) => ("text", json!({ "content": text })),
        Content::Voice(text) => ("voice", json!({ "content": text })),
        Content::Image(_) => ("image", json!(LINK)),
        Content::File(_) => ("file", json!(LINK)),
        Content::Video(_) => ("video", json!(LINK)),
        Content::Mixed(items) => {
            let items = items.iter().map(|item| {
                let (kind, member) = member(item);
                json!({ "msgtype": kind, kind: member })
            });
            ("mixed", json!({ "msg_item": items.collect::<Vec<_>>() }))
        }
        other => panic!("{other:?} is no message of a user"),
    }
}

fn mixed() -> Content {
    Content::Mixed(vec![Content::Text("看".into()), Content::Image(file())])
}

fn file() -> Media {
    Media::new("a.bin", b"hello".as_slice())
}

fn event(eventtype: &str, detail: Option<Value>) -> Push {
    Push::of(Content::Event {
        eventtype: eventtype.to_owned(),
        detail,
    })
}
