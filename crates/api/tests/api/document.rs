//! The OpenAPI document against the routes, and each route against the tokens of others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::served::{Served, Who, with_routes};

/// Each operation of the document: method, path with its parts filled in, and the operation.
async fn operations(served: &Served) -> Vec<(String, String, Value)> {
    let (status, document) = served.open("/openapi.json").await;
    assert_eq!(status, 200);
    let mut operations = Vec::new();
    for (path, of_path) in document["paths"].as_object().expect("paths") {
        for (method, operation) in of_path.as_object().expect("operations") {
            let mut filled = path.clone();
            for parameter in operation["parameters"].as_array().expect("parameters") {
                if parameter["in"] == "path" {
                    let name = parameter["name"].as_str().expect("a name");
                    let example = parameter["example"].as_str().expect("an example");
                    filled = filled.replace(&format!("{{{name}}}"), example);
                }
            }
            operations.push((method.to_uppercase(), filled, operation.clone()));
        }
    }
    operations
}

/// Each path of the document, asked by every method that it does not have.
#[test]
fn another_method_of_a_path_is_answered_with_those_that_it_takes() {
    with_routes(|served| async move {
        let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (method, path, _) in operations(&served).await {
            paths.entry(path).or_default().insert(method);
        }
        assert!(paths.len() >= 20, "{paths:?}");
        for (path, known) in paths {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
                if known.contains(method) {
                    continue;
                }
                let answer = served.ask(Who::Owner, method, &path, None).await;
                assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
                assert_eq!(answer.body["code"], "method_not_allowed", "{method} {path}");
                let allow = answer.headers.get("allow").map(String::as_str);
                let allow = allow.unwrap_or_default().split(", ");
                let allowed: BTreeSet<String> = allow.map(str::to_owned).collect();
                assert_eq!(allowed, known, "{method} {path}");
            }
        }
    });
}

#[test]
fn each_operation_refuses_who_may_not() {
    with_routes(|served| async move {
        let mut guarded = 0;
        for (method, path, operation) in operations(&served).await {
            let Some(scope) = operation.get("x-scope") else {
                let (status, _) = ask_without_token(&served, &method, &path).await;
                assert_ne!(status, 401, "{method} {path} is open");
                continue;
            };
            guarded += 1;
            let (status, problem) = ask_without_token(&served, &method, &path).await;
            assert_eq!(
                (status, problem),
                (401, json!("token_missing")),
                "{method} {path}"
            );
            for (who, expected) in [
                (Who::Expired, (401, json!("token_refused"))),
                (Who::Scopeless, (403, json!("scope_missing"))),
            ] {
                let answer = served.ask(who, &method, &path, None).await;
                let found = (answer.status, answer.body["code"].clone());
                assert_eq!(found, expected, "{method} {path}");
                if who == Who::Scopeless {
                    assert_eq!(answer.body["scope"], *scope);
                }
            }
        }
        assert!(guarded >= 20, "{guarded}");
    });
}

async fn ask_without_token(served: &Served, method: &str, path: &str) -> (u16, Value) {
    let request = awc::Client::default().request(
        method.parse().expect("a method"),
        format!("{}{path}", served.base),
    );
    let mut answer = request.send().await.expect("the listener answers");
    let body = answer.body().await.expect("the body comes");
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    (answer.status().as_u16(), body["code"].clone())
}

/// What is asked of things that are another space's is answered as if there were none, and each answer is one that the document
/// has.
#[test]
fn each_answer_is_in_the_document() {
    with_routes(|served| async move {
        served
            .consumer(json!({"name": "support", "road": {"kind": "pull"}}))
            .await;
        served.say(0, "oc_1", &["hello"]);
        let event = served.get("/v1/events?wait=10s").await.body["data"][0]["id"].clone();
        let event = event.as_str().expect("an id");
        for (method, path, operation) in operations(&served).await {
            if operation.get("x-scope").is_none() || path.ends_with("/stream") {
                continue;
            }
            let path = path.replace("evt_01081g81860w4000000000001a", event);
            let content = operation["requestBody"]["content"].as_object();
            let example = content.and_then(|content| content.values().next());
            let body = example.map(|one| one["example"].clone());
            for who in [Who::Stranger, Who::Owner] {
                if who == Who::Stranger && path == "/v1/consumers" {
                    // Another space has names of its own.
                    continue;
                }
                let answer = served.ask(who, &method, &path, body.clone()).await;
                let status = answer.status.to_string();
                let known = &operation["responses"][&status];
                assert!(known.is_object(), "{method} {path}: {answer:?}");
                // Routes of other systems have their own shape of a refusal.
                let media = answer.headers.get("content-type");
                let is_problem = media.is_some_and(|media| media == "application/problem+json");
                assert!(
                    is_problem || answer.status < 400 || operation["tags"][0] == "compatibility",
                    "{method} {path}: {answer:?}"
                );
                if is_problem {
                    let code = answer.body["code"].as_str().expect("a code");
                    let examples = &known["content"]["application/problem+json"]["examples"];
                    assert!(examples.get(code).is_some(), "{method} {path}: {code}");
                }
                if who == Who::Stranger && path.contains("/support") {
                    assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
                }
            }
            if method == "DELETE" && path == "/v1/consumers/support" {
                served
                    .consumer(json!({"name": "support", "road": {"kind": "pull"}}))
                    .await;
            }
        }
    });
}

#[test]
fn each_schema_that_is_named_is_there() {
    with_routes(|served| async move {
        let (_, document) = served.open("/openapi.json").await;
        let text = document.to_string();
        let mut named = 0;
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(
                document["components"]["schemas"].get(name).is_some(),
                "{name}"
            );
            named += 1;
        }
        assert!(named > 20);
        let mut ids: Vec<String> = Vec::new();
        for (_, _, operation) in operations(&served).await {
            ids.push(operation["operationId"].as_str().expect("an id").to_owned());
            for part in ["summary", "tags"] {
                assert!(operation.get(part).is_some(), "{operation}");
            }
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "each operation has an id of its own");
    });
}

/// A change of the interface shows in the diff of this file.
#[test]
fn the_document_is_the_one_that_is_kept() {
    let kept = include_str!("../../openapi.json");
    let built = longwire_api::openapi_document(env!("CARGO_PKG_VERSION"));
    assert!(
        kept == built,
        "the interface changed: `longwire print openapi > crates/api/openapi.json`"
    );
}

#[test]
fn the_pages_need_nothing_from_elsewhere() {
    with_routes(|served| async move {
        for file in [
            "",
            "swagger-ui-bundle.js",
            "swagger-ui.css",
            "swagger-initializer.js",
            "index.css",
            "guide.md",
            "consumers.md",
        ] {
            let path = format!("/docs/{file}");
            let answer = served.get(&path).await;
            assert_eq!(answer.status, 200, "{file}");
            let policy = &answer.headers["content-security-policy"];
            assert!(policy.starts_with("default-src 'none';"), "{policy}");
            assert!(!policy.contains("http"), "{policy}");
        }
        let moved = served.get("/docs").await;
        assert_eq!(
            (moved.status, moved.headers["location"].as_str()),
            (308, "/docs/")
        );
        let (_, initializer) = served.text("/docs/swagger-initializer.js").await;
        assert!(initializer.contains("/openapi.json"));
        assert_eq!(served.text("/docs/nothing.js").await.0, 404);
        let (_, guide) = served.text("/docs/guide.md").await;
        assert!(guide.contains("href=\"consumers.md\""), "{guide}");
        assert_eq!(served.text("/docs/nothing.md").await.0, 404);
        let (status, page) = served.text("/problems/cursor_invalid").await;
        assert_eq!(status, 200);
        assert!(page.contains("What to do"));
        assert_eq!(served.text("/problems/nothing").await.0, 404);
        assert_eq!(served.text("/problems").await.0, 200);
    });
}
