//! The event log, read along.

use actix_web::web::Bytes;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::served::{SOON, Served, Who, texts, token, with_routes};

#[test]
fn the_log_is_read_in_pages() {
    with_routes(|served| async move {
        served.say(0, "oc_1", &["a", "b"]);
        served.say(1, "oc_2", &["c"]);
        let first = served.get("/v1/events?limit=2").await;
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(texts(&first.body["data"]), ["a", "b"]);
        assert_eq!(first.body["more"], true);
        let next = first.body["next"].as_str().expect("a cursor");
        let link = format!("</v1/events?limit=2&after={next}>; rel=\"next\"");
        assert_eq!(first.headers["link"], link);
        let second = served.get(&format!("/v1/events?after={next}")).await;
        assert_eq!(texts(&second.body["data"]), ["c"]);
        assert_eq!(second.body["more"], false);
        let id = first.body["data"][0]["id"].as_str().expect("an id");
        let behind = served.get(&format!("/v1/events?after={id}")).await;
        assert_eq!(texts(&behind.body["data"]), ["b", "c"]);

        let bot = served.bots[1].public_id;
        for (query, expected) in [
            (format!("installation={bot}"), vec!["c"]),
            ("type=feishu.im.*".to_owned(), vec!["a", "b", "c"]),
            ("type=wecom.*".to_owned(), vec![]),
            ("chat=oc_1".to_owned(), vec!["a", "b"]),
            ("chat=oc_1&chat=oc_2".to_owned(), vec!["a", "b", "c"]),
        ] {
            let found = served.get(&format!("/v1/events?{query}")).await;
            assert_eq!(texts(&found.body["data"]), expected, "{query}");
        }
    });
}

#[test]
fn a_request_waits_for_the_first_event() {
    with_routes(|served| async move {
        served.say(0, "oc_1", &["before"]);
        let next = served.get("/v1/events").await.body["next"].clone();
        let path = format!(
            "/v1/events?wait=30s&after={}",
            next.as_str().expect("a cursor")
        );
        let waits = served.get(&path);
        let says = async {
            served.until(|served| served.streams_open() == 1).await;
            served.say(0, "oc_1", &["after"]);
        };
        let (found, ()) = tokio::join!(waits, says);
        assert_eq!(texts(&found.body["data"]), ["after"]);

        // Who waits while the process begins to end is answered, and goes on at the next one.
        let next = found.body["next"].as_str().expect("a cursor");
        let path = format!("/v1/events?wait=30s&after={next}");
        let ends = async {
            served.until(|served| served.streams_open() == 1).await;
            served.draining.begin();
        };
        let (nothing, ()) = tokio::join!(served.get(&path), ends);
        assert_eq!((nothing.status, &nothing.body["data"]), (200, &json!([])));
        assert_eq!(nothing.body["next"], next);
    });
}

#[test]
fn an_event_is_shown_with_its_journey() {
    with_routes(|served| async move {
        served.say(1, "oc_1", &["hello"]);
        let list = served.get("/v1/events").await;
        let event = &list.body["data"][0];
        let id = event["id"].as_str().expect("an id");
        let shown = served.get(&format!("/v1/events/{id}")).await;
        assert_eq!((shown.status, &shown.body), (200, event));
        let media = &shown.headers["content-type"];
        assert_eq!(media, "application/cloudevents+json");
        let journey = served.get(&format!("/v1/events/{id}/journey")).await;
        assert_eq!(journey.status, 200, "{journey:?}");
        assert_eq!(journey.body["id"], id);
        assert_eq!(journey.body["type"], "feishu.im.message.receive_v1");

        let missing = "evt_01081g81860w4000000000001a";
        for (who, id) in [
            (Who::Owner, missing),
            (Who::Owner, "nothing"),
            (Who::Stranger, id),
            (Who::Narrowed, id),
        ] {
            for path in [
                format!("/v1/events/{id}"),
                format!("/v1/events/{id}/journey"),
            ] {
                let answer = served.ask(who, "GET", &path, None).await;
                let found = (answer.status, answer.body["code"].as_str());
                assert_eq!(found, (404, Some("not_found")), "{path}");
            }
        }
    });
}

#[test]
fn bad_queries_are_problems() {
    with_routes(|served| async move {
        for (path, code, pointers) in [
            (
                "/v1/events?limit=0&wait=x&page=1",
                "invalid_request",
                vec!["?limit", "?wait", "?page"],
            ),
            ("/v1/events?type=slack.*", "invalid_request", vec!["?type"]),
            (
                "/v1/events?installation=bot&type=%00",
                "invalid_request",
                vec!["?type", "?installation"],
            ),
            ("/v1/events?after=tampered", "cursor_invalid", vec![]),
            (
                "/v1/events/stream?limit=3",
                "invalid_request",
                vec!["?limit"],
            ),
            ("/v1/event-types?limit=3", "invalid_request", vec!["?limit"]),
            ("/v1/installations?after=x", "cursor_invalid", vec![]),
        ] {
            let answer = served.get(path).await;
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
            assert_eq!(answer.body["code"], code, "{path}");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            let errors = answer.body["errors"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let found: Vec<_> = errors
                .iter()
                .map(|error| error["pointer"].clone())
                .collect();
            assert_eq!(found, pointers, "{path}");
        }
    });
}

/// A narrowed token and another space see nothing of others, in lists as well.
#[test]
fn nobody_reads_the_events_of_others() {
    with_routes(|served| async move {
        served.say(0, "oc_1", &["mine"]);
        served.say(1, "oc_2", &["other"]);
        let narrowed = served.ask(Who::Narrowed, "GET", "/v1/events", None).await;
        assert_eq!(texts(&narrowed.body["data"]), ["mine"]);
        let foreign = format!("/v1/events?installation={}", served.bots[1].public_id);
        let foreign = served.ask(Who::Narrowed, "GET", &foreign, None).await;
        assert_eq!(foreign.status, 404, "{foreign:?}");
        let stranger = served.ask(Who::Stranger, "GET", "/v1/events", None).await;
        assert_eq!(stranger.body["data"], json!([]));
        let bots = served
            .ask(Who::Narrowed, "GET", "/v1/installations", None)
            .await;
        assert_eq!(bots.body["data"].as_array().map(Vec::len), Some(1));
        let bots = served
            .ask(Who::Stranger, "GET", "/v1/installations", None)
            .await;
        assert_eq!(bots.body["data"], json!([]));
        let cursor = served.get("/v1/events").await.body["next"].clone();
        let path = format!("/v1/events?after={}", cursor.as_str().expect("a cursor"));
        let stranger = served.ask(Who::Stranger, "GET", &path, None).await;
        assert_eq!(stranger.body["code"], "cursor_invalid");
    });
}

/// Reads a stream until it has this text.
pub(crate) async fn read_until<S, E>(stream: &mut S, wanted: &str) -> String
where
    S: futures_util::Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Debug,
{
    let mut text = String::new();
    while !text.contains(wanted) {
        let chunk = tokio::time::timeout(SOON, stream.next()).await;
        let chunk = chunk.expect("something comes").expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk.expect("bytes")).expect("text"));
    }
    text
}

#[test]
fn a_stream_goes_on_behind_the_last_event() {
    with_routes(|served| async move {
        served.say(0, "oc_1", &["one", "two"]);
        let open = |last: Option<String>| {
            let served = &served;
            async move {
                let url = format!("{}/v1/events/stream", served.base);
                let client = awc::Client::builder().timeout(SOON).finish();
                let mut request = client.get(url).bearer_auth(token(Who::Owner).expose());
                if let Some(last) = last {
                    request = request.insert_header(("last-event-id", last));
                }
                let answer = request.send().await.expect("it answers");
                assert_eq!(answer.status().as_u16(), 200);
                answer
            }
        };
        let first = served.get("/v1/events?limit=1").await;
        let id = first.body["data"][0]["id"].as_str().expect("an id");
        let mut resumed = open(Some(id.to_owned())).await;
        let text = read_until(&mut resumed, "two").await;
        assert!(!text.contains("\"one\""), "{text}");
        let mut fresh = open(None).await;
        read_until(&mut fresh, "retry:").await;
        served.say(0, "oc_1", &["three"]);
        let text = read_until(&mut fresh, "three").await;
        assert!(!text.contains("two"), "{text}");

        let refused = served.get("/v1/events/stream").await;
        let found = (refused.status, refused.body["code"].as_str());
        assert_eq!(found, (429, Some("too_many_streams")));
        served.draining.begin();
        for stream in [&mut resumed, &mut fresh] {
            read_until(stream, "event: shutdown\n").await;
            let end = tokio::time::timeout(SOON, stream.next()).await;
            assert!(end.expect("it ends").is_none());
        }
        drop((resumed, fresh));
        served.until(|served| served.streams_open() == 0).await;
    });
}

#[test]
fn types_have_samples_and_schemas() {
    with_routes(|served| async move {
        let list = served.get("/v1/event-types").await;
        let types = list.body["data"].as_array().expect("a list");
        assert!(types.len() > 10);
        for known in types {
            let name = known["name"].as_str().expect("a name");
            let shown = served.get(&format!("/v1/event-types/{name}")).await;
            assert!(shown.body["schema"].is_object(), "{name}");
            let sample = served.get(&format!("/v1/event-types/{name}/sample")).await;
            assert_eq!(sample.body["type"], name);
        }
        let missing = served.get("/v1/event-types/feishu.nothing/sample").await;
        assert_eq!(missing.status, 404);
    });
}

impl Served {
    pub(crate) fn streams_open(&self) -> usize {
        self.access.streams().open()
    }
}
