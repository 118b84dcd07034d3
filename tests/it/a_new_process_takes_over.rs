//! A new process takes over from a running one while events come. Nothing is lost, whichever of the two is killed, and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use longwire_sim::{Behaviour, Sim, Traffic, wecom};
use longwire_tests::{
    Gateway, Setup, Signal, Successor, app_id, free_address, platform, until_answered,
    wait_more_acked, wait_until, wecom_platform,
};

const FEISHU: [&str; 3] = ["a", "b", "c"];
const WECOM: [&str; 2] = ["w", "x"];

/// Both platforms, and a gateway with bots on each that gets events all the time.
struct Scene {
    sim: Sim,
    wecom: wecom::Sim,
    gateway: Gateway,
}

impl Scene {
    #[track_caller]
    fn begin() -> Self {
        Self::begin_with(|setup| setup)
    }

    #[track_caller]
    fn begin_with(change: impl FnOnce(Setup) -> Setup) -> Self {
        // It repeats soon and for long what gets no answer from a process that is killed.
        let sim = platform(|settings| settings.ladder = vec![Duration::from_millis(500); 600]);
        let wecom = wecom_platform(|_| ());
        let setup = FEISHU
            .iter()
            .fold(Setup::new(&sim), |setup, bot| setup.bot(bot));
        let setup = WECOM
            .iter()
            .fold(setup, |setup, bot| setup.wecom_bot(bot, &wecom));
        let gateway = change(setup).start();
        let scene = Self {
            sim,
            wecom,
            gateway,
        };
        scene.wait_all_live();
        scene.sim.control().push_at_rate(Traffic {
            per_second: 200.0,
            ..Traffic::default()
        });
        scene.wecom.control().push_at_rate(Traffic {
            per_second: 100.0,
            ..Traffic::default()
        });
        scene
    }

    #[track_caller]
    fn wait_all_live(&self) {
        for bot in FEISHU.iter().chain(&WECOM) {
            self.gateway.wait_live(bot);
        }
    }

    /// From now on nobody gets an endpoint for the bot `c`, so that a takeover cannot come to its end.
    fn hold_up(&self) {
        let control = self.sim.control();
        control.behaviour(Some(&app_id("c")), Behaviour::BootstrapHang);
    }

    fn let_go_on(&self) {
        let control = self.sim.control();
        control.behaviour(Some(&app_id("c")), Behaviour::Nominal);
    }

    /// Waits until all bots but `c` have been given away by the process before.
    #[track_caller]
    fn wait_half_moved(&self) {
        for bot in ["a", "b", "w", "x"] {
            let moved = |view: &serde_json::Value| view["state"] == "stopped";
            self.gateway.wait_installation(bot, "moved", moved);
        }
    }

    /// Ends the traffic and holds what the platforms know against the store: all of Feishu's. Of WeCom's, a process that is killed
    /// takes with it what it had read and not recorded.
    #[track_caller]
    fn settle(&self) {
        wait_more_acked(&self.sim.control(), 20);
        self.sim.control().stop_traffic();
        self.wecom.control().stop_traffic();
        let ledger = until_answered(&self.sim.control());
        assert_eq!(ledger.lost, 0, "{ledger:?}");
        let mut acked = self.sim.control().acked_event_ids();
        let mut ids = self.ids();
        let rows = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(rows, ids.len(), "some are recorded twice");
        acked.retain(|id| ids.binary_search(id).is_err());
        assert_eq!(acked, Vec::<String>::new(), "acknowledged and missing");
        for bot in WECOM {
            let view = self.gateway.installation(bot);
            assert_eq!(view["state"], "live", "{view}");
        }
    }

    /// Everything that WeCom has written is recorded.
    #[track_caller]
    fn wait_wecom_whole(&self) {
        let control = self.wecom.control();
        wait_until("what WeCom has written is recorded", || {
            let ledger = control.ledger();
            let ids = self.ids();
            let mut written = control.delivered_msgids();
            written.retain(|id| !ids.contains(id));
            if ledger.waiting == 0
                && ledger.unwritten == 0
                && ledger.lost == 0
                && written.is_empty()
            {
                Ok(())
            } else {
                Err(format!("{} missing, {ledger:?}", written.len()))
            }
        });
    }

    fn ids(&self) -> Vec<String> {
        let events = self.gateway.events().into_iter();
        events
            .filter_map(|event| event.event_id)
            .map(String::from)
            .collect()
    }

    #[track_caller]
    fn wait_recorded_more(&self) {
        let before = self.gateway.events().len();
        wait_until("more events are recorded", || {
            match self.gateway.events().len() {
                now if now > before + 50 => Ok(()),
                now => Err(format!("{now}, {before} before")),
            }
        });
    }
}

#[test]
fn under_load_nothing_is_lost_and_no_connection_to_a_listener_refused() {
    let mut scene = Scene::begin();
    scene.wait_recorded_more();
    let (stop, public) = (Arc::new(AtomicBool::new(false)), scene.gateway.public());
    let prober = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut probes = 0;
            while !stop.load(Relaxed) {
                let answer = public.get("/livez");
                let answer = answer.unwrap_or_else(|error| panic!("probe {probes}: {error}"));
                assert_eq!(answer.status, 200, "{}", answer.body);
                probes += 1;
            }
            probes
        }
    });
    let before = scene.gateway.public();
    let successor = scene.gateway.begin_takeover();
    let status = scene.gateway.end_takeover(successor);
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    assert_eq!(
        scene.gateway.public().address(),
        before.address(),
        "the listener is the same"
    );
    scene.wait_all_live();
    scene.wait_recorded_more();
    stop.store(true, Relaxed);
    assert!(prober.join().expect("each probe was answered") > 0);
    scene.settle();
    scene.wait_wecom_whole();
    let log = scene.gateway.log();
    let summary = log.entry("taken over").expect("it says what it did");
    assert_eq!(summary["moved"], 5, "{summary}");
    assert_eq!(summary["not_connected"], 0, "{summary}");
    assert_eq!(summary["wecom_bots"], 2, "{summary}");
    for bot in FEISHU.iter().chain(&WECOM) {
        let view = scene.gateway.installation(bot);
        assert_eq!(view["generation"], 1, "connected once: {view}");
    }
    let ledger = scene.wecom.control().ledger();
    assert_eq!(ledger.displacements, 2, "one for each bot: {ledger:?}");
}

#[test]
fn a_new_process_that_is_killed_leaves_everything_to_the_one_before() {
    let mut scene = Scene::begin();
    // At once.
    let successor = scene.gateway.begin_takeover();
    successor.wait_says("a new process takes over");
    successor.kill();
    scene.wait_all_live();
    // When most bots are moved.
    scene.hold_up();
    let successor = scene.gateway.begin_takeover();
    scene.wait_half_moved();
    scene.wait_recorded_more();
    successor.kill();
    scene.wait_all_live();
    scene.let_go_on();
    scene.wait_recorded_more();
    // And a takeover is possible all the same.
    let successor = scene.gateway.begin_takeover();
    let status = scene.gateway.end_takeover(successor);
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    scene.wait_all_live();
    scene.settle();
}

#[test]
fn a_process_that_is_killed_leaves_everything_to_the_new_one() {
    let mut scene = Scene::begin();
    scene.hold_up();
    let successor = scene.gateway.begin_takeover();
    scene.wait_half_moved();
    scene.gateway.kill();
    let status = scene.gateway.end_takeover(successor);
    assert!(status.is_none(), "it was dead by then");
    scene.let_go_on();
    scene.wait_all_live();
    scene.wait_recorded_more();
    scene.settle();
}

#[test]
fn when_both_are_killed_a_start_finds_what_was_acknowledged() {
    let mut scene = Scene::begin();
    scene.hold_up();
    let successor = scene.gateway.begin_takeover();
    scene.wait_half_moved();
    scene.wait_recorded_more();
    successor.kill();
    scene.gateway.kill();
    scene.let_go_on();
    scene.gateway.restart();
    scene.wait_all_live();
    scene.settle();
}

#[test]
fn a_new_process_that_dies_in_the_last_moment_leaves_a_server() {
    // The one that starts anew listens where it did.
    let mut scene = Scene::begin_with(|setup| {
        setup
            .set("server.listen", free_address().to_string())
            .set("server.admin_listen", free_address().to_string())
    });
    scene
        .gateway
        .expect_error("the new process ended in the last moment");
    let successor = scene.gateway.begin_takeover();
    successor.wait_says("the new process has the bots");
    successor.kill();
    // The one before starts anew if it has seen that, and has ended otherwise: a service manager starts it again then.
    let has_ended = wait_until("the one before ends or starts anew", || {
        let anew = scene.gateway.log().entry("this program starts anew");
        match (anew, scene.gateway.try_end()) {
            (_, Some(status)) => Ok(Some(status)),
            (Some(_), None) => Ok(None),
            (None, None) => Err(scene.gateway.log().tail()),
        }
    });
    if let Some(status) = has_ended {
        assert_eq!(status.code(), Some(0));
        scene.gateway.restart();
    }
    wait_until("it serves", || {
        let answer = scene.gateway.admin().get("/admin/v1/overview");
        answer.map(drop).map_err(|error| error.to_string())
    });
    scene.wait_all_live();
    scene.settle();
}

#[test]
fn a_second_takeover_is_refused_and_disturbs_nothing() {
    let mut scene = Scene::begin();
    scene.gateway.expect_error("cannot take over");
    scene.gateway.expect_error("try:");
    scene.hold_up();
    let first = scene.gateway.begin_takeover();
    scene.wait_half_moved();
    let mut second: Successor = scene.gateway.begin_takeover();
    assert_eq!(second.wait_end().code(), Some(1));
    scene.let_go_on();
    // Its attempt that hangs ends by its own deadline, which is shorter than the takeover waits.
    let status = scene.gateway.end_takeover(first);
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    scene.wait_all_live();
    scene.settle();
}

#[test]
fn without_a_running_server_it_is_a_start() {
    let mut scene = Scene::begin();
    scene.gateway.kill();
    let successor = scene.gateway.begin_takeover();
    assert!(scene.gateway.end_takeover(successor).is_none());
    let log = scene.gateway.log();
    assert!(log.entry("no server runs on this store").is_some());
    scene.wait_all_live();
    scene.settle();
}

#[test]
fn a_signal_starts_the_new_process() {
    let mut scene = Scene::begin();
    scene.gateway.signal(Signal::User2);
    let status = scene.gateway.wait_end();
    assert_eq!(status.code(), Some(0));
    let pid = wait_until("the new process serves", || {
        let entries = scene.gateway.log().entries();
        let serving = entries.iter().filter(|entry| entry["message"] == "serving");
        let started = entries
            .iter()
            .find_map(|entry| match entry["message"].as_str() {
                Some("a new process is started to take over") => entry["new_pid"].as_u64(),
                _ => None,
            });
        match (started, serving.count()) {
            (Some(pid), 2) => Ok(pid),
            _ => Err(scene.gateway.log().tail()),
        }
    });
    scene.wait_all_live();
    scene.settle();
    // It is nobody's child any more.
    let ended = std::process::Command::new("sh")
        .args(["-c", "kill -s TERM \"$0\"", &pid.to_string()])
        .status();
    assert!(ended.expect("there is a shell").success());
    wait_until("it has ended", || {
        let stopped = scene.gateway.log().entry("stopped");
        stopped.map(drop).ok_or_else(|| scene.gateway.log().tail())
    });
}
