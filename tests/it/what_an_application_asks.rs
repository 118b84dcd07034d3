//! An application's life over the public listener and by command: a consumer is made, its events are read, acknowledged, shown and
//! delivered again, also behind a restart.

use longwire_sim::Push;
use longwire_tests::{Ended, Gateway, Setup, app_id, longwire, platform, wait_acked, wait_until};
use serde_json::{Value, json};

fn command(gateway: &Gateway, arguments: &[&str]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    let environment = [("LONGWIRE_ADMIN_URL", server.as_str())];
    longwire(gateway.directory(), arguments, &environment, "")
}

/// Claims events of the consumer `desk`, which come soon.
fn claim(gateway: &Gateway) -> Vec<Value> {
    let path = "/v1/consumers/desk/events?wait=1s&reader=one";
    let mut claimed = Vec::new();
    wait_until("events are claimed", || {
        let answer = gateway.public().json(path);
        claimed = answer["data"].as_array().cloned().unwrap_or_default();
        match claimed.is_empty() {
            true => Err(gateway.public().json("/v1/consumers/desk").to_string()),
            false => Ok(()),
        }
    });
    claimed
}

#[test]
fn a_consumer_is_made_read_and_moved() {
    let sim = platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::new(&sim).bot("robot").start();
    gateway.wait_live("robot");
    command(&gateway, &["consumers", "add", "desk"]).assert(0, &["desk is made"]);
    command(&gateway, &["consumers", "add", "desk"]).assert(1, &["choose another name"]);
    command(&gateway, &["consumers", "show", "none"]).assert(6, &["no consumer `none`"]);
    command(&gateway, &["consumers", "seek", "desk", "soon"]).assert(2, &["no place in the log"]);
    let message = json!({
        "schema": "2.0",
        "header": {"event_id": "evt-1", "event_type": "im.message.receive_v1", "create_time": "1700000000000"},
        "event": {
            "sender": {"sender_id": {"open_id": "ou_1"}, "sender_type": "user"},
            "message": {"message_id": "om_1", "chat_id": "oc_1", "chat_type": "group", "message_type": "text",
                "content": "{\"text\":\"hello\"}"},
        },
    });
    let push = Push {
        event_id: Some("evt-1".to_owned()),
        ..Push::of(message.to_string().into_bytes())
    };
    wait_acked(&control, control.push(&app_id("robot"), push));
    let claimed = claim(&gateway);
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    let id = claimed[0]["id"].as_str().expect("an id").to_owned();
    let ack = |gateway: &Gateway| {
        let body = json!({"ids": [id]});
        let acked = gateway.public().post("/v1/consumers/desk/ack", Some(&body));
        let acked = acked.expect("it answers");
        assert_eq!(acked.status, 200, "{}", acked.body);
    };
    ack(&gateway);
    command(&gateway, &["events", "show", &id]).assert(0, &[&id, "received"]);
    let listed = command(&gateway, &["consumers", "list", "-o", "json"]).json();
    assert_eq!(listed["data"][0]["status"]["lag_events"], 0, "{listed}");

    // The id, the position and the consumer outlive the process.
    gateway.kill();
    gateway.restart();
    let again = gateway.public().json("/v1/consumers/desk/events");
    assert_eq!(again["data"], json!([]), "it was acknowledged");
    let shown = gateway.public().json(&format!("/v1/events/{id}"));
    assert_eq!(shown["id"], json!(id));
    command(&gateway, &["events", "replay", &id, "--to", "desk"]).assert(0, &["again"]);
    let claimed = claim(&gateway);
    assert_eq!(claimed[0]["id"], json!(id));
    assert_eq!(claimed[0]["event"]["redelivered"], true);
    ack(&gateway);
    command(&gateway, &["consumers", "seek", "desk", "beginning"]).assert(0, &["goes on behind"]);
    assert_eq!(claim(&gateway)[0]["id"], json!(id));
    command(&gateway, &["consumers", "pause", "desk"]).assert(0, &["is paused"]);
    command(&gateway, &["consumers", "remove", "desk"]).assert(0, &["is removed"]);
    command(&gateway, &["consumers", "show", "desk"]).assert(6, &[]);
}
