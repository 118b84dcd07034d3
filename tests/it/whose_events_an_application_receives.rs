//! An application receives the events of its own space and bots, also those that waited while the gateway was away.

use std::collections::BTreeSet;

use longwire_sim::{Control, Sim};
use longwire_tests::{
    Gateway, SECRET, Setup, Webhook, WebhookAnswer, app_id, message_of, platform, until_answered,
    wait_until,
};
use serde_json::{Value, json};

/// Events of each bot that wait when the gateway is killed.
const BACKLOG: usize = 20;

/// Bots besides that are stopped. The gateway takes them up one after the other, and delivers meanwhile.
const STOPPED: usize = 400;

/// An installation's id and a text.
type Arrived = BTreeSet<(String, String)>;

/// A token for everything in this space.
fn token(gateway: &Gateway, space: &str) -> String {
    let scopes = [
        "events:read",
        "consumers:read",
        "consumers:write",
        "installations:read",
        "installations:write",
    ];
    let request = json!({"name": format!("owner-{space}"), "scopes": scopes, "space": space});
    let made = gateway.admin().post("/admin/v1/tokens", Some(&request));
    let made = made.expect("it answers");
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["token"].as_str().expect("a token").to_owned()
}

/// Adds a bot of the platform to the token's space; returns its id.
fn add_bot(gateway: &Gateway, token: &str, sim: &Sim, name: &str) -> String {
    let request = json!({"name": name, "platform": "feishu", "app_id": app_id(name), "app_secret": SECRET,
        "base_url": sim.base_url()});
    let admin = gateway.admin().with_token(token);
    let added = admin.post("/admin/v1/installations", Some(&request));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
    wait_live(gateway, token, name);
    added.json()["id"].as_str().expect("an id").to_owned()
}

/// Adds a bot that is not to run to the token's space.
fn add_stopped(gateway: &Gateway, token: &str, name: &str) {
    let request = json!({"name": name, "platform": "feishu", "app_id": app_id(name), "app_secret": SECRET,
        "desired": "stop", "probe": false});
    let admin = gateway.admin().with_token(token);
    let added = admin.post("/admin/v1/installations", Some(&request));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
}

/// The bot is live, as its space sees it.
fn wait_live(gateway: &Gateway, token: &str, name: &str) {
    let admin = gateway.admin().with_token(token);
    let path = format!("/admin/v1/installations/{name}");
    wait_until("the bot is live", || match &admin.json(&path)["state"] {
        live if live == "live" => Ok(()),
        other => Err(other.to_string()),
    });
}

/// Adds a consumer to the token's space, whose application is away. Returns the port at which it will be.
fn subscribe(gateway: &Gateway, token: &str, name: &str, installations: &[&str]) -> u16 {
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let mut filter = json!({"types": ["feishu.*"]});
    if !installations.is_empty() {
        filter["installations"] = json!(installations);
    }
    let definition = json!({"name": name, "road": {"kind": "webhook", "url": application.url()}, "filter": filter});
    let public = gateway.public().with_token(token);
    let added = public.post("/v1/consumers", Some(&definition));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
    application.port()
}

/// Pushes messages to a bot; their texts are its name and their numbers.
fn say(control: &Control, bot: &str, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let text = format!("{bot}{number}");
        let message = message_of(&format!("evt-{text}"), &format!("om-{text}"), &text);
        control.push(&app_id(bot), message);
    }
}

/// What these bots said.
fn said(bots: &[(&str, &str)], events: usize) -> Arrived {
    let of_bot = |(bot, id): &(&str, &str)| {
        let text = |number| ((*id).to_owned(), format!("{bot}{number}"));
        (0..events).map(text).collect::<Vec<_>>()
    };
    bots.iter().flat_map(of_bot).collect()
}

fn arrived(application: &Webhook) -> Arrived {
    let delivered = application.delivered();
    let word = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let facts = delivered.iter().map(|delivered| {
        let text = delivered.text().unwrap_or("none").to_owned();
        (word(&delivered.envelope["installationid"]), text)
    });
    facts.collect()
}

#[test]
fn a_backlog_is_delivered_to_whom_it_belongs_after_a_kill() {
    let sim = platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::new(&sim)
        .set("webhooks.allow_networks", vec!["loopback"])
        .start();
    let (shop, school) = (token(&gateway, "default"), token(&gateway, "school"));
    for number in 0..STOPPED {
        add_stopped(&gateway, &shop, &format!("stopped{number}"));
    }
    let till = add_bot(&gateway, &shop, &sim, "till");
    let store = add_bot(&gateway, &shop, &sim, "store");
    let teacher = add_bot(&gateway, &school, &sim, "teacher");
    let bots = [("till", &shop), ("store", &shop), ("teacher", &school)];
    // Whose it is, and what it has to receive.
    let consumers = [
        (
            "all",
            &shop,
            vec![],
            vec![("till", &*till), ("store", &*store)],
        ),
        ("one", &shop, vec![&*store], vec![("store", &*store)]),
        ("other", &school, vec![], vec![("teacher", &*teacher)]),
    ];
    let owed = consumers.map(|(name, token, installations, bots)| {
        (name, subscribe(&gateway, token, name, &installations), bots)
    });
    for (bot, _) in bots {
        say(&control, bot, 0..BACKLOG);
    }
    until_answered(&control);
    gateway.kill();
    let applications =
        owed.map(|(name, port, bots)| (name, Webhook::at(port, |_| WebhookAnswer::OK), bots));
    gateway.restart();
    for (bot, token) in bots {
        wait_live(&gateway, token, bot);
        // The last ones: what is to come before them, of the same chat, has come by then.
        say(&control, bot, BACKLOG..BACKLOG + 1);
    }
    for (name, application, bots) in &applications {
        let all = said(bots, BACKLOG + 1);
        wait_until(&format!("{name} has everything"), || {
            let arrived = arrived(application);
            if arrived.len() >= all.len() {
                return Ok(());
            }
            Err(format!("{arrived:?}"))
        });
        assert_eq!(arrived(application), all, "{name}");
    }
}
