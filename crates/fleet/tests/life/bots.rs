//! What is shown of a bot, and which of them run.

use crate::world::*;
use longwire_fleet::{ConfigFault, Fleet, FleetLimits, FleetSettings, RetryError};
use longwire_installation::{BaseUrl, Desired, Origin, Platform, TakeBack};
use longwire_link::{Setback, Timing};
use longwire_sim::{Sim, SimSettings};
use longwire_store::{Displacement, NewInstallation, Store, StoreSettings};
use secrecy::SecretString;
use std::time::Duration;

/// A database may hold two names of one bot. The older one runs; the other says so, and takes its place when it is free.
#[actix_rt::test]
async fn the_same_bot_under_two_names_runs_once() {
    let world = World::new(2).await;
    world.all_live().await;
    let older = world
        .store
        .reader()
        .installation("bot-0")
        .expect("readable");
    let older = older.expect("it was added");
    let declared = NewInstallation {
        name: "again".parse().expect("a name"),
        platform: Platform::Feishu,
        app_id: app(0),
        app_secret: SecretString::from("secret"),
        base_url: BaseUrl::parse(Platform::Feishu, &world.sim.base_url(), &[]).ok(),
        proxy: None,
        mode: Default::default(),
        verification_token: None,
        encrypt_key: None,
        take_back: None,
        desired: Desired::Run,
        origin: Origin::File,
        space: Default::default(),
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

/// S114: the state is there from the first moment, also of a bot that nothing was known of yet.
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
        let record = store.reader().installation("bot").expect("readable");
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
    let displace = longwire_sim::wecom::ConnectionFault::Displace;
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

/// Attempts that hang take all the permits that one platform may have. A bot that is moved to another one need not wait
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
        permit: LATE,
        ..quick()
    };
    let fleet = Fleet::start(FleetSettings {
        arbiters: 1,
        ..settings_of(&store, timing)
    })
    .await;
    until("all permits are taken", || {
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

/// What a declaration lacks may come while the process runs, and may go.
#[actix_rt::test]
async fn a_declaration_is_read_again_and_one_that_waits_is_tried_by_hand() {
    let world = World::new(2).await;
    world.all_live().await;
    let id = world.id(0);
    let lacks = |detail: &str| {
        let fault = ConfigFault {
            setback: Setback::NoSecret,
            detail: detail.to_owned(),
        };
        std::collections::BTreeMap::from([(id, fault)])
    };
    let is_refused_with = |detail: &'static str| {
        let view = world.bot(0);
        let text = view.reason_text.clone().unwrap_or_default();
        (view.state == "refused" && text.contains(detail)).then_some(view)
    };
    world.fleet.declarations_read(lacks("it is gone"));
    let refused = until("it lacks its secret", || is_refused_with("it is gone")).await;
    // Whoever tries it by hand sees it fail again, at once.
    world.fleet.retry("bot-0").expect("it is refused");
    until("it is tried", || {
        is_refused_with("it is gone").filter(|view| view.generation > refused.generation)
    })
    .await;
    // What is read again comes before what is tried, though both are asked for at once.
    world.fleet.declarations_read(lacks("it has two lines"));
    world.fleet.retry("bot-0").expect("it is refused");
    until("it is read again", || is_refused_with("it has two lines")).await;
    world.fleet.declarations_read(Default::default());
    until("it is live again", || is(&world, "bot-0", "live")).await;
    let other = world.bot(1);
    assert_eq!((other.state, other.generation), ("live", 1), "{other:?}");
    let refused = world.fleet.retry("nobody").expect_err("nobody is there");
    assert_eq!(refused, RetryError::UnknownInstallation);
    world.fleet.retry("bot-1").expect("it is live");
    world.store.set_desired(id, Desired::Stop).expect("stopped");
    world.fleet.reload();
    until("it is stopped", || is(&world, "bot-0", "stopped")).await;
    assert_eq!(world.fleet.retry("bot-0"), Err(RetryError::Stopped));
    assert_eq!(world.bot(1).generation, 1, "a live one stays as it is");
}

/// A host that refuses connections is back, and the bot need not wait for the end of its pause.
#[actix_rt::test]
async fn a_retry_ends_the_wait_of_a_bot_that_failed() {
    let away = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = away.local_addr().expect("its address");
    drop(away);
    let (_home, store) = fresh_store();
    let new = bot(Platform::Feishu, "bot-0", &format!("http://{address}"));
    store.add_installation(new).expect("it is added");
    let timing = Timing {
        backoff_base: LATE,
        backoff_cap: LATE,
        ..quick()
    };
    let fleet = fleet_of(&store, timing, 0).await;
    let state = || fleet.installation("bot-0").map(|view| view.state);
    until("it waits", || {
        state().filter(|state| *state == "backing_off")
    })
    .await;
    let settings = SimSettings {
        listen: address,
        ..SimSettings::default()
    };
    let _sim = Sim::start(settings).expect("the port is free");
    until("it is live", || {
        // The first pause is a random part of the longest one, so that it may be over.
        fleet.retry("bot-0").expect("it is to run");
        state().filter(|state| *state == "live")
    })
    .await;
    fleet.drain(Duration::ZERO).await;
}

/// Limits are changed while bots run.
#[actix_rt::test]
async fn a_limit_that_is_changed_holds_at_once() {
    let world = World::new(3).await;
    world.all_live().await;
    let limited = |limit: u32| FleetLimits {
        connections_per_space: std::num::NonZeroU32::new(limit),
        ..FleetLimits::default()
    };
    let live = || {
        let live = world.fleet.overview().by_state;
        live.get("live").copied().unwrap_or(0)
    };
    world.fleet.set_limits(limited(1));
    until("two have to wait", || (live() == 1).then_some(())).await;
    assert_eq!(world.bot(0).state, "live", "the oldest keeps its place");
    world.fleet.set_limits(limited(2));
    until("one has to wait", || (live() == 2).then_some(())).await;
    world.fleet.set_limits(FleetLimits::default());
    until("nobody has to wait", || (live() == 3).then_some(())).await;
    assert_eq!(world.bot(0).generation, 1);
}
