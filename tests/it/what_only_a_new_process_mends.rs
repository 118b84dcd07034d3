//! A gateway that has lost a part that it cannot replace reports it, drains, and ends with an exit code of its own.
//! Then a service manager starts it again, and no bot stays without a connection.

use std::time::Duration;

use longwire_bench::WriteLock;
use longwire_sim::Traffic;
use longwire_sim::wecom::Push;
use longwire_tests::{
    Gateway, Setup, app_id, bot_id, live_wecom_bot, message, platform, until_answered, wait_until,
};
use serde_json::json;

/// What a service manager restarts.
const BROKEN: i32 = 70;

fn inject(gateway: &Gateway, bot: &str, actor: &str, fault: &str) {
    let request = json!({ "actor": actor, "fault": fault });
    let answer = gateway
        .admin()
        .post(
            &format!("/admin/v1/installations/{bot}/fault"),
            Some(&request),
        )
        .expect("the admin interface answers");
    assert_eq!(answer.status, 202, "{}", answer.body);
}

fn are_read(gateway: &Gateway, count: u64) {
    gateway.wait_overview("all that was pushed is read", |now| {
        now["events"]["received"] == count
    });
}

/// A panic, a stop, the end of a thread.
#[test]
fn it_drains_says_so_and_ends_with_70() {
    for (actor, fault, part) in [
        ("supervisor", "panic", "supervisor"),
        ("supervisor", "stop", "supervisor"),
        ("arbiter", "stop", "arbiter"),
    ] {
        // What the ended thread read and did not answer comes again soon.
        let sim = platform(|settings| settings.ladder = vec![Duration::from_secs(1); 20]);
        let control = sim.control();
        let setup = Setup::new(&sim)
            .set("debug.fault_injection", true)
            .set("fleet.arbiters", 2);
        let setup = (0..4).fold(setup, |setup, number| setup.bot(&format!("bot-{number}")));
        let mut gateway = setup.start();
        gateway.wait_overview("all are live", |now| now["by_state"]["live"] == 4);
        control.push_at_rate(Traffic {
            per_second: 200.0,
            payload_bytes: 300,
            ..Traffic::default()
        });
        wait_until("traffic flows", || match control.ledger().acked {
            acked if acked > 50 => Ok(()),
            acked => Err(acked.to_string()),
        });
        gateway.expect_error("injected into the supervisor");
        gateway.expect_error("the gateway cannot go on");
        inject(&gateway, "bot-0", actor, fault);
        assert_eq!(gateway.wait_end().code(), Some(BROKEN), "{actor} {fault}");
        let told = gateway
            .log()
            .entry("the gateway cannot go on")
            .expect("it is told");
        assert!(
            told["error"]
                .as_str()
                .is_some_and(|error| error.contains(part)),
            "{told}"
        );
        assert!(gateway.log().entry("stopped").is_some(), "it drained");

        // A service manager starts it again, and nobody is deaf.
        gateway.restart();
        gateway.wait_overview("all are live again", |now| now["by_state"]["live"] == 4);
        control.stop_traffic();
        assert_eq!(until_answered(&control).lost, 0);
        // At the end of the story the acknowledged events are compared with the store.
        gateway.stop();
    }
}

/// The process is there for as long as a drain takes, and the probes do not call it well.
#[test]
fn the_probes_tell_until_it_has_ended() {
    let sim = platform(|_| ());
    let control = sim.control();
    let mut gateway = Setup::new(&sim)
        .bot("a")
        .set("debug.fault_injection", true)
        .start();
    gateway.wait_live("a");
    gateway.expect_error("injected into the supervisor");
    gateway.expect_error("the gateway cannot go on");
    // A store that is locked keeps the drain from its end for a while.
    let lock = WriteLock::take(&gateway.database()).expect("nobody else has it");
    control.push(&app_id("a"), message("evt-1", "om-1"));
    are_read(&gateway, 1);
    let public = gateway.public();
    inject(&gateway, "a", "supervisor", "panic");
    let (alive, ready) = wait_until("the probes tell", || {
        let alive = public.get("/livez").map_err(|error| error.to_string())?;
        let ready = public.get("/readyz").map_err(|error| error.to_string())?;
        if (alive.status, ready.status) == (503, 503) {
            Ok((alive, ready))
        } else {
            Err(format!("{} {}", alive.status, ready.status))
        }
    });
    assert!(
        alive.body.contains("the supervisor ended: injected"),
        "{}",
        alive.body
    );
    assert!(ready.body.contains("\"supervisor\""), "{}", ready.body);
    drop(lock);
    assert_eq!(gateway.wait_end().code(), Some(BROKEN));
}

/// Nobody sends again what WeCom has sent: what was read is recorded although the one who orders a drain is gone.
#[test]
fn what_wecom_sent_is_recorded_without_a_supervisor() {
    let (sim, mut gateway) = live_wecom_bot(|setup| setup.set("debug.fault_injection", true));
    gateway.expect_error("injected into the supervisor");
    gateway.expect_error("the gateway cannot go on");
    let lock = WriteLock::take(&gateway.database()).expect("nobody else has it");
    let control = sim.control();
    for number in 0..20 {
        control.push(&bot_id("a"), Push::text(&format!("message {number}")));
    }
    are_read(&gateway, 20);
    inject(&gateway, "a", "supervisor", "panic");
    let public = gateway.public();
    wait_until("the probe tells", || match public.get("/livez") {
        Ok(answer) if answer.status == 503 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    drop(lock);
    assert_eq!(gateway.wait_end().code(), Some(BROKEN));
    let recorded = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id);
    assert_eq!(recorded.collect::<Vec<_>>(), control.delivered_msgids());
}
