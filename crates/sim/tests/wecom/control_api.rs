//! The control API reads and writes the JSON of the module's types.

use longwire_sim::wecom::{CallbackRecord, Ledger, Sim};
use serde_json::{Value, json};

use crate::client::{BOT, Client, http, start, wait};

fn call(sim: &Sim, method: &str, verb: &str, body: &str) -> (u16, Value) {
    let (status, _, answer) = http(sim, method, &format!("/sim/v1{verb}"), body);
    (status, serde_json::from_slice(&answer).expect("json"))
}

#[test]
fn a_script_can_drive_a_whole_story() {
    let sim = start(|_| ());
    let mut client = Client::subscribed(&sim);
    let body = json!({"bot": BOT, "push": {"content": {"text": "hi"}, "msgid": "m1"}});
    let (status, answer) = call(&sim, "POST", "/push", &body.to_string());
    assert_eq!((status, &answer["pushed"][0]["msgid"]), (200, &json!("m1")));
    assert_eq!(client.frame()["body"]["msgid"], "m1");
    wait(&sim.control(), |ledger| ledger.delivered == 1);
    let (_, ledger) = call(&sim, "GET", "/ledger", "");
    let ledger: Ledger = serde_json::from_value(ledger).expect("a ledger");
    assert_eq!(
        (ledger.delivered, ledger.answered("aibot_subscribe", 0)),
        (1, 1)
    );
    let (_, records) = call(&sim, "GET", &format!("/records?bot={BOT}"), "");
    let records: Vec<CallbackRecord> = serde_json::from_value(records).expect("records");
    assert_eq!(
        (records[0].msgid.as_str(), records[0].chat.as_str()),
        ("m1", "zhangsan")
    );
    assert_eq!(call(&sim, "GET", "/delivered", "").1, json!(["m1"]));
    assert_eq!(call(&sim, "GET", "/bots", "").1[0]["bot"], BOT);
    let fault = json!({"target": {"bot": BOT}, "fault": {"close": 1000}});
    let (_, struck) = call(&sim, "POST", "/fault", &fault.to_string());
    assert_eq!(struck["connections"], 1);
    assert_eq!(
        client.message().expect("close").payload,
        1000_u16.to_be_bytes()
    );
    assert_eq!(call(&sim, "POST", "/reset", "").0, 200);
    assert_eq!(call(&sim, "GET", "/ledger", "").1["pushed"], 0);
}

#[test]
fn every_example_of_the_listing_is_accepted() {
    let sim = start(|_| ());
    let (_, verbs) = call(&sim, "GET", "", "");
    for (verb, examples) in verbs.as_object().expect("an object") {
        let (method, path) = verb.split_once(' ').expect("method and path");
        for body in examples.as_array().into_iter().flatten() {
            let (status, _, answer) = http(&sim, method, path, &body.to_string());
            let answer = String::from_utf8_lossy(&answer);
            assert_eq!(status, 200, "{verb} {body}: {answer}");
        }
    }
}

#[test]
fn errors_say_what_to_do() {
    let sim = start(|_| ());
    let nonsense = r#"{"target":"all","fault":"nonsense"}"#;
    for (method, verb, body, status) in [
        ("POST", "/fault", "{}", 400),
        ("POST", "/fault", nonsense, 400),
        ("POST", "/push", "no json", 400),
        ("DELETE", "/ledger", "", 405),
        ("GET", "/nothing", "", 404),
    ] {
        let (got, answer) = call(&sim, method, verb, body);
        assert_eq!(got, status, "{answer}");
        let error = answer["error"].as_str().expect("text");
        assert!(error.contains("GET /sim/v1"), "{answer}");
    }
}
