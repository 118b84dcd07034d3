//! What operators do: they make actors panic, add bots, and look at everything.

use longwire_sim::Sim;
use longwire_tests::{Gateway, app_id};
use serde_json::{Value, json};

use super::marks::{
    BOT_SECRET, CALLBACK_KEY, CALLBACK_TOKEN, PROXY_PASSWORD, SECRET, TICKET, WRONG_SECRET,
};
use super::seen::Seen;

pub(super) fn actors_panic(gateway: &Gateway) {
    for (count, actor) in ["assembler", "pinger", "socket", "installation"]
        .iter()
        .enumerate()
    {
        gateway.wait_live("by-variable");
        let request = json!({ "actor": actor, "fault": "panic" });
        let path = "/admin/v1/installations/by-variable/fault";
        let answer = gateway
            .admin()
            .post(path, Some(&request))
            .expect("the admin interface answers");
        assert_eq!(answer.status, 202, "{}", answer.body);
        gateway.wait_overview("the panic is counted", |overview| {
            overview["connections"]["panics"].as_u64() > Some(count as u64)
        });
    }
    gateway.wait_live("by-variable");
}

/// Adds bots with their secrets, by valid and invalid requests.
pub(super) fn operators_add_bots(gateway: &Gateway, sim: &Sim, seen: &mut Seen) {
    let request = json!({
        "name": "by-request", "platform": "feishu", "app_id": app_id("by-request"), "app_secret": SECRET,
        "base_url": sim.base_url(), "proxy": format!("http://gate:{}@127.0.0.1:1", PROXY_PASSWORD.replace('/', "%2F")),
        "desired": "run", "probe": false,
    });
    let with = |key: &str, value: Value| {
        let mut request = request.clone();
        request[key] = value;
        request
    };
    for (request, status) in [
        (with("surprise", json!(SECRET)), 400),
        (with("desired", json!(SECRET)), 400),
        (with("app_secret", json!([SECRET])), 400),
        (
            with(
                "proxy",
                json!(format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1")),
            ),
            400,
        ),
        (
            with(
                "base_url",
                json!(format!("https://gate:{TICKET}@127.0.0.1")),
            ),
            400,
        ),
        // Nobody listens at its proxy, and so at the platform.
        (with("probe", json!(true)), 424),
        (request.clone(), 201),
        (request.clone(), 409),
    ] {
        let answer = gateway
            .admin()
            .post("/admin/v1/installations", Some(&request))
            .expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        // What was sent as a wanted state is no secret, and is told back.
        if request["desired"] == "run" {
            seen.text("POST /admin/v1/installations", &answer.body);
        }
    }
    gateway.wait_installation("by-request", "tried", |view| {
        view["reason"] == "unreachable"
    });
    let app = app_id("by-command");
    let base_url = sim.base_url();
    let add = [
        "installations",
        "add",
        "by-command",
        "--app-id",
        &app,
        "--base-url",
        &base_url,
        "--secret-stdin",
    ];
    seen.command(gateway, &add, &format!("{SECRET}\n"), 0);
    gateway.wait_live("by-command");
    seen.command(gateway, &add, &format!("{SECRET}\n"), 1);
    operators_add_wecom_bots(gateway, seen);
    operators_change_bots(gateway, seen);
}

/// Changes bots with their secrets, by valid and invalid requests, and renews the key that seals them.
fn operators_change_bots(gateway: &Gateway, seen: &mut Seen) {
    let change = |name: &str, patch: Value, status: u16, seen: &mut Seen| {
        let path = format!("/v1/installations/{name}");
        let answer = gateway.admin().patch(&path, &patch).expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        seen.text(&format!("PATCH {path}"), &answer.body);
    };
    let secrets = json!({"app_secret": WRONG_SECRET, "encrypt_key": CALLBACK_KEY, "verification_token": CALLBACK_TOKEN});
    for (patch, status) in [
        (json!({"encrypt_key": [CALLBACK_KEY]}), 400),
        (json!({"encrypt_key": format!("{CALLBACK_KEY} ")}), 400),
        (json!({"verification_token": {CALLBACK_TOKEN: 1}}), 400),
        (json!({"mode": CALLBACK_KEY}), 400),
        (json!({"surprise": SECRET}), 400),
        (json!({"secret": SECRET}), 400),
        (
            json!({"proxy": format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1")}),
            400,
        ),
        (
            json!({"base_url": format!("https://gate:{TICKET}@127.0.0.1")}),
            400,
        ),
        (secrets.clone(), 200),
    ] {
        change("by-request", patch, status, seen);
    }
    change("by-file", secrets, 409, seen);
    change(
        "wecom-by-request",
        json!({"encrypt_key": CALLBACK_KEY}),
        400,
        seen,
    );
    for (arguments, input, code) in [
        (
            &["set", "by-command", "--encrypt-key-file", "callback.key"][..],
            "",
            0,
        ),
        (&["set", "by-command", "--secret-stdin"], SECRET, 0),
        (&["set", "by-file", "--secret-stdin"], SECRET, 1),
    ] {
        seen.command(
            gateway,
            &[&["installations"], arguments].concat(),
            input,
            code,
        );
    }
    seen.command(gateway, &["secrets", "rotate"], "", 0);
    gateway.wait_live("by-command");
}

/// Adds bots whose address has no listener, so that their secret is unsealed for each attempt and sent to no one.
fn operators_add_wecom_bots(gateway: &Gateway, seen: &mut Seen) {
    let nowhere = "wss://127.0.0.1:1";
    let request = json!({
        "name": "wecom-by-request", "platform": "wecom", "bot_id": "aib1", "secret": BOT_SECRET,
        "base_url": nowhere, "take_back_after": "10m", "take_back_per_day": 3, "probe": false,
    });
    let with = |key: &str, value: Value| {
        let mut request = request.clone();
        request[key] = value;
        request
    };
    for (request, status) in [
        (with("surprise", json!(BOT_SECRET)), 400),
        (with("app_secret", json!(BOT_SECRET)), 400),
        (with("secret", json!([BOT_SECRET])), 400),
        (with("take_back_after", json!(BOT_SECRET)), 400),
        (with("take_back_per_day", json!(BOT_SECRET)), 400),
        (
            with("base_url", json!(format!("wss://aib1:{TICKET}@127.0.0.1"))),
            400,
        ),
        (request.clone(), 201),
        (request.clone(), 409),
    ] {
        let answer = gateway
            .admin()
            .post("/admin/v1/installations", Some(&request))
            .expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        seen.text("POST /admin/v1/installations", &answer.body);
    }
    let add = [
        "installations",
        "add",
        "wecom-by-command",
        "--bot-id",
        "aib2",
        "--base-url",
        nowhere,
        "--secret-stdin",
        "--no-probe",
    ];
    seen.command(gateway, &add, &format!("{BOT_SECRET}\n"), 0);
    seen.command(gateway, &add, &format!("{BOT_SECRET}\n"), 1);
    // The secret is forgotten.
    let forgotten = [
        "installations",
        "add",
        "nobody",
        "--bot-id",
        "aib3",
        "--secret-stdin",
    ];
    seen.command(gateway, &forgotten, "\n", 2);
    for name in ["wecom-by-request", "wecom-by-command"] {
        gateway.wait_installation(name, "tried", |view| view["reason"].is_string());
    }
}

/// Makes a token, uses it, and presents what is nearly one.
pub(super) fn operators_make_tokens(gateway: &Gateway, seen: &mut Seen) {
    seen.token(&gateway.token());
    let admin = gateway.admin();
    let request = json!({ "name": "shop", "scopes": ["installations:read"] });
    let made = admin.post("/admin/v1/tokens", Some(&request));
    let made = made.expect("the admin interface answers").json();
    let text = made["token"].as_str().expect("it is shown once").to_owned();
    seen.token(&text);
    seen.text("what is kept of a token", &made["kept"].to_string());
    let shop = admin.with_token(&text);
    let refused = shop.get("/admin/v1/overview").expect("it answers");
    assert_eq!(refused.status, 403, "{}", refused.body);
    seen.text("a refused scope", &refused.body);
    let last = if text.ends_with('0') { "1" } else { "0" };
    let mistyped = format!("{}{last}", &text[..text.len() - 1]);
    let revoke = format!(
        "/admin/v1/tokens/{}/revoke",
        made["kept"]["id"].as_str().expect("an id")
    );
    let revoked = admin.post(&revoke, None).expect("it answers");
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    for (what, token) in [("a revoked token", &text), ("a mistyped token", &mistyped)] {
        let refused = admin.with_token(token).get("/admin/v1/installations");
        let refused = refused.expect("it answers");
        assert_eq!(refused.status, 401, "{what}: {}", refused.body);
        seen.text(what, &refused.body);
    }
    seen.command(gateway, &["tokens", "list"], "", 0);
    seen.command(gateway, &["tokens", "list", "-o", "json"], "", 0);
}

/// Reads every page, probe and command.
pub(super) fn everything_is_looked_at(gateway: &Gateway, seen: &mut Seen) {
    let admin = gateway.admin();
    let mut paths: Vec<String> = [
        "/livez",
        "/readyz",
        "/metrics",
        "/admin/v1/overview",
        "/admin/v1/tree",
        "/admin/v1/tree?unfold=/fleet",
        "/admin/v1/actors?limit=500",
        "/admin/v1/installations?limit=500",
        "/admin/v1/tokens",
        "/admin/v1/audit?limit=500",
        "/v1/installations?limit=500",
        "/openapi.json",
        "/problems",
    ]
    .map(str::to_owned)
    .to_vec();
    let names: Vec<String> = gateway
        .installations()
        .iter()
        .filter_map(|view| view["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names.len(), 13, "{names:?}");
    paths.extend(
        names
            .iter()
            .map(|name| format!("/admin/v1/installations/{name}")),
    );
    for path in &paths {
        let answer = admin.get(path).expect("the admin interface answers");
        assert!(answer.status < 500, "GET {path}: {}", answer.body);
        seen.text(&format!("GET {path}"), &answer.body);
    }
    let actors = admin.json("/admin/v1/actors?limit=500");
    for actor in actors["data"].as_array().into_iter().flatten() {
        let path = actor["path"].as_str().unwrap_or_default();
        seen.text(
            &format!("the words of {path}"),
            &gateway.inspect(path).to_string(),
        );
    }
    seen.command(gateway, &["installations", "list"], "", 0);
    seen.command(gateway, &["installations", "list", "-o", "json"], "", 0);
    for name in &names {
        seen.command(gateway, &["installations", "show", name], "", 0);
        seen.command(
            gateway,
            &["installations", "show", name, "-o", "json"],
            "",
            0,
        );
    }
    seen.command(gateway, &["events", "tail", "--from-start"], "", 0);
    seen.command(gateway, &["events", "tail", "-o", "json"], "", 0);
    // Most bots are in trouble, so both have findings.
    seen.command(gateway, &["check", "--online"], "", 7);
    seen.command(gateway, &["check", "--online", "-o", "json"], "", 7);
}
