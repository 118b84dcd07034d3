//! The texts that people wrote are data. They cannot act on the terminal of a reader of the log, and programs get them
//! unchanged.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_sim::Push;
use longwire_tests::{Ended, Gateway, Setup, app_id, longwire, platform, wait_until};

const BOT: &str = "a";

#[track_caller]
fn tail(gateway: &Gateway, more: &[&str]) -> String {
    let arguments = [&["events", "tail", "-n", "10", "--payload"][..], more].concat();
    let Ended {
        code,
        output,
        errors,
    } = longwire(gateway.directory(), &arguments, &[], "");
    assert_eq!(code, Some(0), "{errors}");
    output
}

#[test]
fn a_payload_is_shown_safely_and_given_as_it_came() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    // Digits that no double has, a member twice and out of order, an escape that need not be one, and what would clear a
    // screen and turn the reading direction around.
    let odd = concat!(
        r#"{"z":1.50,"header":{"event_id":"evt-1","event_type":"t\u001b[2Ju"},"event":"#,
        r#"{"chat_id":"oc_\u202egpj","n":12345678901234567890123,"n":1e2,"s":"\/"#,
        "\u{202e}\u{9b}31m\"},\"a\":null}"
    );
    let broken = b"{\"no\": json \xff\x1b[31m";
    for (event_id, payload) in [("evt-1", odd.as_bytes()), ("evt-2", broken)] {
        let push = Push {
            event_id: Some(event_id.to_owned()),
            ..Push::of(payload.to_vec())
        };
        control.push(&app_id(BOT), push);
    }
    gateway.expect_no_row_for("evt-2");
    wait_until("both are recorded", || match gateway.events().len() {
        2 => Ok(()),
        count => Err(format!("{count}")),
    });

    let shown = tail(&gateway, &[]);
    for word in [
        r"t\u{1b}[2Ju",
        r"oc_\u{202e}gpj",
        r"\u{202e}\u{9b}31m",
        r"json �\u{1b}[31m",
    ] {
        assert!(shown.contains(word), "{word}: {shown:?}");
    }
    let acts = ['\x1b', '\u{202e}', '\u{9b}'];
    assert!(!shown.contains(acts), "{shown:?}");

    let base64 = STANDARD.encode(broken);
    for form in ["ndjson", "json"] {
        let given = tail(&gateway, &["-o", form]);
        assert!(given.contains(&format!(r#""payload":{odd}"#)), "{given}");
        assert!(
            given.contains(&format!(r#""payload_base64":"{base64}""#)),
            "{given}"
        );
    }
}
