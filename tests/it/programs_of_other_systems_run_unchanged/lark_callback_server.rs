//! The lines that a guide of the Lark Callback Server gives, run by `curl` itself.

use std::process::Command;

use longwire_sim::Sim;
use longwire_tests::{Gateway, Setup, app_id, platform, wait_until};
use serde_json::{Value, json};

use super::without_times;

const TOKEN: &str = "your_verification_token";

/// Runs a line of the guide with the gateway's port in place of the one of the guide, and returns what it prints.
#[track_caller]
fn curl(gateway: &Gateway, arguments: &[&str]) -> String {
    let there = format!("localhost:{}", gateway.public().address().port());
    let arguments = arguments
        .iter()
        .map(|argument| argument.replace("localhost:8080", &there));
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20"])
        .args(arguments)
        .output()
        .expect("curl is installed");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// A bot whose callbacks are verified by a token, and the routes for it.
fn start(sim: &Sim, callback_server: Value) -> Gateway {
    Setup::new(sim)
        .environment("STORY_TOKEN", TOKEN)
        .set("compat.lark_callback_server", callback_server)
        .bot("support")
        .with("mode", "webhook")
        .with("verification_token", json!({"env": "STORY_TOKEN"}))
        .start()
}

/// A consumer that claims these types of callbacks, and pulls.
fn claim(gateway: &Gateway, types: &[&str]) {
    let definition = json!({"name": "cards", "road": {"kind": "pull"}, "claims_cards": true,
        "filter": {"types": types}});
    let added = gateway.public().post("/v1/consumers", Some(&definition));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
}

/// S216, S217, S225, S227, S229, S236: health and challenge, as the guide checks them.
#[test]
fn health_and_challenge_are_answered_as_the_guide_says() {
    let sim = platform(|_| ());
    let gateway = start(&sim, json!(true));
    let health = |gateway: &Gateway| curl(gateway, &["http://localhost:8080/health"]);
    let head =
        r#"{"status":"ok","message":"Lark Callback Server is running","registered_handlers""#;
    let nobody = health(&gateway);
    assert!(nobody.starts_with(&format!("{head}:[],")), "{nobody}");
    // Somebody who clicks would get no answer of an application, and that shows before.
    assert!(nobody.contains("claims_cards"), "{nobody}");
    assert!(nobody.contains(r#""last_callback":null"#), "{nobody}");
    claim(&gateway, &["feishu.card.action.trigger"]);
    let body = wait_until("the handler is registered", || {
        let body = health(&gateway);
        match body.contains("card_action_trigger") {
            true => Ok(body),
            false => Err(body),
        }
    });
    assert_eq!(
        body,
        format!(
            r#"{head}:["card_action_trigger"],"ready":true,"connection":"webhook","mode":"webhook","last_callback":null,"hint":null}}"#
        )
    );
    let challenge = |token: &str| {
        let data = format!(
            r#"{{
    "type": "url_verification",
    "challenge": "test_challenge",
    "token": "{token}"
  }}"#
        );
        curl(
            &gateway,
            &[
                "-X",
                "POST",
                "http://localhost:8080/callback",
                "-H",
                "Content-Type: application/json",
                "-d",
                &data,
            ],
        )
    };
    assert_eq!(challenge(TOKEN), r#"{"challenge":"test_challenge"}"#);
    assert!(!challenge("guessed").contains("test_challenge"));
    let body = without_times(&health(&gateway));
    assert!(body.contains(r#""last_callback":"TIME""#), "{body}");
}

/// S201, S218, S220, S221, S223: a click is answered by the application that claims it, and legally if there is none.
#[test]
fn a_click_is_answered_by_the_handler() {
    let sim = platform(|_| ());
    let gateway = start(&sim, json!("support"));
    let click = |number: u32| {
        json!({
            "schema": "2.0",
            "header": {"event_id": format!("click-{number}"), "token": TOKEN, "create_time": "1603977298000000",
                "event_type": "card.action.trigger", "tenant_key": "t", "app_id": app_id("support")},
            "event": {
                "operator": {"tenant_key": "t", "open_id": "ou_1", "union_id": "on_1"},
                "token": "c-1",
                "action": {"value": {"action": "authorize"}, "tag": "button"},
                "host": "im_message",
                "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
            },
        })
        .to_string()
    };
    let post = |body: &str| {
        curl(
            &gateway,
            &[
                "-X",
                "POST",
                "http://localhost:8080/callback",
                "-H",
                "Content-Type: application/json",
                "-d",
                body,
            ],
        )
    };
    assert_eq!(post(&click(1)), "{}");
    claim(&gateway, &["feishu.card.action.trigger"]);
    wait_until("the handler is registered", || {
        let body = curl(&gateway, &["http://localhost:8080/health"]);
        match body.contains("card_action_trigger") {
            true => Ok(()),
            false => Err(body),
        }
    });
    let public = gateway.public();
    let handler = std::thread::spawn(move || {
        let claimed = public.json("/v1/consumers/cards/events?wait=20s");
        let event = claimed["data"][0]["event"].clone();
        let id = event["id"].as_str().expect("an id").to_owned();
        let toast = json!({"toast": {"type": "success", "content": "authorized"}});
        let answered = public.post(
            &format!("/v1/consumers/cards/events/{id}/answer"),
            Some(&toast),
        );
        assert_eq!(answered.expect("it answers").status, 204);
        event
    });
    let answer = post(&click(2));
    let event = handler.join().expect("the handler has an event");
    assert_eq!(
        answer,
        r#"{"toast":{"content":"authorized","type":"success"}}"#
    );
    assert_eq!(event["data"]["raw"]["header"]["event_id"], "click-2");
}
