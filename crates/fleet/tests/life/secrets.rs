//! Changed access while events come: the connection before serves until another one is proved.

use crate::world::*;
use longwire_fleet::{Fleet, InstallationView, RenewalOutcome, TrySecretError};
use longwire_installation::{Desired, InstallationId, Origin, Platform, PresentSecret};
use longwire_sim::{Apps, Sim, SimSettings, Traffic, wecom};
use longwire_store::{
    CandidateState, EventQuery, FieldChange, InstallationChange, InstallationRecord, NewAppSecret,
    NewInstallation, Store,
};
use longwire_wire::endpoint::ClientConfig;
use longwire_wire::event::Source;
use std::collections::BTreeSet;
use std::time::Duration;

const BOT: &str = "bot";
const GOOD: [&str; 2] = ["secret", "another-secret"];

/// A platform that takes both good secrets.
fn feishu(settings: SimSettings) -> Sim {
    let known = GOOD.map(|secret| (BOT.to_owned(), secret.to_owned()));
    Sim::start(SimSettings {
        apps: Apps::Known(known.to_vec()),
        client_config: ClientConfig {
            reconnect_count: Some(-1),
            reconnect_interval: Some(1),
            reconnect_nonce: Some(0),
            ping_interval: Some(1),
        },
        ladder: vec![Duration::from_millis(200); 20],
        ..settings
    })
    .expect("the simulator starts on loopback")
}

/// One bot that is live, and whoever changes it.
struct Bot {
    fleet: Fleet,
    store: Store,
    id: InstallationId,
    _home: tempfile::TempDir,
}

impl Bot {
    async fn live(platform: Platform, base_url: &str) -> Self {
        let (home, store) = fresh_store();
        let added = (store.add_installation(bot(platform, BOT, base_url))).expect("it is added");
        let fleet = fleet_of(&store, quick(), 0).await;
        let bot = Self {
            fleet,
            store,
            id: added.id,
            _home: home,
        };
        bot.until("live").await;
        bot
    }

    async fn until(&self, state: &str) {
        until(state, || {
            let view = self.fleet.installation(BOT)?;
            (view.state == state).then_some(())
        })
        .await;
    }

    fn view(&self) -> InstallationView {
        self.fleet.installation(BOT).expect("it was added")
    }

    fn record(&self) -> InstallationRecord {
        let record = self.store.reader().installation(BOT).expect("readable");
        record.expect("it was added")
    }

    fn change(&self, change: InstallationChange) {
        (self.store.change_installation(self.id, change)).expect("it is changed");
        self.fleet.reload();
    }

    /// As an operator does it.
    fn new_secret(&self, secret: &str) {
        self.change(InstallationChange {
            app_secret: Some(NewAppSecret {
                secret: secret.into(),
                present: self.fleet.present_secret(self.id),
            }),
            ..InstallationChange::default()
        });
    }

    fn stored_secret(&self) -> String {
        let secret = self.store.open_secret(&self.record()).expect("it opens");
        secrecy::ExposeSecret::expose_secret(&secret).to_owned()
    }

    async fn until_renewed(&self, generation: u64) -> u64 {
        until("the second connection serves", || {
            let view = self.view();
            let renewal = view.renewal.filter(|_| self.record().candidate.is_none())?;
            (view.generation > generation && renewal.outcome == RenewalOutcome::Proved)
                .then_some(view.generation)
        })
        .await
    }

    /// Each event of the log once, by the platform's id of it.
    fn logged(&self) -> BTreeSet<String> {
        let reader = self.store.reader();
        let mut ids = BTreeSet::new();
        let mut after = None;
        loop {
            let query = EventQuery {
                after,
                installations: Some(vec![self.id]),
                limit: 500,
            };
            let page = reader.events(query).expect("the log is readable");
            // What longwire itself says of the bot is there too.
            let pushed =
                (page.events.into_iter()).filter(|event| event.source == Source::LongConnection);
            for event in pushed {
                let id = event.event_id.expect("the platform gives each an id");
                assert!(ids.insert(id.to_string()), "twice in the log");
            }
            if !page.more {
                return ids;
            }
            after = page.reached;
        }
    }
}

fn traffic() -> Traffic {
    Traffic {
        apps: vec![BOT.to_owned()],
        per_second: 100.0,
        ..Traffic::default()
    }
}

/// Feishu and Lark, under traffic: nothing is lost, nothing is there twice, and the bot is never without a connection.
#[actix_rt::test]
async fn a_secret_is_changed_again_and_again_and_no_event_is_lost() {
    let sim = feishu(SimSettings::default());
    let control = sim.control();
    let bot = Bot::live(Platform::Feishu, &sim.base_url()).await;
    control.push_at_rate(traffic());
    let mut generation = bot.view().generation;
    for round in 1..=4 {
        let secret = GOOD[round % 2];
        let before = control.ledger().acked;
        bot.new_secret(secret);
        generation = bot.until_renewed(generation).await;
        assert_eq!(bot.stored_secret(), secret);
        assert_eq!(bot.view().renewal.expect("shown").gap_ms, 0);
        until("events flow on", || {
            (control.ledger().acked > before + 20).then_some(())
        })
        .await;
    }
    control.stop_traffic();
    let ledger = until("every event is acknowledged", || {
        let ledger = control.ledger();
        (ledger.pending == 0).then_some(ledger)
    })
    .await;
    assert_eq!((ledger.lost, ledger.left_alone), (0, 0), "{ledger:?}");
    assert!(ledger.pushed > 80, "{ledger:?}");
    let pushed: BTreeSet<_> = control.acked_event_ids().into_iter().collect();
    assert_eq!(bot.logged(), pushed);
    let totals = bot.fleet.overview().connections;
    assert_eq!((totals.renewed, totals.renewals_failed), (4, 0));
    assert_eq!(bot.view().lights.reconnects, 4);
    until("one connection is left", || {
        (control.connections(Some(BOT)).len() == 1).then_some(())
    })
    .await;
    let socket = |actor: &longwire_fleet::ActorView| actor.kind == "socket";
    let card = bot.fleet.actors().into_iter().find(socket);
    assert_eq!(card.expect("it has one").state, "ready");
    bot.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_wrong_secret_costs_a_bot_nothing() {
    let sim = feishu(SimSettings::default());
    let control = sim.control();
    let bot = Bot::live(Platform::Lark, &sim.base_url()).await;
    let before = bot.view();
    bot.new_secret("wrong");
    let state = until("the candidate is refused", || {
        let candidate = bot.record().candidate?;
        (candidate.state != CandidateState::Waiting).then_some(candidate.state)
    })
    .await;
    let reason = state.reason().expect("it says why").to_owned();
    assert!(
        reason.contains("does not accept the app id and secret"),
        "{reason}"
    );
    let renewal = bot.view().renewal.expect("it is shown");
    assert_eq!(renewal.outcome, RenewalOutcome::Refused);
    assert_eq!((renewal.gap_ms, renewal.reason), (0, Some(reason)));
    let view = bot.view();
    assert_eq!((view.state, view.generation), ("live", before.generation));
    assert_eq!(bot.stored_secret(), GOOD[0]);
    let ledger = control.ledger();
    assert_eq!(
        (ledger.bootstraps, ledger.connections_ended),
        (2, 0),
        "{ledger:?}"
    );
    let noted = until("the timeline says so", || {
        let notes = bot.store.reader().timeline(bot.id, 50).expect("readable");
        (notes.into_iter()).find(|note| note.entry.kind.label() == "renewal_failed")
    })
    .await;
    assert!(noted.entry.detail.contains("the new secret"), "{noted:?}");
    // The next one is tried again, and the connection that went on is known by its card.
    bot.new_secret(GOOD[1]);
    bot.until_renewed(before.generation).await;
    assert_eq!(control.ledger().left_alone, 0);
    bot.fleet.drain(Duration::from_secs(5)).await;
}

/// What a configuration file changed is proved in the same way; what it says is wrong leaves the connection.
#[actix_rt::test]
async fn a_changed_row_is_proved_before_the_old_connection_ends() {
    let sim = feishu(SimSettings::default());
    let elsewhere = feishu(SimSettings::default());
    let bot = Bot::live(Platform::Feishu, &sim.base_url()).await;
    let first = bot.view().generation;
    let address = |base_url: &str| InstallationChange {
        base_url: FieldChange::Set(longwire_installation::BaseUrl::from_row(
            base_url.to_owned(),
        )),
        ..InstallationChange::default()
    };
    bot.change(address("http://127.0.0.1:1"));
    until("the address was tried", || {
        let attempts = bot.fleet.overview().connections.attempts;
        (attempts >= 2).then_some(())
    })
    .await;
    let view = bot.view();
    assert_eq!((view.state, view.generation), ("live", first));
    bot.change(address(&elsewhere.base_url()));
    bot.until_renewed(first).await;
    assert_eq!(elsewhere.control().connections(Some(BOT)).len(), 1);
    until("the old one is closed", || {
        sim.control()
            .connections(Some(BOT))
            .is_empty()
            .then_some(())
    })
    .await;
    assert_eq!(sim.control().ledger().closed_by_client, 1);
    bot.fleet.drain(Duration::from_secs(5)).await;
}

/// The platform grants no second connection: the new secret waits for one, and the bot goes on.
#[actix_rt::test]
async fn a_new_secret_waits_for_room_at_the_platform() {
    let sim = feishu(SimSettings {
        connections_per_app: 1,
        ..SimSettings::default()
    });
    let bot = Bot::live(Platform::Feishu, &sim.base_url()).await;
    let first = bot.view().generation;
    bot.new_secret(GOOD[1]);
    until("it was tried", || {
        (sim.control().ledger().bootstraps == 2).then_some(())
    })
    .await;
    let control = sim.control();
    control.fault(
        longwire_sim::Target::App(BOT.to_owned()),
        longwire_sim::ConnectionFault::Drop,
    );
    // The first connection is gone, and the old secret still opens one. With that the new one is tried again.
    until("a newer one is live", || {
        let view = bot.view();
        (view.state == "live" && view.generation > first).then_some(())
    })
    .await;
    assert!(bot.record().candidate.is_some(), "nothing is known of it");
    bot.fleet.drain(Duration::from_secs(5)).await;
}

/// Who has no connection to lose takes a new secret at once.
#[actix_rt::test]
async fn a_refused_or_stopped_bot_takes_a_new_secret_at_once() {
    let sim = feishu(SimSettings::default());
    let (_home, store) = fresh_store();
    let wrong = NewInstallation {
        app_secret: "wrong".into(),
        ..bot(Platform::Feishu, BOT, &sim.base_url())
    };
    let id = store.add_installation(wrong).expect("it is added").id;
    let fleet = fleet_of(&store, quick(), 0).await;
    let bot = Bot {
        fleet,
        store,
        id,
        _home,
    };
    bot.until("refused").await;
    assert_eq!(bot.fleet.present_secret(id), PresentSecret::NotInUse);
    bot.new_secret(GOOD[0]);
    bot.until("live").await;
    assert!(bot.record().candidate.is_none());
    // One that waits, because nobody knew that the present one fails, is taken too.
    let waits = |secret: &str| InstallationChange {
        app_secret: Some(NewAppSecret {
            secret: secret.into(),
            present: PresentSecret::InUse,
        }),
        ..InstallationChange::default()
    };
    bot.store.set_desired(id, Desired::Stop).expect("stopped");
    bot.fleet.reload();
    bot.until("stopped").await;
    bot.change(waits(GOOD[1]));
    until("it is the secret", || {
        (bot.stored_secret() == GOOD[1]).then_some(())
    })
    .await;
    bot.fleet.drain(Duration::from_secs(5)).await;
}

fn wecom_sim(order: wecom::DisplacedOrder) -> wecom::Sim {
    let known = GOOD.map(|secret| (BOT.to_owned(), secret.to_owned()));
    wecom::Sim::start(wecom::SimSettings {
        bots: wecom::Bots::Known(known.to_vec()),
        displaced_order: order,
        displaced_kept: Duration::from_millis(300),
        ..wecom::SimSettings::default()
    })
    .expect("the simulator starts on loopback")
}

/// WeCom, under traffic, in either order of the platform's news: the secret is tried when an operator says so, what was read
/// is kept, and the gap is told.
#[actix_rt::test]
async fn a_wecom_secret_is_tried_at_the_operators_moment_and_no_message_is_lost() {
    for order in [
        wecom::DisplacedOrder::AfterAck,
        wecom::DisplacedOrder::BeforeAck,
    ] {
        let sim = wecom_sim(order);
        let control = sim.control();
        let bot = Bot::live(Platform::Wecom, &sim.base_url()).await;
        assert_eq!(
            bot.fleet.try_secret(BOT).await,
            Err(TrySecretError::NoCandidate)
        );
        control.push_at_rate(traffic());
        let first = bot.view().generation;
        bot.new_secret(GOOD[1]);
        until("it waits", || {
            let record = bot.fleet.record(bot.id)?;
            record.candidate.is_some().then_some(())
        })
        .await;
        until("events flow", || {
            (control.ledger().delivered > 20).then_some(())
        })
        .await;
        assert_eq!(control.ledger().subscribes, 1, "nobody asked for it");

        let tried = bot.fleet.try_secret(BOT).await.expect("it is taken");
        assert!(tried.generation > first);
        eprintln!("{order:?}: {} ms without a connection", tried.gap_ms);
        assert_eq!(bot.stored_secret(), GOOD[1]);
        assert_eq!(bot.view().renewal.expect("shown").gap_ms, tried.gap_ms);
        let before = control.ledger().delivered;
        until("events flow on", || {
            (control.ledger().delivered > before + 20).then_some(())
        })
        .await;

        // A wrong one is refused, and the bot goes on as it is.
        let subscribed = control.ledger().subscribed;
        bot.new_secret("wrong");
        until("it waits", || {
            let record = bot.fleet.record(bot.id)?;
            record.candidate.is_some().then_some(())
        })
        .await;
        let refused = bot.fleet.try_secret(BOT).await.expect_err("it is wrong");
        assert!(
            matches!(&refused, TrySecretError::Refused { reason, .. } if reason.contains("853000")),
            "{refused}"
        );
        let view = bot.view();
        assert_eq!((view.state, view.generation), ("live", tried.generation));
        assert_eq!(control.ledger().subscribed, subscribed);
        assert_eq!(bot.stored_secret(), GOOD[1]);
        assert_eq!(bot.view().renewal.expect("shown").gap_ms, 0);

        control.stop_traffic();
        let ledger = until("every event is delivered", || {
            let ledger = control.ledger();
            (ledger.delivered == ledger.pushed).then_some(ledger)
        })
        .await;
        assert_eq!((ledger.lost, ledger.displacements), (0, 1), "{ledger:?}");
        let pushed: BTreeSet<_> = control.delivered_msgids().into_iter().collect();
        // The platform's word about the displacement is an event too.
        until("every event is in the log, and nothing else", || {
            let logged = bot.logged();
            (logged.is_superset(&pushed) && logged.len() <= pushed.len() + 1).then_some(())
        })
        .await;
        assert_eq!(bot.view().lights.unrecorded, 0);
        bot.fleet.drain(Duration::from_secs(5)).await;
    }
}

/// A bot of the file whose address and secret are declared anew.
#[actix_rt::test]
async fn a_wrong_secret_of_the_file_leaves_the_connection_and_the_timeline_says_so() {
    let sim = feishu(SimSettings::default());
    let (_home, store) = fresh_store();
    let declared = |secret: &str| {
        vec![NewInstallation {
            origin: Origin::File,
            app_secret: secret.into(),
            ..bot(Platform::Feishu, BOT, &sim.base_url())
        }]
    };
    let id = store.put_from_file(declared(GOOD[0])).expect("put")[0].id;
    let fleet = fleet_of(&store, quick(), 0).await;
    let bot = Bot {
        fleet,
        store,
        id,
        _home,
    };
    bot.until("live").await;
    let first = bot.view().generation;
    bot.store.put_from_file(declared("wrong")).expect("put");
    bot.fleet.reload();
    let renewal = until("it is refused", || bot.view().renewal).await;
    assert_eq!(renewal.outcome, RenewalOutcome::Refused);
    assert!(!renewal.is_of_candidate);
    assert_eq!((bot.view().state, bot.view().generation), ("live", first));
    bot.store.put_from_file(declared(GOOD[1])).expect("put");
    bot.fleet.reload();
    bot.until_renewed(first).await;
    assert_eq!(sim.control().ledger().left_alone, 0);
    bot.fleet.drain(Duration::from_secs(5)).await;
}
