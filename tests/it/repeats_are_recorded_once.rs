//! An event that the platform sends several times, whole or in fragments, is on disk once and is answered each time.
//!
//! The platform repeats a push that got no answer (after 15 s, 5 min, 1 h, 6 h), with the same event id and a new frame
//! `message_id`. No official SDK recognises such a repeat (AionCore#796).

use std::time::Duration;

use longwire_sim::{
    AttemptOutcome, ConnectionFault, FragmentPlan, Order, Push, SimSettings, Target,
};
use longwire_tests::{
    Gateway, Setup, app_id, message, message_of, platform, wait_acked, wait_until,
};

const BOT: &str = "a";

/// The ladder with its first rungs shortened: a failed push comes again soon, and many times.
fn soon_again(settings: &mut SimSettings) {
    settings.ack_deadline = Duration::from_secs(1);
    settings.ladder = vec![Duration::from_millis(50); 50];
}

/// How often the store met the event again.
fn repeats(gateway: &Gateway, event_id: &str) -> u64 {
    let of_id: Vec<_> = gateway
        .events()
        .into_iter()
        .filter(|event| event.event_id.as_deref() == Some(event_id))
        .collect();
    assert_eq!(of_id.len(), 1, "{event_id} is recorded once: {of_id:?}");
    of_id[0].repeats
}

#[test]
fn an_event_whose_ack_was_lost_is_recognised_when_it_comes_again() {
    let sim = platform(soon_again);
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    // ACKs pile up in the kernel; the platform sees none of them.
    control.fault(Target::App(app_id(BOT)), ConnectionFault::StopReading);
    let push = control.push(&app_id(BOT), message("evt-1", "om-1"));
    let view = gateway.wait_installation(BOT, "heard the event again", |view| {
        view["lights"]["repeats"].as_u64() >= Some(1)
    });
    assert_eq!(view["generation"], 1, "over the same connection: {view}");
    control.fault(Target::App(app_id(BOT)), ConnectionFault::Recover);
    let record = wait_acked(&control, push);
    assert!(record.attempts.len() >= 2, "{record:?}");
    let overview = gateway.overview();
    assert_eq!(overview["events"]["recorded"], 1, "{overview}");
    assert_eq!(overview["events"]["repeats_by_message"], 0, "{overview}");
    let told = overview["events"]["repeats_by_event_id"].as_u64();
    assert_eq!(Some(repeats(&gateway, "evt-1")), told, "{overview}");
    assert_eq!(
        overview["answers"]["acked"], overview["events"]["received"],
        "each of them was answered: {overview}"
    );
}

/// Half of a surrogate pair, a byte-order mark, a raw line feed: whatever of it is no JSON, the event has its id. Its bytes
/// are recorded as they came.
#[test]
fn an_event_that_is_nearly_json_is_recognised_when_it_comes_again() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let broken = |number: usize, change: &dyn Fn(String) -> Vec<u8>| {
        change(message(&format!("evt-{number}"), &format!("om-{number}")))
    };
    let with_key = |key: &str, text: String| {
        let text = text.replacen('{', &format!("{{\"{key}\":1,"), 1);
        text.into_bytes()
    };
    let payloads = [
        broken(0, &|text| with_key("\\ud83d", text)),
        broken(1, &|text| [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        broken(2, &|text| with_key("a\nb", text)),
        broken(3, &|text| [text.as_bytes(), b"\0"].concat()),
        broken(4, &|text| text.replace("hello", "hell\u{0}").into_bytes()),
    ];
    for (number, payload) in payloads.iter().enumerate() {
        for _ in 0..2 {
            let push = Push {
                event_id: Some(format!("evt-{number}")),
                ..Push::of(payload.clone())
            };
            wait_acked(&control, control.push(&app_id(BOT), push));
        }
    }
    let recorded = gateway.events();
    let bytes: Vec<_> = recorded
        .iter()
        .map(|event| event.payload.to_vec())
        .collect();
    assert_eq!(bytes, payloads, "each once, and as it came");
    for (number, event) in recorded.iter().enumerate() {
        assert_eq!(event.event_id.as_deref(), Some(&*format!("evt-{number}")));
        assert_eq!(event.repeats, 1, "{event:?}");
    }
}

/// The database is away for a while: the platform is asked to repeat, and what it repeats is recorded once.
#[test]
fn an_event_that_was_refused_is_recorded_when_it_comes_again() {
    let sim = platform(soon_again);
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.expect_error("events are not recorded");
    gateway.wait_live(BOT);
    wait_acked(
        &control,
        control.push(&app_id(BOT), message("evt-0", "om-0")),
    );
    let away = gateway.directory().join("away.db");
    std::fs::rename(gateway.database(), &away).expect("the story's directory is ours");
    let push = control.push(&app_id(BOT), message("evt-1", "om-1"));
    wait_until("the platform heard a refusal", || {
        let record = control
            .record(push)
            .expect("the simulator keeps its records");
        let refused = record
            .attempts
            .iter()
            .any(|attempt| attempt.outcome == AttemptOutcome::Nacked(500));
        if refused {
            Ok(())
        } else {
            Err(format!("{record:?}"))
        }
    });
    assert_eq!(gateway.overview()["store"]["state"], "degraded");
    std::fs::rename(&away, gateway.database()).expect("the story's directory is ours");
    wait_acked(&control, push);
    gateway.wait_overview("the store is well again", |now| {
        now["store"]["state"] == "ok"
    });
    assert_eq!(gateway.events().len(), 2);
    assert_eq!(
        gateway.wait_live(BOT)["generation"],
        1,
        "the connection stayed"
    );
}

#[test]
fn a_message_under_a_fresh_event_id_is_the_same_message() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).bot("b").start();
    gateway.expect_no_row_for("evt-fresh");
    wait_acked(
        &control,
        control.push(&app_id(BOT), message("evt-1", "om-1")),
    );
    wait_acked(
        &control,
        control.push(&app_id(BOT), message("evt-fresh", "om-1")),
    );
    wait_acked(
        &control,
        control.push(&app_id(BOT), message("evt-2", "om-2")),
    );
    // Another bot in the same chat hears the message too, and that is another event.
    wait_acked(
        &control,
        control.push(&app_id("b"), message("evt-1", "om-1")),
    );
    let overview = gateway.overview();
    assert_eq!(overview["events"]["repeats_by_message"], 1, "{overview}");
    assert_eq!(overview["events"]["repeats_by_event_id"], 0, "{overview}");
    assert_eq!(gateway.installation(BOT)["lights"]["repeats"], 1);
    assert_eq!(gateway.installation("b")["lights"]["repeats"], 0);
    let ids: Vec<_> = gateway
        .events()
        .into_iter()
        .map(|event| (event.event_id, event.repeats))
        .collect();
    let row = |id: &str, repeats| (Some(id.into()), repeats);
    assert_eq!(ids, [row("evt-1", 1), row("evt-2", 0), row("evt-1", 0)]);
}

#[test]
fn pieces_in_any_order_and_number_make_one_event_and_one_ack() {
    let sim = platform(|_| ());
    let control = sim.control();
    let gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    let plan = || FragmentPlan::of_size(100);
    let plans = [
        ("in-order", plan()),
        (
            "reversed",
            FragmentPlan {
                order: Order::Reversed,
                ..plan()
            },
        ),
        (
            "shuffled",
            FragmentPlan {
                order: Order::Shuffled,
                ..plan()
            },
        ),
        (
            "doubled",
            FragmentPlan {
                duplicate: (0..100).collect(),
                ..plan()
            },
        ),
        (
            "after-the-end",
            FragmentPlan {
                repeat_last: true,
                ..plan()
            },
        ),
        (
            "byte-by-byte",
            FragmentPlan {
                order: Order::Shuffled,
                ..FragmentPlan::of_size(1)
            },
        ),
        (
            "half-and-half",
            FragmentPlan {
                order: Order::Reversed,
                repeat_last: true,
                ..FragmentPlan::of_size(400)
            },
        ),
    ];
    // A cut may split a character.
    let text = "一二三四五六七八九十".repeat(4);
    for (name, plan) in &plans {
        let event = message_of(&format!("evt-{name}"), &format!("om-{name}"), &text);
        let push = control.push(
            &app_id(BOT),
            Push::of(event.clone()).in_fragments(plan.clone()),
        );
        let record = wait_acked(&control, push);
        assert_eq!(record.attempts.len(), 1, "{record:?}");
        let recorded = gateway
            .event(&format!("evt-{name}"))
            .expect("it is recorded");
        assert_eq!(recorded.payload, event.as_bytes(), "{name}: byte for byte");
        assert_eq!(recorded.repeats, 0, "{name}");
    }
    let whole = |id: &str| message_of(&format!("evt-{id}"), &format!("om-{id}"), &text);
    let taking_turns = ["x", "y", "z"].map(|id| Push::of(whole(id)).in_fragments(plan()));
    for push in control.push_interleaved(&app_id(BOT), taking_turns.into()) {
        wait_acked(&control, push);
    }
    let ledger = control.ledger();
    assert_eq!(
        (ledger.extra_acks, ledger.bad_acks.total()),
        (0, 0),
        "{ledger:?}"
    );
    let overview = gateway.overview();
    let all = plans.len() + 3;
    assert_eq!(overview["events"]["assembled"], all, "{overview}");
    assert_eq!(overview["events"]["recorded"], all, "{overview}");
}

/// A push that lost a piece on the way is not answered, so the platform sends it again; the pieces of the first
/// attempt must not mix with those of the second.
#[test]
fn a_push_that_lost_a_piece_is_recorded_from_its_repeat() {
    let sim = platform(soon_again);
    let control = sim.control();
    let gateway = Setup::new(&sim)
        .bot(BOT)
        .set("timing.fragment_ttl", "200ms")
        .start();
    gateway.wait_live(BOT);
    let plan = FragmentPlan {
        drop: vec![1],
        ..FragmentPlan::of_size(200)
    };
    let event = message("evt-1", "om-1");
    let push = control.push(&app_id(BOT), Push::of(event.clone()).in_fragments(plan));
    let record = wait_acked(&control, push);
    assert_eq!(record.attempts.len(), 2, "{record:?}");
    let recorded = gateway.event("evt-1").expect("it is recorded");
    assert_eq!(
        (&*recorded.payload, recorded.repeats),
        (event.as_bytes(), 0)
    );
    gateway.wait_installation(BOT, "the incomplete push was counted", |view| {
        view["lights"]["malformed"].as_u64() == Some(1)
    });
}

#[test]
fn a_repeat_is_recognised_across_a_power_cut() {
    let sim = platform(soon_again);
    let control = sim.control();
    let mut gateway = Setup::new(&sim).bot(BOT).start();
    gateway.wait_live(BOT);
    control.fault(Target::App(app_id(BOT)), ConnectionFault::StopReading);
    let pushes: Vec<_> = (0..20)
        .map(|number| {
            let event = message(&format!("evt-{number}"), &format!("om-{number}"));
            control.push(&app_id(BOT), event)
        })
        .collect();
    gateway.wait_overview("all are on disk", |now| now["events"]["recorded"] == 20);
    gateway.kill();
    assert_eq!(control.ledger().acked, 0, "the platform saw no answer");
    // The platform notices that the connection is gone.
    control.fault(Target::App(app_id(BOT)), ConnectionFault::Drop);
    gateway.restart();
    for push in pushes {
        wait_acked(&control, push);
    }
    let overview = gateway.overview();
    assert_eq!(
        overview["events"]["recorded"], 0,
        "nothing was new: {overview}"
    );
    assert!(
        overview["events"]["repeats_by_event_id"].as_u64() >= Some(20),
        "{overview}"
    );
    let events = gateway.events();
    assert_eq!(events.len(), 20);
    assert!(events.iter().all(|event| event.repeats >= 1), "{events:?}");
}
