//! A whole fleet against the simulated platform, in one process: the way of an event, and what a failing actor costs.

use longwire_egress::{EgressSettings, ProxyEnvironment, SocketBudget, tls_config};
use longwire_fleet::{
    ConnectionActor, Fault, Fleet, FleetActor, FleetFailure, FleetSettings, InstallationView,
};
use longwire_installation::{BaseUrl, Desired, Origin, Platform, TakeBack};
use longwire_link::Timing;
use longwire_sim::{Behaviour, FragmentPlan, Push, Sim, SimSettings, Traffic};
use longwire_store::{Displacement, NewInstallation, Store, StoreSettings};
use longwire_wire::endpoint::ClientConfig;
use secrecy::SecretString;
use std::time::{Duration, Instant};

struct World {
    sim: Sim,
    fleet: Fleet,
    store: Store,
    home: tempfile::TempDir,
}

impl World {
    async fn new(bots: usize) -> Self {
        Self::pinging_every(1, bots).await
    }

    async fn pinging_every(seconds: i64, bots: usize) -> Self {
        Self::with(seconds, bots, Timing::default().fragment_ttl).await
    }

    async fn with(ping_seconds: i64, bots: usize, fragment_ttl: Duration) -> Self {
        Self::start(ping_seconds, bots, fragment_ttl, 0).await
    }

    /// With a budget of so many attempts a second.
    async fn connecting(bots: usize, per_second: u32) -> Self {
        Self::start(1, bots, Timing::default().fragment_ttl, per_second).await
    }

    async fn start(
        ping_seconds: i64,
        bots: usize,
        fragment_ttl: Duration,
        connect_per_second: u32,
    ) -> Self {
        let sim = Sim::start(SimSettings {
            client_config: ClientConfig {
                reconnect_count: Some(-1),
                reconnect_interval: Some(1),
                reconnect_nonce: Some(0),
                ping_interval: Some(ping_seconds),
            },
            // A panicked connection leaves pushes unanswered; the platform repeats them soon.
            ladder: vec![Duration::from_secs(1); 8],
            ..SimSettings::default()
        })
        .expect("the simulator starts on loopback");
        let (home, store) = fresh_store();
        for number in 0..bots {
            let bot = NewInstallation {
                app_id: app(number),
                ..bot(Platform::Feishu, &format!("bot-{number}"), &sim.base_url())
            };
            store
                .add_installation(bot)
                .expect("an installation is added");
        }
        let timing = Timing {
            fragment_ttl,
            ..quick()
        };
        let fleet = fleet_of(&store, timing, connect_per_second).await;
        Self {
            sim,
            fleet,
            store,
            home,
        }
    }

    async fn all_live(&self) {
        until("everybody is live", || {
            let overview = self.fleet.overview();
            (overview.by_state.get("live") == Some(&overview.installations)).then_some(())
        })
        .await;
    }

    /// One more, known from the next reload on.
    fn add(&self, platform: Platform, name: &str, base_url: &str) {
        self.store
            .add_installation(bot(platform, name, base_url))
            .expect("an installation is added");
    }

    fn bot(&self, number: usize) -> InstallationView {
        self.fleet
            .installation(&format!("bot-{number}"))
            .expect("it was added")
    }
}

fn fresh_store() -> (tempfile::TempDir, Store) {
    let home = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(&StoreSettings::at(format!(
        "sqlite:{}",
        home.path().join("log.db").display()
    )))
    .expect("a fresh store opens");
    (home, store)
}

/// A bot whose app is called as it is.
fn bot(platform: Platform, name: &str, base_url: &str) -> NewInstallation {
    NewInstallation {
        name: name.parse().expect("a name"),
        platform,
        app_id: name.to_owned(),
        app_secret: SecretString::from("secret"),
        // Unchecked, as in a row of an older version: one bot here has an address that nobody can dial.
        base_url: Some(BaseUrl::from_row(base_url.to_owned())),
        proxy: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::Cli,
    }
}

/// Timings of a platform that is near.
fn quick() -> Timing {
    Timing {
        pong_grace: Duration::from_secs(1),
        backoff_base: Duration::from_millis(50),
        lasting: Duration::from_millis(50),
        ..Timing::default()
    }
}

async fn fleet_of(store: &Store, timing: Timing, connect_per_second: u32) -> Fleet {
    let settings = settings_of(store, timing);
    Fleet::start(FleetSettings {
        connect_per_second,
        ..settings
    })
    .await
}

fn settings_of(store: &Store, timing: Timing) -> FleetSettings {
    let (tls, _) = tls_config(None).expect("roots");
    let environment = ProxyEnvironment::from_vars(std::iter::empty::<(&str, &str)>());
    FleetSettings {
        timing,
        connect_per_second: 0,
        window_events: 64,
        window_bytes: 4 * 1024 * 1024,
        arbiters: 2,
        egress: EgressSettings::new(tls, environment),
        store: store.clone(),
        fault_injection: true,
        config_faults: std::collections::BTreeMap::new(),
    }
}

fn app(number: usize) -> String {
    format!("cli_{number:016x}")
}

/// Whether a bot is in this state.
fn is(world: &World, bot: &str, state: &str) -> Option<()> {
    (world.fleet.installation(bot)?.state == state).then_some(())
}

/// Waits for a fact, with a deadline.
async fn until<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A database may hold two names of one bot. The older one runs; the other says so, and takes its place when it is free.
#[actix_rt::test]
async fn the_same_bot_under_two_names_runs_once() {
    let world = World::new(2).await;
    world.all_live().await;
    let older = world.store.installation("bot-0").expect("readable");
    let older = older.expect("it was added");
    let declared = NewInstallation {
        name: "again".parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: app(0),
        app_secret: SecretString::from("secret"),
        base_url: BaseUrl::parse(Platform::Feishu, &world.sim.base_url(), &[]).ok(),
        proxy: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::File,
    };
    world.store.put_from_file(vec![declared]).expect("put");
    world.fleet.reload();
    let state = |name: &str| {
        let view = world.fleet.installation(name)?;
        Some((view.state, view.reason, view.reason_text))
    };
    let (_, reason, text) = until("the other name is refused", || {
        state("again").filter(|(state, ..)| *state == "refused")
    })
    .await;
    assert_eq!(reason.as_deref(), Some("same_bot"));
    let text = text.expect("it says why");
    assert!(
        text.contains("`again` is the same as `bot-0`, which runs"),
        "{text}"
    );
    assert_eq!(world.bot(0).state, "live");
    let ledger = world.sim.control().ledger();
    assert_eq!(ledger.bootstraps, 2, "nobody was asked: {ledger:?}");
    world
        .store
        .set_desired(older.id, Desired::Stop)
        .expect("changed");
    world.fleet.reload();
    until("its place is taken", || {
        state("again").filter(|(state, ..)| *state == "live")
    })
    .await;
    assert_eq!(world.bot(0).state, "stopped");
}

#[actix_rt::test]
async fn an_event_is_recorded_and_then_acknowledged() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    for _ in 0..10 {
        control.push(&app(0), Push::made_up(500));
    }
    control.push(&app(0), Push::made_up(200_000));
    until("eleven events are acknowledged", || {
        (control.ledger().acked == 11).then_some(())
    })
    .await;
    let overview = world.fleet.overview();
    assert_eq!(
        (
            overview.events.received,
            overview.events.recorded,
            overview.events.assembled
        ),
        (11, 11, 1)
    );
    assert_eq!(world.store.count_events().expect("readable"), 11);
    assert_eq!(world.bot(0).lights.acked, 11);
    assert!(!world.bot(0).lights.never_heard_an_event);
    let drained = world.fleet.drain(Duration::from_secs(5)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (1, 0, 0)
    );
}

#[actix_rt::test]
async fn who_is_to_run_is_never_shown_as_stopped() {
    let world = World::new(100).await;
    until("everybody is live", || {
        let overview = world.fleet.overview();
        assert_eq!(overview.by_state.get("stopped"), None, "{overview:?}");
        (overview.by_state.get("live") == Some(&100)).then_some(())
    })
    .await;
}

#[actix_rt::test]
async fn any_actor_that_fails_is_built_anew_and_its_neighbours_do_not_notice() {
    let world = World::new(4).await;
    world.all_live().await;
    let control = world.sim.control();
    control.push_at_rate(Traffic {
        per_second: 400.0,
        payload_bytes: 300,
        ..Traffic::default()
    });
    let before: Vec<u64> = (0..4).map(|number| world.bot(number).generation).collect();
    for (round, kind) in [
        FleetActor::Connection(ConnectionActor::Socket),
        FleetActor::Connection(ConnectionActor::Pinger),
        FleetActor::Connection(ConnectionActor::Assembler),
        FleetActor::Installation,
    ]
    .into_iter()
    .enumerate()
    {
        world.all_live().await;
        world
            .fleet
            .inject("bot-0", kind, Fault::Panic)
            .expect("fault injection is on");
        let text = until("the panic shows on the card", || {
            let actors = world.fleet.actors();
            let card = actors.iter().find(|actor| {
                actor.kind == kind.label() && actor.path.contains(&world.bot(0).id)
            })?;
            (card.supervision.restarts == 1).then(|| {
                card.supervision
                    .last_exit
                    .clone()
                    .expect("kept with the count")
            })
        })
        .await;
        assert_eq!(text.reason, "panic");
        assert!(text.detail.contains("injected"), "{text:?}");
        until("the panic is counted", || {
            (world.fleet.overview().connections.panics == round as u64 + 1).then_some(())
        })
        .await;
        until("it is built anew", || {
            let actors = world.fleet.actors();
            let card = actors.iter().find(|actor| {
                actor.kind == kind.label() && actor.path.contains(&world.bot(0).id)
            })?;
            (card.state != "rebuilding" && card.state != "absent").then_some(())
        })
        .await;
    }
    world.all_live().await;
    control.stop_traffic();
    until("nothing is pending", || {
        let ledger = control.ledger();
        (ledger.pending == 0 && ledger.pushed > 0).then_some(())
    })
    .await;
    let after: Vec<u64> = (0..4).map(|number| world.bot(number).generation).collect();
    assert_eq!(before[1..], after[1..], "neighbours keep their connections");
    for number in 1..4 {
        assert_eq!(world.bot(number).lights.refused, 0);
    }
    let ledger = control.ledger();
    assert_eq!(ledger.lost, 0);
    assert_eq!(world.store.count_events().expect("readable"), ledger.acked);
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn an_assembler_lives_while_there_is_something_to_join() {
    // Long enough for ten fragments on a slow machine; on one that is slower still the push is repeated.
    let world = World::with(60, 1, Duration::from_secs(1)).await;
    world.all_live().await;
    let control = world.sim.control();
    let assembler = || {
        let actors = world.fleet.actors();
        let mut cards = actors.into_iter();
        cards
            .find(|actor| actor.kind == "assembler")
            .expect("a bot has a card for it")
    };
    assert_eq!(assembler().state, "absent", "no push came split");
    for pushes in 1..=2 {
        let split = FragmentPlan::of_size(100);
        control.push(&app(0), Push::made_up(1_000).in_fragments(split));
        until("the split event is acknowledged", || {
            (control.ledger().acked == pushes).then_some(())
        })
        .await;
        assert!(assembler().handled >= 10 * pushes, "one per fragment");
        until("it is gone again", || {
            (assembler().state == "absent").then_some(())
        })
        .await;
    }
    assert_eq!(assembler().supervision.restarts, 0);
    assert!(world.fleet.overview().events.assembled >= 2);
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_failing_dispatch_loses_no_receipt() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    world
        .fleet
        .inject("bot-0", FleetActor::Dispatch, Fault::Panic)
        .expect("fault injection is on");
    until("dispatch is built anew", || {
        let actors = world.fleet.actors();
        let card = actors.iter().find(|actor| actor.kind == "dispatch")?;
        (card.supervision.restarts == 1 && card.state == "ready").then_some(())
    })
    .await;
    control.push(&app(0), Push::made_up(500));
    until("the event is acknowledged", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// Far more than anything here takes, and far less than the drains that are asked for.
const SOON: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_secs(600);

#[actix_rt::test]
async fn without_a_supervisor_all_is_finished_and_a_new_process_is_asked_for() {
    for fault in [Fault::Panic, Fault::Stop] {
        let world = World::new(4).await;
        world.all_live().await;
        assert_eq!(world.fleet.failure(), None);
        let control = world.sim.control();
        control.push_at_rate(Traffic {
            per_second: 400.0,
            payload_bytes: 300,
            ..Traffic::default()
        });
        until("traffic flows", || {
            (control.ledger().acked > 50).then_some(())
        })
        .await;
        world
            .fleet
            .inject("bot-0", FleetActor::Supervisor, fault)
            .expect("fault injection is on");
        let failed = tokio::time::timeout(SOON, world.fleet.failed()).await;
        let how = match fault {
            Fault::Panic => "injected into the supervisor",
            Fault::Stop => "it stopped without being told to",
        };
        assert_eq!(
            failed,
            Ok(FleetFailure::Supervisor {
                how: how.to_owned()
            })
        );
        let bot = world.bot(0);
        assert_eq!(bot.state, "restarting");
        assert_eq!(bot.reason.as_deref(), Some("supervisor_ended"));
        let text = format!("the supervisor ended, and its installations with it: {how}");
        assert_eq!(bot.reason_text, Some(text));
        assert_eq!(bot.until_ms, None, "nothing is tried again");
        let next_step = bot.next_step.unwrap_or_default();
        assert!(next_step.contains("started again"), "{next_step}");
        // Each connection ends in order by itself; who drains then need not wait for long.
        let drained = tokio::time::timeout(SOON, world.fleet.drain(LATE)).await;
        let drained = drained.expect("nothing holds it up");
        assert_eq!((drained.abandoned, drained.unanswered), (0, 0));
        until("every connection ended", || {
            control.connections(None).is_empty().then_some(())
        })
        .await;
        control.stop_traffic();
        let ledger = control.ledger();
        let recorded = world.store.count_events().expect("readable");
        assert!(
            ledger.acked >= 50 && recorded >= ledger.acked,
            "{recorded} recorded: {ledger:?}"
        );
    }
}

#[actix_rt::test]
async fn a_thread_that_ends_is_told_and_holds_up_no_drain() {
    let world = World::new(4).await;
    world.all_live().await;
    world
        .fleet
        .end_arbiter("bot-0")
        .expect("fault injection is on");
    let failed = tokio::time::timeout(SOON, world.fleet.failed()).await;
    assert_eq!(failed, Ok(FleetFailure::Arbiter { number: 1 }));
    until("those who lived there are shown as gone", || {
        let by_state = world.fleet.overview().by_state;
        (by_state.get("restarting") == Some(&2) && by_state.get("live") == Some(&2)).then_some(())
    })
    .await;
    let drained = tokio::time::timeout(SOON, world.fleet.drain(LATE)).await;
    let drained = drained.expect("nobody waits for the dead");
    let gone = world.bot(0);
    assert_eq!(gone.reason.as_deref(), Some("arbiter_ended"));
    let text = gone.reason_text.unwrap_or_default();
    assert_eq!(text, "the thread that carried it ended");
    assert_eq!(gone.until_ms, None, "nothing is tried again");
    let next_step = gone.next_step.unwrap_or_default();
    assert!(next_step.contains("started again"), "{next_step}");
    assert_eq!((drained.closed, drained.abandoned), (4, 0));
}

#[actix_rt::test]
async fn a_half_open_link_is_found_and_replaced() {
    let world = World::new(1).await;
    world.all_live().await;
    let control = world.sim.control();
    let before = world.bot(0).generation;
    control.fault(
        longwire_sim::Target::App(app(0)),
        longwire_sim::Fault::HalfOpen,
    );
    until("a newer connection is live", || {
        let bot = world.bot(0);
        (bot.generation > before && bot.state == "live").then_some(())
    })
    .await;
    assert_eq!(world.fleet.overview().connections.silent, 1);
    control.push(&app(0), Push::made_up(500));
    until("events flow again", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn every_actor_speaks_for_itself() {
    let world = World::new(1).await;
    world.all_live().await;
    for actor in world.fleet.actors() {
        let inspection = world.fleet.inspect(&actor.path).await;
        let as_shown = match actor.state {
            "absent" => matches!(inspection, longwire_fleet::Inspection::Absent),
            _ => matches!(inspection, longwire_fleet::Inspection::Answered { .. }),
        };
        assert!(as_shown, "{}: {inspection:?}", actor.path);
    }
    assert!(matches!(
        world.fleet.inspect("/fleet/bots/nobody").await,
        longwire_fleet::Inspection::Absent
    ));
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// Small questions with larger answers: a socket stops decoding while its answers pile up. Once they are written it has
/// to go on by itself; here no ping comes to wake it.
#[actix_rt::test]
async fn a_socket_that_answered_a_flood_reads_on() {
    let world = World::pinging_every(600, 1).await;
    world.all_live().await;
    let control = world.sim.control();
    let empty_ping = [0x89, 0x00];
    control.fault(
        longwire_sim::Target::App(app(0)),
        longwire_sim::Fault::Raw(empty_ping.repeat(150_000).into()),
    );
    control.push(&app(0), Push::made_up(500));
    until("the event behind the flood is acknowledged", || {
        (control.ledger().acked == 1).then_some(())
    })
    .await;
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// A bot that is not connected has nothing in hand and keeps no drain waiting, whatever it does instead; and the report
/// names every installation once.
#[actix_rt::test]
async fn a_drain_waits_for_no_bot_that_has_nothing_in_hand() {
    let world = World::new(7).await;
    world.all_live().await;
    let control = world.sim.control();
    for (bot, behaviour) in [
        (2, Behaviour::BootstrapHang),
        (3, Behaviour::UpgradeHang),
        (4, Behaviour::BootstrapReset),
    ] {
        control.behaviour(Some(&app(bot)), behaviour.times(1_000));
        let target = longwire_sim::Target::App(app(bot));
        assert_eq!(control.fault(target, longwire_sim::Fault::Drop), 1);
    }
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    let silent = longwire_sim::wecom::Behaviour::answer(
        longwire_sim::wecom::Asked::Subscribe,
        longwire_sim::wecom::ScriptedAnswer::Ignore,
    );
    wecom
        .control()
        .behaviour(Some("subscribing"), silent.times(1_000));
    for bot in ["subscribing", "displaced"] {
        world.add(Platform::Wecom, bot, &wecom.base_url());
    }
    world.add(Platform::Wecom, "refused", "ftp://no-such-scheme.invalid");
    world.fleet.reload();
    until("WeCom's bot is live", || is(&world, "displaced", "live")).await;
    let displaced = longwire_sim::wecom::Target::Bot("displaced".to_owned());
    wecom
        .control()
        .fault(displaced, longwire_sim::wecom::Fault::Displace);

    // Its sockets fail until their budget is spent.
    until("bot-1 is left alone", || {
        if is(&world, "bot-1", "live").is_some() {
            let inject = world.fleet.inject(
                "bot-1",
                FleetActor::Connection(ConnectionActor::Socket),
                Fault::Panic,
            );
            inject.expect("fault injection is on");
        }
        is(&world, "bot-1", "restarting")
    })
    .await;
    let left_alone = world.bot(1);
    assert_eq!(left_alone.reason.as_deref(), Some("rebuild_budget_spent"));
    let text = left_alone.reason_text.unwrap_or_default();
    assert!(
        text.ends_with("the last time: injected into a socket"),
        "{text}"
    );
    assert!(left_alone.until_ms.is_some(), "it is tried again");
    let stopped = world.store.installation("bot-5").expect("readable");
    let stopped = stopped.expect("it was added").id;
    world
        .store
        .set_desired(stopped, Desired::Stop)
        .expect("it is there");
    world.fleet.reload();
    for (bot, state) in [
        ("bot-0", "live"),
        ("bot-2", "bootstrapping"),
        ("bot-3", "dialing"),
        ("bot-4", "backing_off"),
        ("bot-5", "stopped"),
        ("refused", "refused"),
        ("displaced", "displaced"),
        ("subscribing", "dialing"),
    ] {
        until(&format!("{bot} is {state}"), || is(&world, bot, state)).await;
    }
    // Last, because it is built anew after a quarter of a second.
    let inject = world
        .fleet
        .inject("bot-6", FleetActor::Installation, Fault::Panic);
    inject.expect("fault injection is on");
    until("it failed", || {
        (world.bot(6).reason.as_deref() == Some("panicked")).then_some(())
    })
    .await;

    let drained = world.fleet.drain(Duration::from_secs(30)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (10, 0, 0),
        "{drained:?}"
    );
}

/// Who waits for a turn has nothing in hand either.
#[actix_rt::test]
async fn a_drain_waits_for_nobody_who_waits_for_a_turn() {
    let world = World::connecting(20, 1).await;
    until("all of them wait or connect", || {
        (world.fleet.overview().installations == 20).then_some(())
    })
    .await;
    let drained = world.fleet.drain(Duration::from_secs(30)).await;
    assert_eq!((drained.closed, drained.abandoned), (20, 0), "{drained:?}");
}

/// What a drain could not wait for is told, and told apart from what closed in order: here a message that WeCom does not
/// repeat and that the store does not take.
#[actix_rt::test]
async fn a_drain_that_ends_at_its_limit_counts_every_installation_once() {
    let world = World::new(2).await;
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    world.add(Platform::Wecom, "keeping", &wecom.base_url());
    world.fleet.reload();
    world.all_live().await;
    until("WeCom's bot is live", || is(&world, "keeping", "live")).await;
    std::fs::remove_file(world.home.path().join("log.db")).expect("the database is there");
    let message = longwire_sim::wecom::Push::text("nobody else has it");
    wecom.control().push("keeping", message);
    let unanswered = || {
        let bot = world.fleet.installation("keeping")?;
        (bot.lights.unanswered > 0).then_some(())
    };
    until("the store refuses it", || {
        unanswered().filter(|()| world.fleet.overview().store.state == "degraded")
    })
    .await;
    let target = longwire_sim::wecom::Target::Bot("keeping".to_owned());
    let dropped = wecom
        .control()
        .fault(target, longwire_sim::wecom::Fault::Drop);
    assert_eq!(dropped, 1);
    until("its next connection is live", || {
        let bot = world.fleet.installation("keeping")?;
        (bot.generation > 1 && bot.state == "live").then_some(())
    })
    .await;
    let drained = world.fleet.drain(Duration::from_millis(100)).await;
    assert_eq!(
        (drained.closed, drained.abandoned, drained.unanswered),
        (2, 1, 1),
        "{drained:?}"
    );
    // What goes with the process is told once, though the connection offers it again before that.
    until("the connection has given it up", || {
        let bot = world.fleet.installation("keeping")?;
        (bot.lights.unanswered == 0).then_some(())
    })
    .await;
    let bot = world.fleet.installation("keeping").expect("it was added");
    assert_eq!(
        (
            bot.lights.unrecorded,
            world.fleet.overview().answers.unrecorded
        ),
        (1, 1)
    );
}

/// What a connection has brought when its time is up, and what nobody can read any more, is told of its own bot, however
/// many of them there are.
#[actix_rt::test]
async fn what_is_left_unread_at_an_end_is_counted_for_its_bot() {
    // Much more than the windows, the kernels' buffers and a last turn of reads.
    const EACH: usize = 16_000;
    let world = World::new(0).await;
    let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    let bots = ["one", "two", "idle"];
    for bot in bots {
        world.add(Platform::Wecom, bot, &wecom.base_url());
    }
    world.fleet.reload();
    until("all are live", || {
        bots.iter()
            .all(|bot| is(&world, bot, "live").is_some())
            .then_some(())
    })
    .await;
    std::fs::remove_file(world.home.path().join("log.db")).expect("the database is there");
    let lights = |bot| world.fleet.installation(bot).expect("it was added").lights;
    for bot in &bots[..2] {
        let push = longwire_sim::wecom::Push::text(&"x".repeat(1_024));
        wecom.control().push_burst(bot, vec![push; EACH]);
        until("it reads no more", || {
            (lights(bot).unanswered >= 128).then_some(())
        })
        .await;
        // It hears no goodbye, so it goes on writing.
        let target = longwire_sim::wecom::Target::Bot((*bot).to_owned());
        let fault = longwire_sim::wecom::Fault::StopReading;
        assert_eq!(wecom.control().fault(target, fault), 1);
    }
    world.fleet.drain(Duration::from_millis(100)).await;
    until("both have said what they leave", || {
        (world.fleet.overview().connections.left_unread == 2).then_some(())
    })
    .await;
    let left = bots.map(|bot| lights(bot).left_unread);
    assert_eq!(left, [1, 1, 0]);
    let overview = world.fleet.overview();
    assert_eq!(
        overview.malformed.get("message_cut_off"),
        None,
        "{overview:?}"
    );
    // Of what was read, nothing is missing in the count.
    until("all that was read is told", || {
        let told = |bot| lights(bot).unrecorded == lights(bot).events && lights(bot).events > 128;
        (told("one") && told("two")).then_some(())
    })
    .await;
}

/// While a host sleeps its connections die without a word; here the next ping by itself would come in minutes.
#[actix_rt::test]
async fn after_a_sleep_of_the_host_every_connection_is_asked() {
    let world = World::pinging_every(600, 3).await;
    world.all_live().await;
    until("all first pings are answered", || {
        let answered = |number| world.bot(number).lights.pong_round_trip_us.is_some();
        (0..3).all(answered).then_some(())
    })
    .await;
    let control = world.sim.control();
    let heard = |number: usize| world.bot(number).lights.last_heard_ms;
    let before: Vec<_> = (0..3).map(heard).collect();
    for bot in [0, 1] {
        let target = longwire_sim::Target::App(app(bot));
        assert_eq!(control.fault(target, longwire_sim::Fault::HalfOpen), 1);
    }
    world
        .fleet
        .inject_sleep(Duration::from_secs(3_600))
        .expect("fault injection is on");
    for bot in [0, 1] {
        until("a dead one is replaced", || {
            let view = world.bot(bot);
            (view.generation == 2 && view.state == "live").then_some(())
        })
        .await;
    }
    until("the living one answered", || {
        (heard(2) > before[2]).then_some(())
    })
    .await;
    assert_eq!(world.bot(2).generation, 1, "it was asked, no more");
    assert_eq!(world.fleet.overview().connections.silent, 2);
    world.fleet.drain(Duration::from_secs(5)).await;
}

/// A process that is started again and again takes a bot back as often in a day as one that runs on.
#[actix_rt::test]
async fn take_backs_of_a_day_are_counted_over_restarts() {
    let sim = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
        .expect("the simulator starts on loopback");
    let home = tempfile::tempdir().expect("a temporary directory");
    let path = home.path().join("log.db");
    let settings = StoreSettings::at(format!("sqlite:{}", path.display()));
    let store = Store::open(&settings).expect("a fresh store opens");
    let added = store
        .add_installation(NewInstallation {
            take_back: TakeBack::new(Duration::from_secs(600), 1).ok(),
            ..bot(Platform::Wecom, "bot", &sim.base_url())
        })
        .expect("an installation is added");
    let kept = || {
        let record = store.installation("bot").expect("readable");
        record.expect("it was added")
    };
    // The process before was displaced, and ended a quarter of an hour ago.
    let writer = store.run_writer(|_| ()).expect("a thread");
    let displaced_ms = Some(added.created_ms - 15 * 60 * 1_000);
    store.writer().keep_displacement(
        Displacement {
            installation: added.id,
            claims: added.claims,
            displaced_ms,
            taken_back_ms: Vec::new(),
        },
        || (),
    );
    store.stop_writer();
    writer.join().expect("it ended in order");
    assert_eq!(kept().displaced_ms, displaced_ms);

    let fleet = fleet_of(&store, quick(), 0).await;
    let state = |fleet: &Fleet, state: &str| {
        let view = fleet.installation("bot")?;
        (view.state == state).then_some(view)
    };
    until("it is taken back", || state(&fleet, "live")).await;
    let record = kept();
    assert_eq!(
        (record.displaced_ms, record.taken_back_ms.len()),
        (None, 1),
        "counted before it was done"
    );
    let target = longwire_sim::wecom::Target::Bot("bot".to_owned());
    let displace = longwire_sim::wecom::Fault::Displace;
    assert_eq!(sim.control().fault(target, displace), 1);
    let tomorrow_ms = record.taken_back_ms[0] + 24 * 60 * 60 * 1_000;
    // The clocks are read one after the other.
    let is_tomorrow = |until_ms: Option<i64>| {
        let until_ms = until_ms.expect("it is wished");
        assert!(
            (until_ms - tomorrow_ms).abs() < 60_000,
            "{until_ms} and {tomorrow_ms}"
        );
    };
    is_tomorrow(
        until("it is displaced", || state(&fleet, "displaced"))
            .await
            .until_ms,
    );
    fleet.drain(Duration::from_secs(5)).await;

    let again = fleet_of(&store, quick(), 0).await;
    let view = until("it is displaced still, and has a time", || {
        state(&again, "displaced").filter(|view| view.until_ms.is_some())
    })
    .await;
    is_tomorrow(view.until_ms);
    assert_eq!(view.generation, 0, "nothing was tried");
    assert_eq!(sim.control().ledger().subscribes, 1);
    assert_eq!(kept().displaced_ms, Some(view.state_since_ms));
    again.drain(Duration::from_secs(5)).await;
}

/// A connection of WeCom that ended is read until it brings nothing more. Until then its file is open, and its successor's
/// is another one.
#[actix_rt::test]
async fn an_ending_connection_and_its_successor_have_a_place_each() {
    for places in [1, 2] {
        let wecom = longwire_sim::wecom::Sim::start(longwire_sim::wecom::SimSettings::default())
            .expect("the simulator starts on loopback");
        let (_home, store) = fresh_store();
        store
            .add_installation(bot(Platform::Wecom, "bot", &wecom.base_url()))
            .expect("an installation is added");
        let timing = Timing {
            ping_interval: Duration::from_secs(1),
            ..quick()
        };
        let mut settings = settings_of(&store, timing);
        // One socket more is for calls.
        let sockets = SocketBudget::new(places + 1);
        settings.egress.sockets = sockets.clone();
        let fleet = Fleet::start(settings).await;
        let view = || fleet.installation("bot");
        until("it is live", || view().filter(|bot| bot.state == "live")).await;
        // It answers no ping and does not hear the goodbye.
        let target = longwire_sim::wecom::Target::Bot("bot".to_owned());
        let silent = longwire_sim::wecom::Fault::StopReading;
        assert_eq!(wecom.control().fault(target, silent), 1);
        let is_connected_anew = || view().filter(|bot| bot.generation > 1 && bot.state == "live");
        if places == 1 {
            let waits =
                |bot: &InstallationView| bot.reason.as_deref() == Some("too_many_open_files");
            until("the next one waits", || view().filter(waits)).await;
        } else {
            let both = || is_connected_anew().filter(|_| sockets.connections() == 2);
            until("both are counted", both).await;
        }
        let alone = || is_connected_anew().filter(|_| sockets.connections() == 1);
        until("the former one is gone", alone).await;
        fleet.drain(SOON).await;
    }
}

/// Attempts that hang take all the turns that one platform may have. A bot that is moved to another one need not wait
/// for them.
#[actix_rt::test]
async fn a_bot_that_changes_its_platform_gets_its_turn_there() {
    // What one platform may have with a single arbiter.
    const AT_ONCE: usize = 128;
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let hanging = format!("http://{}", hanging.local_addr().expect("its address"));
    let sim = Sim::start(SimSettings::default()).expect("the simulator starts on loopback");
    let declared = |moved: Option<&str>| -> Vec<NewInstallation> {
        let bot = |number: usize| {
            let name = format!("bot-{number}");
            let at = if moved == Some(&name) {
                &sim.base_url()
            } else {
                &hanging
            };
            NewInstallation {
                app_id: app(number),
                ..bot(Platform::Feishu, &name, at)
            }
        };
        (0..=AT_ONCE).map(bot).collect()
    };
    let (_home, store) = fresh_store();
    store.put_from_file(declared(None)).expect("they are put");
    let timing = Timing {
        bootstrap: LATE,
        turn: LATE,
        ..quick()
    };
    let fleet = Fleet::start(FleetSettings {
        arbiters: 1,
        ..settings_of(&store, timing)
    })
    .await;
    until("all turns are taken", || {
        let by_state = fleet.overview().by_state;
        (by_state.get("bootstrapping") == Some(&(AT_ONCE as u64))).then_some(())
    })
    .await;
    let waiting = fleet.installations().into_iter();
    let waiting = waiting.map(|bot| (bot.state, bot.name));
    let mut waiting = waiting.filter(|(state, _)| *state == "queued");
    let (_, waiting) = waiting.next().expect("one is left");
    store
        .put_from_file(declared(Some(&waiting)))
        .expect("they are put");
    fleet.reload();
    until("it is live there", || {
        fleet
            .installation(&waiting)
            .filter(|bot| bot.state == "live")
    })
    .await;
    fleet.drain(Duration::ZERO).await;
}
