//! A hundred bots of each platform run in one process. Events and failures of one platform do not affect the other, and
//! after a power cut everything that was acknowledged is on disk.

use std::collections::HashSet;
use std::io::Write as _;

use longwire_sim::wecom::{Flood, SubscriptionState};
use longwire_sim::{ClosedLoop, Control, Latency, Traffic, wecom};
use longwire_tests::{Gateway, Setup, app_id, bot_id, platform, wait_until, wecom_platform};
use serde_json::Value;

const BOTS: usize = 100;

fn names() -> impl Iterator<Item = (String, String)> {
    (0..BOTS).map(|number| (format!("feishu-{number}"), format!("wecom-{number}")))
}

fn start(setup: Setup, sim: &wecom::Sim) -> Gateway {
    let setup = names().fold(setup, |setup, (feishu, wecom)| {
        setup.bot(&feishu).wecom_bot(&wecom, sim)
    });
    let gateway = setup.start();
    wait_all_live(&gateway);
    gateway
}

fn wait_all_live(gateway: &Gateway) {
    gateway.wait_overview("two hundred bots are live", |overview| {
        overview["by_state"]["live"] == 2 * BOTS
    });
}

/// The same calm to every bot of both platforms.
fn calm() -> Traffic {
    Traffic {
        per_second: 200.0,
        payload_bytes: 700,
        ..Traffic::default()
    }
}

fn count(overview: &Value, key: &str) -> u64 {
    overview["events"][key].as_u64().unwrap_or(0)
}

#[test]
fn a_kill_loses_nothing_of_either_platform_that_was_recorded() {
    let (feishu, wecom) = (platform(|_| ()), wecom_platform(|_| ()));
    let mut gateway = start(Setup::new(&feishu), &wecom);
    for _ in 0..3 {
        feishu.control().push_at_rate(calm());
        wecom.control().push_at_rate(calm());
        let overview = gateway.wait_overview("events of both are recorded", |overview| {
            overview["record_latency_us"]["count"].as_u64() >= Some(300)
                && overview["ack_latency_us"]["count"].as_u64() >= Some(300)
        });
        let said = count(&overview, "recorded");
        let before = gateway.events().len() as u64;
        assert!(
            before >= said,
            "{before} of {said} that were said to be recorded"
        );
        gateway.kill();
        let kept = gateway.events();
        assert!(
            kept.len() as u64 >= before,
            "{} of {before} that were there",
            kept.len()
        );
        let ids: HashSet<_> = kept.iter().map(|event| event.event_id.clone()).collect();
        assert_eq!(ids.len(), kept.len(), "each once");
        gateway.restart();
        wait_all_live(&gateway);
    }
    feishu.control().stop_traffic();
    wecom.control().stop_traffic();
    // That every ACKed event of Feishu is there, the harness looks after at the end.
    let taken_over: usize = wecom
        .control()
        .connections(None)
        .iter()
        .filter(|one| one.state == SubscriptionState::Subscribed)
        .count();
    assert_eq!(taken_over, BOTS);
    assert_eq!(wecom.control().ledger().displacements, 0);
}

/// Prints what the others felt; how much of it is the machine's, `longwire bench attack` says.
#[test]
fn a_flood_on_one_platform_costs_the_other_no_event_and_no_connection() {
    let (feishu, wecom) = (platform(|_| ()), wecom_platform(|_| ()));
    let gateway = start(Setup::new(&feishu), &wecom);
    let opened = gateway.overview()["connections"]["opened"].clone();
    let others = |prefix: &str| {
        let (apps, bots): (Vec<_>, Vec<_>) = names().map(|(a, b)| (app_id(&a), bot_id(&b))).unzip();
        let apps = if prefix == "feishu" { apps } else { bots };
        apps.into_iter().skip(1).collect::<Vec<_>>()
    };
    feishu.control().push_at_rate(Traffic {
        apps: others("feishu"),
        ..calm()
    });
    wecom.control().push_at_rate(Traffic {
        apps: others("wecom"),
        ..calm()
    });
    let felt = |what: &str| {
        let from = feishu.control().ledger().ack_latency;
        let kept = gateway.overview()["record_latency_us"]["count"].as_u64();
        wait_until(&format!("{what}: everybody got something"), || {
            let acked = feishu.control().ledger().ack_latency.count - from.count;
            let now = gateway.overview()["record_latency_us"]["count"].as_u64();
            if acked >= 600 && now >= kept.map(|kept| kept + 600) {
                Ok(())
            } else {
                Err(format!("{acked} acked, {now:?} kept"))
            }
        });
        tell(what, &from, &feishu.control(), &gateway);
    };
    felt("calm");
    wecom.control().push_flood(Flood {
        apps: vec![bot_id("wecom-0")],
        payload_bytes: 700,
        ..Flood::default()
    });
    felt("a bot of WeCom is flooded, whose records are among them");
    wecom.control().stop_traffic();
    wecom.control().push_at_rate(Traffic {
        apps: others("wecom"),
        ..calm()
    });
    feishu.control().push_closed_loop(ClosedLoop {
        apps: vec![app_id("feishu-0")],
        window: 200,
        ..ClosedLoop::default()
    });
    felt("a bot of Feishu is flooded, whose ACKs are among them");
    feishu.control().stop_traffic();
    wecom.control().stop_traffic();
    wait_until(
        "everything pushed is answered, and everything written recorded",
        || {
            let (pushed, acked) = (
                feishu.control().ledger().pushed,
                feishu.control().ledger().acked,
            );
            let wecom = wecom.control().ledger();
            let recorded = count(&gateway.overview(), "recorded");
            if acked == pushed
                && wecom.waiting + wecom.unwritten == 0
                && recorded == acked + wecom.delivered
            {
                Ok(())
            } else {
                Err(format!(
                    "{acked} of {pushed} acked, {recorded} recorded, {wecom:?}"
                ))
            }
        },
    );
    let overview = gateway.overview();
    assert_eq!(overview["connections"]["opened"], opened, "{overview}");
    assert_eq!(overview["answers"]["unrecorded"], 0, "{overview}");
    assert_eq!(wecom.control().ledger().lost, 0);
}

/// The 99th percentile of Feishu's ACKs since `from`, as the platform saw it, and of WeCom's records since the start.
fn tell(what: &str, from: &Latency, feishu: &Control, gateway: &Gateway) {
    let to = feishu.ledger().ack_latency;
    let before = |bound: u64| {
        let known = from.buckets.iter().find(|(of, _)| *of == bound);
        known.map_or(0, |(_, count)| *count)
    };
    let total = to.count - from.count;
    let mut seen = 0;
    let p99 = to.buckets.iter().find(|(bound, count)| {
        seen += count - before(*bound);
        seen * 100 >= total * 99
    });
    let _ = writeln!(
        std::io::stderr(),
        "{what}: p99 of Feishu's ACKs {} µs; p99 of WeCom's records since the start {} µs",
        p99.map_or(0, |(bound, _)| *bound),
        gateway.overview()["record_latency_us"]["p99"],
    );
}
