//! The public interface of a running gateway, against Schemathesis, which makes requests out of its OpenAPI document.

use longwire_tests::{Setup, app_id, message, platform, until_answered};
use serde_json::json;

use crate::sdk::Sdk;

const BOT: &str = "robot";

#[test]
fn each_answer_is_one_that_the_document_names() {
    let Some(mut python) = Sdk::Python.program("interface.py") else {
        return;
    };
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim)
        // Requests that are made up name public platforms, and reach nobody.
        .set("proxy.url", "http://127.0.0.1:9")
        .set("proxy.no_proxy", json!(["127.0.0.1"]))
        .set("compat.aurak", true)
        .set("compat.lark_callback_server", BOT)
        .bot(BOT)
        .start();
    gateway.wait_live(BOT);
    let public = gateway.public();
    for (name, road) in [("pull", "pull"), ("stream", "stream")] {
        let definition = json!({"name": name, "road": {"kind": road}});
        let added = public.post("/v1/consumers", Some(&definition));
        let added = added.expect("it answers");
        assert_eq!(added.status, 201, "{}", added.body);
    }
    for number in 0..3 {
        let message = message(&format!("evt-{number}"), &format!("om-{number}"));
        control.push(&app_id(BOT), message);
    }
    until_answered(&control);
    let output = python
        .arg(format!("http://{}", public.address()))
        .env("LONGWIRE_TOKEN", gateway.token())
        // It writes nothing beside the sources.
        .current_dir(gateway.directory())
        .output()
        .expect("the interpreter is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}
