//! Consumers are made, seen, changed, moved and removed.

use std::sync::Arc;

use longwire_access::Space;
use longwire_delivery::{RELAY_WINDOW, RelayHello, RelayProof};
use serde_json::{Value, json};

use crate::served::{Who, with_routes};

fn webhook(name: &str) -> Value {
    let headers = json!({"authorization": "Bearer secret"});
    // Nobody listens there, so it must not even be told that it was paused.
    let filter = json!({"types": ["feishu.*"]});
    json!({"name": name, "filter": filter, "road": {"kind": "webhook", "url": "http://127.0.0.1:9/events", "headers": headers}})
}

#[test]
fn a_consumer_lives_its_life() {
    with_routes(|served| async move {
        let made = served.consumer(webhook("support")).await;
        let secret = made["secret"].as_str().expect("a secret");
        assert!(secret.starts_with("whsec_"));
        let audited = || served.store.reader().audit(None, 50).expect("readable");
        assert_eq!(audited().len(), 1, "it is kept together with the consumer");
        assert_eq!(made["road"]["headers"]["authorization"], "…");
        let taken = served.post("/v1/consumers", webhook("support")).await;
        assert_eq!(
            (taken.status, &taken.body["code"]),
            (409, &json!("name_taken"))
        );

        let shown = served.get("/v1/consumers/support").await;
        assert!(shown.body.get("secret").is_none());
        let etag = shown.headers["etag"].as_str();
        let patch = json!({"policy": {"concurrency": 3}, "thin": true});
        let path = "/v1/consumers/support";
        let ask = |body, tag| served.ask_with(Who::Owner, "PATCH", path, Some(body), tag);
        let tag = [("if-match", etag)];
        let changed = ask(patch.clone(), &tag).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let newest = &audited()[0].entry;
        assert_eq!(newest.action.label(), "consumer.change");
        assert_eq!(changed.body["policy"]["concurrency"], 3);
        assert_eq!(changed.body["thin"], true);
        // What the patch does not name is as before, and what is not shown is kept.
        let kept = served
            .deliveries
            .consumer(&longwire_access::Space::default(), "support");
        let kept = kept.expect("it is there").definition.to_json();
        assert_eq!(kept["road"]["headers"]["authorization"], "Bearer secret");
        let late = ask(patch, &tag).await;
        assert_eq!((late.status, &late.body["code"]), (412, &json!("outdated")));
        let other = ask(
            json!({"road": {"kind": "pull", "url": null, "headers": null}}),
            &[],
        )
        .await;
        assert_eq!(
            (other.status, &other.body["code"]),
            (409, &json!("other_road"))
        );

        let rotated = served
            .post("/v1/consumers/support/secret/rotate", json!({}))
            .await;
        assert_eq!(rotated.status, 200, "{rotated:?}");
        assert_ne!(rotated.body["secret"], secret);
        let paused = served
            .post("/v1/consumers/support/pause", json!({"reason": "moved"}))
            .await;
        assert_eq!(paused.body["status"]["state"], "paused", "{paused:?}");
        assert_eq!(paused.body["status"]["reason"], "moved");
        let resumed = served
            .ask(Who::Owner, "POST", "/v1/consumers/support/resume", None)
            .await;
        assert_eq!(resumed.body["status"]["state"], "active", "{resumed:?}");

        let removed = served.ask(Who::Owner, "DELETE", path, None).await;
        assert_eq!(removed.status, 204);
        assert_eq!(served.get(path).await.status, 404);
        let audit = served.store.reader();
        let end = std::time::Instant::now() + crate::served::SOON;
        while audit.audit(None, 50).expect("readable").len() < 9 {
            assert!(std::time::Instant::now() < end, "the audit has all changes");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let entries = audit.audit(None, 50).expect("readable");
        let told = entries
            .iter()
            .rev()
            .map(|record| (record.entry.action.label(), record.entry.result.as_str()));
        // A refusal rides in a later transaction, perhaps behind the next change.
        let mut told: Vec<_> = told.collect();
        let mut expected = AUDITED.to_vec();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);
    });
}

/// What the audit tells of that life.
const AUDITED: [(&str, &str); 9] = [
    ("consumer.add", "done"),
    ("consumer.add", "name_taken"),
    ("consumer.change", "done"),
    ("consumer.change", "outdated"),
    ("consumer.change", "other_road"),
    ("consumer.rotate", "done"),
    ("consumer.pause", "done"),
    ("consumer.resume", "done"),
    ("consumer.remove", "done"),
];

#[test]
fn bad_bodies_are_problems_with_all_mistakes() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "pull", "road": {"kind": "pull"}}))
            .await;
        let cases = [
            ("POST", "", json!({}), vec!["/name", "/road"]),
            ("POST", "", json!([]), vec![""]),
            (
                "POST",
                "",
                json!({"name": "", "road": {"kind": "webhook", "url": "ftp://x"}, "extra": 1, "filter": {"types": ["slack.*"]}}),
                vec!["/name", "/road/url", "/filter/types/0", "/extra"],
            ),
            (
                "PATCH",
                "/pull",
                json!({"policy": {"rate": 0}}),
                vec!["/policy/rate"],
            ),
            ("POST", "/pull/pause", json!({"why": 1}), vec!["/why"]),
            ("POST", "/pull/resume", json!({"why": 1}), vec!["/why"]),
            ("POST", "/pull/seek", json!({}), vec!["/to"]),
            ("POST", "/pull/seek", json!({"to": "tomorrow"}), vec!["/to"]),
            (
                "POST",
                "/pull/replay",
                json!({"from": {"time": "x"}, "to": 1}),
                vec!["/from/time", "/to"],
            ),
            ("POST", "/pull/ack", json!({}), vec!["/ids"]),
            ("POST", "/pull/ack", json!({"ids": ["evt"]}), vec!["/ids/0"]),
            (
                "POST",
                "/pull/nack",
                json!({"ids": [], "delay": "9"}),
                vec!["/ids", "/delay"],
            ),
        ];
        for (method, path, body, pointers) in cases {
            let answer = served
                .ask(
                    Who::Owner,
                    method,
                    &format!("/v1/consumers{path}"),
                    Some(body.clone()),
                )
                .await;
            assert_eq!(answer.status, 400, "{path} {body}: {answer:?}");
            assert_eq!(answer.body["code"], "invalid_request");
            let errors = answer.body["errors"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found: Vec<_> = errors
                .iter()
                .map(|error| error["pointer"].clone())
                .collect();
            assert_eq!(found, pointers, "{path} {body}");
        }
        let list = served.get("/v1/consumers").await;
        assert_eq!(
            list.body["data"].as_array().map(Vec::len),
            Some(1),
            "nothing was made"
        );
        let large = json!({"name": "x".repeat(1 << 20), "road": {"kind": "pull"}});
        let large = served.post("/v1/consumers", large).await;
        assert_eq!(
            (large.status, &large.body["code"]),
            (413, &json!("body_too_large"))
        );
    });
}

#[test]
fn consumers_are_listed_in_pages() {
    with_routes(|served| async move {
        for name in ["a", "b", "c"] {
            served
                .consumer(json!({"name": name, "road": {"kind": "pull"}}))
                .await;
        }
        let names = |page: &Value| -> Vec<String> {
            let data = page["data"].as_array().expect("a list");
            let name = |one: &Value| one["name"].as_str().expect("a name").to_owned();
            data.iter().map(name).collect()
        };
        let first = served.get("/v1/consumers?limit=2").await;
        assert_eq!(names(&first.body), ["a", "b"]);
        let next = first.body["next"].as_str().expect("a cursor");
        assert!(first.headers["link"].contains(next));
        let last = served
            .get(&format!("/v1/consumers?limit=2&after={next}"))
            .await;
        assert_eq!(names(&last.body), ["c"]);
        assert_eq!(last.body["next"], Value::Null);
        assert!(!last.headers.contains_key("link"));
        let foreign = served
            .ask(Who::Stranger, "GET", "/v1/consumers/a", None)
            .await;
        assert_eq!(foreign.status, 404);
    });
}

/// By a consumer it would receive what its token does not show.
#[test]
fn a_narrowed_token_makes_narrowed_consumers() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "all", "road": {"kind": "pull"}}))
            .await;
        let [own, other] = [0, 1].map(|nth| served.bots[nth].public_id.to_string());
        let ask = |method, path, body| served.ask(Who::Narrowed, method, path, body);
        for (installations, status) in [
            (json!(null), 403),
            (json!([other]), 403),
            (json!([own, other]), 403),
            (json!([own]), 201),
        ] {
            let body = json!({"name": "mine", "road": {"kind": "pull"}, "filter": {"installations": installations}});
            let made = ask("POST", "/v1/consumers", Some(body)).await;
            assert_eq!(made.status, status, "{installations}: {made:?}");
        }
        let widened = json!({"filter": {"installations": null}});
        let widened = ask("PATCH", "/v1/consumers/mine", Some(widened)).await;
        assert_eq!(widened.body["code"], "token_narrowed");
        assert_eq!(ask("GET", "/v1/consumers/all", None).await.status, 404);
        assert_eq!(
            ask("GET", "/v1/consumers/all/events", None).await.status,
            404
        );
        let list = ask("GET", "/v1/consumers", None).await;
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1));
    });
}

/// Over connections of the platform's SDK.
#[test]
fn a_consumer_of_a_relay_is_made_shown_and_changed() {
    with_routes(|served| async move {
        let bot = served.bots[0].public_id.to_string();
        let road = json!({"kind": "relay", "token": "0123456789abcdef", "installation": bot});
        let body = |name: &str| json!({"name": name, "road": road});
        let made = served.consumer(body("crm")).await;
        assert_eq!(made["road"]["handler_limit"], "10m");
        assert_eq!(made["filter"]["installations"], json!([bot]));
        assert_eq!(made["policy"]["give_up"]["attempts"], 6);
        let taken = served.post("/v1/consumers", body("second")).await;
        assert_eq!(
            (taken.status, &taken.body["errors"][0]["pointer"]),
            (400, &json!("/road"))
        );
        let path = "/v1/consumers/crm";
        let hello = RelayHello {
            window: RELAY_WINDOW,
            agent: Some("oapi-sdk-go/3".to_owned()),
            peer: "192.0.2.1:4711".parse().ok(),
            proof: RelayProof::HandlerAck,
            card: Arc::default(),
        };
        let id = served.deliveries.consumer(&Space::default(), "crm");
        let id = id.expect("it is there").id;
        let reader = served.deliveries.attach_relay(id, hello).await;
        let reader = reader.expect("it is attached");
        let is_counted = |served: &crate::served::Served| {
            let view = served.deliveries.consumer(&Space::default(), "crm");
            view.is_some_and(|view| view.progress.connections == 1)
        };
        served.until(is_counted).await;
        let shown = served.get(path).await.body;
        assert_eq!(shown["connections"][0]["agent"], "oapi-sdk-go/3");
        assert_eq!(shown["connections"][0]["proof"], "handler_ack");
        assert_eq!(shown["status"]["connections"], 1);
        drop(reader);
        let ask = |patch| served.ask(Who::Owner, "PATCH", path, Some(patch));
        let changed =
            ask(json!({"road": {"handler_limit": "90s"}, "filter": {"types": ["feishu.im.*"]}}))
                .await;
        assert_eq!(changed.body["road"]["handler_limit"], "90s", "{changed:?}");
        for (patch, pointer) in [
            (json!({"expand": ["sender"]}), "/expand"),
            (json!({"thin": true}), "/thin"),
            (
                json!({"policy": {"gather": {"quiet_ms": 1, "max_ms": 2}}}),
                "/policy/gather",
            ),
            (
                json!({"filter": {"installations": ["ins_00000000000000000000000000"]}}),
                "/filter/installations",
            ),
            (json!({"road": {"token": "lw_whole"}}), "/road/token"),
            (
                json!({"road": {"handler_limit": "10ms"}}),
                "/road/handler_limit",
            ),
        ] {
            let refused = ask(patch).await;
            assert_eq!(
                (refused.status, &refused.body["errors"][0]["pointer"]),
                (400, &json!(pointer))
            );
            assert!(!refused.body.to_string().contains("lw_whole"));
        }
        let claimed = served.get("/v1/consumers/crm/events").await;
        assert_eq!(
            (claimed.status, &claimed.body["code"]),
            (409, &json!("wrong_road"))
        );
    });
}
