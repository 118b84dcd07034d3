//! The bots of the story: their secrets come in every way, and most of the bots are in trouble.

use longwire_sim::proxy::Proxy;
use longwire_sim::{Behaviour, Sim, wecom};
use longwire_tests::{Gateway, Setup, app_id, bot_id};
use serde_json::{Value, json};

use super::marks::{
    BOT_SECRET, CALLBACK_KEY, CALLBACK_TOKEN, PROXY_PASSWORD, SECRET, TICKET, WRONG_SECRET,
};

/// Starts the gateway and waits until every bot is live or in its trouble.
pub(super) fn start(
    sim: &Sim,
    other: &Sim,
    wecom: &wecom::Sim,
    proxy: &Proxy,
    format: &str,
) -> Gateway {
    answer_with_secrets(sim, wecom);
    let setup = secrets(sim, proxy, format).watch(other);
    let setup = feishu_bots(setup, sim, other);
    let gateway = wecom_bots(setup, wecom).start();
    for expected in [
        "refused by the platform",
        "injected into",
        "an actor failed",
        "this proxy cannot be used",
    ] {
        gateway.expect_error(expected);
    }
    for name in ["by-file", "by-variable", "bad-url", "wecom"] {
        gateway.wait_live(name);
    }
    for (name, state, reason) in [
        ("wrong", "refused", "auth_failed"),
        ("wecom-wrong", "refused", "credentials_refused"),
        ("forbidden", "refused", "handshake_forbidden"),
        ("unauthorized", "refused", "proxy_unauthorized"),
        ("lost", "backing_off", "unreachable"),
    ] {
        let is_so = |view: &Value| view["state"] == state && view["reason"] == reason;
        gateway.wait_installation(name, reason, is_so);
    }
    gateway
}

/// Makes the platforms repeat secrets in their errors, and answer with URLs that hold secrets and cannot be used.
fn answer_with_secrets(sim: &Sim, wecom: &wecom::Sim) {
    let control = sim.control();
    let port = sim.address().port();
    let msg = format!("app_secret {WRONG_SECRET} is wrong");
    control.behaviour(
        Some(&app_id("wrong")),
        Behaviour::bootstrap_error(514, &msg),
    );
    let address =
        |tail: &str| format!("wss://127.0.0.1:{port}/ws/v2?device_id=1&service_id=1&{tail}");
    for url in [
        address(&format!("access_key={TICKET}&ticket={TICKET}")),
        format!("wss://gate:{TICKET}@127.0.0.1:{port}/ws/v2?service_id=1"),
        format!("no address: ticket={TICKET}"),
        format!("ftp://127.0.0.1/?ticket={TICKET}"),
        address(&format!("ticket={TICKET}#fragment")),
        format!("wss://127.0.0.1:1/ws/v2?service_id=1&ticket={TICKET}"),
    ] {
        control.behaviour(
            Some(&app_id("bad-url")),
            Behaviour::BootstrapUrl { url }.times(1),
        );
    }
    let msg = json!({
        "headers": { "req_id": "{req_id}" }, "errcode": 853_000,
        "errmsg": format!("invalid secret {BOT_SECRET}"),
    });
    wecom.control().behaviour(
        Some(&bot_id("wecom-wrong")),
        wecom::Behaviour::answer(
            wecom::CommandKind::Subscribe,
            wecom::ScriptedAnswer::Raw(msg.to_string()),
        ),
    );
}

/// The files and variables that hold the secrets.
fn secrets(sim: &Sim, proxy: &Proxy, format: &str) -> Setup {
    let through = |password: &str, address: &str| {
        let password = password.replace('/', "%2F").replace('+', "%2B");
        format!("http://gate:{password}@{address}")
    };
    let proxy = proxy.address().to_string();
    let wrong_password = format!("{PROXY_PASSWORD}-not");
    // It cannot be used, which is logged without the URL.
    let unusable = format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1");
    Setup::new(sim)
        .file("ca.pem", sim.ca_pem().expect("the platform has TLS"))
        .set("tls.ca_file", "ca.pem")
        .set("debug.fault_injection", true)
        .set("log.format", format)
        .environment("LONGWIRE_LOG__FILTER", "trace")
        .environment("BOT_SECRET", SECRET)
        .environment("WECOM_SECRET", BOT_SECRET)
        .environment("HTTP_PROXY", &unusable)
        .environment("WAY_OUT", &through(PROXY_PASSWORD, &proxy))
        .file("bot.secret", &format!("{SECRET}\n"))
        .file("wrong.secret", WRONG_SECRET)
        .file("callback.token", CALLBACK_TOKEN)
        .file("callback.key", CALLBACK_KEY)
        .file("nobody.proxy", &through(PROXY_PASSWORD, "127.0.0.1:1"))
        .file("wrong.proxy", &through(&wrong_password, &proxy))
}

fn feishu_bots(setup: Setup, sim: &Sim, other: &Sim) -> Setup {
    let by_name = sim.base_url().replacen("127.0.0.1", "secure.test", 1);
    let mut setup = setup
        .bot_at("by-file", &by_name)
        .with("app_secret", json!({ "file": "bot.secret" }))
        .with("proxy", json!({ "env": "WAY_OUT" }))
        .with("verification_token", json!({ "file": "callback.token" }))
        .with("encrypt_key", json!({ "file": "callback.key" }));
    for (name, secret) in [
        ("by-variable", json!({ "env": "BOT_SECRET" })),
        ("wrong", json!({ "file": "wrong.secret" })),
        ("forbidden", json!({ "env": "BOT_SECRET" })),
        ("lost", json!({ "env": "BOT_SECRET" })),
        ("unauthorized", json!({ "env": "BOT_SECRET" })),
        ("bad-url", json!({ "env": "BOT_SECRET" })),
    ] {
        let home = if name == "forbidden" { other } else { sim };
        setup = setup
            .bot_at(name, &home.base_url())
            .with("app_secret", secret);
        setup = match name {
            "lost" => setup.with("proxy", json!({ "file": "nobody.proxy" })),
            "unauthorized" => setup.with("proxy", json!({ "file": "wrong.proxy" })),
            _ => setup,
        };
    }
    setup
}

fn wecom_bots(mut setup: Setup, wecom: &wecom::Sim) -> Setup {
    for name in ["wecom", "wecom-wrong"] {
        setup = setup
            .wecom_bot(name, wecom)
            .with("secret", json!({ "env": "WECOM_SECRET" }));
    }
    setup
}
