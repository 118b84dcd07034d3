//! The store stays locked until the process stops or a bound is reached: what is lost is counted and logged.

use std::thread;
use std::time::Duration;

use longwire_sim::wecom::{Behaviour, CommandKind, ConnectionFault, Push, ScriptedAnswer, Target};
use longwire_tests::{Setup, Signal, bot_id, wait_until, wecom_platform};
use serde_json::json;

use super::comparison::missing;
use super::store_in_trouble::until_degraded_by;
use super::{burst, wecom};

/// A request to the platform is answered in time, although the drain waits for a locked store.
#[test]
fn whoever_asked_is_told_while_a_drain_waits_for_the_store() {
    let sim = wecom();
    let control = sim.control();
    let ignored = Behaviour::answer(CommandKind::Send, ScriptedAnswer::Ignore);
    control.behaviour(Some(&bot_id("a")), ignored);
    let mut gateway = Setup::without_platform()
        .wecom_bot("a", &sim)
        .set("server.drain", "10m")
        .set("timing.ack", "1s")
        .start();
    gateway.wait_live("a");
    let locked = gateway.lock_store();
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

/// A stop does not wait for ever for a locked store. The log names the events that are lost with the process.
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
    let locked = gateway.lock_store();
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

/// Connections that are lost while the store is locked may keep some events. Events beyond the bound are lost, and the log
/// and the admin interface show of which bot.
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
    let locked = gateway.lock_store();
    until_degraded_by(&gateway, &control);
    let lost = wait_until("something is lost", || {
        // They wait for the next subscription and come in the same read.
        control.fault(Target::Bot(bot_id("a")), ConnectionFault::Hangup);
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
