//! Envelopes of small hand-written payloads; the golden events are among the integration tests.

use super::*;

fn parse(json: &str) -> Result<Envelope, EnvelopeError> {
    Envelope::parse(&Bytes::copy_from_slice(json.as_bytes()))
}

fn envelope(json: &str) -> Envelope {
    parse(json).expect(json)
}

#[test]
fn what_is_no_event() {
    let check = |json: &[u8], kind| {
        let error = Envelope::parse(&Bytes::copy_from_slice(json)).expect_err(kind);
        assert_eq!(error.kind(), kind, "{}", String::from_utf8_lossy(json));
    };
    check(b"", "not_json");
    check(b"hello", "not_json");
    check(br#"{"uuid":"u","event":{"type":"t"}"#, "not_json");
    check(br#"{"uuid":"u","event":{"type":"t"}} x"#, "not_json");
    check(br#"{"uuid":"u","event":{"type":"t","x":tru}}"#, "not_json");
    check(b"{\"uuid\":\xff}", "not_utf8");
    for json in ["null", "[]", "[{}]", "5", "-5", "0.5", "true", r#""text""#] {
        check(json.as_bytes(), "not_an_object");
    }
    check(br#"{"encrypt":"abc"}"#, "encrypted");
    check(br#"{"encrypt":{"a":[1]},"other":1}"#, "encrypted");
    check(b"{}", "no_event_id");
    check(br#"{"schema":"2.0"}"#, "no_event_id");
    check(br#"{"header":{}}"#, "no_event_id");
    check(
        br#"{"header":{"event_id":"","event_type":"t"}}"#,
        "no_event_id",
    );
    check(
        br#"{"header":{"event_id":null,"event_type":"t"}}"#,
        "no_event_id",
    );
    check(br#"{"header":{"event_id":"e"}}"#, "no_event_type");
    check(
        br#"{"header":{"event_id":"e","event_type":{}}}"#,
        "no_event_type",
    );
    check(br#"{"uuid":"u"}"#, "no_event_type");
    check(
        br#"{"uuid":"u","type":"event_callback","event":[]}"#,
        "no_event_type",
    );
}

#[test]
fn an_event_with_an_encrypt_member_is_still_an_event() {
    let json = r#"{"encrypt":"x","header":{"event_id":"e","event_type":"t"}}"#;
    assert_eq!(&*envelope(json).event_id, "e");
}

#[test]
fn order_repetition_and_odd_members_do_not_matter() {
    let json = r#"{"event":{"message":7,"context":[{}],"chat_id":"oc"},"more":{"deep":[[1,{}]]},
        "header":{"app_id":5,"event_type":"a","tenant_key":false,"event_type":"t","event_id":"e"}}"#;
    let envelope = envelope(json);
    assert_eq!(envelope.schema, Schema::V2);
    assert_eq!(&*envelope.event_type, "t");
    assert_eq!(envelope.app_id.as_deref(), Some("5"));
    assert_eq!(envelope.tenant_key, None);
    assert_eq!(envelope.chat.as_deref(), Some("oc"));
    assert_eq!(envelope.message, None);
    assert_eq!(envelope.created_ms, None);
}

#[test]
fn text_is_a_slice_of_the_payload_unless_escaped() {
    let json = r#"{"uuid":"plain","event":{"type":"esc\u0061ped\n"}}"#;
    let payload = Bytes::copy_from_slice(json.as_bytes());
    let envelope = Envelope::parse(&payload).expect("an event");
    let within = |text: &ByteString| payload.as_ptr_range().contains(&text.as_ptr());
    assert_eq!(&*envelope.event_id, "plain");
    assert!(within(&envelope.event_id));
    assert_eq!(&*envelope.event_type, "escaped\n");
    assert!(!within(&envelope.event_type));
}

#[test]
fn the_chat_is_found_where_the_type_has_it() {
    let check = |event: &str, chat: Option<&str>| {
        let json = format!(r#"{{"header":{{"event_id":"e","event_type":"t"}},"event":{event}}}"#);
        assert_eq!(envelope(&json).chat.as_deref(), chat, "{event}");
    };
    check(r#"{"message":{"chat_id":"a"},"chat_id":"b"}"#, Some("a"));
    check(r#"{"message":{"chat_id":""},"chat_id":"b"}"#, Some("b"));
    check(r#"{"open_chat_id":"c"}"#, Some("c"));
    check(r#"{"context":{"open_chat_id":"d"}}"#, Some("d"));
    check(r#"{"chat":"x"}"#, None);
    check("null", None);
}

#[test]
fn message_facts_only_where_they_are_unique() {
    let check = |event_type: &str, event: &str, expected: Option<(&str, &str)>| {
        let json = format!(
            r#"{{"header":{{"event_id":"e","event_type":"{event_type}"}},"event":{event}}}"#
        );
        let facts = envelope(&json).message;
        let facts = facts.as_ref().map(|m| (&*m.message_id, &*m.revision));
        assert_eq!(facts, expected, "{json}");
    };
    let receive = "im.message.receive_v1";
    check(
        receive,
        r#"{"message":{"message_id":"om","create_time":"1","update_time":"2"}}"#,
        Some(("om", "2")),
    );
    check(
        receive,
        r#"{"message":{"message_id":"om","create_time":"1","update_time":""}}"#,
        Some(("om", "1")),
    );
    check(
        receive,
        r#"{"message":{"message_id":"om","create_time":"1"}}"#,
        Some(("om", "1")),
    );
    check(receive, r#"{"message":{"message_id":"om"}}"#, None);
    check(receive, r#"{"message":{"create_time":"1"}}"#, None);
    check(receive, r#"{"message_id":"om","recall_time":"1"}"#, None);
    check(
        "im.message.recalled_v1",
        r#"{"message_id":"om","recall_time":"3"}"#,
        Some(("om", "3")),
    );
    check(
        "im.message.reaction.created_v1",
        r#"{"message_id":"om","action_time":"3","recall_time":"3","message":{"message_id":"om","create_time":"1"}}"#,
        None,
    );
}

#[test]
fn a_schema_1_event_has_no_message_facts() {
    let json = r#"{"uuid":"u","event":{"type":"im.message.recalled_v1","message_id":"om","recall_time":"3"}}"#;
    assert_eq!(envelope(json).message, None);
}

#[test]
fn times_are_told_by_their_digits() {
    let check = |text: &str, expected| assert_eq!(milliseconds(text), expected, "{text}");
    check("1767225620321", Some(1_767_225_620_321));
    check("1767225631321999", Some(1_767_225_631_321));
    check("1767225650.123456", Some(1_767_225_650_123));
    check("1767225650.1", Some(1_767_225_650_100));
    check("1767225650.", Some(1_767_225_650_000));
    check("1767225650", Some(1_767_225_650_000));
    check("", None);
    check("0", None);
    check("-176722565", None);
    check("+176722565", None);
    check("1767225650.-1", None);
    check("17672256503211", None);
    check("yesterday!", None);
    check("99999999999999999999", None);
}

/// A repeat comes in another push, so whatever of it is broken, it is known again by its ids alone.
#[test]
fn what_is_nearly_json_has_the_identity_of_what_it_means() {
    let plain = r#"{"header":{"event_id":"e","event_type":"im.message.receive_v1"},"event":{"message":{"message_id":"om","create_time":"1767225601000","chat_id":"oc"},"k":"v"}}"#;
    let expected = envelope(plain);
    let with = |from: &str, to: &[u8]| {
        let at = plain.find(from).expect("it is in there");
        [
            &plain.as_bytes()[..at],
            to,
            &plain.as_bytes()[at + from.len()..],
        ]
        .concat()
    };
    for payload in [
        with(r#""k""#, br#""\ud83d""#),
        with(r#""k""#, br#""a\uDE00b""#),
        with(r#""k""#, b"\"a\nb\""),
        with(r#""v""#, b"\"\x00\x0b\""),
        with(r#""v""#, b"\"cut \xe6\x96\""),
        [b"\xef\xbb\xbf", plain.as_bytes()].concat(),
        [plain.as_bytes(), b"\0"].concat(),
        [b"\xef\xbb\xbf", plain.as_bytes(), b"\r\n\0\0"].concat(),
    ] {
        let shown = String::from_utf8_lossy(&payload).into_owned();
        let found = Envelope::parse(&payload.into()).expect(&shown);
        assert_eq!(found, expected, "{shown:?}");
    }
}

/// Two ids that lost a character may look alike, and a look-alike is never a repeat.
#[test]
fn an_id_that_had_to_be_repaired_is_none() {
    let event = |id: &str, message: &str| {
        parse(&format!(
            r#"{{"header":{{"event_id":"{id}","event_type":"im.message.receive_v1"}},"event":{{"message":{{"message_id":"{message}","create_time":"1"}}}}}}"#
        ))
    };
    let error = event(r"a\ud800", "om").expect_err("no id");
    assert_eq!(error.kind(), "no_event_id");
    let event = event("a", r"om\ud800").expect("an id");
    assert_eq!(event.message, None);
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let json = format!(r#"{{"uuid":"u","event":{{"type":"t","message":{deep},"x":{deep}}}}}"#);
    assert_eq!(&*envelope(&json).event_id, "u");
}
