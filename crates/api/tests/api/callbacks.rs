//! The callback route: each golden request, and whatever else may come.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use longwire_api::{CallbackRules, CallbackSources};
use longwire_fleet::{CardAnswering, CardBroker, CardQuestion};
use longwire_installation::InstallationId;
use longwire_store::{EventQuery, EventRecord, Source};
use longwire_wire::callback::sender::{encrypted_body, sign};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::served::{NOW_MS, Served, Wanted, client, with_routes, with_wanted};

const APP: &str = "cli_a000000000000001";
const PATH: &str = "/callbacks/feishu/hooked";

/// What time it is for golden requests, one after the other, in milliseconds since 1970.
static GOLDEN_MS: AtomicI64 = AtomicI64::new(0);

#[derive(Deserialize)]
struct File {
    requests: Vec<Golden>,
}

/// A request of the platform, and what is to be answered.
#[derive(Deserialize)]
struct Golden {
    name: String,
    kind: String,
    keys: Keys,
    now_s: i64,
    headers: BTreeMap<String, Option<String>>,
    body: String,
    /// What an encrypted body decrypts to.
    clear: Option<String>,
    expect: Option<Expect>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Keys {
    encrypt_key: String,
    verification_token: String,
}

#[derive(Deserialize)]
struct Expect {
    accept: bool,
    status: u16,
    response_json: Option<Value>,
    handler_returns: Option<Value>,
}

/// Answers each card event as the golden request says.
#[derive(Default)]
struct Handler(Mutex<Option<Value>>);

impl Handler {
    fn returns(&self, answer: Option<Value>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

impl CardBroker for Handler {
    fn claims(&self, _: InstallationId) -> bool {
        true
    }

    fn ask(&self, question: CardQuestion) {
        let answer = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut answer = answer.expect("the golden request has an answer");
        let is_old = question.event_type == "card.action.trigger_v1";
        if is_old && answer.get("elements").is_some() {
            // Applications answer both generations alike.
            answer = json!({"card": {"type": "raw", "data": answer}});
        }
        question.reply.answer(answer.to_string().into());
    }
}

fn secret(text: &str) -> Option<SecretString> {
    (!text.is_empty()).then(|| text.into())
}

fn hooked(keys: &Keys) -> Wanted {
    Wanted {
        hooked: Some((
            APP,
            secret(&keys.verification_token),
            secret(&keys.encrypt_key),
        )),
        ..Wanted::default()
    }
}

/// A bot with a token and a key.
fn sealed() -> Wanted {
    hooked(&Keys {
        encrypt_key: "key".to_owned(),
        verification_token: "token".to_owned(),
    })
}

impl Served {
    /// What this request is answered.
    async fn call(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let mut request = client().post(format!("{}{path}", self.base));
        request = request.content_type("application/json;charset=utf-8");
        for &header in headers {
            request = request.append_header(header);
        }
        let mut answer = request.send_body(body.to_vec()).await.expect("an answer");
        let text = answer.body().await.expect("the body comes");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&text).unwrap_or_default())
    }

    fn recorded(&self) -> Vec<EventRecord> {
        let query = EventQuery {
            after: None,
            installations: None,
            limit: 1_000,
        };
        let page = self.store.reader().events(query).expect("readable");
        page.events
    }

    /// What is shown of the bot's callbacks.
    async fn shown(&self) -> Value {
        let bot = self.get("/v1/installations/hooked").await;
        bot.body["callbacks"].clone()
    }
}

/// A request that the platform signed and encrypted with `key`.
fn platforms(event: &Value) -> ([(&'static str, String); 3], Vec<u8>) {
    let seconds = (NOW_MS / 1_000).to_string();
    let body = encrypted_body("key", [3; 16], event.to_string().as_bytes());
    let headers = [
        ("X-Lark-Signature", sign(&seconds, "1", "key", &body)),
        ("X-Lark-Request-Timestamp", seconds),
        ("X-Lark-Request-Nonce", "1".to_owned()),
    ];
    (headers, body)
}

fn event(number: usize) -> Value {
    json!({
        "schema": "2.0",
        "header": {"event_id": format!("ev_{number}"), "event_type": "im.chat.updated_v1",
            "create_time": "1700000000000", "token": "token", "app_id": APP, "tenant_key": "t"},
        "event": {},
    })
}

async fn send(served: &Served, event: &Value, more: &[(&str, &str)]) -> (u16, Value) {
    let (headers, body) = platforms(event);
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = headers.chain(more.iter().copied()).collect();
    served.call(PATH, &headers, &body).await
}

/// S216, S217, S236: challenges, events and cards of both generations, as the platform sends them and as it does not, through
/// the real route.
#[test]
fn each_golden_request_is_answered_as_it_should_be() {
    let file = include_str!("../../../wire/vectors/feishu-callbacks.json");
    let file: File = serde_json::from_str(file).expect("the vectors are readable");
    let mut by_keys: Vec<(Keys, Vec<Golden>)> = Vec::new();
    for golden in file.requests {
        let known = by_keys.iter_mut().find(|(keys, _)| *keys == golden.keys);
        match known {
            Some((_, all)) => all.push(golden),
            None => by_keys.push((golden.keys.clone(), vec![golden])),
        }
    }
    let mut checked = 0;
    for (keys, all) in by_keys {
        let handler = Arc::new(Handler::default());
        let broker: Arc<dyn CardBroker> = Arc::<Handler>::clone(&handler);
        let wanted = Wanted {
            cards: CardAnswering {
                broker: Some(broker),
                ..CardAnswering::default()
            },
            callbacks: CallbackRules {
                now_ms: || GOLDEN_MS.load(SeqCst),
                ..Wanted::default().callbacks
            },
            ..hooked(&keys)
        };
        let checked = &mut checked;
        with_wanted(wanted, |served| async move {
            for golden in all {
                if let Some(expect) = &golden.expect {
                    handler.returns(expect.handler_returns.clone());
                    check(&served, &golden, expect).await;
                    *checked += 1;
                }
            }
        });
    }
    assert!(checked >= 58, "{checked}");
}

async fn check(served: &Served, golden: &Golden, expect: &Expect) {
    let name = &golden.name;
    GOLDEN_MS.store(golden.now_s * 1_000, SeqCst);
    let before = served.recorded();
    let headers = golden.headers.iter();
    let headers: Vec<(&str, &str)> = headers
        .filter_map(|(name, value)| Some((name.as_str(), value.as_deref()?)))
        .collect();
    let (status, body) = served.call(PATH, &headers, golden.body.as_bytes()).await;
    assert_eq!(status, expect.status, "{name}: {body}");
    let after = served.recorded();
    let new = &after[before.len()..];
    if !expect.accept {
        assert!(new.is_empty(), "{name}");
        assert!(body["code"].is_string(), "{name}: {body}");
        return;
    }
    if let Some(response) = &expect.response_json {
        assert_eq!(body, *response, "{name}");
    }
    if golden.kind == "url_verification" {
        assert!(new.is_empty(), "{name}");
        return;
    }
    // Many of them have the same event.
    let payload = golden.clear.as_deref().unwrap_or(&golden.body);
    let of_payload = after.iter().filter(|event| event.payload == payload);
    let of_payload = of_payload.count();
    assert!(new.len() <= 1 && of_payload <= 1, "{name}: {}", new.len());
    if let [event] = new {
        assert_eq!(event.source, Source::Webhook, "{name}");
        assert_eq!(event.payload, payload, "{name}");
    }
}

/// Headers and body of a request; the status, the cause, and words of the hint.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16, &'a str, &'a str);

/// S227: whatever comes is counted with its cause, shown with what to do, and nothing of it comes back.
#[test]
fn what_cannot_be_used_has_its_status_and_a_hint() {
    with_wanted(sealed(), |served| async move {
        let (headers, body) = platforms(&event(1));
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let wrong = [("X-Lark-Signature", "00"), headers[1], headers[2]];
        let marker = br#"{"schema":"2.0","marker":"s3cr3t"}"#;
        let other_key = encrypted_body("other", [3; 16], event(1).to_string().as_bytes());
        let huge = vec![b' '; 65 << 10];
        let cases: [Case<'_>; 8] = [
            (&wrong, &body, 401, "signature_wrong", "encrypt key differs"),
            (&[], &body, 401, "signature_missing", "X-Lark-"),
            (
                &headers,
                &other_key,
                400,
                "undecryptable",
                "the encrypt key differs from the console's",
            ),
            (
                &headers,
                marker,
                401,
                "signature_wrong",
                "encrypt key differs",
            ),
            (&headers, b"not json: s3cr3t", 400, "not_json", "between"),
            (&headers, b"[\"s3cr3t\"]", 400, "not_an_object", "between"),
            (
                &headers,
                &body[..body.len() - 7],
                400,
                "not_json",
                "between",
            ),
            (&headers, &huge, 413, "body_too_large", "callbacks.body"),
        ];
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (headers, body, status, cause, hint) in cases {
            let (found, problem) = served.call(PATH, headers, body).await;
            assert_eq!(found, status, "{cause}: {problem}");
            assert!(!problem.to_string().contains("s3cr3t"), "{problem}");
            *counts.entry(cause).or_default() += 1;
            let shown = served.shown().await;
            assert_eq!(shown["verdicts"][cause], counts[cause]);
            assert_eq!(shown["last_refusal"]["cause"], cause);
            let next_step = shown["last_refusal"]["next_step"].as_str().expect("a text");
            assert!(next_step.contains(hint), "{cause}: {next_step}");
            assert!(shown["last"].is_string() && shown["last_recorded"].is_null());
        }
        assert!(served.recorded().is_empty());
        let (_, metrics) = served.text("/metrics").await;
        let counted = "longwire_callbacks_total{verdict=\"signature_wrong\"} 2\n";
        assert!(metrics.contains(counted), "{metrics}");
    });
}

/// S237: who has no bot here hears the same as who has one that takes no callbacks.
#[test]
fn unknown_bots_and_those_without_secrets_are_answered_alike() {
    with_routes(|served| async move {
        let answer = |path: &'static str| {
            let served = &served;
            async move {
                let (status, mut problem) = served.call(path, &[], b"{}").await;
                problem["request_id"].take();
                (status, problem)
            }
        };
        let unknown = answer("/callbacks/feishu/nobody").await;
        assert_eq!((unknown.0, &unknown.1["code"]), (404, &json!("not_found")));
        assert_eq!(answer("/callbacks/feishu/one").await, unknown);
        let bot = served.get("/v1/installations/one").await;
        let refusal = &bot.body["callbacks"]["last_refusal"];
        assert_eq!(refusal["cause"], "no_secrets");
    });
}

/// S233: with a list of sources, nobody else is listened to, and a proxy is believed only where it is trusted.
#[test]
fn callbacks_come_from_the_listed_addresses_alone() {
    let sources = |proxied: bool| Wanted {
        callbacks: CallbackRules {
            sources: CallbackSources {
                allowed: Some(Arc::new(|address| address.to_string() == "198.51.100.7")),
                proxies: proxied.then(|| -> longwire_api::AddressTest {
                    Arc::new(|address| address.is_loopback())
                }),
            },
            ..Wanted::default().callbacks
        },
        ..sealed()
    };
    let forwarded = |address| [("X-Forwarded-For", address)];
    with_wanted(sources(true), |served| async move {
        for (address, status) in [
            ("198.51.100.7", 200),
            ("198.51.100.8", 403),
            ("198.51.100.7, 198.51.100.8", 403),
            ("nonsense", 403),
        ] {
            let (found, problem) = send(&served, &event(1), &forwarded(address)).await;
            assert_eq!(found, status, "{address}: {problem}");
        }
        assert_eq!(send(&served, &event(1), &[]).await.0, 403);
        let shown = served.shown().await;
        assert_eq!(shown["verdicts"]["recorded"], 1);
        let (_, metrics) = served.text("/metrics").await;
        assert!(metrics.contains("longwire_callbacks_total{verdict=\"foreign_source\"} 4\n"));
    });
    with_wanted(sources(false), |served| async move {
        let (status, _) = send(&served, &event(1), &forwarded("198.51.100.7")).await;
        assert_eq!(status, 403, "nobody's header is believed");
    });
}

/// A body without a length, in pieces, is the same callback.
#[test]
fn a_body_in_pieces_is_a_callback() {
    with_wanted(sealed(), |served| async move {
        let (headers, body) = platforms(&event(1));
        let pieces: Vec<Result<bytes::Bytes, std::io::Error>> = body
            .chunks(100)
            .map(|piece| Ok(bytes::Bytes::copy_from_slice(piece)))
            .collect();
        let mut request = client().post(format!("{}{PATH}", served.base));
        for header in headers {
            request = request.insert_header(header);
        }
        let answer = request
            .send_stream(futures_util::stream::iter(pieces))
            .await;
        assert_eq!(answer.expect("an answer").status().as_u16(), 200);
        assert_eq!(served.recorded().len(), 1);
    });
}
