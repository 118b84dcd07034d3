//! With fewer open files than bots, some bots wait, and nothing else is affected.

use std::collections::BTreeMap;

use longwire_sim::wecom;
use longwire_tests::{Gateway, Setup, bot_id, platform, wait_until, wecom_platform};

/// The limit, and the bots beside the one of WeCom that want more than that.
const LIMIT: u32 = 256;
const BOTS: usize = 400;

fn setup(setup: Setup, bots: usize) -> Setup {
    let setup = (0..bots).fold(setup, |setup, number| setup.bot(&format!("bot-{number}")));
    // The files that are kept for the process depend on it.
    setup.open_files(LIMIT).set("fleet.arbiters", 1)
}

/// Waits until every place is taken by a bot that is live, and all other bots wait for one; returns how many are live.
fn wait_full(gateway: &Gateway, bots: u64) -> u64 {
    let overview = gateway.wait_overview("every place is taken, and the rest waits", |now| {
        let (live, limit) = (&now["by_state"]["live"], &now["connection_limit"]);
        let waiting = limit["waiting"].as_u64().unwrap_or_default();
        live.as_u64() == limit["limit"].as_u64()
            && live.as_u64().unwrap_or_default() + waiting == bots
    });
    overview["by_state"]["live"].as_u64().expect("a number")
}

/// The generation of every bot that is live.
fn live(gateway: &Gateway) -> BTreeMap<String, u64> {
    let views = gateway.installations().into_iter();
    let live = views.filter(|view| view["state"] == "live");
    live.map(|view| {
        let name = view["name"].as_str().expect("a name").to_owned();
        (name, view["generation"].as_u64().expect("a number"))
    })
    .collect()
}

#[test]
fn bots_that_find_no_place_wait_and_the_others_stay() {
    let (feishu, wecom) = (platform(|_| {}), wecom_platform(|_| {}));
    let gateway = setup(Setup::new(&feishu).wecom_bot("healthy", &wecom), BOTS).start();
    let all = BOTS as u64 + 1;
    let places = wait_full(&gateway, all);
    assert!(
        (40..200).contains(&places),
        "{places} places of {LIMIT} files"
    );
    let connected = live(&gateway);
    assert!(connected.contains_key("healthy"), "it was declared first");

    // A bot that was connected finds its place again, although hundreds want it.
    for generation in connected["healthy"] + 1..connected["healthy"] + 6 {
        let target = wecom::Target::Bot(bot_id("healthy"));
        wait_until("the platform has its connection", || {
            match wecom
                .control()
                .fault(target.clone(), wecom::ConnectionFault::Drop)
            {
                1 => Ok(()),
                count => Err(count.to_string()),
            }
        });
        gateway.wait_installation("healthy", "live again", |view| {
            view["state"] == "live" && view["generation"].as_u64() >= Some(generation)
        });
    }
    let mut after = live(&gateway);
    let came_back = after.insert("healthy".to_owned(), connected["healthy"]);
    assert!(came_back > Some(connected["healthy"]));
    assert_eq!(after, connected, "nobody else lost anything or got in");

    // Those that wait say why, and what to do.
    let waiting = gateway.installations();
    let waiting = waiting.iter().find(|view| view["state"] == "backing_off");
    let waiting = waiting.expect("hundreds wait");
    assert_eq!(waiting["reason"], "too_many_open_files", "{waiting}");
    let next_step = waiting["next_step"].as_str().unwrap_or_default();
    assert!(next_step.contains("LimitNOFILE"), "{waiting}");

    // Everything that needs a file has one.
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = gateway.public().get(path).expect("there is a file for it");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        if path == "/metrics" {
            let waiting = format!("longwire_waiting_for_open_files {}", all - places);
            assert!(answer.body.contains(&waiting), "{}", answer.body);
        }
    }
    assert!(gateway.open_files() < LIMIT as usize);

    // One line, however many wait and however often they try.
    let said = |words: &str| {
        let entries = gateway.log().entries();
        let of = |entry: &&serde_json::Value| {
            entry["message"]
                .as_str()
                .unwrap_or_default()
                .contains(words)
        };
        entries.iter().filter(of).count()
    };
    assert_eq!(said("too many files are open"), 1);
    assert_eq!(said("too few open files are allowed"), 1, "at the start");
    assert!(said("alarm") <= 1, "of the one that was dropped five times");
    let about_one_bot = said("not connected; trying again");
    assert!(about_one_bot <= 5, "{about_one_bot}, and five were dropped");

    // A place that somebody leaves is taken, here by a bot that had none for five attempts and more. It has nothing to
    // raise an alarm about.
    wait_until("all that wait have failed often enough", || {
        let views = gateway.installations();
        let failures = |view: &serde_json::Value| view["lights"]["failures"].as_u64();
        let mut waiting = views.iter().filter(|view| view["state"] != "live");
        match waiting.find(|view| failures(view) < Some(5)) {
            None => Ok(()),
            Some(view) => Err(view.to_string()),
        }
    });
    let leaves = connected.keys().find(|name| *name != "healthy");
    gateway.tell(leaves.expect("there are others"), "stop");
    gateway.wait_overview("another bot has the place", |now| {
        now["by_state"]["stopped"] == 1
            && now["by_state"]["live"] == places
            && now["connection_limit"]["waiting"] == all - places - 1
    });
    let after = live(&gateway).into_keys();
    let newcomer: Vec<_> = after.filter(|name| !connected.contains_key(name)).collect();
    let [newcomer] = newcomer.as_slice() else {
        panic!("one came: {newcomer:?}");
    };
    let view = gateway.wait_installation(newcomer, "its connection lasts", |view| {
        view["lights"]["failures"] == 0
    });
    let entries = gateway.log().entries();
    let of_it = entries
        .iter()
        .filter(|entry| entry["installation"] == view["id"]);
    let alarms: Vec<_> = of_it
        .filter(|entry| {
            entry["message"]
                .as_str()
                .unwrap_or_default()
                .contains("alarm")
        })
        .collect();
    assert!(alarms.is_empty(), "{alarms:?}");
}

#[test]
fn it_is_told_when_nobody_waits_any_more() {
    let feishu = platform(|_| {});
    let bots = 80;
    let gateway = setup(Setup::new(&feishu), bots).start();
    let places = wait_full(&gateway, bots as u64);
    for name in live(&gateway).keys().take(bots - places as usize) {
        gateway.tell(name, "stop");
    }
    gateway.wait_overview("all that are wanted are live", |now| {
        now["connection_limit"]["waiting"] == 0 && now["by_state"]["live"] == places
    });
    wait_until("the log says so", || {
        let words = "no bot waits for open files any more";
        gateway
            .log()
            .entry(words)
            .ok_or_else(|| gateway.log().tail())
    });
    assert_eq!(gateway.overview()["connection_limit"]["held"], places);
}
