//! Secrets, URLs that hold them, and what people wrote appear in no log line of any level, in no answer of the admin
//! interface and in no command's output. Secrets appear only in the files that are made for them.
//!
//! Every secret contains a mark. The story passes each secret through all code that handles it, in success and in
//! failure, and then searches all output for the marks in every encoding.

mod bots;
mod marks;
mod operators;
mod platforms;
mod seen;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_sim::proxy::{Proxy, ProxyAnswer};
use longwire_sim::{Apps, SimTls};
use longwire_tests::{Signal, app_id, platform, wecom_platform};

use marks::{PROXY_PASSWORD, SECRET};
use seen::Seen;

/// S124: neither a secret nor what people write is in the log, however much is logged.
#[test]
fn no_secret_leaves_the_process_while_it_logs_everything_as_json() {
    tell_nothing("json");
}

/// S124.
#[test]
fn no_secret_leaves_the_process_while_it_logs_everything_as_text() {
    tell_nothing("text");
}

fn tell_nothing(format: &str) {
    let sim = platform(|settings| {
        let names = [
            "by-file",
            "by-variable",
            "forbidden",
            "lost",
            "unauthorized",
            "bad-url",
            "by-command",
            "by-request",
        ];
        settings.apps = Apps::Known(names.map(|name| (app_id(name), SECRET.to_owned())).to_vec());
        settings.tls = Some(SimTls {
            names: vec!["secure.test".to_owned(), "127.0.0.1".to_owned()],
        });
    });
    let control = sim.control();
    let proxy = Proxy::start(ProxyAnswer::Authorized(format!(
        "Basic {}",
        STANDARD.encode(format!("gate:{PROXY_PASSWORD}"))
    )));
    let other = platform(|settings| settings.one_time_ticket = false);
    let mut seen = Seen {
        ticket: platforms::repeats_its_ticket(&other),
        ..Seen::default()
    };
    let wecom = wecom_platform(|_| ());
    let mut gateway = bots::start(&sim, &other, &wecom, &proxy, format);
    if format == "text" {
        // Some entries of rustls have many lines in this form. All other lines are checked in the JSON form.
        gateway.expect_error("");
    }

    platforms::people_write(&control, &gateway);
    platforms::people_write_on_wecom(&wecom.control(), &gateway, &mut seen);
    platforms::the_platform_misbehaves(&control, &gateway);
    operators::actors_panic(&gateway);
    operators::operators_add_bots(&gateway, &sim, &mut seen);
    operators::operators_make_tokens(&gateway, &mut seen);
    operators::everything_is_looked_at(&gateway, &mut seen);

    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    let said = gateway.log().text();
    for target in ["actix", "rustls", "longwire_fleet"] {
        // The text form says no targets; the JSON form proves that those crates were heard.
        assert!(
            format == "text" || said.contains(&format!("\"target\":\"{target}")),
            "{target} logged nothing"
        );
    }
    assert!(said.contains("TRACE"), "the filter lets everything through");
    seen.text("the log", &said);
    seen.files(gateway.directory());
    assert!(
        seen.leaks.is_empty(),
        "{} leaks:\n{}",
        seen.leaks.len(),
        seen.leaks.join("\n")
    );
}
