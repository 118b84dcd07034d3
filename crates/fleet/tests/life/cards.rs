//! Clicks on cards: recorded first, then answered by the application or by default.

use crate::world::*;
use longwire_fleet::{CardAnswering, CardBroker, CardQuestion, CardTotals};
use longwire_installation::{InstallationId, Platform};
use longwire_link::session::CardSettings;
use longwire_sim::{Push, PushId};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DEFAULT_RESULT: &str = r#"{"toast":{"type":"info","content":"later"}}"#;
const RESULT: &str = r#"{"toast":{"type":"success","content":"done"}}"#;

/// Does with a question what the click says.
#[derive(Default)]
struct Scripted {
    claims_nothing: AtomicBool,
    kept: Mutex<Vec<CardQuestion>>,
    asked: Mutex<Vec<i64>>,
}

impl CardBroker for Scripted {
    fn claims(&self, _: InstallationId) -> bool {
        !self.claims_nothing.load(Relaxed)
    }

    fn ask(&self, question: CardQuestion) {
        let event: Value = serde_json::from_slice(&question.payload).expect("json");
        self.asked.lock().expect("whole").push(question.seq.0);
        match event["event"]["action"]["value"]["do"].as_str() {
            Some("answer") => {
                std::thread::spawn(move || question.reply.answer(RESULT.into()));
            }
            Some("keep") => self.kept.lock().expect("whole").push(question),
            Some("disclaim") => question.reply.unclaimed(),
            Some("panic") => panic!("the broker fails"),
            _ => drop(question),
        }
    }
}

fn click(number: usize, what: &str) -> Push {
    let click = json!({
        "schema": "2.0",
        "header": {
            "event_id": format!("click-{number}"), "event_type": "card.action.trigger",
            "create_time": "1700000000000000", "token": "", "app_id": app(0), "tenant_key": "t",
        },
        "event": { "action": { "tag": "button", "value": { "do": what } } },
    });
    Push::of(click.to_string())
}

async fn world(deadline: Duration) -> (World, Arc<Scripted>) {
    let broker = Arc::new(Scripted::default());
    let settings = CardSettings {
        deadline,
        default_result: DEFAULT_RESULT.into(),
    };
    let broker_of_fleet: Arc<dyn CardBroker> = Arc::<Scripted>::clone(&broker);
    let cards = CardAnswering {
        broker: Some(broker_of_fleet),
        settings,
    };
    let world = World::answering(1, cards).await;
    world.all_live().await;
    (world, broker)
}

impl World {
    /// What the platform was answered to this push, once it was.
    async fn result_of(&self, push: PushId) -> Option<String> {
        let control = self.sim.control();
        until("the click is answered", || {
            let record = control.record(push)?;
            record.acked_at_ms.map(|_| record.answer_data)
        })
        .await
    }

    fn card_totals(&self) -> [u64; 4] {
        let of = |totals: CardTotals| {
            let CardTotals {
                asked,
                answered,
                defaulted,
                late,
            } = totals;
            [asked, answered, defaulted, late]
        };
        // The one bot and the fleet count one after the other, and both are read meanwhile.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let totals = of(self.fleet.overview().cards);
            let of_bot = of(self.bot(0).lights.cards);
            if totals == of_bot {
                return totals;
            }
            assert!(
                Instant::now() < deadline,
                "{totals:?}, of the bot {of_bot:?}"
            );
            std::thread::yield_now();
        }
    }
}

#[actix_rt::test]
async fn a_click_is_answered_whatever_its_application_does() {
    let (world, broker) = world(Duration::from_secs(2)).await;
    let control = world.sim.control();
    let push = |number, what| control.push(&app(0), click(number, what));
    let given = push(1, "answer");
    assert_eq!(world.result_of(given).await.as_deref(), Some(RESULT));
    assert_eq!(world.card_totals(), [1, 1, 0, 0]);

    // Neither takes the deadline.
    for (number, what) in [(2, "drop"), (3, "panic")] {
        let push = push(number, what);
        let result = world.result_of(push).await;
        assert_eq!(result.as_deref(), Some(DEFAULT_RESULT), "{what}");
    }
    assert_eq!(world.card_totals(), [3, 1, 2, 0]);
    let disclaimed = world.result_of(push(5, "disclaim")).await;
    assert_eq!(disclaimed, None, "as any event");
    assert_eq!(world.card_totals(), [4, 1, 2, 0]);
    let latency = world.fleet.overview().card_latency_us;
    assert_eq!(latency.count, 3);

    broker.claims_nothing.store(true, Relaxed);
    assert_eq!(world.result_of(push(4, "answer")).await, None);
    assert_eq!(world.card_totals(), [4, 1, 2, 0], "nobody was asked");

    let asked = broker.asked.lock().expect("whole").clone();
    assert!(asked.is_sorted() && asked.len() == 4, "{asked:?}");
    assert_eq!(world.store.reader().count_events().expect("readable"), 5);
    let bot = world.bot(0);
    assert_eq!((bot.generation, bot.lights.restarts), (1, 0), "{bot:?}");
    let ledger = control.ledger();
    assert_eq!(
        (ledger.acked, ledger.bad_acks.total()),
        (5, 0),
        "{ledger:?}"
    );
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_stalled_application_costs_the_deadline_and_no_more() {
    let deadline = Duration::from_millis(300);
    let (world, broker) = world(deadline).await;
    let control = world.sim.control();
    let click = control.push(&app(0), click(1, "keep"));
    let other = control.push(&app(0), Push::made_up(500));
    assert_eq!(world.result_of(other).await, None);
    assert_eq!(
        world.result_of(click).await.as_deref(),
        Some(DEFAULT_RESULT)
    );
    let latency = world.fleet.overview().card_latency_us;
    assert!(latency.max >= 300_000, "{latency:?}");

    let question = broker
        .kept
        .lock()
        .expect("whole")
        .pop()
        .expect("it was asked");
    assert!(question.due <= Instant::now());
    question.reply.answer(RESULT.into());
    until("its answer is late", || {
        (world.card_totals() == [1, 0, 1, 1]).then_some(())
    })
    .await;
    assert_eq!(control.ledger().extra_acks, 0, "no second answer");
    world.fleet.drain(Duration::from_secs(5)).await;
}

#[actix_rt::test]
async fn a_drain_answers_the_clicks_that_wait() {
    let (world, broker) = world(Duration::from_millis(300)).await;
    let click = world.sim.control().push(&app(0), click(1, "keep"));
    until("it is asked", || {
        (!broker.kept.lock().expect("whole").is_empty()).then_some(())
    })
    .await;
    let drained = world.fleet.drain(Duration::from_secs(20)).await;
    assert_eq!((drained.closed, drained.unanswered), (1, 0));
    assert_eq!(
        world.result_of(click).await.as_deref(),
        Some(DEFAULT_RESULT)
    );
    // Nobody hears it any more.
    broker.kept.lock().expect("whole").clear();
}

#[actix_rt::test]
async fn a_click_of_wecom_is_answered_over_its_connection() {
    use longwire_sim::wecom::{Content, Push, Sim, SimSettings, Via};

    struct Updates;
    impl CardBroker for Updates {
        fn claims(&self, _: InstallationId) -> bool {
            true
        }

        fn ask(&self, question: CardQuestion) {
            assert_eq!(question.platform, Platform::Wecom);
            let card = json!({
                "response_type": "update_template_card",
                "template_card": { "card_type": "text_notice", "task_id": "t1" },
            });
            question.reply.answer(card.to_string().into());
        }
    }
    let cards = CardAnswering {
        broker: Some(Arc::new(Updates)),
        ..CardAnswering::default()
    };
    let world = World::answering(0, cards).await;
    let wecom = Sim::start(SimSettings::default()).expect("the simulator starts on loopback");
    world.add(Platform::Wecom, "robot", &wecom.base_url());
    world.fleet.reload();
    until("it is live", || is(&world, "robot", "live")).await;
    let control = wecom.control();
    let push = Push {
        content: Content::card_event("t1", "yes"),
        ..Push::default()
    };
    control.push("robot", push);
    let shown = until("the card is updated", || control.shown(None).pop()).await;
    assert!(matches!(shown.via, Via::Update(_)), "{shown:?}");
    assert_eq!(shown.content["task_id"], "t1");
    let lights = world.fleet.installation("robot").expect("it is").lights;
    assert_eq!((lights.cards.asked, lights.cards.answered), (1, 1));
    world.fleet.drain(Duration::from_secs(5)).await;
}
