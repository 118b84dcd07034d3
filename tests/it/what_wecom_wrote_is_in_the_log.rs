//! WeCom never resends a message. So everything that the platform wrote to a connection is compared with the log, in
//! order: in floods, over stops, kills, ends from either side, a full disk and a locked store.
//!
//! If the connection carries its bytes to the end (FIN, or a close frame from either side), all messages are in the
//! log. Otherwise (a reset, a killed process) the log has the earlier messages without a gap.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use longwire_sim::ConnectionId;
use longwire_sim::wecom::{
    Asked, Behaviour, Control, Fault, Flood, Push, ScriptedAnswer, Sim, Target,
};
use longwire_tests::{Gateway, Setup, Signal, bot_id, holder, wait_until, wecom_platform};
use serde_json::json;
use std::collections::HashSet;
use std::thread;
use std::time::Duration;

/// With the patience to let its connections carry what it wrote to their end: no reset takes that away.
fn wecom() -> Sim {
    wecom_platform(|settings| {
        settings.keep_records = 2_000_000;
        settings.close_patience = Duration::from_secs(60);
    })
}

fn flood(control: &Control) {
    control.push_flood(Flood {
        payload_bytes: 700,
        ..Flood::default()
    });
}

/// Some messages that come in one packet.
fn burst(control: &Control, count: usize) {
    let push = |number: usize| Push::text(&number.to_string());
    control.push_burst(&bot_id("a"), (0..count).map(push).collect());
}

fn recorded(gateway: &Gateway) -> u64 {
    let recorded = gateway.overview()["events"]["recorded"].take();
    recorded.as_u64().expect("a number")
}

/// Waits until so many events more are in the log than now.
#[track_caller]
fn until_more_are_recorded(gateway: &Gateway, more: u64) {
    let wanted = recorded(gateway) + more;
    wait_until("events are recorded", || match recorded(gateway) {
        now if now >= wanted => Ok(()),
        now => Err(now.to_string()),
    });
}

/// How many of the messages written to each connection are missing at its end. That nothing is missing before that, that
/// no message is there twice, and that the log has the connections one after the other, is asserted.
#[track_caller]
fn missing(control: &Control, gateway: &Gateway) -> Vec<usize> {
    let written = control.written(None);
    let pushed: HashSet<String> = written
        .iter()
        .flat_map(|of| of.msgids.iter().cloned())
        .collect();
    let log: Vec<String> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .map(String::from)
        .filter(|id| pushed.contains(id))
        .collect();
    let mut rest = &log[..];
    let missing = written
        .iter()
        .map(|of| {
            let same = rest.iter().zip(&of.msgids);
            let same = same.take_while(|(got, sent)| got == sent).count();
            rest = &rest[same..];
            of.msgids.len() - same
        })
        .collect();
    assert!(
        rest.is_empty(),
        "a gap or another order: of {} events in the log, those from {:?} on do not follow; missing {missing:?}",
        log.len(),
        rest.first(),
    );
    missing
}

/// Waits until everything that can come is recorded: the traffic has stopped, and nothing is missing of the newest
/// connection. Returns what is missing of the others.
#[track_caller]
fn settle(control: &Control, gateway: &Gateway) -> Vec<usize> {
    control.stop_traffic();
    wait_until("everything written is recorded", || {
        let ledger = control.ledger();
        let missing = missing(control, gateway);
        match missing.split_last() {
            Some((0, others)) if ledger.unwritten == 0 => Ok(others.to_vec()),
            other => Err(format!("{other:?}, {ledger:?}")),
        }
    })
}

#[test]
fn a_stop_of_the_process_in_a_flood_keeps_everything() {
    let sim = wecom();
    let control = sim.control();
    let mut gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .wecom_bot("b", &sim)
        .set("server.drain", "25s")
        .start();
    gateway.wait_live("a");
    gateway.wait_live("b");
    control.push_flood(Flood {
        apps: vec![bot_id("a")],
        payload_bytes: 700,
        ..Flood::default()
    });
    until_more_are_recorded(&gateway, 1_000);
    gateway.signal(Signal::Term);
    assert_eq!(gateway.wait_end().code(), Some(0));
    control.stop_traffic();
    assert_eq!(missing(&control, &gateway), [0]);
    let ledger = control.ledger();
    assert_eq!(
        (ledger.closed_by_client, ledger.protocol_errors),
        (2, 0),
        "with a goodbye: {ledger:?}"
    );
    let end = gateway.log().entry("stopped").expect("its last words");
    assert_eq!(end["unanswered"], 0, "{end}");
}

/// Stopped, started and given another address in the middle of its flood.
#[test]
fn a_stop_of_the_bot_in_a_flood_keeps_everything() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    for _ in 0..3 {
        until_more_are_recorded(&gateway, 300);
        gateway.tell("a", "stop");
        gateway.wait_installation("a", "stopped", |view| view["state"] == "stopped");
        gateway.tell("a", "start");
        gateway.wait_live("a");
    }
    until_more_are_recorded(&gateway, 300);
    assert_eq!(settle(&control, &gateway), [0, 0, 0]);
}

/// The platform ends the connection in the middle of what it says, in each of its ways.
#[test]
fn an_end_by_the_platform_in_a_flood_loses_nothing_that_tcp_delivered() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    let ends = [
        (Fault::Hangup, true),
        (Fault::Close(1000), true),
        (Fault::Drop, false),
        (Fault::CloseWithoutCode, true),
        (Fault::Hangup, true),
    ];
    for (fault, _) in &ends {
        until_more_are_recorded(&gateway, 300);
        let before = holder(&control, "a").id;
        control.fault(Target::Bot(bot_id("a")), fault.clone());
        wait_until("another connection holds it", || {
            match holder(&control, "a").id {
                id if id == before => Err(format!("{fault:?}")),
                _ => Ok(()),
            }
        });
    }
    until_more_are_recorded(&gateway, 300);
    let missing = settle(&control, &gateway);
    for ((fault, carries), missing) in ends.iter().zip(missing) {
        assert!(
            !carries || missing == 0,
            "{missing} missing after {fault:?}"
        );
    }
}

/// Whoever displaces the bot, and whatever breaks the protocol: what came before that is kept.
#[test]
fn what_came_before_a_violation_or_a_displacement_is_kept() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    burst(&control, 50);
    control.fault(Target::Bot(bot_id("a")), Fault::MaskedFrame);
    gateway.wait_installation("a", "back", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    burst(&control, 50);
    // In the same packet as a burst that comes behind it.
    control.fault(Target::Bot(bot_id("a")), Fault::Displace);
    gateway.expect_error("another program has taken the bot");
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    assert_eq!(settle(&control, &gateway), [0]);
}

/// A message that the platform writes to a connection which the gateway has given up already.
fn late_message(gateway: &Gateway, control: &Control, over: ConnectionId, msgid: &str) {
    let message = json!({
        "cmd": "aibot_msg_callback", "headers": { "req_id": msgid },
        "body": {
            "msgid": msgid, "aibotid": bot_id("a"), "chattype": "single", "from": { "userid": "zhangsan" },
            "msgtype": "text", "text": { "content": "late" },
        },
    });
    let fault = Fault::Text(message.to_string());
    assert_eq!(control.fault(Target::Connection(over), fault), 1);
    wait_until("what came late is recorded", || {
        gateway
            .event(msgid)
            .map(drop)
            .ok_or_else(|| gateway.log().tail())
    });
}

#[test]
fn what_comes_over_a_connection_that_was_given_up_is_kept() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("timing.pong_grace", "500ms")
        .start();
    gateway.wait_live("a");
    // It answers no ping and takes no goodbye, but it still sends.
    let silent = holder(&control, "a").id;
    control.fault(Target::Connection(silent), Fault::StopReading);
    gateway.wait_installation("a", "connected anew", |view| {
        view["state"] == "live" && view["generation"] == 2
    });
    late_message(&gateway, &control, silent, "after-the-silence");

    let displaced = holder(&control, "a").id;
    control.fault(Target::Connection(displaced), Fault::StopReading);
    control.fault(Target::Connection(displaced), Fault::Displace);
    gateway.expect_error("another program has taken the bot");
    gateway.wait_installation("a", "displaced", |view| view["state"] == "displaced");
    late_message(&gateway, &control, displaced, "after-the-displacement");
}

/// Somebody else's transaction that holds the store's write lock until it is dropped.
struct Locked(SqliteConnection);

impl Locked {
    fn new(gateway: &Gateway) -> Self {
        gateway.expect_error("events are not recorded");
        let path = gateway.database().display().to_string();
        let mut other = SqliteConnection::establish(&path).expect("this process connects");
        let lock = "PRAGMA busy_timeout = 20000; BEGIN IMMEDIATE";
        other.batch_execute(lock).expect("the write lock");
        Self(other)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.0.batch_execute("COMMIT"));
    }
}

#[track_caller]
fn until_degraded(gateway: &Gateway) {
    gateway.wait_overview("the store is in trouble", |overview| {
        overview["store"]["state"] == "degraded"
    });
}

/// A store that is locked again and again refuses some of the groups in flight and takes others.
#[test]
fn a_store_that_is_locked_now_and_then_changes_no_order() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    flood(&control);
    for _ in 0..5 {
        until_more_are_recorded(&gateway, 100);
        let locked = Locked::new(&gateway);
        until_degraded(&gateway);
        drop(locked);
    }
    until_more_are_recorded(&gateway, 100);
    assert_eq!(settle(&control, &gateway).iter().sum::<usize>(), 0);
    assert_eq!(gateway.wait_live("a")["generation"], 1);
}

/// What a lost connection brought comes before what its successor brings, however long the store takes neither.
#[test]
fn a_connection_lost_while_the_store_is_locked_keeps_its_place() {
    let sim = wecom();
    let control = sim.control();
    let gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    gateway.wait_live("a");
    burst(&control, 10);
    gateway.wait_all_recorded(&control, 10);
    for _ in 0..3 {
        let locked = Locked::new(&gateway);
        until_degraded_by(&gateway, &control);
        control.fault(Target::Bot(bot_id("a")), Fault::Hangup);
        let generation = gateway.installation("a")["generation"].as_u64();
        gateway.wait_installation("a", "back", |view| {
            view["state"] == "live" && view["generation"].as_u64() > generation
        });
        // The store refuses the predecessor's once more, so that they are offered again a second later; the successor's
        // are offered at once.
        let refused = failed_transactions(&gateway);
        wait_until("the store refuses them", || {
            match failed_transactions(&gateway) {
                now if now > refused => Ok(()),
                now => Err(now.to_string()),
            }
        });
        drop(locked);
        burst(&control, 10);
        until_more_are_recorded(&gateway, 10);
    }
    assert_eq!(settle(&control, &gateway), [0, 0, 0]);
}

/// What younger connections keep is no reason for the oldest to wait: they wait for it themselves.
#[test]
fn the_oldest_lost_connection_does_not_wait_for_those_behind_it() {
    // More than a window, and no more than the ended connections of a bot may keep.
    const EACH: usize = 75;
    let sim = wecom_platform(|settings| settings.keep_records = 10_000);
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("window.bytes", "64KiB")
        .start();
    gateway.wait_live("a");
    let locked = Locked::new(&gateway);
    for generation in 1..=2 {
        let push = Push::text(&"x".repeat(1024));
        control.push_burst(&bot_id("a"), vec![push; EACH]);
        until_reading(&gateway, false);
        assert_eq!(
            control.fault(Target::Bot(bot_id("a")), Fault::Drop),
            1,
            "of generation {generation}"
        );
        gateway.wait_installation("a", "connected anew", |view| {
            view["state"] == "live" && view["generation"].as_u64() > Some(generation)
        });
    }
    // The third is not read from the moment on at which the second keeps what it brought.
    until_reading(&gateway, false);
    drop(locked);
    burst(&control, 10);
    assert_eq!(settle(&control, &gateway), [0, 0]);
    until_reading(&gateway, true);
    assert_eq!(gateway.wait_live("a")["lights"]["unrecorded"], 0);
}

#[track_caller]
fn until_reading(gateway: &Gateway, wanted: bool) {
    let id = gateway.installation("a")["id"].take();
    let actor = format!("/fleet/bots/{}/socket", id.as_str().expect("it has an id"));
    wait_until("it reads, or no longer", || {
        let words = gateway.inspect(&actor);
        match &words["reading"] {
            reading if *reading == wanted => Ok(()),
            _ => Err(words.to_string()),
        }
    });
}

fn failed_transactions(gateway: &Gateway) -> u64 {
    let metrics = gateway.public().get("/metrics").expect("it answers").body;
    let figure = metrics
        .lines()
        .find_map(|line| line.strip_prefix("longwire_store_failed_transactions_total "));
    let figure = figure.expect("the metric is there");
    figure.parse().expect("a number")
}

/// Something to record, so that the trouble shows.
#[track_caller]
fn until_degraded_by(gateway: &Gateway, control: &Control) {
    burst(control, 10);
    until_degraded(gateway);
}

#[test]
fn a_full_disk_in_a_flood_loses_nothing() {
    let sim = wecom();
    let control = sim.control();
    let setup = Setup::without_platform().wecom_bot("a", &sim);
    let Some(gateway) = setup.start_on_volume(512 << 20) else {
        return;
    };
    gateway.expect_error("events are not recorded");
    gateway.wait_live("a");
    flood(&control);
    for fault in [None, Some(Fault::Hangup)] {
        until_more_are_recorded(&gateway, 300);
        gateway.volume().fill().expect("it can be filled");
        until_degraded(&gateway);
        if let Some(fault) = fault {
            control.fault(Target::Bot(bot_id("a")), fault);
            control.stop_traffic();
        }
        gateway.volume().empty().expect("it can be emptied");
    }
    assert_eq!(settle(&control, &gateway).iter().sum::<usize>(), 0);
}

/// A process that is killed has lost what it read and had not recorded; the log has no gap before that.
#[test]
fn a_kill_in_a_flood_leaves_no_gap() {
    let sim = wecom();
    let control = sim.control();
    let mut gateway = Setup::without_platform().wecom_bot("a", &sim).start();
    flood(&control);
    for _ in 0..3 {
        gateway.wait_live("a");
        until_more_are_recorded(&gateway, 300);
        let said = recorded(&gateway) as usize;
        let before = gateway.events().len();
        gateway.kill();
        let after = gateway.events().len();
        assert!(
            after >= before && after >= said,
            "{said} said, {before} then {after} there"
        );
        gateway.restart();
    }
    gateway.wait_live("a");
    until_more_are_recorded(&gateway, 300);
    assert_eq!(settle(&control, &gateway).len(), 3);
}

/// Whoever asked the platform something hears in its time, though the drain waits for a store that takes nothing.
#[test]
fn whoever_asked_is_told_while_a_drain_waits_for_the_store() {
    let sim = wecom();
    let control = sim.control();
    let ignored = Behaviour::answer(Asked::Send, ScriptedAnswer::Ignore);
    control.behaviour(Some(&bot_id("a")), ignored);
    let mut gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("server.drain", "10m")
        .set("timing.ack", "1s")
        .start();
    gateway.wait_live("a");
    let locked = Locked::new(&gateway);
    until_degraded_by(&gateway, &control);
    let admin = gateway.admin();
    let asking = thread::spawn(move || {
        let body = json!({
            "cmd": "aibot_send_msg",
            "body": { "chatid": "zhangsan", "msgtype": "markdown", "markdown": { "content": "hello" } },
        });
        admin.post("/admin/v1/installations/a/requests", Some(&body))
    });
    wait_until("the question is with the platform", || {
        match control.ledger().commands.get("aibot_send_msg") {
            Some(_) => Ok(()),
            None => Err(format!("{:?}", control.ledger().commands)),
        }
    });
    gateway.signal(Signal::Term);
    wait_until("whoever asked is told", || match asking.is_finished() {
        true => Ok(()),
        false => Err(gateway.log().tail()),
    });
    let answer = asking.join().expect("it only asked").expect("an answer");
    assert!(answer.status >= 500, "{} {}", answer.status, answer.body);
    drop(locked);
    assert_eq!(gateway.wait_end().code(), Some(0));
    assert_eq!(missing(&control, &gateway), [0]);
}

/// A stop cannot wait for ever for a store that takes nothing. What goes with the process is said.
#[test]
fn what_a_stop_loses_while_the_store_is_locked_is_said() {
    let sim = wecom();
    let control = sim.control();
    let mut gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("server.drain", "1s")
        .start();
    gateway.wait_live("a");
    gateway.expect_error("events were read and are lost");
    let locked = Locked::new(&gateway);
    until_degraded_by(&gateway, &control);
    let id = gateway.installation("a")["id"].take();
    gateway.signal(Signal::Term);
    gateway.wait_end();
    drop(locked);
    let told = gateway.log().entry("events were read and are lost");
    let told = told.expect("it is said");
    assert_eq!(
        (&told["installation"], &told["events"]),
        (&id, &json!(10)),
        "{told}"
    );
    assert_eq!(missing(&control, &gateway), [10]);
}

/// Each connection that is lost while the store takes nothing may leave some. What exceeds the bound is lost, and everybody
/// can see of which bot.
#[test]
fn what_lost_connections_leave_is_bounded_and_its_excess_is_counted() {
    const EACH: usize = 60;
    // The bot hears of each end at once, though it does not read.
    let sim = wecom_platform(|settings| settings.close_patience = Duration::from_millis(100));
    let control = sim.control();
    let gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .wecom_bot("b", &sim)
        .set("window.bytes", "64KiB")
        .start();
    gateway.wait_live("a");
    gateway.wait_live("b");
    gateway.expect_error("events were read and are lost");
    let locked = Locked::new(&gateway);
    until_degraded_by(&gateway, &control);
    let lost = wait_until("something is lost", || {
        // They wait for the next subscription and come in the same read.
        control.fault(Target::Bot(bot_id("a")), Fault::Hangup);
        let push = Push::text(&"x".repeat(1024));
        control.push_burst(&bot_id("a"), vec![push; EACH]);
        let generation = gateway.installation("a")["generation"].as_u64();
        gateway.wait_installation("a", "connected anew", |view| {
            view["state"] == "live" && view["generation"].as_u64() > generation
        });
        let view = gateway.installation("a");
        match view["lights"]["unrecorded"].as_u64() {
            Some(lost) if lost > 0 => Ok(lost),
            _ => Err(view.to_string()),
        }
    });
    drop(locked);
    let told = gateway.log().entry("events were read and are lost");
    let told = told.expect("it is said when it happens");
    let view = gateway.installation("a");
    assert_eq!(
        (&told["installation"], told["events"].as_u64()),
        (&view["id"], Some(lost)),
        "{told}"
    );
    assert_eq!(gateway.installation("b")["lights"]["unrecorded"], 0);
    let metrics = gateway.public().get("/metrics").expect("it answers").body;
    let line = format!("longwire_events_unrecorded_total {lost}");
    assert!(metrics.lines().any(|one| one == line), "{metrics}");
    // The rest is there, whole connections of it, in order.
    burst(&control, 1);
    wait_until("the rest is recorded", || {
        let written: Vec<String> = control
            .written(None)
            .into_iter()
            .flat_map(|of| of.msgids)
            .collect();
        let recorded = gateway
            .events()
            .into_iter()
            .filter_map(|event| event.event_id);
        let mut rest = written.iter();
        let in_order = recorded.clone().all(|id| rest.any(|sent| id == *sent));
        assert!(in_order, "another order");
        match recorded.count() {
            all if all as u64 + lost == written.len() as u64 => Ok(()),
            some => Err(format!("{some} of {} recorded, {lost} lost", written.len())),
        }
    });
}
