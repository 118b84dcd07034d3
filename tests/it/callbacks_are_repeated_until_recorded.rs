//! What the platform posts while the gateway is down, or is killed, comes again and is recorded once. A request URL is
//! saved only with the right secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use longwire_sim::{HttpLoad, HttpPush, HttpPushState, Payload, SimSettings, UrlNotSaved};
use longwire_tests::{
    ENCRYPT_KEY, Gateway, Setup, VERIFICATION_TOKEN, app_id, free_address, message, platform,
    save_request_url, wait_posted, wait_until,
};

const BOT: &str = "a";

/// The ladder with shorter rungs, and more of them: a failed post comes again soon, and many times.
fn soon_again(settings: &mut SimSettings) {
    settings.ladder = vec![Duration::from_millis(100); 200];
}

fn recorded(gateway: &Gateway) -> Vec<String> {
    let events = gateway.events().into_iter();
    events
        .filter_map(|event| event.event_id)
        .map(String::from)
        .collect()
}

fn once_each(ids: &[String]) {
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "each once: {ids:?}");
}

#[test]
fn a_request_url_is_saved_with_the_right_secrets_only() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).with_callbacks().start();
    let at = |bot: &str| {
        format!(
            "http://{}/callbacks/feishu/{bot}",
            gateway.public().address()
        )
    };
    let save = |url: &str, token: &str, key| save_request_url(&control, BOT, url, token, key);
    save(&at(BOT), VERIFICATION_TOKEN, Some(ENCRYPT_KEY)).expect("it answers");
    save(&at(BOT), VERIFICATION_TOKEN, None).expect("a challenge in clear is answered too");
    for (url, token, key) in [
        (at(BOT), "another-token", Some(ENCRYPT_KEY)),
        (at(BOT), VERIFICATION_TOKEN, Some("another-key")),
        (at("nobody"), VERIFICATION_TOKEN, Some(ENCRYPT_KEY)),
    ] {
        let error = save(&url, token, key).expect_err("it is refused");
        let UrlNotSaved::WrongAnswer { status, answer, .. } = &error else {
            panic!("{error}")
        };
        assert!(
            *status != 200 && !answer.contains("challenge\":"),
            "{error}"
        );
    }
}

#[test]
fn what_was_posted_to_a_gateway_that_was_down_is_recorded_once() {
    let sim = platform(soon_again);
    let control = sim.control();
    let address = free_address();
    let setup = Setup::new(&sim).set("server.listen", address.to_string());
    let mut gateway = setup.bot(BOT).with_callbacks().start();
    let url = format!("http://{address}/callbacks/feishu/{BOT}");
    save_request_url(&control, BOT, &url, VERIFICATION_TOKEN, Some(ENCRYPT_KEY)).expect("saved");
    let post = |id: &str| {
        let event = Payload::Given(message(id, &format!("om-{id}")).into());
        let event = of_app(event);
        control
            .push_http(&app_id(BOT), event)
            .expect("it has a URL")
    };
    wait_posted(&control, post("evt-before"));
    gateway.kill();
    let posted: Vec<_> = (0..20)
        .map(|number| post(&format!("evt-{number}")))
        .collect();
    wait_until("each has failed", || {
        let failed = |push| {
            let record = control.http_record(push)?;
            (record.state == HttpPushState::Failed).then_some(())
        };
        let failed = posted.iter().filter_map(|push| failed(*push)).count();
        if failed == 20 {
            Ok(())
        } else {
            Err(format!("{failed} have"))
        }
    });
    gateway.restart();
    for push in posted {
        let record = wait_posted(&control, push);
        assert!(record.tries.len() > 1, "{record:?}");
    }
    let ids = recorded(&gateway);
    assert_eq!(ids.len(), 21);
    once_each(&ids);
}

/// Between the record and the answer there is time for a kill, and what was recorded then comes again.
#[test]
fn callbacks_under_load_outlive_a_kill() {
    let sim = platform(soon_again);
    let control = sim.control();
    let address = free_address();
    let setup = Setup::new(&sim).set("server.listen", address.to_string());
    let mut gateway = setup.bot(BOT).with_callbacks().start();
    let url = format!("http://{address}/callbacks/feishu/{BOT}");
    save_request_url(&control, BOT, &url, VERIFICATION_TOKEN, Some(ENCRYPT_KEY)).expect("saved");
    let load = HttpLoad {
        connections: 16,
        ..HttpLoad::default()
    };
    control.load_http(load).expect("it has a URL");
    let delivered = |wanted: u64| {
        wait_until("callbacks are answered", || {
            let ledger = control.ledger().http;
            if ledger.delivered >= wanted {
                Ok(())
            } else {
                Err(format!("{ledger:?}"))
            }
        });
    };
    for life in 1..=3 {
        delivered(life * 200);
        gateway.kill();
        gateway.restart();
    }
    delivered(control.ledger().http.delivered + 200);
    control.stop_http_load();
    let ledger = wait_until("all are answered", || {
        let ledger = control.ledger().http;
        if ledger.pending == 0 {
            Ok(ledger)
        } else {
            Err(format!("{ledger:?}"))
        }
    });
    assert!(ledger.repeated > 0 && ledger.lost == 0, "{ledger:?}");
    let ids = recorded(&gateway);
    once_each(&ids);
    assert_eq!(ids.len() as u64, ledger.pushed);
}

/// With the id and the token of the bot's app, which the gateway compares.
fn of_app(event: Payload) -> HttpPush {
    let Payload::Given(bytes) = event else {
        return event.into();
    };
    let mut event: serde_json::Value = serde_json::from_slice(&bytes).expect("an event");
    event["header"]["app_id"] = app_id(BOT).into();
    event["header"]["token"] = VERIFICATION_TOKEN.into();
    HttpPush::of(Payload::Given(event.to_string().into()))
}
