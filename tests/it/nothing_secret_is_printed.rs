//! Secrets, URLs that hold them, and what people wrote appear in no log line of any level, in no answer of the admin
//! interface and in no command's output. Secrets appear only in the files that are made for them.
//!
//! Every secret contains a mark. The story passes each secret through all code that handles it, in success and in
//! failure, and then searches all output for the marks in every encoding.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use longwire_sim::{
    Apps, Behaviour, Control, Fault, FragmentPlan, Push, Sim, SimTls, Target, wecom,
};
use longwire_tests::{
    Admin, Gateway, Setup, Signal, app_id, bot_id, longwire, message_of, platform, wait_until,
    wecom_platform,
};
use serde_json::{Value, json};
use std::path::Path;

use longwire_sim::proxy::{Proxy, ProxyAnswer};

/// The secret that lets most bots in.
const SECRET: &str = "sesame/0ne+5b1c";
/// A secret that the platform does not accept.
const WRONG_SECRET: &str = "sesame/tw0+9e3d";
/// The secret of a WeCom bot, which goes into the first frame of its connection.
const BOT_SECRET: &str = "sesame/b0t+77c4";
const PROXY_PASSWORD: &str = "prxy/pw+47aa";
const TICKET: &str = "tckt/url+c02f";
/// A field of an event that is not its text.
const BODY: &str = "evt/body+d31e";
/// What somebody wrote.
const CONTENT: &str = "evt/said+88f0";

/// What nobody may see anywhere. In a store, they are sealed.
const SECRETS: [&str; 5] = [SECRET, WRONG_SECRET, BOT_SECRET, PROXY_PASSWORD, TICKET];
/// What stays in the store and leaves it only on request.
const BODIES: [&str; 2] = [BODY, CONTENT];
/// Parts of a connection's address: whatever follows them is good for a connection.
const ADDRESS_PARTS: [&str; 2] = ["access_key=", "ticket="];

#[test]
fn no_secret_leaves_the_process_while_it_logs_everything_as_json() {
    tell_nothing("json");
}

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
    let way_out = Proxy::start(ProxyAnswer::Authorized(format!(
        "Basic {}",
        STANDARD.encode(format!("gate:{PROXY_PASSWORD}"))
    )));
    let rude = platform(|settings| settings.one_time_ticket = false);
    let mut seen = Seen {
        ticket: repeats_its_ticket(&rude),
        ..Seen::default()
    };
    let wecom = wecom_platform(|_| ());
    let mut gateway = start(&sim, &rude, &wecom, &way_out, format);
    if format == "text" {
        // Some entries of rustls have many lines in this form. All other lines are checked in the JSON form.
        gateway.expect_error("");
    }

    people_write(&control, &gateway);
    people_write_on_wecom(&wecom.control(), &gateway, &mut seen);
    the_platform_misbehaves(&control, &gateway);
    actors_panic(&gateway);
    operators_add_bots(&gateway, &sim, &mut seen);
    everything_is_looked_at(&gateway, &mut seen);

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

/// A gateway whose bots get their secrets in every way, and most of whom are in trouble.
fn start(sim: &Sim, rude: &Sim, wecom: &wecom::Sim, way_out: &Proxy, format: &str) -> Gateway {
    let control = sim.control();
    let port = sim.address().port();
    let through = |password: &str, address: &str| {
        let password = password.replace('/', "%2F").replace('+', "%2B");
        format!("http://gate:{password}@{address}")
    };
    // A platform that repeats what it was asked with.
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
    let mut setup = Setup::new(sim)
        .watch(rude)
        .file("ca.pem", sim.ca_pem().expect("the platform has TLS"))
        .set("tls.ca_file", "ca.pem")
        .set("debug.fault_injection", true)
        .set("log.format", format)
        .environment("LONGWIRE_LOG__FILTER", "trace")
        .environment("BOT_SECRET", SECRET)
        // It cannot be used, which is said, without saying it.
        .environment(
            "HTTP_PROXY",
            &format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1"),
        )
        .environment(
            "WAY_OUT",
            &through(PROXY_PASSWORD, &way_out.address().to_string()),
        )
        .file("bot.secret", &format!("{SECRET}\n"))
        .file("wrong.secret", WRONG_SECRET)
        .file("nobody.proxy", &through(PROXY_PASSWORD, "127.0.0.1:1"))
        .file(
            "wrong.proxy",
            &through(
                &format!("{PROXY_PASSWORD}-not"),
                &way_out.address().to_string(),
            ),
        );
    setup = setup
        .bot_at(
            "by-file",
            &sim.base_url().replacen("127.0.0.1", "secure.test", 1),
        )
        .with("app_secret", json!({ "file": "bot.secret" }))
        .with("proxy", json!({ "env": "WAY_OUT" }));
    for (name, secret) in [
        ("by-variable", json!({ "env": "BOT_SECRET" })),
        ("wrong", json!({ "file": "wrong.secret" })),
        ("forbidden", json!({ "env": "BOT_SECRET" })),
        ("lost", json!({ "env": "BOT_SECRET" })),
        ("unauthorized", json!({ "env": "BOT_SECRET" })),
        ("bad-url", json!({ "env": "BOT_SECRET" })),
    ] {
        let home = if name == "forbidden" { rude } else { sim };
        setup = setup
            .bot_at(name, &home.base_url())
            .with("app_secret", secret);
        setup = match name {
            "lost" => setup.with("proxy", json!({ "file": "nobody.proxy" })),
            "unauthorized" => setup.with("proxy", json!({ "file": "wrong.proxy" })),
            _ => setup,
        };
    }
    let msg = json!({
        "headers": { "req_id": "{req_id}" }, "errcode": 853_000,
        "errmsg": format!("invalid secret {BOT_SECRET}"),
    });
    wecom.control().behaviour(
        Some(&bot_id("wecom-wrong")),
        wecom::Behaviour::answer(
            wecom::Asked::Subscribe,
            wecom::ScriptedAnswer::Raw(msg.to_string()),
        ),
    );
    for name in ["wecom", "wecom-wrong"] {
        setup = setup
            .wecom_bot(name, wecom)
            .with("secret", json!({ "env": "WECOM_SECRET" }));
    }
    let gateway = setup.environment("WECOM_SECRET", BOT_SECRET).start();
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

/// Has the platform give out the same address again and again, and refuse it with its ticket in the text; returns the
/// ticket.
fn repeats_its_ticket(rude: &Sim) -> String {
    let app = app_id("forbidden");
    let request = json!({ "AppID": app, "AppSecret": SECRET });
    let answer = Admin::at(rude.address())
        .post("/callback/ws/endpoint", Some(&request))
        .expect("the platform answers")
        .json();
    let url = answer["data"]["URL"]
        .as_str()
        .expect("an address")
        .to_owned();
    let mut pairs = url.split(['?', '&']);
    let ticket = pairs.find_map(|pair| pair.strip_prefix("ticket="));
    let ticket = ticket.expect("an address has a ticket").to_owned();
    let control = rude.control();
    control.behaviour(Some(&app), Behaviour::BootstrapUrl { url });
    control.behaviour(
        Some(&app),
        Behaviour::UpgradeRefuse {
            http: 403,
            status: Some(403),
            msg: Some(format!("ticket {ticket} is not welcome")),
            auth: Some(1),
        },
    );
    ticket
}

/// Events, whole and in pieces, understood and not.
fn people_write(control: &Control, gateway: &Gateway) {
    let event = |id: &str| {
        let event = message_of(id, &format!("om-{id}"), CONTENT);
        event.replacen("{", &format!("{{\"extra\":\"{BODY}\","), 1)
    };
    let app = app_id("by-file");
    let pushes = [
        Push::of(event("evt-whole")),
        Push::of(event("evt-split")).in_fragments(FragmentPlan::of_size(64)),
        Push::of(event("evt-traced")).with_header("trace_id", Some("trace-1")),
        Push {
            event_id: Some("evt-broken".to_owned()),
            ..Push::of(format!("{{\"header\": {BODY} {CONTENT}"))
        },
    ];
    gateway.expect_no_row_for("evt-broken");
    for push in pushes {
        let id = control.push(&app, push);
        wait_until("the event is acknowledged", || match control.record(id) {
            Some(record) if record.acked_at_ms.is_some() => Ok(()),
            record => Err(format!("{record:?}")),
        });
    }
    let stored = gateway.event("evt-whole").expect("it was acknowledged");
    assert!(
        stored
            .payload
            .windows(CONTENT.len())
            .any(|bytes| bytes == CONTENT.as_bytes())
    );
}

/// Messages, nonsense, and what an application answers. Nobody but the one who asked reads that.
fn people_write_on_wecom(control: &wecom::Control, gateway: &Gateway, seen: &mut Seen) {
    let bot = bot_id("wecom");
    let said = wecom::Push::text(CONTENT).with_body("extra", BODY);
    control.push(&bot, said);
    for text in [
        format!("{{\"cmd\": {BODY} {CONTENT}"),
        json!({ "cmd": CONTENT, "headers": { "req_id": BODY } }).to_string(),
        json!({ "headers": { "req_id": CONTENT }, "errcode": 1, "errmsg": BODY }).to_string(),
        json!({ "cmd": "aibot_msg_callback", "headers": {}, "body": { "text": CONTENT } })
            .to_string(),
    ] {
        control.fault(wecom::Target::Bot(bot.clone()), wecom::Fault::Text(text));
    }
    gateway.wait_installation("wecom", "all of it is counted", |view| {
        view["lights"]["malformed"] == 4
    });
    let markdown =
        json!({ "chatid": "zhangsan", "msgtype": "markdown", "markdown": { "content": CONTENT } });
    for (cmd, req_id, body) in [
        ("aibot_send_msg", None, markdown.clone()),
        ("aibot_respond_msg", Some(CONTENT), markdown.clone()),
        ("aibot_respond_msg", None, markdown.clone()),
        (
            "aibot_send_msg",
            None,
            json!({ "msgtype": CONTENT, "x": BODY }),
        ),
        (CONTENT, None, markdown),
    ] {
        let answer = gateway.ask("wecom", cmd, req_id, body);
        seen.text("POST /admin/v1/installations/wecom/requests", &answer.body);
    }
}

/// Frames that nobody understands, pongs that nobody wants, and bytes that end the connection.
fn the_platform_misbehaves(control: &Control, gateway: &Gateway) {
    let target = || Target::App(app_id("by-variable"));
    for fault in [
        Fault::Text(format!("{CONTENT} {TICKET}")),
        Fault::Garbage(format!("{CONTENT} {TICKET}").into_bytes().into()),
        Fault::PongConfig(format!("{{\"PingInterval\": \"{CONTENT}\"}}")),
        Fault::CardFrame,
        Fault::Method2,
    ] {
        control.fault(target(), fault);
    }
    gateway.wait_overview("the nonsense is counted", |overview| {
        overview["malformed"]
            .as_object()
            .is_some_and(|kinds| kinds.len() >= 5)
    });
    // An RFC 6455 close with a reason, and bytes that are no frame at all.
    let mut close = vec![0x88, (2 + CONTENT.len()) as u8, 0x03, 0xe9];
    close.extend_from_slice(CONTENT.as_bytes());
    for bytes in [close, [&[0xff, 0x7f][..], CONTENT.as_bytes()].concat()] {
        let generation = gateway.wait_live("by-variable")["generation"].as_u64();
        control.fault(target(), Fault::Raw(bytes.into()));
        gateway.wait_installation("by-variable", "connected anew", |view| {
            view["state"] == "live" && view["generation"].as_u64() > generation
        });
    }
}

fn actors_panic(gateway: &Gateway) {
    for (count, actor) in ["assembler", "pinger", "socket", "installation"]
        .iter()
        .enumerate()
    {
        gateway.wait_live("by-variable");
        let request = json!({ "actor": actor, "fault": "panic" });
        let path = "/admin/v1/installations/by-variable/fault";
        let answer = gateway
            .admin()
            .post(path, Some(&request))
            .expect("the admin interface answers");
        assert_eq!(answer.status, 202, "{}", answer.body);
        gateway.wait_overview("the panic is counted", |overview| {
            overview["connections"]["panics"].as_u64() > Some(count as u64)
        });
    }
    gateway.wait_live("by-variable");
}

/// Bots are added with their secrets, rightly and wrongly.
fn operators_add_bots(gateway: &Gateway, sim: &Sim, seen: &mut Seen) {
    let request = json!({
        "name": "by-request", "platform": "feishu", "app_id": app_id("by-request"), "app_secret": SECRET,
        "base_url": sim.base_url(), "proxy": format!("http://gate:{}@127.0.0.1:1", PROXY_PASSWORD.replace('/', "%2F")),
        "desired": "run",
    });
    let with = |key: &str, value: Value| {
        let mut request = request.clone();
        request[key] = value;
        request
    };
    for (request, status) in [
        (with("surprise", json!(SECRET)), 400),
        (with("desired", json!(SECRET)), 400),
        (with("app_secret", json!([SECRET])), 400),
        (
            with(
                "proxy",
                json!(format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1")),
            ),
            400,
        ),
        (
            with(
                "base_url",
                json!(format!("https://gate:{TICKET}@127.0.0.1")),
            ),
            400,
        ),
        (request.clone(), 201),
        (request.clone(), 409),
    ] {
        let answer = gateway
            .admin()
            .post("/admin/v1/installations", Some(&request))
            .expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        // What was sent as a wanted state is no secret, and is told back.
        if request["desired"] == "run" {
            seen.text("POST /admin/v1/installations", &answer.body);
        }
    }
    gateway.wait_installation("by-request", "tried", |view| {
        view["reason"] == "unreachable"
    });
    let app = app_id("by-command");
    let base_url = sim.base_url();
    let add = [
        "installations",
        "add",
        "by-command",
        "--app-id",
        &app,
        "--base-url",
        &base_url,
        "--secret-stdin",
    ];
    seen.command(gateway, &add, &format!("{SECRET}\n"), 0);
    gateway.wait_live("by-command");
    seen.command(gateway, &add, &format!("{SECRET}\n"), 1);
    operators_add_wecom_bots(gateway, seen);
}

/// Nobody listens where these bots are to connect, so their secret is unsealed for each attempt and goes nowhere.
fn operators_add_wecom_bots(gateway: &Gateway, seen: &mut Seen) {
    let nowhere = "wss://127.0.0.1:1";
    let request = json!({
        "name": "wecom-by-request", "platform": "wecom", "bot_id": "aib1", "secret": BOT_SECRET,
        "base_url": nowhere, "take_back_after": "10m", "take_back_per_day": 3,
    });
    let with = |key: &str, value: Value| {
        let mut request = request.clone();
        request[key] = value;
        request
    };
    for (request, status) in [
        (with("surprise", json!(BOT_SECRET)), 400),
        (with("app_secret", json!(BOT_SECRET)), 400),
        (with("secret", json!([BOT_SECRET])), 400),
        (with("take_back_after", json!(BOT_SECRET)), 400),
        (with("take_back_per_day", json!(BOT_SECRET)), 400),
        (
            with("base_url", json!(format!("wss://aib1:{TICKET}@127.0.0.1"))),
            400,
        ),
        (request.clone(), 201),
        (request.clone(), 409),
    ] {
        let answer = gateway
            .admin()
            .post("/admin/v1/installations", Some(&request))
            .expect("an answer");
        assert_eq!(answer.status, status, "{}", answer.body);
        seen.text("POST /admin/v1/installations", &answer.body);
    }
    let add = [
        "installations",
        "add",
        "wecom-by-command",
        "--bot-id",
        "aib2",
        "--base-url",
        nowhere,
        "--secret-stdin",
    ];
    seen.command(gateway, &add, &format!("{BOT_SECRET}\n"), 0);
    seen.command(gateway, &add, &format!("{BOT_SECRET}\n"), 1);
    // The secret is forgotten.
    let forgotten = [
        "installations",
        "add",
        "nobody",
        "--bot-id",
        "aib3",
        "--secret-stdin",
    ];
    seen.command(gateway, &forgotten, "\n", 2);
    for name in ["wecom-by-request", "wecom-by-command"] {
        gateway.wait_installation(name, "tried", |view| view["reason"].is_string());
    }
}

/// Every page, probe and command that tells something.
fn everything_is_looked_at(gateway: &Gateway, seen: &mut Seen) {
    let admin = gateway.admin();
    let mut paths: Vec<String> = [
        "/livez",
        "/readyz",
        "/metrics",
        "/admin/v1/overview",
        "/admin/v1/tree",
        "/admin/v1/tree?unfold=/fleet",
        "/admin/v1/actors?limit=500",
        "/admin/v1/installations?limit=500",
    ]
    .map(str::to_owned)
    .to_vec();
    let names: Vec<String> = gateway
        .installations()
        .iter()
        .filter_map(|view| view["name"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names.len(), 13, "{names:?}");
    paths.extend(
        names
            .iter()
            .map(|name| format!("/admin/v1/installations/{name}")),
    );
    for path in &paths {
        let answer = admin.get(path).expect("the admin interface answers");
        assert!(answer.status < 500, "GET {path}: {}", answer.body);
        seen.text(&format!("GET {path}"), &answer.body);
    }
    let actors = admin.json("/admin/v1/actors?limit=500");
    for actor in actors["data"].as_array().into_iter().flatten() {
        let path = actor["path"].as_str().unwrap_or_default();
        seen.text(
            &format!("the words of {path}"),
            &gateway.inspect(path).to_string(),
        );
    }
    seen.command(gateway, &["installations", "list"], "", 0);
    seen.command(gateway, &["installations", "list", "-o", "json"], "", 0);
    for name in &names {
        seen.command(gateway, &["installations", "show", name], "", 0);
        seen.command(
            gateway,
            &["installations", "show", name, "-o", "json"],
            "",
            0,
        );
    }
    seen.command(gateway, &["events", "tail", "--from-start"], "", 0);
    seen.command(gateway, &["events", "tail", "-o", "json"], "", 0);
    // Most bots are in trouble, so both have findings.
    seen.command(gateway, &["check", "--online"], "", 7);
    seen.command(gateway, &["check", "--online", "-o", "json"], "", 7);
}

/// What was looked at, and the marks found there.
#[derive(Default)]
struct Seen {
    /// A ticket that was really given out.
    ticket: String,
    leaks: Vec<String>,
}

impl Seen {
    fn text(&mut self, place: &str, text: &str) {
        for mark in SECRETS.iter().chain(&BODIES).chain(&ADDRESS_PARTS) {
            self.search(place, text.as_bytes(), mark);
        }
        self.search(place, text.as_bytes(), &self.ticket.clone());
    }

    fn command(&mut self, gateway: &Gateway, arguments: &[&str], input: &str, code: i32) {
        let server = format!("http://{}", gateway.admin().address());
        let environment = [
            ("LONGWIRE_ADMIN_URL", server.as_str()),
            ("BOT_SECRET", SECRET),
            (
                "WAY_OUT",
                &format!(
                    "http://gate:{}@127.0.0.1:1",
                    PROXY_PASSWORD.replace('/', "%2F")
                ),
            ),
            (
                "HTTP_PROXY",
                &format!("socks5://gate:{PROXY_PASSWORD}@127.0.0.1:1"),
            ),
            ("LONGWIRE_LOG__FILTER", "trace"),
        ];
        let ended = longwire(gateway.directory(), arguments, &environment, input);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        self.text(
            &format!("longwire {}", arguments.join(" ")),
            &format!("{}{}", ended.output, ended.errors),
        );
    }

    /// The store's files, for what is sealed in them.
    fn files(&mut self, directory: &Path) {
        let mut searched = Vec::new();
        for entry in std::fs::read_dir(directory).expect("it is ours").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("longwire.") {
                let bytes = std::fs::read(entry.path()).expect("it is ours");
                for mark in SECRETS {
                    self.search(&name, &bytes, mark);
                }
                self.search(&name, &bytes, &self.ticket.clone());
                searched.push(name);
            }
        }
        for wanted in ["longwire.db", "longwire.db.key", "longwire.toml"] {
            assert!(searched.iter().any(|name| name == wanted), "{searched:?}");
        }
    }

    fn search(&mut self, place: &str, text: &[u8], mark: &str) {
        if mark.is_empty() {
            return;
        }
        for form in forms(mark) {
            if let Some(at) = text
                .windows(form.len())
                .position(|bytes| bytes == form.as_bytes())
            {
                let around = &text[at.saturating_sub(200)..(at + form.len() + 80).min(text.len())];
                self.leaks.push(format!(
                    "{mark} as {form} in {place}: …{}…",
                    String::from_utf8_lossy(around)
                ));
                return;
            }
        }
    }
}

/// How a text may look after it was written into an address, a header, a JSON string or a dump of bytes.
fn forms(mark: &str) -> Vec<String> {
    let bytes = mark.as_bytes();
    let percent = |encoded: &dyn Fn(u8) -> String| -> String {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~=".contains(byte);
        let encode = |byte: &u8| {
            if plain(byte) {
                char::from(*byte).to_string()
            } else {
                encoded(*byte)
            }
        };
        bytes.iter().map(encode).collect()
    };
    let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        mark.to_owned(),
        percent(&|byte| format!("%{byte:02X}")),
        percent(&|byte| format!("%{byte:02x}")),
        // In a path or a password a plus sign may stay as it is.
        mark.replace('/', "%2F"),
        mark.replace('/', "\\/"),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        decimal.join(", "),
        decimal.join(","),
    ];
    // Base64 depends on where in its triple of bytes the text begins; the digits at its ends belong to its neighbours.
    for before in 0..3 {
        let shifted = [&vec![0; before][..], bytes].concat();
        let whole = shifted.len() / 3 * 4;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let first = if before == 0 { 0 } else { 4 };
            forms.push(engine.encode(&shifted)[first..whole].to_owned());
        }
    }
    forms
}

#[test]
fn the_search_finds_what_it_is_for() {
    let header = STANDARD.encode(format!("gate:{PROXY_PASSWORD}"));
    let bytes = format!("{:?}", SECRET.as_bytes());
    for text in [
        format!("Proxy-Authorization: Basic {header}"),
        format!(
            "http://gate:{}@host",
            PROXY_PASSWORD.replace('/', "%2f").replace('+', "%2b")
        ),
        format!("read {bytes}"),
        format!("{{\"app_secret\":\"{SECRET}\"}}"),
        format!("wss://host/?ticket={}", TICKET.replace('/', "%2F")),
        format!("xy{}", STANDARD.encode(format!("12{CONTENT}12"))),
        "wss://host/?device_id=1&access_key=0".to_owned(),
    ] {
        let mut seen = Seen::default();
        seen.text("here", &text);
        assert!(!seen.leaks.is_empty(), "{text}");
    }
    let mut seen = Seen::default();
    seen.text("here", "proxy 127.0.0.1:1 refused; ticket not accepted");
    assert_eq!(seen.leaks, Vec::<String>::new());
}
