//! The 58 frames of the server: what each is, and what it says.

use bytes::Bytes;
use longwire_wire::wecom::media::upload::{Uploaded, upload_id};
use longwire_wire::wecom::{Ack, Callback, CallbackKind, FrameError, Incoming};
use serde_json::Value;

use super::vectors::{Case, VECTORS, case};

fn parse(case: &Case) -> Result<Incoming, FrameError> {
    Incoming::parse(case.bytes())
}

fn callback(case: &Case) -> Callback {
    match parse(case) {
        Ok(Incoming::Callback(callback)) => callback,
        other => panic!("{}: {other:?}", case.name),
    }
}

fn ack(name: &str) -> Ack {
    match parse(case(name)) {
        Ok(Incoming::Ack(ack)) => ack,
        other => panic!("{name}: {other:?}"),
    }
}

fn of_class(class: &str) -> Vec<&'static Case> {
    let cases = VECTORS.cases.iter().filter(|case| case.is_servers());
    cases
        .filter(|case| case.expected("class") == Some(class))
        .collect()
}

fn tree(payload: &Bytes) -> Value {
    serde_json::from_slice(payload).expect("a payload is always json")
}

#[test]
fn every_frame_has_a_class() {
    let classes = ["ack", "msg_callback", "event_callback", "malformed"];
    let counts = classes.map(|class| of_class(class).len());
    assert_eq!(counts, [19, 13, 6, 20]);
}

/// S146, S154.
#[test]
fn acks_say_which_frame_and_how_it_went() {
    for case in of_class("ack") {
        let ack = ack(&case.name);
        let tree: Value = serde_json::from_str(&case.text).expect("json");
        let req_id = case
            .expected("req_id")
            .or(tree["headers"]["req_id"].as_str());
        assert_eq!(Some(&*ack.req_id), req_id, "{}", case.name);
        if let Some(code) = case.expect.get("errcode") {
            assert_eq!(ack.code, code.as_i64(), "{}", case.name);
        }
        let body = ack.body.map(|body| super::incoming::tree(&body));
        assert_eq!(body.as_ref(), tree.get("body"), "{}", case.name);
    }
}

/// The steps of an upload live on the bodies of their acks: S164, S166.
#[test]
fn acks_of_uploads_hold_ids() {
    let body = |name| ack(name).body.expect("present");
    let id = upload_id(&body("ack_upload_init"));
    assert_eq!(id.as_deref(), Some("UPL_0001"));
    assert_eq!(upload_id(&body("ack_upload_init_without_upload_id")), None);
    for name in [
        "ack_upload_finish_created_at_string",
        "ack_upload_finish_created_at_number",
    ] {
        let expected = Uploaded {
            media_id: "MEDIA_0001".to_owned(),
            created_s: Some(1_760_000_000),
        };
        assert_eq!(Uploaded::parse(&body(name)), Some(expected), "{name}");
    }
    assert_eq!(Uploaded::parse(b"{}"), None);
}

/// S158: the request id stays with the message, for a reply.
#[test]
fn messages_say_who_and_where() {
    for case in of_class("msg_callback") {
        let (callback, name) = (callback(case), &case.name);
        assert_eq!(callback.kind, CallbackKind::Message, "{name}");
        let (facts, tree) = (&callback.facts, tree(&callback.payload));
        let body = &tree["body"];
        assert_eq!(
            callback.req_id.as_deref(),
            tree["headers"]["req_id"].as_str(),
            "{name}"
        );
        assert_eq!(facts.msgid.as_deref(), body["msgid"].as_str(), "{name}");
        assert_eq!(facts.bot_id.as_deref(), body["aibotid"].as_str(), "{name}");
        assert_eq!(
            facts.user_id.as_deref(),
            body["from"]["userid"].as_str(),
            "{name}"
        );
        let msgtype = case.expected("msgtype").or(body["msgtype"].as_str());
        let msgtype = msgtype.expect("every message has one");
        assert_eq!(facts.type_name, format!("message.{msgtype}"), "{name}");
        let chat = body["chatid"].as_str().or(facts.user_id.as_deref());
        assert_eq!(
            facts.chat_id.as_deref(),
            case.expected("chat_key").or(chat),
            "{name}"
        );
        assert_eq!(
            facts.chat_type.map(|kind| kind.name()),
            body["chattype"].as_str(),
            "{name}"
        );
        let seconds = body["create_time"].as_i64();
        assert_eq!(facts.created_ms, seconds.map(|s| s * 1000), "{name}");
        if let Some(text) = case.expected("text") {
            let item = body.pointer("/mixed/msg_item/0/text/content");
            let item = item.or(body.pointer("/text/content"));
            let item = item.or(body.pointer("/voice/content"));
            assert_eq!(item.and_then(Value::as_str), Some(text), "{name}");
        }
    }
}

/// S160.
#[test]
fn events_say_what_happened() {
    for case in of_class("event_callback") {
        let (callback, name) = (callback(case), &case.name);
        assert_eq!(callback.kind, CallbackKind::Event, "{name}");
        let type_name = match case.expected("eventtype") {
            Some(eventtype) => format!("event.{eventtype}"),
            None => "event".to_owned(),
        };
        assert_eq!(callback.facts.type_name, type_name, "{name}");
        let displaced = name == "event_disconnected";
        assert_eq!(callback.is_displacement(), displaced, "{name}");
        assert_eq!(callback.facts.user_id.is_none(), displaced, "{name}");
        assert_eq!(callback.facts.created_ms, Some(1_760_000_002_000), "{name}");
        assert_eq!(
            callback.req_id.as_deref(),
            tree(&callback.payload)["headers"]["req_id"].as_str(),
            "{name}"
        );
    }
}

/// S179: a callback with the id of a request in flight is still a callback, because its command is read first.
#[test]
fn a_callback_may_reuse_the_id_of_a_request() {
    let callback = callback(case("msg_reusing_a_pending_req_id"));
    assert_eq!(callback.req_id.as_deref(), Some("upload_chunk_0013"));
}

/// What is JSON is handed on as it came, byte for byte; nothing is copied.
#[test]
fn payloads_are_the_frames_themselves() {
    for case in of_class("msg_callback")
        .into_iter()
        .chain(of_class("event_callback"))
    {
        let strict = case.expect.get("strict_json_valid") != Some(&Value::Bool(false));
        let frame = case.bytes();
        let parsed = Incoming::parse(frame.clone());
        let Ok(Incoming::Callback(callback)) = parsed else {
            panic!("{}: {parsed:?}", case.name);
        };
        assert_eq!(callback.payload == frame, strict, "{}", case.name);
        let shared = callback.payload.as_ptr() == frame.as_ptr();
        assert_eq!(shared, strict, "{}", case.name);
    }
}

/// The official SDKs lose these messages.
#[test]
fn what_is_nearly_json_is_repaired() {
    let check = |name, expected: &str| {
        let payload = callback(case(name)).payload;
        let tree = tree(&payload);
        assert_eq!(tree["body"]["text"]["content"], expected, "{name}");
        let any_of = case(name).expect.get("text_after_sanitize_any_of");
        let any_of = any_of.and_then(Value::as_array);
        assert!(any_of.is_none_or(|list| list.contains(&expected.into())));
    };
    check("srv_raw_control_char_in_string", "a\u{b}b");
    check("srv_raw_newline_in_string", "line1\nline2");
    check("srv_lone_surrogate", "a\u{fffd}b");
}

/// What a relay or a cut by bytes makes of a good frame is still that frame.
#[test]
fn what_surrounds_or_cuts_a_frame_is_repaired() {
    let clean = case("msg_text_single");
    let expected = callback(clean);
    let text = clean.bytes();
    let check = |frame: Vec<u8>| {
        let shown = String::from_utf8_lossy(&frame).into_owned();
        let found = match Incoming::parse(frame.into()) {
            Ok(Incoming::Callback(callback)) => callback,
            other => panic!("{shown}: {other:?}"),
        };
        assert_eq!(found.facts, expected.facts, "{shown}");
        assert_eq!(found.identity(), expected.identity(), "{shown}");
        assert_eq!(tree(&found.payload)["cmd"], "aibot_msg_callback");
    };
    check([b"\xef\xbb\xbf", &text[..]].concat());
    check([&text[..], b"\0"].concat());
    check([b"\xef\xbb\xbf", &text[..], b"\r\n\0"].concat());
    let at = clean.text.find("\"content\":\"").expect("a text message") + 11;
    check([&text[..at], b"\xe6\x96", &text[at..]].concat());
}

/// Two ids that lost a character may look alike, and a look-alike is never a repeat.
#[test]
fn an_id_that_had_to_be_repaired_is_none() {
    let message = |msgid: &str| {
        let text = format!(
            r#"{{"cmd":"aibot_msg_callback","headers":{{"req_id":"r"}},"body":{{"msgid":"{msgid}","msgtype":"text","from":{{"userid":"u"}}}}}}"#
        );
        match Incoming::parse(Bytes::from(text)) {
            Ok(Incoming::Callback(callback)) => callback,
            other => panic!("{msgid}: {other:?}"),
        }
    };
    assert_eq!(message(r"\ud800").facts.msgid, None);
    assert_ne!(
        message(r"\ud800").identity(),
        message(r"\ud801 ").identity()
    );
}

/// S189, S190: nothing the server sends ends more than the frame itself.
#[test]
fn malformed_frames_are_named() {
    for case in of_class("malformed") {
        let name = case.name.as_str();
        let expected = match name {
            "srv_invalid_json" | "srv_truncated_json" | "srv_empty_text" => Err("not_json"),
            "srv_json_null" | "srv_json_array" | "srv_json_string" | "srv_json_number" => {
                Err("not_an_object")
            }
            "srv_empty_object" | "srv_req_id_not_string" | "srv_headers_not_object" => {
                Err("no_req_id")
            }
            "srv_body_string" | "srv_body_null" | "srv_body_array" => Err("no_body"),
            "srv_body_without_msgtype" => Err("no_msgtype"),
            "srv_from_missing_single_chat" => Err("no_chat"),
            "srv_unknown_cmd" | "srv_cmd_not_string" => Ok(false),
            "srv_headers_missing_on_callback" | "srv_headers_null" | "srv_lone_surrogate" => {
                Ok(true)
            }
            other => panic!("what is {other}?"),
        };
        let found = match parse(case) {
            Ok(Incoming::Callback(_)) => Ok(true),
            Ok(Incoming::Unknown) => Ok(false),
            Ok(Incoming::Ack(ack)) => panic!("{name}: {ack:?}"),
            Err(error) => Err(error.kind()),
        };
        assert_eq!(found, expected, "{name}");
        if case.expect.get("can_reply_passively") == Some(&Value::Bool(false)) {
            assert_eq!(callback(case).req_id, None, "{name}");
        }
    }
    let binary = Incoming::parse(Bytes::from_static(b"{\"a\":\xff}"));
    assert_eq!(binary.expect_err("not text").kind(), "not_utf8");
}

#[test]
fn different_callbacks_have_different_keys() {
    let event = |name| callback(case(name)).identity();
    assert_ne!(event("event_enter_chat"), event("event_template_card"));
    assert_ne!(event("msg_text_single"), event("event_enter_chat"));
    let (plain, escaped) = ("msg_text_single", "msg_text_group_escaped_slash_msgid");
    assert_eq!(event(plain), event(escaped), "one id, written in two ways");
}
