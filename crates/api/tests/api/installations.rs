//! Installations are added, changed and removed by programs.

use std::num::NonZeroU32;

use longwire_access::AuditAction;
use longwire_fleet::FleetLimits;
use longwire_installation::Desired;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::served::{Answer, SOON, Served, Wanted, Who, with_routes, with_wanted};

fn new(name: &str) -> Value {
    json!({"name": name, "platform": "feishu", "app_id": format!("cli_{name}"), "app_secret": "canary-app", "desired": "stop", "probe": false})
}

/// The places of the mistakes that an answer tells.
fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().expect("errors");
    errors
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect()
}

async fn patch(served: &Served, name: &str, patch: Value) -> Answer {
    let path = format!("/v1/installations/{name}");
    served.ask(Who::Owner, "PATCH", &path, Some(patch)).await
}

fn actions(served: &Served) -> Vec<(AuditAction, String)> {
    let records = served.store.reader().audit(None, 100).expect("readable");
    let entry = |record: longwire_access::AuditRecord| {
        (record.entry.action, record.entry.result.as_str().to_owned())
    };
    records.into_iter().map(entry).collect()
}

/// S81, S82, S99 and S240: what a bot is set to is shown and changed, and its secrets are neither.
#[test]
fn a_bot_is_added_changed_and_removed() {
    with_routes(|served| async move {
        let mut body = new("three");
        body["mode"] = json!("webhook");
        body["verification_token"] = json!("canary-token");
        let added = served.post("/v1/installations", body).await;
        assert_eq!(added.status, 201, "{added:?}");
        let id = added.body["id"].as_str().expect("an id").to_owned();
        assert_eq!(added.headers["location"], format!("/v1/installations/{id}"));
        assert_eq!(
            added.body["callback_path"],
            format!("/callbacks/feishu/{id}")
        );
        let seen = |answer: &Answer| {
            let body = &answer.body;
            (
                body["mode"].clone(),
                body["has_verification_token"].clone(),
                body["has_encrypt_key"].clone(),
            )
        };
        assert_eq!(seen(&added), (json!("webhook"), json!(true), json!(false)));

        let changed = patch(
            &served,
            "three",
            json!({"name": "four", "mode": "both", "encrypt_key": "canary-key", "verification_token": null}),
        )
        .await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(changed.body["id"], id);
        assert_eq!(seen(&changed), (json!("both"), json!(false), json!(true)));
        // It is stopped, so nothing is spared by waiting.
        let secret = patch(&served, "four", json!({"app_secret": "canary-second"})).await;
        assert_eq!(
            (secret.status, &secret.body["candidate"]),
            (200, &Value::Null)
        );
        let record = served
            .store
            .reader()
            .installation("four")
            .expect("readable");
        let record = record.expect("there");
        let kept = served.store.open_secret(&record).expect("opens");
        assert_eq!(kept.expose_secret(), "canary-second");
        for answer in [&added, &changed, &secret] {
            assert!(!answer.body.to_string().contains("canary"), "{answer:?}");
        }
        served.until_seen(&id).await;
        let shown = served.get(&format!("/v1/installations/{id}")).await;
        assert_eq!(shown.headers["etag"], secret.headers["etag"]);

        let path = format!("/v1/installations/{id}");
        let removed = served.ask(Who::Owner, "DELETE", &path, None).await;
        assert_eq!((removed.status, &removed.body), (204, &Value::Null));
        let again = served.ask(Who::Owner, "DELETE", &path, None).await;
        assert_eq!(again.status, 404, "{again:?}");
        assert_eq!(patch(&served, &id, json!({})).await.status, 404);
        let reader = served.store.reader();
        let gone = reader.installation("four").expect("readable");
        assert!(gone.is_none());
        let expected = [
            (AuditAction::InstallationChange, "not_found"),
            (AuditAction::InstallationRemove, "not_found"),
            (AuditAction::InstallationRemove, "done"),
            (AuditAction::InstallationChange, "done"),
            (AuditAction::InstallationChange, "done"),
            (AuditAction::InstallationAdd, "done"),
        ];
        served
            .until(|served| actions(served).len() == expected.len())
            .await;
        let expected = expected.map(|(action, result)| (action, result.to_owned()));
        assert_eq!(actions(&served), expected);
    });
}

#[test]
fn each_mistake_is_told_by_its_place() {
    with_routes(|served| async move {
        let mut wrong = new("wrong");
        wrong["name"] = json!(" blank");
        wrong["app_secret"] = json!("can\u{200b}ary");
        wrong["mode"] = json!("websocket");
        wrong["colour"] = json!("canary");
        wrong["take_back_after"] = json!("10m");
        let refused = served.post("/v1/installations", wrong).await;
        assert_eq!(refused.status, 400);
        let mut told = pointers(&refused);
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "/app_secret",
                "/colour",
                "/mode",
                "/name",
                "/take_back_after"
            ]
        );
        assert!(!refused.body.to_string().contains("canary"), "{refused:?}");
        for (body, pointer) in [
            (json!({"app_secret": null}), "/app_secret"),
            (json!({"name": null}), "/name"),
            (json!({"name": "ins_1"}), "/name"),
            (json!({"mode": null}), "/mode"),
            (json!({"mode": 7}), "/mode"),
            // Another bot is another installation.
            (json!({"app_id": "cli_9"}), "/app_id"),
            (json!({"platform": "lark"}), "/platform"),
            (json!({"secret": "canary"}), "/secret"),
            (json!({"base_url": "http://canary.example"}), "/base_url"),
            (json!({"proxy": "socks5://canary@host"}), "/proxy"),
            (json!({"encrypt_key": " "}), "/encrypt_key"),
            (
                json!({"take_back_after": "10m", "take_back_per_day": 3}),
                "/take_back_after",
            ),
        ] {
            let refused = patch(&served, "one", body.clone()).await;
            assert_eq!(
                (refused.status, pointers(&refused)),
                (400, vec![pointer]),
                "{body}"
            );
            assert!(!refused.body.to_string().contains("canary"), "{refused:?}");
        }
        let not_an_object = patch(&served, "one", json!([1])).await;
        assert_eq!(not_an_object.status, 400);
        let before = &served.bots[0];
        let after = served.store.reader().installation("one").expect("readable");
        assert_eq!(after.expect("there").revision, before.revision);
    });
}

/// A WeCom bot has its long connection alone, and a take-back of two halves.
#[test]
fn a_wecom_bot_is_changed_by_its_own_rules() {
    with_routes(|served| async move {
        let body = json!({"name": "robot", "platform": "wecom", "bot_id": "aib1", "secret": "s", "desired": "stop", "probe": false});
        let added = served.post("/v1/installations", body).await;
        assert_eq!(
            (added.status, &added.body["callback_path"]),
            (201, &Value::Null)
        );
        for (body, pointer) in [
            (json!({"mode": "both"}), "/mode"),
            (json!({"encrypt_key": "k"}), "/encrypt_key"),
            (json!({"app_secret": "k"}), "/app_secret"),
            (json!({"take_back_after": "10m"}), "/take_back_after"),
        ] {
            let refused = patch(&served, "robot", body.clone()).await;
            assert_eq!(
                (refused.status, pointers(&refused)),
                (400, vec![pointer]),
                "{body}"
            );
        }
        let both = json!({"take_back_after": "10m", "take_back_per_day": 3});
        assert_eq!(patch(&served, "robot", both).await.status, 200);
        let longer = patch(&served, "robot", json!({"take_back_after": "30m"})).await;
        assert_eq!(longer.status, 200, "the other half stays");
        let record = served
            .store
            .reader()
            .installation("robot")
            .expect("readable");
        let take_back = record.expect("there").take_back.expect("set");
        assert_eq!((take_back.after_ms(), take_back.per_day()), (1_800_000, 3));
        let never = json!({"take_back_after": null, "take_back_per_day": null});
        assert_eq!(patch(&served, "robot", never).await.status, 200);
    });
}

/// S93, S131 and S132: who does not own a bot is answered as if there were none.
#[test]
fn bots_of_others_cannot_be_touched() {
    with_routes(|served| async move {
        let one = format!("/v1/installations/{}", served.bots[0].public_id);
        let two = format!("/v1/installations/{}", served.bots[1].public_id);
        for (who, path, status) in [
            (Who::Stranger, &one, 404),
            (Who::Narrowed, &two, 404),
            (Who::Scopeless, &one, 403),
            (Who::Expired, &one, 401),
        ] {
            for method in ["PATCH", "DELETE"] {
                let body = (method == "PATCH").then(|| json!({"name": "mine"}));
                let answer = served.ask(who, method, path, body).await;
                assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            }
            let answer = served
                .ask(who, "POST", &format!("{path}/try-secret"), None)
                .await;
            assert_eq!(answer.status, status, "{path}: {answer:?}");
        }
        let renamed = served.ask(Who::Narrowed, "PATCH", &one, Some(json!({"mode": "both"})));
        assert_eq!(renamed.await.status, 200, "it is the token's own");
        let added = served
            .ask(Who::Narrowed, "POST", "/v1/installations", Some(new("x")))
            .await;
        assert_eq!(
            (added.status, &added.body["code"]),
            (403, &json!("token_narrowed"))
        );
        let theirs = served
            .ask(Who::Stranger, "POST", "/v1/installations", Some(new("x")))
            .await;
        assert_eq!(theirs.status, 201);
        let hidden = patch(&served, "x", json!({})).await;
        assert_eq!(hidden.status, 404, "{hidden:?}");
        // That another space wants the bot is told, and not under which name.
        let mut same = new("y");
        (same["app_id"], same["desired"]) = (json!("cli_x"), json!("run"));
        let record = served.store.reader().installation("x").expect("readable");
        let id = record.expect("there").id;
        served.store.set_desired(id, Desired::Run).expect("set");
        let same = served.post("/v1/installations", same).await;
        assert_eq!((same.status, &same.body["code"]), (409, &json!("same_bot")));
        assert!(!same.body.to_string().contains("`x`"), "{same:?}");
    });
}

#[test]
fn a_change_is_for_the_revision_that_was_seen() {
    with_routes(|served| async move {
        let path = "/v1/installations/one";
        let first = patch(&served, "one", json!({"mode": "both"})).await;
        let seen = first.headers["etag"].clone();
        patch(&served, "one", json!({"mode": "webhook"})).await;
        for (etag, status) in [(seen.as_str(), 412), ("nonsense", 412), ("*", 200)] {
            let headers = [("if-match", etag)];
            let body = Some(json!({"mode": "long_connection"}));
            let answer = served
                .ask_with(Who::Owner, "PATCH", path, body, &headers)
                .await;
            assert_eq!(answer.status, status, "{etag}: {answer:?}");
        }
        let taken = patch(&served, "one", json!({"name": "two"})).await;
        assert_eq!(
            (taken.status, &taken.body["code"]),
            (409, &json!("name_taken"))
        );
    });
}

/// Events of a removed bot are read under its id.
#[test]
fn events_of_a_removed_bot_stay() {
    with_routes(|served| async move {
        served.say(0, "oc_1", &["hello"]);
        let id = served.bots[0].public_id;
        let path = format!("/v1/installations/{id}");
        assert_eq!(
            served.ask(Who::Owner, "DELETE", &path, None).await.status,
            204
        );
        served.say(1, "oc_2", &["other"]);
        let page = served
            .get(&format!("/v1/events?installation={id}&wait=10s"))
            .await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(crate::served::texts(&page.body["data"]), ["hello"]);
    });
}

/// S95: what could not be connected is refused, and changes nothing. Who needs no connection takes no place.
#[test]
fn a_bot_that_begins_to_connect_needs_a_place_in_its_space() {
    let limits = FleetLimits {
        connections_per_space: NonZeroU32::new(1),
        ..FleetLimits::default()
    };
    let wanted = Wanted {
        limits,
        ..Wanted::default()
    };
    with_wanted(wanted, |served| async move {
        let wanted = |name: &str, mode: &str| {
            let mut body = new(name);
            // Nobody listens at port 1.
            body["base_url"] = json!("http://127.0.0.1:1");
            (body["desired"], body["mode"]) = (json!("run"), json!(mode));
            body
        };
        let is_full = |answer: &Answer| (answer.status, answer.body["code"] == "space_limit");
        let add = |body| served.post("/v1/installations", body);
        let first = add(wanted("first", "long_connection")).await;
        assert_eq!(first.status, 201, "{first:?}");
        served.until_seen("first").await;
        let refused = add(wanted("second", "long_connection")).await;
        assert_eq!(is_full(&refused), (409, true), "{refused:?}");
        let second = add(wanted("second", "webhook")).await;
        assert_eq!(second.status, 201, "nothing was kept before: {second:?}");
        served.until_seen("second").await;
        for mode in ["both", "long_connection"] {
            let refused = patch(&served, "second", json!({"mode": mode})).await;
            assert_eq!(is_full(&refused), (409, true), "{refused:?}");
        }
        let connect = "/api/feishu/bots/second/ws/connect";
        let refused = served.post(connect, json!({})).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(
            refused.text.contains("connections_per_space"),
            "{refused:?}"
        );
        let shown = served.get("/v1/installations/second").await;
        assert_eq!(shown.body["mode"], "webhook");
        // It has its place already.
        let kept = patch(&served, "first", json!({"mode": "both"})).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        let freed = patch(&served, "first", json!({"mode": "webhook"})).await;
        assert_eq!(freed.status, 200, "{freed:?}");
        let end = std::time::Instant::now() + SOON;
        loop {
            let taken = patch(&served, "second", json!({"mode": "both"})).await;
            match taken.status {
                200 => break,
                // The fleet has not heard of the change yet.
                _ => assert_eq!(is_full(&taken), (409, true), "{taken:?}"),
            }
            assert!(std::time::Instant::now() < end, "in vain");
        }
    });
}

/// The stories have a platform that takes and refuses new secrets.
#[test]
fn a_try_without_a_new_secret_is_refused_and_audited() {
    with_routes(|served| async move {
        served.until_seen("one").await;
        for (name, status, code) in [("nobody", 404, "not_found"), ("one", 409, "no_new_secret")] {
            let path = format!("/v1/installations/{name}/try-secret");
            let refused = served.ask(Who::Owner, "POST", &path, None).await;
            let found = (refused.status, refused.body["code"].as_str());
            assert_eq!(found, (status, Some(code)), "{refused:?}");
        }
        let expected = ["no_new_secret", "not_found"];
        let tries = |served: &Served| -> Vec<String> {
            let tries = actions(served).into_iter();
            tries
                .filter(|(action, _)| *action == AuditAction::InstallationTry)
                .map(|(_, result)| result)
                .collect()
        };
        served
            .until(|served| tries(served).len() == expected.len())
            .await;
        assert_eq!(tries(&served), expected);
    });
}

/// The stories have bots that are tried, and secrets that are proved.
#[test]
fn a_retry_and_a_rotation_refuse_what_makes_no_sense() {
    with_routes(|served| async move {
        served.until_seen("one").await;
        let post = |path: &str, body: Option<Value>| {
            let path = format!("/v1/installations/{path}");
            let served = &served;
            async move { served.ask(Who::Owner, "POST", &path, body).await }
        };
        for (name, status, code) in [("nobody", 404, "not_found"), ("one", 409, "not_wanted")] {
            let refused = post(&format!("{name}/retry"), None).await;
            let found = (refused.status, refused.body["code"].as_str());
            assert_eq!(found, (status, Some(code)), "{refused:?}");
        }
        for (body, pointer) in [
            (json!({}), "/app_secret"),
            (json!({"app_secret": "another", "mode": "both"}), "/mode"),
            (json!({"app_secret": "two\nlines"}), "/app_secret"),
            (json!({"secret": "of WeCom"}), "/app_secret"),
        ] {
            let refused = post("one/rotate-secret", Some(body)).await;
            assert_eq!(refused.status, 400, "{refused:?}");
            assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
            assert!(!refused.text.contains("another"), "{refused:?}");
        }
        let secret = json!({"app_secret": "another"});
        for outcome in ["kept", "same"] {
            let rotated = post("one/rotate-secret", Some(secret.clone())).await;
            assert_eq!(rotated.status, 200, "{rotated:?}");
            assert_eq!(rotated.body["outcome"], outcome, "{rotated:?}");
            assert_eq!(rotated.body["state"], "stopped", "nobody wants it");
        }
    });
}
