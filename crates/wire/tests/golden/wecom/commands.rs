//! The 27 frames of the client: the ones we send are written to the letter.

use longwire_wire::wecom::{
    BodyRefusal, Command, Incoming, Prefix, ReqId, check_body, command, ping, subscribe,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::vectors::{Case, VECTORS, case};

#[derive(Deserialize)]
struct Frame<'a> {
    cmd: &'a str,
    headers: Headers<'a>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Headers<'a> {
    req_id: &'a str,
}

fn from_client() -> impl Iterator<Item = &'static Case> {
    VECTORS.cases.iter().filter(|case| !case.is_servers())
}

/// S146, S164 to S166.
#[test]
fn commands_are_written_as_the_sdks_write_them() {
    let mut written = Vec::new();
    for case in from_client() {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(&case.text) else {
            continue;
        };
        let (Some(known), Some(body)) = (Command::parse(frame.cmd), frame.body) else {
            continue;
        };
        let bytes = command(known, frame.headers.req_id, body);
        assert_eq!(bytes, case.text.as_bytes(), "{}", case.name);
        written.push(known);
    }
    assert_eq!(written.len(), 19);
    for known in Command::ALL {
        assert!(written.contains(&known), "{known:?}");
    }
}

/// But for what the platform refuses as well.
/// S163 is among them: a file in a message.
#[test]
fn what_the_sdks_send_is_not_refused() {
    let mut refused = Vec::new();
    for case in from_client() {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(&case.text) else {
            continue;
        };
        if let (Some(known), Some(body)) = (Command::parse(frame.cmd), frame.body)
            && let Err(refusal) = check_body(known, body)
        {
            refused.push((case.name.as_str(), refusal));
        }
    }
    let text = BodyRefusal::MessageType {
        command: Command::RespondMessage,
    };
    let wanted = [
        ("respond_text_is_refused", text),
        ("client_body_not_object", BodyRefusal::NotAnObject),
    ];
    assert_eq!(refused, wanted);
}

/// With an id of ours, which differs from the one in the vectors.
fn with_id(case: &Case, req_id: &ReqId) -> String {
    let frame: Frame<'_> = serde_json::from_str(&case.text).expect("json");
    case.text.replace(frame.headers.req_id, req_id.as_str())
}

/// S152, S174, S175.
#[test]
fn a_subscription_is_written_as_documented() {
    let req_id = ReqId::new(Prefix::Subscribe, 0x0011_2233_4455_66ff);
    let frame = subscribe(&req_id, "aibFAKEbot000000000000000000001", "s3cr3tS3CR3T");
    let minimal = with_id(case("subscribe_minimal"), &req_id);
    assert_eq!(&frame[..], minimal.as_bytes());
    let more: Frame<'_> =
        serde_json::from_str(&case("subscribe_with_optional_fields").text).expect("json");
    assert_eq!(more.headers.req_id, req_id.as_str(), "the usual form");
}

/// S155.
#[test]
fn a_ping_is_written_without_a_body() {
    let req_id = ReqId::new(Prefix::Ping, 7);
    let frame = ping(&req_id);
    let bare = with_id(case("ping_without_body"), &req_id);
    assert_eq!(frame, bare.as_bytes());
    let bodied = with_id(case("ping_with_empty_body"), &req_id);
    assert_ne!(frame, bodied.as_bytes());
}

/// A peer that plays the client back at us is neither callback nor ack.
#[test]
fn frames_of_clients_are_unknown_to_a_client() {
    for case in from_client() {
        let parsed = Incoming::parse(case.bytes());
        if case.name == "client_invalid_json" {
            assert_eq!(parsed.expect_err("broken").kind(), "not_json");
        } else {
            let unknown = matches!(parsed, Ok(Incoming::Unknown));
            assert!(unknown, "{}: {parsed:?}", case.name);
        }
    }
    assert_eq!(from_client().count(), 27);
}
