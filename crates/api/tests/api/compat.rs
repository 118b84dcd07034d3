//! The routes of other systems, whose shapes are their own.

use serde_json::{Value, json};

use crate::served::{Served, Wanted, Who, client, with_routes, with_wanted};

/// The text of an answer, as it is compared to the byte.
async fn text(served: &Served, who: Who, method: &str, path: &str) -> (u16, String) {
    let answer = served.ask(who, method, path, None).await;
    (answer.status, answer.text)
}

/// S93, S131, S132, S138, S246: a bot of another owner is answered as one that does not exist, on each route.
#[test]
fn another_owners_bot_is_not_found() {
    with_routes(|served| async move {
        let unknown = (
            400,
            r#"{"success":false,"error":"Bot not found"}"#.to_owned(),
        );
        let two = served.bots[1].public_id.to_string();
        for (who, bot) in [
            (Who::Stranger, "one"),
            (Who::Narrowed, two.as_str()),
            (Who::Owner, "bot_xxx"),
        ] {
            for (method, verb) in [
                ("POST", "connect"),
                ("POST", "disconnect"),
                ("GET", "status"),
            ] {
                let path = format!("/api/feishu/bots/{bot}/ws/{verb}");
                assert_eq!(text(&served, who, method, &path).await, unknown, "{path}");
            }
        }
        for (who, seen) in [(Who::Stranger, 0), (Who::Narrowed, 1), (Who::Owner, 2)] {
            let all = served.ask(who, "GET", "/api/feishu/ws/status", None).await;
            let listed = served.ask(who, "GET", "/api/feishu/bots", None).await;
            let count = |list: &Value| list.as_array().expect("a list").len();
            assert_eq!(count(&all.body["connections"]), seen);
            assert_eq!(count(&listed.body), seen);
        }
    });
}

/// S134, S240: the file's word stands, and the answer says so in AuraK's shape.
#[test]
fn what_cannot_be_changed_is_said_in_the_same_shape() {
    with_routes(|served| async move {
        served.draining.begin();
        let path = "/api/feishu/bots/one/ws/connect";
        let (status, body) = text(&served, Who::Owner, "POST", path).await;
        assert_eq!(status, 400, "{body}");
        assert!(
            body.starts_with(r#"{"success":false,"botId":"one","error":""#),
            "{body}"
        );
    });
}

/// S128 to S130, S113, S117: what is asked for is kept, and asking twice changes nothing.
#[test]
fn a_wish_is_kept_before_anything_is_connected() {
    with_routes(|served| async move {
        let desired = || {
            let record = served.store.reader().installation("one");
            record
                .expect("the store answers")
                .expect("it is there")
                .desired
                .label()
        };
        for (verb, status, kept) in [
            ("disconnect", "disconnected", "stop"),
            ("connect", "connecting", "run"),
            ("connect", "connecting", "run"),
            ("disconnect", "disconnected", "stop"),
            ("disconnect", "disconnected", "stop"),
        ] {
            let path = format!("/api/feishu/bots/one/ws/{verb}");
            let expected = format!(r#"{{"success":true,"botId":"one","status":"{status}"}}"#);
            assert_eq!(
                text(&served, Who::Owner, "POST", &path).await,
                (200, expected)
            );
            assert_eq!(desired(), kept);
        }
        let path = "/api/feishu/bots/one/ws/status";
        let expected = r#"{"botId":"one","state":"disconnected"}"#;
        assert_eq!(
            text(&served, Who::Owner, "GET", path).await,
            (200, expected.to_owned())
        );
    });
}

/// S225: the handlers are what active consumers claim, and nobody needs a token to see it.
#[test]
fn health_names_what_consumers_claim() {
    with_routes(|served| async move {
        let (status, body) = served.open("/health").await;
        assert_eq!((status, &body["registered_handlers"]), (200, &json!([])));
        let definition = json!({"name": "cards", "road": {"kind": "pull"}, "claims_cards": true,
            "filter": {"types": ["feishu.card.action.trigger"]}});
        served.consumer(definition).await;
        let (_, body) = served.open("/health").await;
        assert_eq!(body["registered_handlers"], json!(["card_action_trigger"]));
        let paused = served.post("/v1/consumers/cards/pause", json!({})).await;
        assert_eq!(paused.status, 200, "{paused:?}");
        let (_, body) = served.open("/health").await;
        assert_eq!(body["registered_handlers"], json!([]));
    });
}

/// S63, S71, S216, S217: the addresses of other systems take what `/callbacks/feishu/…` takes, for their bot.
#[test]
fn a_challenge_is_answered_at_each_address() {
    let wanted = Wanted {
        hooked: Some(("cli_hooked", Some("v-token".into()), None)),
        ..Wanted::default()
    };
    with_wanted(wanted, |served| async move {
        let challenge = json!({"type": "url_verification", "challenge": "abc", "token": "v-token"});
        for (path, expected) in [
            (
                "/api/feishu/webhook/cli_hooked",
                (200, r#"{"challenge":"abc"}"#),
            ),
            // A bot without a secret, and one that is not there.
            ("/api/feishu/webhook/cli_one", (404, "")),
            ("/api/feishu/webhook/cli_nobody", (404, "")),
            // The configuration names the bot `one`, which has no secret.
            ("/callback", (404, "")),
        ] {
            let request = client().post(format!("{}{path}", served.base));
            let answer = request.send_json(&challenge).await;
            let mut answer = answer.expect("it answers");
            let body = answer.body().await.expect("the body comes");
            assert_eq!(answer.status().as_u16(), expected.0, "{path}");
            if expected.0 == 200 {
                assert_eq!(body, expected.1.as_bytes(), "{path}");
            }
        }
    });
}
