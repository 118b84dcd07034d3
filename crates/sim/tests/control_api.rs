//! The control API reads and writes the JSON of the crate's types.

mod support;

use longwire_sim::{Ledger, PushRecord, RecordState};
use serde_json::Value;
use support::{APP, Client, bootstrap, http, start, wait};

fn call(sim: &longwire_sim::Sim, method: &str, verb: &str, body: &str) -> (u16, Value) {
    let (status, _, answer) = http(sim, method, &format!("/sim/v1{verb}"), body);
    (status, serde_json::from_str(&answer).expect("json"))
}

#[test]
fn a_script_can_drive_a_whole_story() {
    let sim = start(|_| ());
    let mut client = Client::new(&sim);
    wait(&sim.control(), |ledger| ledger.connections_opened == 1);
    let payload = r#"{"header":{"event_id":"e9"},  "event":{}}"#;
    let body = format!(
        r#"{{"app":"{APP}","push":{{"payload":{{"given":{payload}}},"fragments":{{"size_bytes":10}}}}}}"#
    );
    let (status, answer) = call(&sim, "POST", "/push", &body);
    assert_eq!(
        (status, &answer["pushed"][0]["event_id"]),
        (200, &Value::from("e9")),
        "{answer}"
    );
    let (got, frame) = client.event();
    assert_eq!(got, payload.as_bytes(), "the payload is sent as written");
    client.ack(&frame);
    wait(&sim.control(), |ledger| ledger.acked == 1);
    let (_, ledger) = call(&sim, "GET", "/ledger", "");
    let ledger: Ledger = serde_json::from_value(ledger).expect("a ledger");
    assert_eq!(ledger.acked, 1);
    let (_, records) = call(&sim, "GET", &format!("/records?app={APP}"), "");
    let records: Vec<PushRecord> = serde_json::from_value(records).expect("records");
    assert_eq!(records[0].state, RecordState::Acked);
    assert_eq!(call(&sim, "GET", "/acked", "").1, serde_json::json!(["e9"]));
    assert_eq!(call(&sim, "GET", "/connections", "").1[0]["app"], APP);
    let (_, struck) = call(
        &sim,
        "POST",
        "/fault",
        r#"{"target":{"connection":1},"fault":{"close":1001}}"#,
    );
    assert_eq!(struck["connections"], 1);
    assert_eq!(
        client.message().expect("close").payload,
        1001_u16.to_be_bytes()
    );
    assert_eq!(call(&sim, "POST", "/reset", "").0, 200);
    assert_eq!(call(&sim, "GET", "/ledger", "").1["pushed"], 0);
}

#[test]
fn every_example_of_the_listing_is_accepted() {
    let sim = start(|_| ());
    let (_, verbs) = call(&sim, "GET", "", "");
    let mut verbs: Vec<_> = verbs.as_object().expect("an object").iter().collect();
    // Pushes go to URLs that were saved.
    verbs.sort_by_key(|(verb, _)| !verb.ends_with("/request_urls"));
    for (verb, examples) in verbs {
        let (method, path) = verb.split_once(' ').expect("method and path");
        for body in examples.as_array().into_iter().flatten() {
            let (status, _, answer) = http(&sim, method, path, &body.to_string());
            assert_eq!(status, 200, "{verb} {body}: {answer}");
        }
    }
    assert_eq!(bootstrap(&sim)["code"], 0, "the last example is nominal");
}

#[test]
fn errors_say_what_to_do() {
    let sim = start(|_| ());
    for (method, verb, body, status) in [
        ("POST", "/fault", "{}", 400),
        (
            "POST",
            "/fault",
            r#"{"target":"all","fault":"nonsense"}"#,
            400,
        ),
        ("POST", "/push", "no json", 400),
        ("DELETE", "/ledger", "", 405),
        ("GET", "/nothing", "", 404),
    ] {
        let (got, answer) = call(&sim, method, verb, body);
        assert_eq!(got, status, "{answer}");
        assert!(
            answer["error"]
                .as_str()
                .expect("text")
                .contains("GET /sim/v1"),
            "{answer}"
        );
    }
}
