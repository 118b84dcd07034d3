//! The schemas of the event types, against a validator that others wrote.

use std::io::Write as _;
use std::process::Stdio;

use longwire_wire::catalogue::{self, EventType, SampleFacts};
use longwire_wire::view::{EventView, Family};
use serde_json::{Value, json};

use crate::sdk::Sdk;

/// How much of an event is in an envelope.
#[derive(Clone, Copy, Debug)]
enum Form {
    Whole,
    Thin,
}

/// The envelope in which an application would receive the sample.
fn envelope(known: &EventType, form: Form) -> Value {
    let payload = known.sample(&SampleFacts::numbered(7, 1_767_225_601_000));
    let view = EventView::of(known.family, known.record_type(), &payload.clone().into());
    let mut data = serde_json::to_value(&view).expect("a view is JSON");
    match (form, serde_json::from_slice::<Value>(&payload)) {
        (Form::Whole, Ok(raw)) => data["raw"] = raw,
        (Form::Whole, Err(_)) => data["raw_base64"] = json!("e30="),
        (Form::Thin, _) => data = thin(&data),
    }
    json!({
        "specversion": "1.0",
        "id": "evt_01kbvt2n4ye8gswqcbmnrx5j7d",
        "source": "/installations/ins_01kbvt2n4ye8gswqcbmnrx5j7d",
        "type": known.name,
        "subject": view.chat.map_or_else(|| "none".to_owned(), |chat| chat.id.to_string()),
        "time": "2026-01-01T00:00:01Z",
        "datacontenttype": "application/json",
        "installationid": "ins_01kbvt2n4ye8gswqcbmnrx5j7d",
        "platform": match known.family {
            Family::Feishu => "lark",
            Family::Wecom => "wecom",
            Family::Longwire => "feishu",
        },
        "seq": 7,
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "redelivered": true,
        "possibleduplicateof": "evt_01kbvt2n4ye8gswqcbmnrx5j7c",
        "recordedage": 3,
        "stale": true,
        "data": data,
    })
}

/// Kind, action and the ids of chat, sender and message.
fn thin(data: &Value) -> Value {
    let mut thin = json!({"kind": data["kind"]});
    if let Some(action) = data.get("action") {
        thin["action"] = action.clone();
    }
    for part in ["chat", "sender", "message"] {
        if let Some(id) = data.get(part).and_then(|part| part.get("id")) {
            thin[part] = json!({ "id": id });
        }
    }
    thin
}

#[test]
fn each_sample_fits_the_schema_of_its_type() {
    let Some(mut python) = Sdk::Python.program("schemas.py") else {
        return;
    };
    let cases: Vec<Value> = catalogue::list()
        .flat_map(|known| [Form::Whole, Form::Thin].map(|form| (known, form)))
        .map(|(known, form)| {
            json!({
                "name": format!("{}, {form:?}", known.name),
                "schema": known.schema(),
                "envelope": envelope(known, form),
            })
        })
        .collect();
    let count = cases.len();
    let mut child = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the interpreter is installed");
    // The program reads all of it before it writes.
    let mut input = child.stdin.take().expect("it is piped");
    let cases = json!({ "cases": cases }).to_string();
    input.write_all(cases.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.trim(), format!("{count} cases"));
}
