//! An operator sees which programs are connected, what they have in hand, and why others were refused.

use std::sync::{Arc, mpsc};

use longwire_tests::{
    FeishuProgram, Handled, RelaySocket, SECRET, Setup, app_id, bootstrap, granted_url, message_of,
    platform, time_ms, wait_until,
};
use serde_json::json;

const BOT: &str = "a";

#[test]
fn a_program_is_shown_with_what_it_has_and_a_refusal_with_its_reason() {
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let token = gateway.relay_token("shop", BOT);
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let program = FeishuProgram::start(gateway.public(), &app_id(BOT), &token, move |_| {
        // Until the test lets go of it, or is over.
        let held = held.lock().expect("nobody panics with it");
        let _ = held.recv();
        Handled::Done
    });
    let shown = |what: &str, is_so: &dyn Fn(&serde_json::Value) -> bool| {
        let mut last = serde_json::Value::Null;
        wait_until(what, || {
            last = gateway.admin().json("/admin/v1/relay");
            if is_so(&last) {
                Ok(())
            } else {
                Err(last.to_string())
            }
        });
        last
    };
    shown("it is connected", &|page| page["total"] == 1);
    let event = message_of("evt-1", "om-1", "hello");
    sim.control().push(&app_id(BOT), event);
    let page = shown("it has the event", &|page| {
        page["data"][0]["in_flight"]
            .as_array()
            .is_some_and(|events| events.len() == 1)
    });
    let one = &page["data"][0];
    assert_eq!(one["consumer"], "shop");
    assert_eq!(one["token"]["name"], "shop");
    assert_eq!(one["installation"]["name"], BOT);
    assert_eq!(one["proof"], "handler_ack");
    assert!(one["in_flight"][0]["chat"].is_string(), "{one}");
    assert_eq!(one["last_ack"], serde_json::Value::Null);
    release.send(()).expect("the handler waits");
    let page = shown("it is done", &|page| page["data"][0]["done"] == 1);
    let one = &page["data"][0];
    assert!(time_ms(&one["last_ack"]).is_some(), "{one}");

    // Who shows the app's own secret is told what a wrong one is; the operator is told why.
    let refused = bootstrap(&gateway.public(), &app_id(BOT), SECRET);
    assert_ne!(refused.json()["code"], 0, "{}", refused.body);
    let page = shown("the refusal is kept", &|page| {
        page["last_refused"]
            .as_array()
            .is_some_and(|last| !last.is_empty())
    });
    assert_eq!(page["refused"]["no_token"], 1, "{page}");
    let last = &page["last_refused"][0];
    assert_eq!(last["cause"], "no_token");
    assert!(
        last["next_step"]
            .as_str()
            .is_some_and(|step| step.contains("tokens create"))
    );
    assert!(!page.to_string().contains(SECRET), "a secret is shown");
    assert!(!page.to_string().contains(token.trim()), "a token is shown");

    program.kill();
    shown("it is gone", &|page| page["total"] == 0);
}

/// The socket is dialled by a library that names itself at most; the SDK names itself when it asks for the address.
#[test]
fn the_sdk_is_shown_as_it_named_itself_when_it_asked() {
    let sim = platform(|_| ());
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let token = gateway.relay_token("shop", BOT);
    let body = json!({ "AppID": app_id(BOT), "AppSecret": token }).to_string();
    let headers = [("User-Agent", "oapi-node-sdk/1.74.0".to_owned())];
    let public = gateway.public();
    let answer = public.post_callback("/callback/ws/endpoint", &headers, body.as_bytes());
    let url = granted_url(&answer.expect("the public listener answers"));
    let _socket = RelaySocket::open(&url).expect("it connects");
    wait_until("the SDK is shown", || {
        let page = gateway.admin().json("/admin/v1/relay");
        if page["data"][0]["agent"] == "oapi-node-sdk/1.74.0" {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
}
