//! The event log, read along.

use std::future::ready;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::Ordering::SeqCst;

use actix_web::web::{Bytes, to};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
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
            (
                "/v1/installations?state=nonsense&state=live&platform=slack&not_live=yes",
                "invalid_request",
                vec!["?state", "?platform", "?not_live"],
            ),
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

/// Whether or not something comes, what is open ends, and what comes afterwards is not told.
#[test]
fn a_revoked_token_ends_what_is_open() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "desk", "road": {"kind": "stream"}}))
            .await;
        served
            .consumer(
                json!({"name": "pull", "road": {"kind": "pull"}, "filter": {"chats": ["oc_2"]}}),
            )
            .await;
        for path in ["/v1/events/stream", "/v1/consumers/desk/stream"] {
            for comes in [false, true] {
                let client = awc::Client::builder().timeout(SOON).finish();
                let request = client.get(format!("{}{path}", served.base));
                let request = request.bearer_auth(token(Who::Owner).expose());
                let mut stream = request.send().await.expect("it answers");
                read_until(&mut stream, "retry:").await;
                served.revoked.store(true, SeqCst);
                if comes {
                    served.say(0, "oc_1", &[path]);
                }
                let mut rest = Vec::new();
                let end = async {
                    while let Some(chunk) = stream.next().await {
                        rest.extend_from_slice(&chunk.expect("bytes"));
                    }
                };
                tokio::time::timeout(SOON, end).await.expect("it ends");
                let rest = String::from_utf8_lossy(&rest);
                assert!(!rest.contains(path), "{path}: {rest}");
                served.until(|served| served.streams_open() == 0).await;
                served.revoked.store(false, SeqCst);
            }
        }
        let last = served.get("/v1/events").await.body["next"].clone();
        let last = last.as_str().expect("a cursor");
        let log = format!("/v1/events?wait=50s&after={last}&chat=oc_2");
        for path in [log.as_str(), "/v1/consumers/pull/events?wait=50s"] {
            let revoke = async {
                served.until(|served| served.streams_open() == 1).await;
                served.revoked.store(true, SeqCst);
            };
            let (answer, ()) = tokio::join!(served.get(path), revoke);
            let told = (answer.status, &answer.body["code"]);
            assert_eq!(told, (401, &json!("token_refused")), "{path}: {answer:?}");
            served.revoked.store(false, SeqCst);
        }
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

#[test]
fn a_sample_is_posted_to_a_webhook() {
    with_routes(|served| async move {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has ports");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let server = HttpServer::new(move || {
            let tell = tell.clone();
            App::new().default_service(to(move |request: HttpRequest, body: Bytes| {
                let id = request.headers().get("webhook-id").cloned();
                tell.send((id, body)).expect("the test waits");
                ready(HttpResponse::ImATeapot())
            }))
        });
        let server = server
            .workers(1)
            .listen(listener)
            .expect("it is taken over");
        actix_rt::spawn(server.run());
        for (name, url) in [("app", url.as_str()), ("gone", "http://127.0.0.1:9/")] {
            served
                .consumer(json!({"name": name, "road": {"kind": "webhook", "url": url}}))
                .await;
        }
        let path = "/v1/event-types/feishu.im.message.receive_v1/simulate";
        let mut ids = Vec::new();
        for _ in 0..2 {
            let answered = served.post(path, json!({"consumer": "app"})).await;
            assert_eq!(answered.status, 200, "{answered:?}");
            assert_eq!(answered.body["status"], 418);
            assert_eq!(answered.body["taken"], false);
            let (id, body) = told.recv().await.expect("it was posted");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("an envelope");
            assert_eq!(body["type"], "feishu.im.message.receive_v1");
            assert_eq!(body["id"], answered.body["id"]);
            assert_eq!(id.expect("a header").to_str().ok(), body["id"].as_str());
            ids.push(body["id"].clone());
        }
        assert_ne!(ids[0], ids[1], "an application drops repeats");
        let event = format!("/v1/events/{}", ids[0].as_str().expect("an id"));
        assert_eq!(served.get(&event).await.status, 404);
        for (who, path, consumer, status, code) in [
            (Who::Owner, path, "gone", 502, "webhook_unanswered"),
            (Who::Owner, path, "nobody", 404, "not_found"),
            (Who::Stranger, path, "app", 404, "not_found"),
            (
                Who::Owner,
                "/v1/event-types/feishu.x/simulate",
                "app",
                404,
                "not_found",
            ),
        ] {
            let body = Some(json!({"consumer": consumer}));
            let refused = served.ask(who, "POST", path, body).await;
            let found = (refused.status, refused.body["code"].as_str());
            assert_eq!(found, (status, Some(code)), "{consumer}");
        }
    });
}

impl Served {
    pub(crate) fn streams_open(&self) -> usize {
        self.access.streams().open()
    }
}
