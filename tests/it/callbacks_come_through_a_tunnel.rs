//! What the page about tunnels says can be typed, and what it posts comes through a tunnel that moves bytes.

use std::net::{SocketAddr, TcpListener, TcpStream};

use longwire_sim::HttpPushState;
use longwire_tests::{
    Admin, ENCRYPT_KEY, Setup, VERIFICATION_TOKEN, longwire, platform, wait_until,
};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../crates/longwire/docs/tunnel.md");

/// The lines of the page that begin so.
fn lines(with: &'static str) -> impl Iterator<Item = &'static str> {
    PAGE.lines().filter(move |line| line.starts_with(with))
}

/// S214: a machine without an address of its own is reached by the address of a tunnel.
#[test]
fn what_the_page_posts_comes_through() {
    let sim = platform(|_| ());
    let setup = Setup::new(&sim)
        .bot("sim-bot")
        .with("app_id", "cli_0123456789abcdef");
    let gateway = setup.with_callbacks().start();
    for line in lines("longwire sim ") {
        // It is parsed to its end before the help is shown.
        let arguments: Vec<_> = line.split(' ').skip(1).chain(["--help"]).collect();
        longwire(gateway.directory(), &arguments, &[], "").assert(0, &["--request-url"]);
    }
    let console = Admin::at(sim.address());
    let urls = json!({
        "app": "cli_0123456789abcdef",
        "events": format!("http://{}/callbacks/feishu/sim-bot", tunnel(gateway.public().address())),
        "verification_token": VERIFICATION_TOKEN,
        "encrypt_key": ENCRYPT_KEY,
    });
    let saved = console.post("/sim/v1/request_urls", Some(&urls));
    assert_eq!(
        saved.expect("the simulator answers").json(),
        json!({ "saved": true })
    );
    let mut posts = 0;
    for line in lines("curl http://127.0.0.1:7900/sim/v1/http/push ") {
        let (_, body) = line.split_once("-d '").expect("it posts something");
        let body: Value = serde_json::from_str(body.trim_end_matches('\'')).expect("JSON");
        let pushed = console.post("/sim/v1/http/push", Some(&body));
        assert_eq!(pushed.expect("the simulator answers").status, 200, "{line}");
        posts += 1;
    }
    assert_eq!(posts, 2);
    let records = wait_until("both are answered", || {
        let records = sim.control().http_records(None);
        let all = records
            .iter()
            .all(|one| one.state == HttpPushState::Delivered);
        if all {
            Ok(records)
        } else {
            Err(format!("{records:?}"))
        }
    });
    for record in records {
        assert!(gateway.event(&record.event_id).is_some(), "{record:?}");
    }
}

/// Moves the bytes of each connection to this address and back, until the test ends; returns where it listens.
fn tunnel(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for outside in listener.incoming() {
            let (Ok(outside), Ok(inside)) = (outside, TcpStream::connect(to)) else {
                continue;
            };
            for (from, into) in [(&outside, &inside), (&inside, &outside)] {
                let (Ok(mut from), Ok(mut into)) = (from.try_clone(), into.try_clone()) else {
                    continue;
                };
                std::thread::spawn(move || std::io::copy(&mut from, &mut into));
            }
        }
    });
    address
}
