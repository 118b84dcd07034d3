//! A bot is proven at its platform when it is added: by the command, with a server and without one, and over HTTP. What the
//! platform does not take is not kept, and the answer says why and what to do.

use longwire_sim::proxy::{Proxy, ProxyAnswer};
use longwire_sim::wecom::Bots;
use longwire_sim::{Apps, Sim, SimTls};
use longwire_tests::{
    Ended, Gateway, SECRET, Setup, Signal, app_id, bot_id, longwire, platform, wecom_platform,
};
use serde_json::{Value, json};

/// Runs `installations add` in the gateway's directory, with this secret.
fn add_with(gateway: &Gateway, secret: &str, arguments: &[&str]) -> Ended {
    let server = format!("http://{}", gateway.admin().address());
    let add = ["installations", "add", "--secret-stdin", "-o", "json"];
    longwire(
        gateway.directory(),
        &[&add[..], arguments].concat(),
        &[("LONGWIRE_ADMIN_URL", &server)],
        secret,
    )
}

fn add(gateway: &Gateway, arguments: &[&str]) -> Ended {
    add_with(gateway, SECRET, arguments)
}

/// The names that are kept.
fn kept(gateway: &Gateway) -> Vec<String> {
    let list = ["installations", "list", "-o", "json"];
    let listed = longwire(gateway.directory(), &list, &[], "").json();
    let rows = listed["data"].as_array().expect("a list").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// Ends the server, so that commands work on the store themselves.
fn stop(gateway: &mut Gateway) {
    gateway.signal(Signal::Term);
    gateway.wait_end();
}

/// A region under its public name, which knows one app and takes another for the other cloud's.
fn region(name: &str, known: &str, foreign: &str) -> Sim {
    platform(|settings| {
        settings.apps = Apps::Known(vec![(app_id(known), SECRET.to_owned())]);
        settings.foreign_apps = vec![app_id(foreign)];
        settings.tls = Some(SimTls {
            names: vec![name.to_owned()],
        });
    })
}

#[test]
fn an_app_of_the_other_region_is_kept_with_the_region_that_took_it() {
    let feishu = region("open.feishu.cn", "here", "there");
    let lark = region("open.larksuite.com", "there", "here");
    let proxy = Proxy::start(ProxyAnswer::Routes(vec![
        ("open.feishu.cn:443".to_owned(), feishu.address()),
        ("open.larksuite.com:443".to_owned(), lark.address()),
    ]));
    let authorities = [&feishu, &lark].map(|sim| sim.ca_pem().expect("it has TLS"));
    let mut gateway = Setup::without_platform()
        .file("ca.pem", &authorities.concat())
        .set("tls.ca_file", "ca.pem")
        .set("proxy.url", format!("http://{}", proxy.address()))
        .start();

    // With a server: it asks, and connects the bot.
    let app = app_id("there");
    let stopped = ["moved", "--app-id", &app, "--stopped"];
    let added = add(&gateway, &stopped);
    added.assert(0, &["the app is of lark and not of feishu"]);
    let document = added.json();
    assert_eq!(document["platform"], "lark", "{document}");
    assert_eq!(document["probe"]["moved_from"], "feishu", "{document}");
    for sim in [&feishu, &lark] {
        let ledger = sim.control().ledger();
        assert_eq!((ledger.bootstraps, ledger.connections_opened), (1, 0));
    }

    // Without one: the command asks, by the same way.
    stop(&mut gateway);
    let app = app_id("here");
    let added = add(&gateway, &["here", "--app-id", &app, "--platform", "lark"]);
    added.assert(
        0,
        &["the app is of feishu and not of lark", "before you save"],
    );
    assert_eq!(added.json()["platform"], "feishu");
    for sim in [&feishu, &lark] {
        let ledger = sim.control().ledger();
        assert_eq!((ledger.bootstraps, ledger.connections_opened), (2, 0));
    }
}

#[test]
fn what_the_platform_refuses_is_not_kept() {
    let sim = platform(|settings| {
        settings.apps = Apps::Known(vec![(app_id("good"), SECRET.to_owned())]);
    });
    let mut gateway = Setup::new(&sim).start();
    let (base, good, bad) = (sim.base_url(), app_id("good"), app_id("bad"));
    let bot = |app: &str| ["bot".to_owned(), app.to_owned()];
    let ask = |gateway: &Gateway, secret: &str, app: &str, more: &[&str]| {
        let [name, app] = bot(app);
        let arguments = [&name, "--app-id", &app, "--base-url", &base];
        add_with(gateway, secret, &[&arguments[..], more].concat())
    };
    for is_running in [true, false] {
        if !is_running {
            stop(&mut gateway);
        }
        let refused = ask(&gateway, "another-secret", &good, &[]);
        refused.assert(
            1,
            &["feishu refuses the bot", "nothing was kept", "app secret"],
        );
        assert!(!format!("{refused:?}").contains("another-secret"));
        ask(&gateway, SECRET, &bad, &[]).assert(1, &["does not accept the app id and secret"]);
        // Nobody listens at port 1.
        let nowhere = ["--base-url", "http://127.0.0.1:1"];
        let away = ["bot", "--app-id", &good, nowhere[0], nowhere[1]];
        add(&gateway, &away).assert(1, &["could not be asked", "nothing was kept", "--no-probe"]);
        ask(&gateway, SECRET, &good, &["--exclusive"]).assert(
            if is_running { 1 } else { 2 },
            &["exclusive", "is for bots of WeCom"],
        );
        assert_eq!(kept(&gateway), Vec::<String>::new());
    }
    assert_eq!(sim.control().ledger().connections_opened, 0);
    let wished = ask(&gateway, "another-secret", &good, &["--no-probe"]);
    wished.assert(0, &["the platform was not asked"]);
    assert_eq!(wished.json()["probe"]["outcome"], "skipped");
    assert_eq!(kept(&gateway), ["bot"]);
    ask(&gateway, SECRET, &good, &["--no-probe", "--exclusive"]).assert(2, &["cannot be used"]);
}

#[test]
fn a_wecom_bot_is_reached_and_subscribes_only_when_told_that_nobody_has_it() {
    let sim = wecom_platform(|settings| {
        settings.bots = Bots::Known(vec![(bot_id("robot"), SECRET.to_owned())]);
    });
    let mut gateway = Setup::without_platform().start();
    stop(&mut gateway);
    let (base, known) = (sim.base_url(), bot_id("robot"));
    let ask = |secret: &str, name: &str, more: &[&str]| {
        let arguments = [name, "--bot-id", &known, "--base-url", &base, "--stopped"];
        add_with(&gateway, secret, &[&arguments[..], more].concat())
    };
    let reached = ask("another-secret", "reached", &[]);
    reached.assert(0, &["can be reached", "were not tried"]);
    let ledger = sim.control().ledger();
    assert_eq!((ledger.connections_opened, ledger.subscribes), (1, 0));
    ask("another-secret", "wrong", &["--exclusive"]).assert(
        1,
        &[
            "wecom refuses the bot",
            "nothing was kept",
            "WeCom admin console",
        ],
    );
    let proven = ask(SECRET, "proven", &["--exclusive"]);
    proven.assert(0, &["wecom takes the id and the secret"]);
    assert_eq!(kept(&gateway), ["reached", "proven"]);
}

#[test]
fn a_program_is_told_why_a_bot_is_not_kept() {
    let sim = platform(|settings| {
        settings.apps = Apps::Known(vec![(app_id("good"), SECRET.to_owned())]);
    });
    let gateway = Setup::new(&sim).start();
    let bot = |secret: &str, base: &str| {
        json!({"name": "bot", "platform": "feishu", "app_id": app_id("good"), "app_secret": secret, "base_url": base,
            "desired": "stop"})
    };
    let post = |body: &Value| {
        let answer = gateway.public().post("/v1/installations", Some(body));
        let answer = answer.expect("it answers");
        let body: Value = serde_json::from_str(&answer.body).expect("JSON");
        (answer.status, body)
    };
    let (status, problem) = post(&bot("another-secret", &sim.base_url()));
    assert_eq!((status, &problem["code"]), (422, &json!("bot_refused")));
    assert_eq!(problem["reason"], "auth_failed", "{problem}");
    assert!(
        problem["next_step"]
            .as_str()
            .is_some_and(|step| step.contains("app secret"))
    );
    let (status, problem) = post(&bot(SECRET, "http://127.0.0.1:1"));
    assert_eq!((status, &problem["code"]), (424, &json!("bot_not_probed")));
    assert_eq!(problem["reason"], "unreachable", "{problem}");
    assert_eq!(kept(&gateway), Vec::<String>::new());

    let mut unasked = bot("another-secret", "http://127.0.0.1:1");
    unasked["probe"] = json!(false);
    let (status, added) = post(&unasked);
    assert_eq!(
        (status, &added["probe"]["outcome"]),
        (201, &json!("skipped"))
    );
    let mut wrong = bot(SECRET, &sim.base_url());
    wrong["exclusive"] = json!(true);
    wrong["probe"] = json!("no");
    let (status, problem) = post(&wrong);
    assert_eq!(status, 400, "{problem}");
    let errors = problem["errors"].as_array().expect("mistakes");
    let pointers: Vec<&Value> = errors.iter().map(|error| &error["pointer"]).collect();
    assert!(pointers.contains(&&json!("/probe")), "{problem}");
    assert!(pointers.contains(&&json!("/exclusive")), "{problem}");
}
