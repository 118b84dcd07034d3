//! Old events go, nobody is left in the dark about it, and what names a person can be erased.

use std::fs;

use longwire_sim::Control;
use longwire_tests::{
    Gateway, Setup, Webhook, WebhookAnswer, app_id, longwire, message, message_of, platform,
    until_answered, wait_until,
};
use serde_json::{Value, json};

const BOT: &str = "a";

/// Pushes messages with these numbers, and waits until each has its answer.
fn push(control: &Control, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let text = format!("text-{number}");
        let event = message_of(&format!("evt-{number}"), &format!("om-{number}"), &text);
        control.push(&app_id(BOT), event);
    }
    until_answered(control);
}

/// What the janitor says of itself.
fn retention(gateway: &Gateway) -> Value {
    gateway.admin().json("/admin/v1/retention")
}

/// Waits until the oldest event that is kept has at least this number.
#[track_caller]
fn until_oldest(gateway: &Gateway, least: i64) -> Value {
    wait_until("old events are gone", || {
        let now = retention(gateway);
        match now["oldest_seq"].as_i64() {
            Some(oldest) if oldest >= least => Ok(now),
            _ => Err(now.to_string()),
        }
    })
}

/// Adds the consumer `orders` for this application, and pauses it.
#[track_caller]
fn add_paused(gateway: &Gateway, application: &Webhook) {
    let definition = json!({"name": "orders", "road": {"kind": "webhook", "url": application.url()},
        "filter": {"types": ["feishu.*"]}});
    let added = gateway.public().post("/v1/consumers", Some(&definition));
    let added = added.expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
    tell_consumer(gateway, "pause");
}

#[track_caller]
fn tell_consumer(gateway: &Gateway, verb: &str) {
    let path = format!("/v1/consumers/orders/{verb}");
    let told = gateway.public().post(&path, None).expect("it answers");
    assert!(told.status < 300, "{}", told.body);
}

/// Runs a command beside the gateway.
#[track_caller]
fn command(gateway: &Gateway, arguments: &[&str]) -> longwire_tests::Ended {
    let admin = format!("http://{}", gateway.admin().address());
    let token = gateway.token();
    let environment = [("LONGWIRE_ADMIN_URL", &*admin), ("LONGWIRE_TOKEN", &*token)];
    longwire(gateway.directory(), arguments, &environment, "")
}

#[test]
fn old_events_go_and_readers_are_told_where_to_go_on() {
    let sim = platform(|_| ());
    let control = &sim.control();
    let gateway = Setup::new(&sim)
        .bot(BOT)
        .set("retention.keep", "forever")
        .set("retention.events", 40)
        .start();
    gateway.wait_live(BOT);
    push(control, 1..=5);
    let public = gateway.public();
    let early = public.json("/v1/events?limit=3");
    let (cursor, id) = (early["next"].clone(), early["data"][0]["id"].clone());
    let (cursor, id) = (
        cursor.as_str().expect("a cursor"),
        id.as_str().expect("an id"),
    );
    push(control, 6..=100);
    let now = until_oldest(&gateway, 55);
    assert!(now["events_gone"].as_u64() >= Some(50), "{now}");
    // A cursor into what is gone is no empty page, nor a jump.
    for path in [
        format!("/v1/events?after={cursor}"),
        format!("/v1/events?after={id}"),
        format!("/v1/events/{id}"),
        format!("/v1/events/{id}/journey"),
    ] {
        let refused = public.get(&path).expect("it answers");
        assert_eq!(refused.status, 410, "{path}: {}", refused.body);
        assert_eq!(refused.json()["code"], "events_expired");
        let next = refused.json()["next"]
            .as_str()
            .expect("a cursor")
            .to_owned();
        let page = public.json(&format!("/v1/events?after={next}&limit=1"));
        assert!(page["data"][0]["seq"].as_i64() >= Some(50), "{page}");
    }
    // Without a cursor a reader begins with what is kept.
    let page = public.json("/v1/events?limit=500");
    let kept = page["data"].as_array().expect("a list").len();
    assert!((30..=45).contains(&kept), "{kept}");
    // The platform repeats an event that is gone, and it is recognized.
    control.push(&app_id(BOT), message("evt-3", "om-3"));
    until_answered(control);
    let repeats = gateway.overview()["events"]["repeats_by_event_id"].clone();
    assert!(repeats.as_u64() >= Some(1), "{repeats}");
    let shown = command(&gateway, &["retention", "show"]);
    shown.assert(0, &["40 events at most", "gone"]);
    for number in 1..=100 {
        gateway.expect_no_row_for(&format!("evt-{number}"));
    }
}

#[test]
fn a_consumer_that_is_behind_is_told_of_and_gets_a_stated_gap() {
    let sim = platform(|_| ());
    let control = &sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let mut gateway = Setup::new(&sim)
        .bot(BOT)
        .set("retention.keep", "forever")
        .set("retention.events", 40)
        .set("retention.consumers", "pass")
        .set("webhooks.allow_networks", json!(["loopback"]))
        .start();
    gateway.wait_live(BOT);
    add_paused(&gateway, &application);
    push(control, 1..=36);
    // At four fifths of the bound it is told of.
    wait_until("the consumer is at risk", || {
        let now = retention(&gateway);
        match &now["at_risk"][0]["consumer"] {
            name if name == "orders" => Ok(()),
            _ => Err(now.to_string()),
        }
    });
    push(control, 37..=120);
    until_oldest(&gateway, 70);
    wait_until("it is told that events went", || {
        let told = gateway.operational_events();
        let types: Vec<_> = told
            .iter()
            .filter_map(|event| event.event_type.clone())
            .collect();
        let has = |wanted: &str| types.iter().any(|one| *one == *wanted);
        match has("longwire.consumer.expiring") && has("longwire.consumer.expired") {
            true => Ok(()),
            false => Err(format!("{types:?}")),
        }
    });
    // What the process has in memory for the consumer it still delivers, so it starts anew with the log alone.
    gateway.kill();
    gateway.restart();
    tell_consumer(&gateway, "resume");
    wait_until("it has the newest", || {
        let texts = application.texts();
        match texts.iter().any(|text| text == "text-120") {
            true => Ok(()),
            false => Err(format!("{} arrived", texts.len())),
        }
    });
    let delivered = application.delivered();
    let gaps = delivered
        .iter()
        .filter_map(|one| one.envelope["gapbefore"].as_u64());
    let missing: u64 = gaps.sum();
    assert!(missing >= 60, "{missing}");
    assert!(
        delivered.len() as u64 + missing >= 120,
        "{}",
        delivered.len()
    );
    for number in 1..=120 {
        gateway.expect_no_row_for(&format!("evt-{number}"));
    }
}

#[test]
fn a_consumer_that_is_waited_for_loses_nothing() {
    let sim = platform(|_| ());
    let control = &sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let gateway = Setup::new(&sim)
        .bot(BOT)
        .set("retention.keep", "forever")
        .set("retention.events", 10)
        .set("webhooks.allow_networks", json!(["loopback"]))
        .start();
    gateway.wait_live(BOT);
    add_paused(&gateway, &application);
    push(control, 1..=60);
    wait_until("it is waited for", || {
        let now = retention(&gateway);
        match &now["waits_for"][0]["consumer"] {
            name if name == "orders" => Ok(()),
            _ => Err(now.to_string()),
        }
    });
    tell_consumer(&gateway, "resume");
    until_oldest(&gateway, 40);
    let mut came = Vec::new();
    for text in application.texts() {
        if !came.contains(&text) {
            came.push(text);
        }
    }
    let pushed: Vec<String> = (1..=60).map(|number| format!("text-{number}")).collect();
    assert_eq!(came, pushed, "each, in their order");
    for number in 1..=60 {
        gateway.expect_no_row_for(&format!("evt-{number}"));
    }
}

/// Whether this text is in any file of the store.
fn is_in_files(gateway: &Gateway, text: &str) -> bool {
    let database = gateway.database();
    let files = ["", "-wal"].map(|end| format!("{}{end}", database.display()));
    files.iter().any(|file| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    })
}

#[test]
fn what_names_a_person_is_erased_from_the_store_and_its_files() {
    const PERSON: &str = "ou_ffffffffffffffffffffffffffffffff";
    let sim = platform(|_| ());
    let control = &sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    push(control, 1..=10);
    for number in 11..=14 {
        let text = format!("a word of <at user_id=\"{PERSON}\"></at>");
        let event = message_of(&format!("evt-{number}"), &format!("om-{number}"), &text);
        control.push(&app_id(BOT), event);
    }
    until_answered(control);
    assert!(is_in_files(&gateway, PERSON));
    let counted = command(
        &gateway,
        &["events", "erase", "--person", PERSON, "--dry-run"],
    );
    counted.assert(0, &["4 events name the person"]);
    assert!(is_in_files(&gateway, PERSON), "nothing was changed");
    let refused = command(&gateway, &["events", "erase", "--person", PERSON]);
    refused.assert(1, &["--yes"]);
    let erased = command(&gateway, &["events", "erase", "--person", PERSON, "--yes"]);
    erased.assert(0, &["4 events", "in no file"]);
    assert!(!is_in_files(&gateway, PERSON));
    let page = gateway.public().json("/v1/events?limit=100&type=feishu.*");
    let events = page["data"].as_array().expect("a list");
    assert_eq!(events.len(), 14, "each keeps its place");
    let of_person = &events[12];
    assert_eq!(of_person["type"], "feishu.im.message.receive_v1");
    assert_eq!(of_person["data"]["kind"], "withheld");
    assert!(of_person["data"]["erased"]["at"].is_string(), "{of_person}");
    assert_eq!(events[3]["data"]["kind"], "message");
    // A repeat of an erased event brings it not back.
    let again = message_of("evt-12", "om-12", PERSON);
    control.push(&app_id(BOT), again);
    until_answered(control);
    assert!(!is_in_files(&gateway, PERSON));
    // The audit says how much was erased, and not whom.
    let audit = gateway
        .admin()
        .get("/admin/v1/audit?limit=10")
        .expect("it answers");
    assert!(audit.body.contains("person.erase"), "{}", audit.body);
    assert!(audit.body.contains("4 events"), "{}", audit.body);
    assert!(!audit.body.contains(PERSON), "{}", audit.body);
}

#[test]
fn payloads_of_a_bot_are_hashed_once_every_consumer_has_them() {
    let sim = platform(|_| ());
    let control = &sim.control();
    let application = Webhook::new(|_| WebhookAnswer::OK);
    let gateway = Setup::new(&sim)
        .bot(BOT)
        .with("retention", json!({ "store": "hash" }))
        .set("webhooks.allow_networks", json!(["loopback"]))
        .start();
    gateway.wait_live(BOT);
    let public = gateway.public();
    let definition = json!({"name": "orders", "road": {"kind": "webhook", "url": application.url()},
        "filter": {"types": ["feishu.*"]}});
    let added = public
        .post("/v1/consumers", Some(&definition))
        .expect("it answers");
    assert_eq!(added.status, 201, "{}", added.body);
    push(control, 1..=20);
    wait_until("all payloads are hashed", || {
        let page = public.json("/v1/events?limit=100&type=feishu.*");
        let events = page["data"].as_array().expect("a list");
        let hashed = events
            .iter()
            .filter(|event| event["data"]["hashed"]["sha256"].is_string());
        match hashed.count() {
            20 => Ok(()),
            others => Err(format!("{others} of {}", events.len())),
        }
    });
    let mut texts = application.texts();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 20, "it had all of them whole");
    control.push(&app_id(BOT), message("evt-7", "om-7"));
    until_answered(control);
    let page = public.json("/v1/events?limit=100&type=feishu.*");
    let events = page["data"].as_array().expect("a list");
    assert_eq!(events.len(), 20, "a repeat is recognized");
    let set = command(&gateway, &["retention", "set", BOT, "--keep", "7d"]);
    set.assert(1, &["declared by the configuration file"]);
}
