//! A client of AuraK's bot API: what its controller answers, as its own tests ask for it.

use longwire_sim::{Behaviour, Control, Sim};
use longwire_tests::{
    Admin, Gateway, SECRET, Setup, app_id, message, platform, until_answered, wait_until,
};
use serde_json::{Value, json};

use super::without_times;

/// Asks as AuraK's clients do, and compares bodies.
#[derive(Clone, Copy)]
struct Client(Admin);

impl Client {
    /// `POST /api/feishu/bots/{id}/ws/{verb}`.
    #[track_caller]
    fn switch(self, id: &str, verb: &str) -> (u16, String) {
        let path = format!("/api/feishu/bots/{id}/ws/{verb}");
        let answer = self.0.post(&path, None).expect("it answers");
        (answer.status, answer.body)
    }

    /// `GET /api/feishu/{path}`.
    #[track_caller]
    fn get(self, path: &str) -> (u16, String) {
        let path = format!("/api/feishu/{path}");
        let answer = self.0.get(&path).expect("it answers");
        (answer.status, without_times(&answer.body))
    }

    #[track_caller]
    fn status(self, id: &str) -> (u16, String) {
        self.get(&format!("bots/{id}/ws/status"))
    }

    /// Asks until the bot has this state, as the page of AuraK does.
    #[track_caller]
    fn until(self, id: &str, state: &str) -> String {
        wait_until(&format!("{id} is {state}"), || {
            let (_, body) = self.status(id);
            let shown: Value = serde_json::from_str(&body).expect("JSON");
            match shown["state"] == state {
                true => Ok(body.clone()),
                false => Err(body),
            }
        })
    }
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

fn refused(body: &str) -> (u16, String) {
    (400, body.to_owned())
}

/// Adds a bot as a program would, with its callbacks verified by a token.
#[track_caller]
fn add(gateway: &Gateway, sim: &Sim, name: &str, more: &Value) -> String {
    let mut request = json!({"name": name, "platform": "feishu", "app_id": app_id(name), "app_secret": SECRET,
        "base_url": sim.base_url(), "verification_token": "v-token"});
    let more = more.as_object().expect("an object");
    request
        .as_object_mut()
        .expect("an object")
        .extend(more.clone());
    let added = gateway
        .admin()
        .post("/admin/v1/installations", Some(&request));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
    wait_until("the fleet knows it", || {
        let view = gateway.installation(name);
        match view.is_null() {
            false => Ok(()),
            true => Err(String::new()),
        }
    });
    added.json()["id"].as_str().expect("an id").to_owned()
}

fn connections(control: &Control, name: &str) -> usize {
    control.connections(Some(&app_id(name))).len()
}

/// S71 to S79, S99, S105, S113, S128 to S130, S135, S136, S140: connect, disconnect, and what is shown meanwhile.
#[test]
fn a_bot_is_connected_and_disconnected() {
    let sim = platform(|_| ());
    let mut gateway = Setup::new(&sim).set("compat.aurak", true).start();
    let id = add(&gateway, &sim, "support", &json!({"mode": "webhook"}));
    let client = Client(gateway.public());
    let disconnected = ok(&format!(r#"{{"botId":"{id}","state":"disconnected"}}"#));
    let connecting = ok(&format!(
        r#"{{"success":true,"botId":"{id}","status":"connecting"}}"#
    ));
    let stopped = ok(&format!(
        r#"{{"success":true,"botId":"{id}","status":"disconnected"}}"#
    ));
    let connected = format!(
        r#"{{"botId":"{id}","state":"connected","connectedAt":"TIME","lastHeartbeat":"TIME"}}"#
    );
    // A bot that was never connected.
    assert_eq!(client.status(&id), disconnected);
    assert_eq!(client.switch(&id, "disconnect"), stopped);
    assert_eq!(client.switch(&id, "connect"), connecting);
    let (_, soon) = client.status(&id);
    assert!(
        [r#""connecting"}"#, r#""connected","#]
            .iter()
            .any(|state| soon.contains(state)),
        "{soon}"
    );
    assert_eq!(client.until(&id, "connected"), connected);
    // Asking twice changes nothing, and the connection stays.
    assert_eq!(client.switch(&id, "connect"), connecting);
    assert_eq!(client.status(&id), ok(&connected));
    assert_eq!(connections(&sim.control(), "support"), 1);
    assert_eq!(
        client.get("ws/status"),
        ok(&format!(
            r#"{{"connections":[{{"botId":"{id}","state":"connected","connectedAt":"TIME"}}]}}"#
        ))
    );
    // A message is received.
    sim.control()
        .push(&app_id("support"), message("evt-1", "om-1"));
    assert_eq!(until_answered(&sim.control()).acked, 1);
    // What was asked for outlives the process.
    gateway.kill();
    gateway.restart();
    let client = Client(gateway.public());
    assert_eq!(client.until(&id, "connected"), connected);
    assert_eq!(client.switch(&id, "disconnect"), stopped);
    assert_eq!(client.status(&id), disconnected);
    wait_until("the socket is closed", || {
        match connections(&sim.control(), "support") {
            0 => Ok(()),
            open => Err(open.to_string()),
        }
    });
    assert_eq!(client.switch(&id, "disconnect"), stopped);
    gateway.kill();
    gateway.restart();
    let client = Client(gateway.public());
    assert_eq!(client.status(&id), disconnected);
    assert_eq!(
        client.get("ws/status"),
        ok(&format!(
            r#"{{"connections":[{{"botId":"{id}","state":"disconnected"}}]}}"#
        ))
    );
}

/// S76, S93, S128, S131, S132, S138, S246: a bot that is unknown, another's or disabled.
#[test]
fn a_bot_that_is_not_ones_own_is_not_there() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim).set("compat.aurak", true).bot("support");
    let gateway = setup.start();
    gateway.wait_live("support");
    let id = gateway.installation("support")["id"].clone();
    let id = id.as_str().expect("an id");
    let request = json!({"name": "other", "space": "other",
        "scopes": ["installations:read", "installations:write"]});
    let made = gateway.admin().post("/admin/v1/tokens", Some(&request));
    let made = made.expect("it answers").json();
    let token = made["token"].as_str().expect("a token");
    let stranger = Client(gateway.public().with_token(token));
    let owner = Client(gateway.public());
    let unknown = refused(r#"{"success":false,"error":"Bot not found"}"#);
    for (client, id) in [(stranger, id), (stranger, "support"), (owner, "bot_xxx")] {
        for verb in ["connect", "disconnect"] {
            assert_eq!(client.switch(id, verb), unknown, "{id} {verb}");
        }
        assert_eq!(client.status(id), unknown, "{id}");
    }
    assert_eq!(stranger.get("ws/status"), ok(r#"{"connections":[]}"#));
    assert_eq!(stranger.get("bots"), ok("[]"));
    assert_eq!(gateway.installation("support")["state"], "live");
    // Without a token nobody learns of a path.
    let nobody = Client(gateway.public().without_token());
    assert_eq!(nobody.switch(id, "connect").0, 401);
    assert_eq!(nobody.get("ws/status").0, 401);
    // A bot with a webhook that an operator has stopped.
    add(
        &gateway,
        &sim,
        "stopped",
        &json!({"mode": "both", "desired": "stop"}),
    );
    let disabled = refused(r#"{"success":false,"error":"Bot not found or disabled"}"#);
    assert_eq!(owner.switch("stopped", "connect"), disabled);
    let (status, body) = owner.switch("stopped", "disconnect");
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            r#"{"success":true,"botId":"stopped","status":"disconnected"}"#
        )
    );
    // The audit tells of it.
    let audit = gateway.admin().json("/admin/v1/audit");
    let entries = audit["data"].as_array().expect("a list");
    let told = entries.iter().any(|entry| {
        (&entry["action"], &entry["subject"]) == (&json!("installation.start"), &json!(id))
    });
    assert!(told, "{audit}");
}

/// S80, S81, S107: the list has the state of each connection, and pages.
#[test]
fn bots_are_listed_with_their_connection() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim).set("compat.aurak", true);
    let gateway = setup.bot("one").start();
    gateway.wait_live("one");
    let two = add(&gateway, &sim, "two", &json!({"mode": "webhook"}));
    let client = Client(gateway.public());
    let one = gateway.installation("one")["id"].clone();
    let one = one.as_str().expect("an id");
    let listed = |id: &str, name: &str, uses: bool, state: &str| {
        let app = app_id(name);
        format!(
            r#"{{"id":"{id}","name":"{name}","appId":"{app}","enabled":true,"useWebSocket":{uses},"wsConnectionState":{state}}}"#
        )
    };
    let one = listed(one, "one", true, r#""connected""#);
    let two = listed(&two, "two", false, "null");
    assert_eq!(client.get("bots"), ok(&format!("[{one},{two}]")));
    assert_eq!(client.get("bots?page=1&limit=1"), ok(&format!("[{one}]")));
    assert_eq!(client.get("bots?page=2&limit=1"), ok(&format!("[{two}]")));
    assert_eq!(client.get("bots?page=3&limit=1"), ok("[]"));
    assert_eq!(client.get("bots?page=0").0, 400);
    let answer = gateway.public().get("/api/feishu/bots?page=2&limit=1");
    let headers = answer.expect("it answers").headers;
    let total = headers.iter().find(|(name, _)| name == "x-total-count");
    assert_eq!(total.map(|(_, value)| value.as_str()), Some("2"));
}

/// S88, S116, S137: a secret that the platform refuses is an error, with its reason, in both shapes.
#[test]
fn a_refused_secret_is_an_error() {
    let sim = platform(|_| ());
    let refusal = Behaviour::BootstrapAnswer {
        code: 514,
        msg: "auth failed".to_owned(),
        data: Default::default(),
    };
    sim.control().behaviour(Some(&app_id("support")), refusal);
    let setup = Setup::new(&sim).set("compat.aurak", true);
    let gateway = setup.bot("support").start();
    gateway.expect_error("refused by the platform");
    let client = Client(gateway.public());
    let shown = client.until("support", "error");
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let error = shown["error"].as_str().expect("a text");
    assert_eq!(
        shown,
        json!({"botId": "support", "state": "error", "error": error})
    );
    let (_, all) = client.get("ws/status");
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(all["connections"][0]["error"], *error);
}
