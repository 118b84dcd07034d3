//! Who has a valid token may ask, and for what its scopes say. The first token is found by commands on the same host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use longwire_tests::{Ended, Gateway, Setup, app_id, longwire, platform, wait_until};
use serde_json::Value;

/// Runs a command beside the gateway, with these variables besides.
fn command(gateway: &Gateway, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    let environment = [&[("LONGWIRE_ADMIN_URL", server.as_str())], environment].concat();
    longwire(gateway.directory(), arguments, &environment, "")
}

#[test]
fn probes_are_open_and_all_else_wants_a_token() {
    let gateway = Setup::without_platform().start();
    for listener in [gateway.public(), gateway.admin()] {
        let stranger = listener.without_token();
        for (path, status) in [
            ("/livez", 200),
            ("/readyz", 200),
            ("/metrics", 200),
            ("/v1/events", 401),
            ("/admin/v1/overview", 401),
            ("/nothing", 401),
        ] {
            let answer = stranger.get(path).expect("it answers");
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
        }
    }
    let admin = gateway.admin();
    assert_eq!(
        admin.get("/admin/v1/overview").expect("it answers").status,
        200
    );
    assert_eq!(admin.get("/nothing").expect("it answers").status, 404);
    // A store of an earlier version, or none at all: the first token is made at the start, and said once.
    let said = gateway.log().entries().into_iter();
    let said = said.filter(|entry| entry["file"].is_string()).count();
    assert_eq!(said, 1, "{}", gateway.log().tail());
    let file = gateway.directory().join("longwire.db.token");
    let mode = fs::metadata(file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_token_is_made_used_and_revoked_at_once() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).bot("robot").start();
    gateway.wait_live("robot");
    let create = [
        "tokens",
        "create",
        "shop",
        "--scope",
        "installations:read",
        "--installation",
        "robot",
        "--expires",
        "90d",
    ];
    let made = command(&gateway, &create, &[]);
    made.assert(0, &["is made"]);
    let text = made.output.trim().to_owned();
    assert!(!made.errors.contains(&text), "it is printed once");
    let shop = gateway.admin().with_token(&text);
    assert_eq!(
        shop.json("/admin/v1/installations")["data"][0]["name"],
        "robot"
    );
    for (path, status) in [("/admin/v1/overview", 403), ("/admin/v1/tokens", 403)] {
        assert_eq!(shop.get(path).expect("it answers").status, status, "{path}");
    }
    let stop = shop.post("/admin/v1/installations/robot/stop", None);
    assert_eq!(stop.expect("it answers").json()["code"], "scope_missing");
    let tokens = |gateway: &Gateway| -> Vec<Value> {
        let listed = command(gateway, &["tokens", "list", "-o", "json"], &[]).json();
        listed["data"].as_array().expect("a list").clone()
    };
    wait_until("its use is kept", || {
        let listed = tokens(&gateway);
        match &listed[1]["last_used"] {
            Value::Null => Err(format!("{listed:?}")),
            _ => Ok(()),
        }
    });
    let id = tokens(&gateway)[1]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    command(&gateway, &["tokens", "revoke", &id], &[]).assert(0, &["is revoked"]);
    let refused = shop.get("/admin/v1/installations").expect("it answers");
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (401, &"token_refused".into())
    );
    // Also after a restart, and by command.
    gateway.kill();
    gateway.restart();
    let shop = gateway.admin().with_token(&text);
    assert_eq!(
        shop.get("/admin/v1/installations")
            .expect("it answers")
            .status,
        401
    );
    let revoke = ["tokens", "revoke", &id];
    command(&gateway, &revoke, &[("LONGWIRE_TOKEN", &text)]).assert(1, &["--token-file"]);
    let audit = gateway.admin().json("/admin/v1/audit");
    let actions = audit["data"].as_array().expect("a list").iter();
    let actions: Vec<_> = actions
        .map(|entry| (&entry["action"], &entry["subject"]))
        .collect();
    for action in ["token.create", "token.revoke"] {
        assert!(
            actions.contains(&(&action.into(), &id.as_str().into())),
            "{actions:?}"
        );
    }
}

#[test]
fn a_command_says_which_token_it_lacks() {
    let gateway = Setup::without_platform().start();
    let file = gateway.directory().join("longwire.db.token");
    let other = gateway.directory().join("other");
    fs::rename(&file, &other).expect("it is there");
    let add = |more: &[&str], environment: &[(&str, &str)]| {
        let app = app_id("a");
        let add = [
            "installations",
            "add",
            "a",
            "--app-id",
            &app,
            "--secret-file",
            "other",
            "--no-probe",
        ];
        command(&gateway, &[&add, more].concat(), environment)
    };
    add(&[], &[]).assert(1, &["longwire.db.token", "is missing", "tokens create"]);
    add(&[], &[("LONGWIRE_TOKEN", "lw_nonsense")]).assert(1, &["LONGWIRE_TOKEN holds no token"]);
    let nowhere = add(&["--token-file", "nowhere"], &[]);
    nowhere.assert(1, &["nowhere is missing"]);
    add(&["--token-file", "longwire.toml"], &[]).assert(1, &["holds no token"]);
    add(&["--token-file", "other"], &[]).assert(0, &["kept"]);
    fs::rename(&other, &file).expect("it is there");
}

#[test]
fn who_has_lost_every_token_makes_another_one_while_the_server_is_stopped() {
    let mut gateway = Setup::without_platform().start();
    gateway.kill();
    let directory = gateway.directory().to_owned();
    let (file, lost) = (directory.join("longwire.db.token"), directory.join("lost"));
    fs::rename(&file, &lost).expect("it is there");
    let run = |arguments: &[&str]| longwire(&directory, arguments, &[], "");
    run(&["tokens", "revoke", "0000000000000000"]).assert(6, &["there is no token"]);
    let made = run(&[
        "tokens",
        "create",
        "again",
        "--scope",
        "admin:read,tokens:write",
    ]);
    made.assert(0, &["is made"]);
    let other = run(&[
        "tokens", "create", "other", "--scope", "relay", "-o", "json",
    ])
    .json();
    let id = other["kept"]["id"].as_str().expect("an id").to_owned();
    run(&["tokens", "revoke", &id]).assert(0, &["is revoked"]);
    // The story itself asks with the first one.
    fs::rename(&lost, &file).expect("it is there");
    gateway.restart();
    let again = gateway.admin().with_token(&made.output);
    let listed = again.json("/admin/v1/tokens")["data"].take();
    let states = listed.as_array().expect("a list").iter();
    let states: Vec<_> = states
        .map(|token| (&token["name"], &token["state"]))
        .collect();
    let token = |name: &'static str, state: &'static str| (Value::from(name), Value::from(state));
    let wanted = [
        token("admin", "valid"),
        token("again", "valid"),
        token("other", "revoked"),
    ];
    let states: Vec<_> = states
        .into_iter()
        .map(|(name, state)| (name.clone(), state.clone()))
        .collect();
    assert_eq!(states, wanted);
    // What the commands did without a server is in the audit, and so is the first token.
    let audit = again.json("/admin/v1/audit")["data"].take();
    let by_command = audit.as_array().expect("a list").iter();
    let by_command = by_command.filter(|entry| entry["name"] == "cli").count();
    assert_eq!(by_command, 4, "{audit}");
}
