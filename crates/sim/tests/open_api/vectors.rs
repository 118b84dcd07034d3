//! The golden vectors of the Open API: every call of them is made, and its answer is alike the vector's.

use std::time::Instant;

use serde_json::Value;

use crate::alike::differences;
use crate::arranged;
use crate::caller::Reply;
use crate::stage::Stage;
use crate::support::LIMIT;

/// The vector whose answer says how many seconds are left.
const TIMED: &str = "token_tenant_internal_cached_over_30min";
const FILE: &str = include_str!("../../../wire/vectors/feishu-open-api.json");

fn calls() -> Vec<Value> {
    let mut file: Value = serde_json::from_str(FILE).expect("the vectors are readable");
    let calls = file["calls"].as_array_mut().expect("a list");
    std::mem::take(calls)
}

#[test]
fn every_call_is_answered_as_the_vector_says() {
    let calls = calls();
    assert_eq!(calls.len(), 96);
    let mut wrong = Vec::new();
    let mut checked = std::collections::BTreeSet::new();
    for mut call in calls {
        let name = call["name"].as_str().expect("a name").to_owned();
        let end = Instant::now() + LIMIT;
        let found = loop {
            let stage = arranged::stage(&mut call);
            let reply = make(&stage, &call);
            let found = check(&stage, &call, &reply);
            // Only one vector depends on the second in which it is called.
            if found.is_empty() || name != TIMED || Instant::now() >= end {
                break found;
            }
        };
        wrong.extend(found.into_iter().map(|what| format!("{name}: {what}")));
        checked.insert(name);
    }
    assert_eq!(checked.len(), 96);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The text with what the platform invented here in the places of the vector's.
fn here(stage: &Stage, text: &str) -> String {
    let mut text = text.to_owned();
    for (placeholder, real) in &stage.stands_for {
        text = text.replace(placeholder, real);
    }
    text
}

fn make(stage: &Stage, call: &Value) -> Reply {
    let request = &call["request"];
    let method = request["method"].as_str().expect("a method");
    let path = here(stage, request["path"].as_str().expect("a path"));
    if let Some(parts) = request["multipart"].as_array() {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                let name = part["name"].as_str().expect("a name");
                let bytes = match part["value_hex"].as_str() {
                    Some(hex) => bytes_of(hex),
                    None => part["value"].as_str().expect("a value").into(),
                };
                (name, part["filename"].as_str(), bytes)
            })
            .collect();
        let mut parts: Vec<_> = parts
            .iter()
            .map(|(name, file, bytes)| (*name, *file, bytes.as_slice()))
            .collect();
        // The Python SDK sends an empty part where no duration is given.
        if !parts.iter().any(|(name, ..)| *name == "duration") {
            parts.push(("duration", None, b""));
        }
        return stage.caller.form(&path, &parts);
    }
    let body = match &request["body"] {
        Value::Null => String::new(),
        body => here(stage, &body.to_string()),
    };
    stage.caller.send(
        method,
        &path,
        "application/json; charset=utf-8",
        body.as_bytes(),
    )
}

fn check(stage: &Stage, call: &Value, reply: &Reply) -> Vec<String> {
    let answer = &call["answer"];
    let mut wrong = Vec::new();
    if answer["status"] != reply.status {
        wrong.push(format!(
            "status {} in place of {}",
            reply.status, answer["status"]
        ));
    }
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        if reply.header(name) != value.as_str() {
            wrong.push(format!(
                "{name}: {:?} in place of {value}",
                reply.header(name)
            ));
        }
    }
    let log_id = reply.header("x-tt-logid");
    if log_id.is_none() || reply.header("x-request-id").is_none() {
        wrong.push("the call has no log id".to_owned());
    }
    if let Some(hex) = answer["body_hex"].as_str() {
        if reply.body != bytes_of(hex) {
            wrong.push("other bytes".to_owned());
        }
        return wrong;
    }
    let expected = here(stage, &answer["json"].to_string());
    let expected: Value = serde_json::from_str(&expected).expect("json");
    let found = reply.json();
    if expected["error"].is_object() && found["error"]["log_id"].as_str() != log_id {
        wrong.push("the error does not say the log id".to_owned());
    }
    let known: Vec<String> = stage
        .stands_for
        .iter()
        .map(|(_, real)| real.clone())
        .collect();
    wrong.extend(differences(&expected, &found, &known));
    wrong
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair).expect("ascii");
        u8::from_str_radix(digits, 16).expect("hex")
    };
    pairs.map(byte).collect()
}
