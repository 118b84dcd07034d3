//! Definitions come back as they went, and every mistake is named.

use serde_json::json;

use super::*;

fn pointers(json: &Value) -> Vec<(String, FaultCode)> {
    let faults = ConsumerDefinition::parse(json).expect_err("it has mistakes");
    let faults = faults.all().iter();
    faults
        .map(|fault| (fault.pointer.clone(), fault.code))
        .collect()
}

#[test]
fn little_has_to_be_said() {
    let json = json!({"name": "crm", "road": {"kind": "webhook", "url": "https://crm.example/in"}});
    let definition = ConsumerDefinition::parse(&json).expect("it is right");
    assert_eq!(definition.policy, DeliveryPolicy::default());
    assert_eq!(definition.filter, EventFilter::default());
    assert_eq!(definition.from, StartFrom::Now);
    assert_eq!(definition.detail, Detail::Whole);
    assert!(!definition.claims_cards && definition.notices.is_none());
}

#[test]
fn a_definition_comes_back() {
    let installation = PublicId::from_bytes([9; 16]).to_string();
    for json in [
        json!({"name": "a", "road": {"kind": "pull"}, "from": "beginning", "expand": ["quoted", "sender"]}),
        json!({"name": "a", "road": {"kind": "stream", "ack": "implicit"}, "from": {"seq": 7}}),
        json!({
            "name": "客服",
            "road": {
                "kind": "webhook",
                "url": "http://127.0.0.1:9000/events?x=1",
                "headers": {"X-Key": "secret"},
                "ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            },
            "filter": {
                "types": ["feishu.im.*", "wecom.message.text", "longwire.*", "*"],
                "installations": [installation],
                "platforms": ["feishu", "wecom"],
                "chats": ["oc_1"],
                "chat_type": "direct",
                "senders": ["user", "anonymous"],
                "mentions_bot": false,
                "trim_empty": true,
                "data": {"message": {"text": ["/help*", null], "n": 1}},
            },
            "policy": {
                "order": "chat",
                "concurrency": 8,
                "rate": 50,
                "gather": {"quiet_ms": 300, "max_ms": 2000},
                "max_age": {"after": "90s", "then": "skip"},
                "give_up": {"attempts": 20, "age": "3d"},
                "patience": "30m",
            },
            "from": {"time": "2026-11-30T12:00:00.000Z"},
            "thin": true,
            "claims_cards": true,
            "notices": {"installation": installation, "chat": "oc_2"},
        }),
    ] {
        let definition = ConsumerDefinition::parse(&json).expect("it is right");
        let shown = definition.to_json();
        assert_eq!(
            ConsumerDefinition::parse(&shown),
            Ok(definition.clone()),
            "{shown}"
        );
        assert_eq!(
            ConsumerDefinition::parse(&shown).map(|again| again.to_json()),
            Ok(shown)
        );
    }
}

/// No member is `null`, which the document of the interface does not know.
#[test]
fn a_relay_is_of_one_bot_and_bounds_its_tries() {
    let installation = PublicId::from_bytes([9; 16]).to_string();
    let road = json!({"kind": "relay", "token": "0123456789abcdef", "installation": installation});
    let definition = ConsumerDefinition::parse(&json!({"name": "a", "road": road}));
    let shown = definition.clone().expect("it is right").to_json();
    assert_eq!(shown["policy"]["give_up"], json!({"attempts": 6}));
    assert_eq!(shown["filter"]["installations"], json!([installation]));
    assert_eq!(shown["road"]["handler_limit"], "10m");
    assert_eq!(ConsumerDefinition::parse(&shown), definition);
}

#[test]
fn all_mistakes_are_named_at_once() {
    let json = json!({
        "name": " a",
        "road": {"kind": "webhook", "url": "ftp://x", "headers": {"Content-Type": "x"}, "secret": 1},
        "filter": {"types": ["feishu.[im]"], "platform": ["feishu"], "senders": ["human"]},
        "policy": {"order": "room", "rate": 0, "max_age": {"after": "soon"}, "patience": 30},
        "from": "yesterday",
        "thin": "yes",
    });
    use FaultCode::{InvalidValue, Missing, OutOfRange, UnknownMember, WrongType};
    let expected = [
        ("/name", InvalidValue),
        ("/road/url", InvalidValue),
        ("/road/headers", InvalidValue),
        ("/road/secret", UnknownMember),
        ("/filter/types/0", InvalidValue),
        ("/filter/senders/0", InvalidValue),
        ("/filter/platform", UnknownMember),
        ("/policy/order", InvalidValue),
        ("/policy/rate", OutOfRange),
        ("/policy/max_age/after", InvalidValue),
        ("/policy/max_age/then", Missing),
        ("/policy/patience", WrongType),
        ("/from", InvalidValue),
        ("/thin", WrongType),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code));
    assert_eq!(pointers(&json), expected);
}

/// One mistake in the member `member`.
fn check(member: &str, value: Value, pointer: &str, code: FaultCode) {
    let mut json = json!({"name": "a", "road": {"kind": "pull"}});
    json[member] = value;
    assert_eq!(pointers(&json), [(pointer.to_owned(), code)], "{json}");
}

#[test]
fn mistakes_in_a_road() {
    use FaultCode::{InvalidValue, Missing, UnknownMember};
    for (road, pointer, code) in [
        (
            json!({"kind": "webhook", "url": "https://u:p@x.example/"}),
            "/road/url",
            InvalidValue,
        ),
        (
            json!({"kind": "webhook", "url": "https://x.example/#a"}),
            "/road/url",
            InvalidValue,
        ),
        (
            json!({"kind": "webhook", "url": "x.example"}),
            "/road/url",
            InvalidValue,
        ),
        (json!({"kind": "webhook"}), "/road/url", Missing),
        (
            json!({"kind": "pull", "url": "https://x.example"}),
            "/road/url",
            UnknownMember,
        ),
        (json!({"url": "https://x.example"}), "/road/kind", Missing),
        (Value::Null, "/road", Missing),
        (json!({"kind": null}), "/road/kind", Missing),
    ] {
        check("road", road, pointer, code);
    }
}

#[test]
fn mistakes_in_a_filter() {
    use FaultCode::{InvalidValue, OutOfRange, UnknownMember};
    for (filter, pointer, code) in [
        (json!({"types": []}), "/filter/types", OutOfRange),
        (
            json!({"types": ["lark.im.*"]}),
            "/filter/types/0",
            InvalidValue,
        ),
        (
            json!({"types": ["im.message.receive_v1"]}),
            "/filter/types/0",
            InvalidValue,
        ),
        (json!({"data": {"a": []}}), "/filter/data", InvalidValue),
        (json!({"a/b~c": 1}), "/filter/a~1b~0c", UnknownMember),
    ] {
        check("filter", filter, pointer, code);
    }
}

#[test]
fn mistakes_in_the_rest() {
    use FaultCode::{Conflict, InvalidValue, Missing, OutOfRange, WrongType};
    let gather = json!({"order": "none", "gather": {"quiet_ms": 1, "max_ms": 2}});
    check("policy", gather, "/policy/gather", Conflict);
    let gather = json!({"gather": {"quiet_ms": 3, "max_ms": 2}});
    check("policy", gather, "/policy/gather/max_ms", Conflict);
    check(
        "policy",
        json!({"concurrency": 1.5}),
        "/policy/concurrency",
        WrongType,
    );
    let from = json!({"seq": 1, "time": "2026-11-30T12:00:00Z"});
    check("from", from, "/from/time", Conflict);
    check("from", json!({}), "/from/seq", Missing);
    check("from", json!({"seq": i64::MAX}), "/from/seq", OutOfRange);
    let gather = json!({"gather": {"quiet_ms": null, "max_ms": 2}});
    check("policy", gather, "/policy/gather/quiet_ms", Missing);
    let notices = json!({"installation": "bot", "chat": "oc_1"});
    check("notices", notices, "/notices/installation", InvalidValue);
}

/// What is taken is kept as it is shown, and has to be readable after a restart.
#[test]
fn a_url_is_measured_as_it_is_kept() {
    let webhook = |letters: usize| {
        let url = format!("https://x.example/{}", "客".repeat(letters));
        json!({"kind": "webhook", "url": url})
    };
    let json = json!({"name": "a", "road": webhook(220)});
    let definition = ConsumerDefinition::parse(&json).expect("2,002 bytes");
    let shown = definition.to_json();
    assert_eq!(ConsumerDefinition::parse(&shown), Ok(definition));
    check("road", webhook(240), "/road/url", FaultCode::OutOfRange);
}

/// The farthest place that a definition can name is one that a position can be at.
#[test]
fn a_position_can_be_wherever_a_consumer_may_begin() {
    let json = json!({"name": "a", "road": {"kind": "pull"}, "from": {"seq": i64::MAX / 4}});
    let definition = ConsumerDefinition::parse(&json).expect("it is right");
    let StartFrom::Seq(seq) = definition.from else {
        panic!("{definition:?}");
    };
    let position = crate::position::Position::behind(seq);
    let kept = crate::position::Position::from_bytes(&position.to_bytes());
    assert_eq!(kept, Ok(position));
}

/// Headers may be credentials.
#[test]
fn values_of_headers_are_not_printed() {
    let with = |name: &str, value: Value| {
        let headers = json!({name: value});
        json!({"name": "a", "road": {"kind": "webhook", "url": "https://x.example", "headers": headers}})
    };
    let right = with("Authorization", json!("Bearer hidden"));
    let definition = ConsumerDefinition::parse(&right).expect("it is right");
    let printed = format!("{definition:?}");
    assert!(
        printed.contains("authorization") && !printed.contains("hidden"),
        "{printed}"
    );
    for (name, value) in [
        ("X-A", json!("hidden\n")),
        ("webhook-id", json!("hidden")),
        ("X A", json!("hidden")),
    ] {
        let faults = ConsumerDefinition::parse(&with(name, value)).expect_err("it is wrong");
        assert!(
            !format!("{faults} {faults:?}").contains("hidden"),
            "{faults}"
        );
    }
}
