//! Behind a proxy that requires credentials, bootstrap and WebSocket both use it, whichever setting names it. Exempt
//! targets do not use it. A wrong password is a state with a next step.
//!
//! The platform has names below `.test`, which only the proxy can resolve, so a live bot proves that the proxy was
//! used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longwire_sim::{Sim, SimTls};
use longwire_tests::{Gateway, Setup, app_id, message, platform, wait_acked};
use serde_json::json;

use longwire_sim::proxy::{Proxy, ProxyAnswer};

const USER: &str = "gate";
const PASSWORD: &str = "p@ss/word";

/// A proxy for those who know the password.
fn proxy() -> Proxy {
    Proxy::start(ProxyAnswer::Authorized(authorization()))
}

fn authorization() -> String {
    format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")))
}

/// The proxy's address with the password in it.
fn address(proxy: &Proxy) -> String {
    format!("http://{USER}:p%40ss%2Fword@{}", proxy.address())
}

/// A platform with TLS for these names.
fn secure_platform(names: &[&str]) -> Sim {
    platform(|settings| {
        settings.tls = Some(SimTls {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        });
    })
}

/// The platform's address under another name.
fn named(sim: &Sim, name: &str) -> String {
    sim.base_url().replacen("127.0.0.1", name, 1)
}

fn authority(sim: &Sim, name: &str) -> String {
    format!("{name}:{}", sim.address().port())
}

/// Has the gateway trust the platform's certificate.
fn trust(setup: Setup, sim: &Sim) -> Setup {
    let authority = sim.ca_pem().expect("the platform has TLS");
    setup.file("ca.pem", authority).set("tls.ca_file", "ca.pem")
}

#[track_caller]
fn serves(gateway: &Gateway, sim: &Sim, bot: &str) {
    gateway.wait_live(bot);
    let control = sim.control();
    let event_id = format!("evt-{bot}");
    let push = control.push(&app_id(bot), message(&event_id, &format!("om-{bot}")));
    wait_acked(&control, push);
}

/// Everything went to `authority` with the right password, and it was more than the bootstrap.
#[track_caller]
fn carried(proxy: &Proxy, authority: &str) {
    let tunnels = proxy.tunnels();
    assert!(tunnels.len() >= 2, "bootstrap and WebSocket: {tunnels:?}");
    for tunnel in tunnels {
        assert_eq!(tunnel.authority, authority);
        assert_eq!(tunnel.authorization, Some(authorization()));
    }
}

#[test]
fn the_proxy_of_the_configuration_carries_everything() {
    let plain = platform(|_| ());
    let through = proxy();
    let gateway = Setup::new(&plain)
        .bot_at("plain", &named(&plain, "plain.test"))
        .set("egress.plain_http_hosts", json!(["plain.test"]))
        .set("proxy.url", json!({ "env": "WAY_OUT" }))
        .environment("WAY_OUT", &address(&through))
        .start();
    serves(&gateway, &plain, "plain");
    carried(&through, &authority(&plain, "plain.test"));

    let secure = secure_platform(&["secure.test"]);
    let through = proxy();
    let gateway = trust(Setup::new(&secure), &secure)
        .bot_at("secure", &named(&secure, "secure.test"))
        .set("proxy.url", json!({ "file": "way-out" }))
        .file("way-out", &format!("{}\n", address(&through)))
        .start();
    serves(&gateway, &secure, "secure");
    carried(&through, &authority(&secure, "secure.test"));
}

#[test]
fn an_installation_has_a_way_of_its_own() {
    let sim = secure_platform(&["own.test", "common.test", "127.0.0.1"]);
    let (own, common) = (proxy(), proxy());
    let gateway = trust(Setup::new(&sim), &sim)
        .bot_at("own", &named(&sim, "own.test"))
        .with("proxy", json!({ "env": "OWN_WAY_OUT" }))
        .bot_at("common", &named(&sim, "common.test"))
        .bot("direct")
        .with("proxy", "direct")
        .set("proxy.url", json!({ "env": "WAY_OUT" }))
        .environment("WAY_OUT", &address(&common))
        .environment("OWN_WAY_OUT", &address(&own))
        .start();
    for bot in ["own", "common", "direct"] {
        serves(&gateway, &sim, bot);
    }
    carried(&own, &authority(&sim, "own.test"));
    carried(&common, &authority(&sim, "common.test"));
}

/// Whoever set a proxy did not mean "none": what depends on one that cannot be used is refused, and says which.
#[test]
fn a_proxy_variable_that_cannot_be_used_is_not_the_straight_way() {
    let sim = platform(|_| ());
    let own = proxy();
    let gateway = Setup::new(&sim)
        .bot_at("common", &named(&sim, "localhost.localdomain"))
        .bot_at("own", &named(&sim, "own.test"))
        .with("proxy", json!({ "env": "OWN_WAY_OUT" }))
        .bot("near")
        .set(
            "egress.plain_http_hosts",
            json!(["localhost.localdomain", "own.test"]),
        )
        .environment("HTTP_PROXY", "socks5://gate:canary@127.0.0.1:1")
        .environment("OWN_WAY_OUT", &address(&own))
        .start();
    gateway.expect_error("this proxy cannot be used");
    gateway.expect_error("refused by the platform or by our own rules");
    serves(&gateway, &sim, "own");
    // What is on this host needs none.
    serves(&gateway, &sim, "near");
    let view =
        gateway.wait_installation("common", "it is refused", |view| view["state"] == "refused");
    assert_eq!(view["reason"], "proxy_unusable", "{view}");
    let text = view["reason_text"].as_str().expect("words for people");
    assert!(text.contains("HTTP_PROXY"), "{text}");
    assert!(!gateway.log().text().contains("canary"));
}

#[test]
fn the_proxies_of_the_environment_are_told_apart() {
    let plain = platform(|_| ());
    let secure = secure_platform(&["secure.test", "127.0.0.1"]);
    let (http, https) = (proxy(), proxy());
    let gateway = trust(Setup::new(&plain), &secure)
        .watch(&secure)
        .bot_at("plain", &named(&plain, "plain.test"))
        .bot_at("secure", &named(&secure, "secure.test"))
        // The environment's proxy never gets what is on this host.
        .bot_at("near", &secure.base_url())
        .set("egress.plain_http_hosts", json!(["plain.test"]))
        .environment("HTTP_PROXY", &address(&http))
        .environment("HTTPS_PROXY", &address(&https))
        .start();
    serves(&gateway, &plain, "plain");
    serves(&gateway, &secure, "secure");
    serves(&gateway, &secure, "near");
    carried(&http, &authority(&plain, "plain.test"));
    carried(&https, &authority(&secure, "secure.test"));
}

#[test]
fn what_is_exempt_goes_past_the_proxy() {
    for by_environment in [true, false] {
        let sim = secure_platform(&["127.0.0.1"]);
        let through = proxy();
        let setup = trust(Setup::new(&sim), &sim)
            .bot("a")
            .set("proxy.url", json!({ "env": "WAY_OUT" }))
            .environment("WAY_OUT", &address(&through));
        let setup = if by_environment {
            setup.environment("NO_PROXY", "example.com,127.0.0.0/8")
        } else {
            setup.set("proxy.no_proxy", json!(["127.0.0.1"]))
        };
        let gateway = setup.start();
        serves(&gateway, &sim, "a");
        assert_eq!(through.tunnels(), [], "the proxy saw nothing");
    }
}

#[test]
fn a_wrong_proxy_password_is_told_and_corrected() {
    let sim = secure_platform(&["secure.test"]);
    let through = proxy();
    let wrong = format!("http://{USER}:wrong@{}", through.address());
    let mut gateway = trust(Setup::new(&sim), &sim)
        .bot_at("a", &named(&sim, "secure.test"))
        .with("proxy", json!({ "file": "way-out" }))
        .file("way-out", &wrong)
        .start();
    gateway.expect_error("the proxy does not accept its credentials");
    let refused = gateway.wait_installation("a", "refused", |view| view["state"] == "refused");
    assert_eq!(refused["reason"], "proxy_unauthorized", "{refused}");
    let next_step = refused["next_step"].as_str().unwrap_or_default();
    assert!(next_step.contains("password in the proxy URL"), "{refused}");
    assert_eq!(
        sim.control().ledger().bootstraps,
        0,
        "nothing reached the platform"
    );

    std::fs::write(gateway.directory().join("way-out"), address(&through))
        .expect("the story's directory is ours");
    gateway.signal(longwire_tests::Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    gateway.restart();
    serves(&gateway, &sim, "a");
}
