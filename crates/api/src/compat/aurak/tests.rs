//! The bodies to the byte, and what our words mean in AuraK's.

use longwire_fleet::Lights;

use super::*;

/// 2026-03-17T10:00:00.000Z.
const CONNECTED_MS: i64 = 1_773_741_600_000;

fn view(state: &'static str, legacy_state: &'static str) -> InstallationView {
    InstallationView {
        id: "bot_xxx".to_owned(),
        name: "support".to_owned(),
        space: Default::default(),
        platform: "feishu",
        app_id: "cli_a".to_owned(),
        desired: "run",
        state,
        legacy_state,
        state_since_ms: 0,
        until_ms: None,
        attempt: 0,
        reason: None,
        reason_text: None,
        next_step: None,
        generation: 1,
        callbacks: None,
        renewal: None,
        lights: Lights::default(),
    }
}

fn connected() -> InstallationView {
    InstallationView {
        lights: Lights {
            connected_ms: Some(CONNECTED_MS),
            last_heard_ms: Some(CONNECTED_MS + 300_000),
            ..Lights::default()
        },
        ..view("live", CONNECTED)
    }
}

fn json(document: impl Serialize) -> String {
    serde_json::to_string(&document).expect("it has a JSON form")
}

/// S75, S76, S77, S109, S110, S132, S133, S134: a member that has no value is not there.
#[test]
fn switches_are_answered_to_the_byte() {
    for (document, body) in [
        (
            SwitchDocument::connecting("bot_xxx"),
            r#"{"success":true,"botId":"bot_xxx","status":"connecting"}"#,
        ),
        (
            SwitchDocument::disconnected("bot_xxx"),
            r#"{"success":true,"botId":"bot_xxx","status":"disconnected"}"#,
        ),
        (
            SwitchDocument::disabled(),
            r#"{"success":false,"error":"Bot not found or disabled"}"#,
        ),
        (
            SwitchDocument::not_found(),
            r#"{"success":false,"error":"Bot not found"}"#,
        ),
        (
            SwitchDocument::failed("bot_xxx", "Failed to connect".into()),
            r#"{"success":false,"botId":"bot_xxx","error":"Failed to connect"}"#,
        ),
    ] {
        assert_eq!(json(document), body);
    }
}

/// S69, S78, S108, S135, S136: times as `toISOString` prints them.
#[test]
fn a_status_is_answered_to_the_byte() {
    let status = |wish, view: &InstallationView| json(StatusDocument::of("bot_xxx", wish, view));
    assert_eq!(
        status(AurakWish::WebSocket, &connected()),
        r#"{"botId":"bot_xxx","state":"connected","connectedAt":"2026-03-17T10:00:00.000Z","lastHeartbeat":"2026-03-17T10:05:00.000Z"}"#
    );
    for last_heard_ms in [None, Some(CONNECTED_MS - 1)] {
        let mut just_connected = connected();
        just_connected.lights.last_heard_ms = last_heard_ms;
        assert_eq!(
            status(AurakWish::WebSocket, &just_connected),
            r#"{"botId":"bot_xxx","state":"connected","connectedAt":"2026-03-17T10:00:00.000Z","lastHeartbeat":"2026-03-17T10:00:00.000Z"}"#
        );
    }
    assert_eq!(
        status(AurakWish::Webhook, &view("stopped", DISCONNECTED)),
        r#"{"botId":"bot_xxx","state":"disconnected"}"#
    );
}

/// S79, S111, S137: disconnected bots are listed, and errors are told in the list too.
#[test]
fn all_states_are_answered_to_the_byte() {
    let stopped = view("stopped", DISCONNECTED);
    let refused = InstallationView {
        reason_text: Some("the platform refuses the app's secret".to_owned()),
        ..view("refused", ERROR)
    };
    let live = connected();
    let all = ConnectionsDocument::of([
        (AurakWish::WebSocket, &live),
        (AurakWish::Webhook, &stopped),
        (AurakWish::WebSocket, &refused),
    ]);
    assert_eq!(
        json(all),
        concat!(
            r#"{"connections":[{"botId":"bot_xxx","state":"connected","connectedAt":"2026-03-17T10:00:00.000Z"},"#,
            r#"{"botId":"bot_xxx","state":"disconnected"},"#,
            r#"{"botId":"bot_xxx","state":"error","error":"the platform refuses the app's secret"}]}"#
        )
    );
}

/// S80, S81: `wsConnectionState` is null where no connection is wanted.
#[test]
fn a_listed_bot_shows_its_connection() {
    let live = connected();
    for (wish, tail) in [
        (
            AurakWish::WebSocket,
            r#""enabled":true,"useWebSocket":true,"wsConnectionState":"connected"}"#,
        ),
        (
            AurakWish::Webhook,
            r#""enabled":true,"useWebSocket":false,"wsConnectionState":null}"#,
        ),
        (
            AurakWish::Disabled,
            r#""enabled":false,"useWebSocket":false,"wsConnectionState":null}"#,
        ),
    ] {
        let head = r#"{"id":"bot_xxx","name":"support","appId":"cli_a","#;
        let listed = json(ListedBotDocument::of(wish, &live));
        assert_eq!(listed, format!("{head}{tail}"));
    }
}

/// S68, S114, S118: every state of a connection is one of four, and a wish counts before the fleet has heard of it.
#[test]
fn every_state_is_one_of_four() {
    for (label, legacy, wanted) in [
        ("stopped", DISCONNECTED, CONNECTING),
        ("queued", CONNECTING, CONNECTING),
        ("bootstrapping", CONNECTING, CONNECTING),
        ("dialing", CONNECTING, CONNECTING),
        ("live", CONNECTED, CONNECTED),
        ("backing_off", CONNECTING, CONNECTING),
        ("backing_off", ERROR, ERROR),
        ("refused", ERROR, ERROR),
        ("restarting", ERROR, ERROR),
    ] {
        let view = view(label, legacy);
        assert_eq!(state_of(AurakWish::WebSocket, &view), wanted, "{label}");
        for wish in [AurakWish::Webhook, AurakWish::Disabled] {
            assert_eq!(state_of(wish, &view), DISCONNECTED, "{label}");
        }
    }
}

/// S116, S125: five failures are an alarm and no end; a refusal says what it is.
#[test]
fn an_error_says_what_is_wrong() {
    let failing = |state, alarm, text: Option<&str>| InstallationView {
        reason_text: text.map(str::to_owned),
        lights: Lights {
            alarm,
            ..Lights::default()
        },
        ..view(state, ERROR)
    };
    for (view, error) in [
        (failing("backing_off", false, None), "Connection failed"),
        (failing("backing_off", false, Some("reset")), "reset"),
        (
            failing("backing_off", true, Some("reset")),
            "Max reconnect attempts reached",
        ),
        (failing("refused", true, Some("bad secret")), "bad secret"),
    ] {
        let status = StatusDocument::of("bot_xxx", AurakWish::WebSocket, &view);
        assert_eq!(status.error.as_deref(), Some(error), "{}", view.state);
    }
}

/// S63, S99, S113, S128, S129: a connection comes and goes, the webhook stays, and asking twice changes nothing.
#[test]
fn what_is_asked_for_is_kept_as_a_mode() {
    use AurakChange as To;
    let (run, stop) = (Desired::Run, Desired::Stop);
    for (mode, desired, change) in [
        (Mode::LongConnection, run, Some(To::Nothing)),
        (Mode::Both, run, Some(To::Nothing)),
        (Mode::LongConnection, stop, Some(To::Desired(run))),
        (Mode::Webhook, run, Some(To::Mode(Mode::Both))),
        (Mode::Webhook, stop, None),
        (Mode::Both, stop, None),
    ] {
        let found = AurakChange::to_connect(mode, desired);
        assert_eq!(found, change, "{mode} {desired}");
    }
    let (known, missing) = (WebhookKeys::Known, WebhookKeys::Missing);
    for (mode, desired, keys, change) in [
        (Mode::LongConnection, run, known, To::Mode(Mode::Webhook)),
        (Mode::LongConnection, run, missing, To::Desired(stop)),
        (Mode::LongConnection, stop, known, To::Nothing),
        (Mode::Both, run, missing, To::Mode(Mode::Webhook)),
        (Mode::Both, stop, known, To::Nothing),
        (Mode::Webhook, run, known, To::Nothing),
        (Mode::Webhook, stop, missing, To::Nothing),
    ] {
        let found = AurakChange::to_disconnect(mode, desired, keys);
        assert_eq!(found, change, "{mode} {desired} {keys:?}");
    }
}

/// After each change, the other one leads back, and the same one changes nothing.
#[test]
fn each_switch_is_what_it_says() {
    for &mode in Mode::ALL {
        for &desired in Desired::ALL {
            let after = |change| match change {
                AurakChange::Nothing => (mode, desired),
                AurakChange::Desired(desired) => (mode, desired),
                AurakChange::Mode(mode) => (mode, desired),
            };
            for keys in [WebhookKeys::Known, WebhookKeys::Missing] {
                let (mode, desired) = after(AurakChange::to_disconnect(mode, desired, keys));
                assert_ne!(AurakWish::of(mode, desired), AurakWish::WebSocket);
                let again = AurakChange::to_disconnect(mode, desired, keys);
                assert_eq!(again, AurakChange::Nothing);
            }
            match AurakChange::to_connect(mode, desired) {
                Some(change) => {
                    let (mode, desired) = after(change);
                    assert_eq!(AurakWish::of(mode, desired), AurakWish::WebSocket);
                    let again = AurakChange::to_connect(mode, desired);
                    assert_eq!(again, Some(AurakChange::Nothing));
                }
                None => assert_eq!(AurakWish::of(mode, desired), AurakWish::Disabled),
            }
        }
    }
}
