//! Who may ask for what, over all routes that there are.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use longwire_access::{AuditAction, Scope};
use longwire_listener::{ListedRoute, RouteAccess, RouteClass};

use super::*;

/// A path of a route, with an installation and a token that are there.
fn path(route: &ListedRoute, token: &str) -> String {
    let path = route.path.replace("{installation}", "a");
    let path = path.replace("{token}", token);
    match route.path {
        "/admin/v1/actors/inspect" => path + "?path=/fleet",
        "/admin/v1/installations/{installation}/uploads" => path + "?file_name=a.txt",
        _ => path,
    }
}

/// A body that each route can read, if it reads one.
fn body(route: &ListedRoute) -> Option<Value> {
    Some(match route.path {
        "/admin/v1/installations" if route.method == Method::POST => wecom_bot("b"),
        "/admin/v1/tokens" if route.method == Method::POST => {
            json!({"name": "t", "scopes": ["events:read"]})
        }
        "/admin/v1/installations/{installation}/requests" => {
            json!({"cmd": "aibot_send_msg", "body": {}})
        }
        "/admin/v1/installations/{installation}/retention" if route.method == Method::POST => {
            json!({"events": 10})
        }
        "/admin/v1/events/erase" => json!({"person": "ou_0123456789abcdef"}),
        "/admin/v1/installations/{installation}/fault" => {
            json!({"actor": "socket", "fault": "panic"})
        }
        _ => return None,
    })
}

impl Served {
    /// All routes, each with the scope that it needs.
    fn guarded(&self) -> Vec<(ListedRoute, Scope, RouteClass)> {
        let listed = self.admin.routes().list().into_iter();
        let guarded = listed.map(|route| match route.access {
            RouteAccess::Open => panic!("{} is open", route.path),
            RouteAccess::Scope { scope, class } => (route, scope, class),
        });
        guarded.collect()
    }

    async fn ask_as(&self, token: Option<&TokenText>, route: &ListedRoute) -> (u16, Value) {
        let client = token.map_or_else(awc::Client::default, client);
        let path = path(route, "0000000000000000");
        let told = self.text_as(&client, route.method.clone(), &path, body(route));
        let (status, text) = told.await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn json_as(
        &self,
        token: &TokenText,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let (status, text) = self.text_as(&client(token), method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

#[test]
fn another_method_of_a_path_is_answered_with_those_that_it_takes() {
    with_admin(|served| async move {
        let mut paths: BTreeMap<&str, Vec<Method>> = BTreeMap::new();
        for route in served.admin.routes().list() {
            paths.entry(route.path).or_default().push(route.method);
        }
        let token = served.make(whole());
        for (path, known) in paths {
            for method in [
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ] {
                if known.contains(&method) {
                    continue;
                }
                let filled = path.replace("{installation}", "a").replace("{token}", "0");
                let (status, problem) = served.json_as(&token, method.clone(), &filled, None).await;
                assert_eq!(status, 405, "{method} {path}: {problem}");
                let known: Vec<&str> = known.iter().map(Method::as_str).collect();
                assert_eq!(problem["allow"], json!(known), "{method} {path}");
            }
        }
    });
}

#[test]
fn no_route_answers_to_who_may_not_ask() {
    let setup = Setup {
        fault_injection: true,
        ..Setup::default()
    };
    with_admin_of(setup, |served| async move {
        served.post("/admin/v1/installations", bot("a")).await;
        let expired = served.make(NewToken {
            expires_ms: Some(1),
            ..whole()
        });
        let revoked = served.make(whole());
        served.store.revoke_token(revoked.id()).expect("revoked");
        let unknown = new_token_text().expect("random bytes");
        let foreign = served.make(NewToken {
            space: "shop".parse().expect("a space"),
            ..whole()
        });
        let guarded = served.guarded();
        assert!(guarded.len() >= 16, "{}", guarded.len());
        for (route, scope, _) in &guarded {
            let others = Scope::ALL.into_iter().filter(|other| other != scope);
            let others = served.make(NewToken {
                scopes: others.collect(),
                ..whole()
            });
            for (token, status, code) in [
                (None, 401, "token_missing"),
                (Some(&unknown), 401, "token_refused"),
                (Some(&expired), 401, "token_refused"),
                (Some(&revoked), 401, "token_refused"),
                (Some(&others), 403, "scope_missing"),
            ] {
                let (told, problem) = served.ask_as(token, route).await;
                let told = (told, problem["code"].as_str());
                assert_eq!(told, (status, Some(code)), "{route:?} {token:?}");
                if code == "scope_missing" {
                    assert_eq!(problem["scope"], scope.label());
                }
            }
            let (status, problem) = served.ask_as(Some(&foreign), route).await;
            let named = route.path.contains('{');
            match (scope.is_gateway_wide(), named) {
                (true, _) => assert_eq!(problem["code"], "token_narrowed", "{route:?}"),
                (false, true) => assert_eq!(status, 404, "{route:?} {problem}"),
                (false, false) => assert!((200..300).contains(&status), "{route:?} {problem}"),
            }
            // The right one is past all that, whatever the route says then.
            let (status, _) = served.ask_as(Some(&served.token), route).await;
            assert!(status != 401 && status != 403, "{route:?} {status}");
        }
    });
}

#[test]
fn each_route_has_a_rate() {
    let one = NonZeroU32::MIN;
    let rates = TokenRates {
        reads: one,
        writes: one,
        streams: one,
    };
    let setup = Setup {
        rates,
        ..Setup::default()
    };
    with_admin_of(setup, |served| async move {
        for (route, _, _) in served.guarded() {
            let token = served.make(whole());
            let mut tries = 0;
            while served.ask_as(Some(&token), &route).await.0 != 429 {
                tries += 1;
                assert!(tries < 50, "{route:?} has no rate");
            }
        }
    });
}

#[test]
fn a_foreign_installation_does_not_exist() {
    with_admin(|served| async move {
        let (_, kept) = served.post("/admin/v1/installations", bot("a")).await;
        let id = kept["id"].as_str().expect("an id").to_owned();
        let shop = served.make(NewToken {
            space: "shop".parse().expect("a space"),
            ..whole()
        });
        let narrowed = served.make(NewToken {
            installations: Some([id.parse().expect("an id")].into()),
            ..whole()
        });
        let get = |token, path: String| served.json_as_get(token, path);
        for named in ["a", &id] {
            let path = format!("/admin/v1/installations/{named}");
            let (status, foreign) = get(&shop, path.clone()).await;
            assert_eq!(status, 404, "{foreign}");
            let told = json!(format!("there is no installation `{named}`"));
            assert_eq!(foreign["detail"], told);
            assert_eq!(get(&narrowed, path).await.0, 200);
        }
        // What a space adds is its own.
        let own = served.json_as(
            &shop,
            Method::POST,
            "/admin/v1/installations",
            Some(wecom_bot("s")),
        );
        assert_eq!(own.await.0, 201);
        for (token, seen) in [(&served.token, "a"), (&shop, "s"), (&narrowed, "a")] {
            let deadline = tokio::time::Instant::now() + LIMIT;
            loop {
                let (_, page) = get(token, "/admin/v1/installations".to_owned()).await;
                let names = page["data"].as_array().expect("a list").iter();
                let names: Vec<_> = names.map(|one| one["name"].clone()).collect();
                if names == [json!(seen)] {
                    break;
                }
                assert!(tokio::time::Instant::now() < deadline, "{page}");
                tokio::task::yield_now().await;
            }
        }
        // A token for a space names what that space has.
        for (named, status) in [("s", 201), ("a", 404)] {
            let wanted = json!({
                "name": "x", "scopes": ["relay"], "space": "shop", "installations": [named],
            });
            let (told, made) = served.post("/admin/v1/tokens", wanted).await;
            assert_eq!(told, status, "{made}");
        }
        // Whoever brings the bot of another space learns that somebody has it, and not who.
        let wanted = |name: &str| {
            let mut body = bot(name);
            body["desired"] = json!("run");
            body
        };
        let add = |token, name| {
            let body = Some(wanted(name));
            served.json_as(token, Method::POST, "/admin/v1/installations", body)
        };
        assert_eq!(add(&served.token, "whose").await.0, 201);
        for (token, name, is_named) in [(&served.token, "own", true), (&shop, "other", false)] {
            let (status, same) = add(token, name).await;
            assert_eq!((status, &same["code"]), (409, &json!("same_bot")), "{same}");
            assert_eq!(same.to_string().contains("whose"), is_named, "{same}");
        }
        let more = served.json_as(
            &narrowed,
            Method::POST,
            "/admin/v1/installations",
            Some(bot("c")),
        );
        assert_eq!(more.await.1["code"], "token_narrowed");
    });
}

impl Served {
    async fn json_as_get(&self, token: &TokenText, path: String) -> (u16, Value) {
        self.json_as(token, Method::GET, &path, None).await
    }
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    with_admin(|served| async move {
        served.post("/admin/v1/installations", bot("a")).await;
        let wanted = json!({
            "name": "shop", "scopes": ["tokens:write", "installations:read"],
            "installations": ["a"], "expires_after": "10m",
        });
        let (status, created) = served.post("/admin/v1/tokens", wanted).await;
        assert_eq!(status, 201, "{created}");
        let text: TokenText = created["token"]
            .as_str()
            .expect("a text")
            .parse()
            .expect("a token");
        assert_eq!(created["kept"]["id"], text.id().to_string());
        assert_eq!(created["kept"]["state"], "valid");
        let ms = |key: &str| {
            let time = created["kept"][key].as_str().expect("a text");
            longwire_consumer::parse_time(time).expect("a time")
        };
        let lasts = ms("expires") - ms("created");
        assert!((590_000..=600_000).contains(&lasts), "{lasts}");
        let (_, page) = served.get("/admin/v1/tokens").await;
        assert_eq!(page["data"].as_array().map(Vec::len), Some(2), "{page}");
        assert!(!page.to_string().contains(text.expose()), "{page}");
        // It gives no more than it has, and revokes nothing that has more.
        let post = Method::POST;
        for (wanted, status, code) in [
            (
                json!({"name": "x", "scopes": ["relay"]}),
                403,
                "grant_exceeded",
            ),
            (
                json!({"name": "x", "scopes": ["installations:read"]}),
                403,
                "grant_exceeded",
            ),
            (
                json!({"name": "x", "scopes": ["installations:read"], "space": "shop"}),
                403,
                "grant_exceeded",
            ),
            (json!({"name": "x", "scopes": []}), 400, "invalid_request"),
            (
                json!({"name": "", "scopes": ["relay"]}),
                400,
                "invalid_request",
            ),
            (
                json!({"name": "x", "scopes": ["all"]}),
                400,
                "invalid_request",
            ),
            (
                json!({"name": "x", "scopes": ["relay"], "expires_after": "soon"}),
                400,
                "invalid_request",
            ),
            (
                json!({"name": "x", "scopes": ["relay"], "installations": []}),
                400,
                "invalid_request",
            ),
            (
                json!({"name": "x", "scopes": ["relay"], "installations": ["nobody"]}),
                404,
                "not_found",
            ),
        ] {
            let body = Some(wanted.clone());
            let (told, problem) = served
                .json_as(&text, post.clone(), "/admin/v1/tokens", body)
                .await;
            assert_eq!(
                (told, problem["code"].as_str()),
                (status, Some(code)),
                "{wanted} {problem}"
            );
        }
        let first = format!("/admin/v1/tokens/{}/revoke", served.token.id());
        let (status, problem) = served.json_as(&text, post.clone(), &first, None).await;
        assert_eq!((status, &problem["code"]), (403, &json!("grant_exceeded")));
        let own = format!("/admin/v1/tokens/{}/revoke", text.id());
        let (status, revoked) = served.json_as(&text, post, &own, None).await;
        assert_eq!(
            (status, &revoked["state"]),
            (200, &json!("revoked")),
            "{revoked}"
        );
        let (status, _) = served
            .json_as_get(&text, "/admin/v1/tokens".to_owned())
            .await;
        assert_eq!(status, 401, "it is refused from then on");
    });
}

#[test]
fn each_change_is_in_the_audit() {
    let setup = Setup {
        fault_injection: true,
        ..Setup::default()
    };
    with_admin_of(setup, |served| async move {
        served.post("/admin/v1/installations", bot("a")).await;
        let guarded = served.guarded();
        let changes = guarded
            .iter()
            .filter(|(_, _, class)| *class == RouteClass::Write);
        let mut asked = 1;
        for (route, _, _) in changes {
            served.ask_as(Some(&served.token), route).await;
            asked += 1;
        }
        let deadline = tokio::time::Instant::now() + LIMIT;
        let data = loop {
            let (_, page) = served.get("/admin/v1/audit?limit=500").await;
            let data = page["data"].as_array().expect("a list").clone();
            if data.len() == asked {
                break data;
            }
            assert!(tokio::time::Instant::now() < deadline, "{asked} {page}");
            tokio::task::yield_now().await;
        };
        for action in [
            AuditAction::InstallationAdd,
            AuditAction::InstallationStart,
            AuditAction::InstallationStop,
            AuditAction::MessageSend,
            AuditAction::FileUpload,
            AuditAction::FaultInject,
            AuditAction::TokenCreate,
            AuditAction::TokenRevoke,
            AuditAction::RetentionChange,
            AuditAction::PersonErase,
        ] {
            let kept = data.iter().find(|entry| entry["action"] == action.label());
            let kept = kept.unwrap_or_else(|| panic!("{action} is missing: {data:?}"));
            assert_eq!(kept["token"], served.token.id().to_string());
            assert_eq!(
                (&kept["name"], &kept["space"]),
                (&json!("test"), &json!("default"))
            );
        }
        let of = |action: &str| data.iter().find(|entry| entry["action"] == action).cloned();
        let stopped = of("installation.stop").expect("it was asked for");
        assert_eq!(
            (&stopped["subject"], &stopped["result"]),
            (&json!("a"), &json!("done"))
        );
        let revoked = of("token.revoke").expect("it was asked for");
        assert_eq!(revoked["result"], "not_found");
        // Newest first, page by page.
        let (_, first) = served.get("/admin/v1/audit?limit=2").await;
        let next = first["next"].as_str().expect("there is more");
        let (_, second) = served
            .get(&format!("/admin/v1/audit?limit=2&after={next}"))
            .await;
        assert_eq!(second["data"][0], data[2]);
        assert_eq!(served.get("/admin/v1/audit?limit=0").await.0, 400);
    });
}
