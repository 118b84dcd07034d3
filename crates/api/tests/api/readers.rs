//! Pull and stream readers.

use serde_json::{Value, json};

use crate::events::read_until;
use crate::served::{SOON, Who, texts, token, with_routes};

fn events(answer: &Value) -> Value {
    let data = answer["data"].as_array().expect("a list");
    data.iter().map(|claim| claim["event"].clone()).collect()
}

fn ids(answer: &Value) -> Vec<Value> {
    let data = answer["data"].as_array().expect("a list");
    data.iter().map(|claim| claim["id"].clone()).collect()
}

#[test]
fn a_reader_claims_gives_back_and_acknowledges() {
    with_routes(|served| async move {
        served
            .consumer(
                json!({"name": "pull", "road": {"kind": "pull"}, "policy": {"order": "none"}}),
            )
            .await;
        served.say(0, "oc_1", &["a", "b", "c"]);
        let claimed = served
            .get("/v1/consumers/pull/events?wait=10s&limit=2&reader=one")
            .await;
        assert_eq!(claimed.status, 200, "{claimed:?}");
        let mut all = texts(&events(&claimed.body));
        while all.len() < 3 {
            let more = served.get("/v1/consumers/pull/events?wait=10s").await;
            all.extend(texts(&events(&more.body)));
        }
        assert_eq!(all, ["a", "b", "c"]);
        let ids = ids(&claimed.body);
        let nacked = json!({"ids": [ids[0]], "delay": "0s"});
        let nacked = served.post("/v1/consumers/pull/nack", nacked).await;
        assert_eq!(
            (nacked.status, &nacked.body["given_back"]),
            (200, &json!(1))
        );
        let again = served
            .get("/v1/consumers/pull/events?wait=10s&reader=one")
            .await;
        assert_eq!(texts(&events(&again.body)), ["a"], "{again:?}");
        assert_eq!(
            again.body["data"][0]["event"]["redelivered"], true,
            "{again:?}"
        );
        assert_eq!(again.body["data"][0]["attempt"], 2);
        let acked = served
            .post("/v1/consumers/pull/ack", json!({"ids": [ids[0]]}))
            .await;
        assert_eq!(
            (acked.status, &acked.body["acknowledged"]),
            (200, &json!(1))
        );
        let list = served.get("/v1/events").await;
        let last = list.body["data"][2]["id"].clone();
        let acked = served
            .post("/v1/consumers/pull/ack", json!({"through": last}))
            .await;
        assert_eq!(acked.body["acknowledged"], 2, "{acked:?}");
        let shown = served.get("/v1/consumers/pull").await;
        assert_eq!(shown.body["status"]["position"], 3);

        let moved = served
            .post("/v1/consumers/pull/seek", json!({"to": "beginning"}))
            .await;
        assert_eq!(
            (moved.status, &moved.body["position"]),
            (200, &json!(0)),
            "{moved:?}"
        );
        let mut again = Vec::new();
        while !again.contains(&"a".to_owned()) {
            let more = served
                .get("/v1/consumers/pull/events?wait=10s&reader=one")
                .await;
            assert_ne!(more.body["data"], json!([]), "{again:?}");
            again.extend(texts(&events(&more.body)));
        }

        let other = served
            .post(
                "/v1/consumers/pull/ack",
                json!({"ids": ["evt_01081g81860w4000000000001a"]}),
            )
            .await;
        assert_eq!(other.body["code"], "cursor_invalid");
        let stream = served.get("/v1/consumers/pull/stream").await;
        assert_eq!(
            (stream.status, &stream.body["code"]),
            (409, &json!("wrong_road"))
        );
    });
}

#[test]
fn an_event_is_delivered_again() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "pull", "road": {"kind": "pull"}}))
            .await;
        served.say(0, "oc_1", &["a"]);
        let claimed = served
            .get("/v1/consumers/pull/events?wait=10s&reader=one")
            .await;
        let id = ids(&claimed.body)[0].as_str().expect("an id").to_owned();
        served
            .post("/v1/consumers/pull/ack", json!({"ids": [id]}))
            .await;
        for (path, body) in [
            (
                format!("/v1/events/{id}/replay"),
                json!({"consumer": "pull"}),
            ),
            (
                "/v1/consumers/pull/replay".to_owned(),
                json!({"from": "beginning"}),
            ),
        ] {
            let begun = served.post(&path, body).await;
            assert_eq!(
                (begun.status, &begun.body["numbers"]),
                (202, &json!(1)),
                "{begun:?}"
            );
            let again = served.get("/v1/consumers/pull/events?wait=10s").await;
            assert_eq!(texts(&events(&again.body)), ["a"], "{again:?}");
            assert_eq!(
                again.body["data"][0]["event"]["redelivered"], true,
                "{again:?}"
            );
            served
                .post("/v1/consumers/pull/ack", json!({"ids": [id]}))
                .await;
        }
        let unknown = served
            .post(
                &format!("/v1/events/{id}/replay"),
                json!({"consumer": "none"}),
            )
            .await;
        assert_eq!(unknown.status, 404);
        let attempts = served.get("/v1/consumers/pull/attempts").await;
        assert_eq!(attempts.status, 200, "{attempts:?}");
    });
}

#[test]
fn a_reader_of_a_stream_acknowledges_by_connecting_again() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "desk", "road": {"kind": "stream", "ack": "implicit"}}))
            .await;
        served.say(0, "oc_1", &["one"]);
        let open = |last: Option<String>| {
            let url = format!("{}/v1/consumers/desk/stream", served.base);
            let client = awc::Client::builder().timeout(SOON).finish();
            let mut request = client.get(url).bearer_auth(token(Who::Owner).expose());
            if let Some(last) = last {
                request = request.insert_header(("last-event-id", last));
            }
            request.send()
        };
        let mut stream = open(None).await.expect("it answers");
        let text = read_until(&mut stream, "one").await;
        let id = text.lines().find_map(|line| line.strip_prefix("id: "));
        let id = id.expect("an id").to_owned();
        drop(stream);
        let mut stream = open(Some(id)).await.expect("it answers");
        served.say(0, "oc_1", &["two"]);
        let text = read_until(&mut stream, "two").await;
        assert!(!text.contains("\"one\""), "{text}");
        let bad = open(Some("x".to_owned())).await.expect("it answers");
        assert_eq!(bad.status().as_u16(), 400);
    });
}
