//! Bootstrap and upgrade: who gets a URL, what the URL holds, and how an upgrade is refused.

mod support;

use longwire_sim::{Apps, Behaviour, DataShape};
use serde_json::Value;
use support::{APP, Client, bootstrap, bootstrap_as, http, start, url_of, wait};

#[test]
fn the_answer_has_all_four_keys_and_a_url_of_the_fields_shape() {
    let sim = start(|_| ());
    let answer = bootstrap(&sim);
    assert_eq!(answer["code"], 0);
    for key in [
        "ReconnectCount",
        "ReconnectInterval",
        "ReconnectNonce",
        "PingInterval",
    ] {
        assert!(answer["data"]["ClientConfig"][key].is_i64(), "{key}");
    }
    let url = url_of(&sim);
    let keys: Vec<_> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(
        keys,
        [
            "fpid",
            "aid",
            "device_id",
            "access_key",
            "service_id",
            "ticket"
        ]
    );
    assert_ne!(
        url,
        url_of(&sim),
        "each bootstrap rotates device_id and ticket"
    );
}

#[test]
fn requests_of_another_shape_are_refused() {
    let sim = start(|settings| settings.apps = Apps::Known(vec![(APP.into(), "right".into())]));
    let (status, _, body) = http(
        &sim,
        "POST",
        "/callback/ws/endpoint",
        r#"{"app_id":"x","app_secret":"y"}"#,
    );
    assert_eq!(status, 400);
    assert!(body.contains("9499"), "{body}");
    assert_eq!(http(&sim, "GET", "/callback/ws/endpoint", "").0, 405);
    assert_eq!(http(&sim, "POST", "/callback/ws/other", "{}").0, 404);
    assert_eq!(bootstrap_as(&sim, APP, "wrong")["code"], 514);
    assert_eq!(
        bootstrap_as(&sim, "cli_0000000000000000", "right")["code"],
        514
    );
    assert_eq!(bootstrap_as(&sim, APP, "right")["code"], 0);
}

#[test]
fn live_connections_are_counted_and_foreign_apps_sent_away() {
    let sim = start(|settings| {
        settings.connections_per_app = 1;
        settings.foreign_apps = vec!["cli_00000000000f0000".into()];
    });
    let late = url_of(&sim);
    let client = Client::new(&sim);
    wait(&sim.control(), |ledger| ledger.connections_opened == 1);
    assert_eq!(bootstrap(&sim)["code"], 1_000_040_350_i64);
    let refused = Client::dial(&late)
        .err()
        .expect("the limit holds at the upgrade too");
    assert!(refused.contains("handshake-status: 514\r\n"), "{refused}");
    assert!(
        refused.contains("handshake-autherrcode: 1000040350\r\n"),
        "{refused}"
    );
    drop(client);
    wait(&sim.control(), |ledger| ledger.connections_ended == 1);
    assert_eq!(bootstrap(&sim)["code"], 0);
    assert_eq!(
        bootstrap_as(&sim, "cli_00000000000f0000", "s")["code"],
        1_000_040_351_i64
    );
}

#[test]
fn a_ticket_opens_one_connection() {
    let sim = start(|_| ());
    let url = url_of(&sim);
    let _first = Client::dial(&url).expect("101");
    let refused = Client::dial(&url).err().expect("used up");
    assert!(refused.starts_with("http/1.1 403"), "{refused}");
    assert!(refused.contains("handshake-status: 514"), "{refused}");
    assert!(refused.contains("handshake-msg: "), "{refused}");
}

#[test]
fn scripted_answers_come_in_order_and_run_out() {
    let sim = start(|_| ());
    let control = sim.control();
    let absent = Behaviour::BootstrapAnswer {
        code: 514,
        msg: "no".into(),
        data: DataShape::Absent,
    };
    control.behaviour(Some(APP), Behaviour::system_busy().times(2));
    control.behaviour(None, absent.times(1));
    control.behaviour(None, Behaviour::BootstrapNoConfig.times(1));
    control.behaviour(None, Behaviour::BootstrapEmptyUrl.times(1));
    assert_eq!(bootstrap(&sim)["code"], 1);
    assert_eq!(bootstrap(&sim)["data"], serde_json::json!({}));
    let answer = bootstrap(&sim);
    assert_eq!(
        (&answer["code"], answer.get("data")),
        (&Value::from(514), None)
    );
    assert_eq!(bootstrap(&sim)["data"].get("ClientConfig"), None);
    assert_eq!(bootstrap(&sim)["data"]["URL"], "");
    assert_eq!(bootstrap(&sim)["code"], 0);
    control.behaviour(None, Behaviour::BootstrapHttp { status: 503 }.times(1));
    assert_eq!(
        http(
            &sim,
            "POST",
            "/callback/ws/endpoint",
            r#"{"AppID":"a","AppSecret":"b"}"#
        )
        .0,
        503
    );
}

#[test]
fn scripted_refusals_send_the_headers_that_are_given() {
    let sim = start(|_| ());
    let refusal = Behaviour::UpgradeRefuse {
        http: 400,
        status: Some(403),
        msg: None,
        auth: None,
    };
    sim.control().behaviour(None, refusal.times(1));
    let refused = Client::dial(&url_of(&sim)).err().expect("refused");
    assert!(refused.starts_with("http/1.1 400"), "{refused}");
    assert!(refused.contains("handshake-status: 403"), "{refused}");
    assert!(!refused.contains("handshake-msg"), "{refused}");
    sim.control()
        .behaviour(None, Behaviour::UpgradeReset.times(1));
    assert!(Client::dial(&url_of(&sim)).is_err());
    Client::new(&sim);
}
