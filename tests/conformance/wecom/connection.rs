//! Each client takes its bot, holds it, loses it.

use longwire_sim::wecom::{ConnectionFault, ConnectionView, Push, SubscriptionState, Target};

use super::news::News;
use super::stage::{BOT, Stage};
use crate::scene::Scene;
use crate::sdk::Sdk;

/// As often the Node client, with what its driver sets, tries again after a refused subscription.
const MAX_AUTH_FAILURES: u64 = 2;

/// Bot and secret are understood, and the answer is.
pub(crate) fn subscribes(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let holder = holder(&stage);
    assert_eq!(holder.state, SubscriptionState::Subscribed);
    let ledger = stage.sim.ledger();
    assert_eq!((ledger.subscribes, ledger.subscribed), (1, 1));
    assert_eq!(ledger.connections_opened, 1);
    stage.is_spotless();
}

/// Answers to heartbeats are understood: a client that missed two in a row would end the connection at the
/// third.
pub(crate) fn keeps_pinging(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let ledger = stage.ledger(|ledger| ledger.pings >= 5);
    assert_eq!(ledger.answered("ping", 0), ledger.pings);
    assert_eq!(holder(&stage).pings, ledger.pings);
    assert_eq!((ledger.subscribes, ledger.connections_opened), (1, 1));
    assert_eq!(ledger.connections_ended, 0);
    assert_eq!(stage.client.told(), None);
    stage.is_spotless();
}

/// Two unanswered heartbeats end the connection. Only the Node client comes back: the Python one closes in
/// order, and to it that is no loss.
pub(crate) fn notices_that_nobody_answers(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let first = holder(&stage).id;
    assert_eq!(fault(&stage, ConnectionFault::SilentPong), 1);
    match scene.sdk {
        Sdk::Python => {
            let ledger = stage.ledger(|ledger| ledger.connections_ended == 1);
            assert_eq!(ledger.closed_by_client, 1);
            assert_eq!(stage.client.told(), None);
        }
        Sdk::Node => {
            assert!(matches!(stage.next("the loss"), News::Disconnected { .. }));
            let attempt = 1;
            assert_eq!(
                stage.next("the next attempt"),
                News::Reconnecting { attempt }
            );
            assert_eq!(stage.next("the subscription"), News::Subscribed);
            assert_ne!(holder(&stage).id, first);
            let ledger = stage.ledger(|ledger| ledger.connections_ended == 1);
            // TCP is cut, without a close frame.
            assert_eq!(ledger.closed_by_client, 0);
        }
    }
    stage.is_well_spoken();
}

/// A reset connection is replaced, and what waited comes over the new one.
pub(crate) fn comes_back_after_a_drop(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let first = holder(&stage).id;
    assert_eq!(fault(&stage, ConnectionFault::Drop), 1);
    let push = stage.push(Push::text("still there?"));
    assert!(matches!(stage.next("the loss"), News::Disconnected { .. }));
    let attempt = 1;
    assert_eq!(
        stage.next("the next attempt"),
        News::Reconnecting { attempt }
    );
    assert_eq!(stage.next("the subscription"), News::Subscribed);
    for event in ["message", "message.text"] {
        match stage.next("the message") {
            News::Handled { event: told, frame } => {
                assert_eq!(told, event);
                assert_eq!(frame["body"]["text"]["content"], "still there?");
            }
            other => stage.client.complain(&format!("{other:?}")),
        }
    }
    let second = holder(&stage).id;
    assert_ne!(second, first);
    assert_eq!(stage.record(push).deliveries[0].connection, Some(second));
    let ledger = stage.sim.ledger();
    assert_eq!((ledger.subscribes, ledger.connections_opened), (2, 2));
    stage.is_spotless();
}

/// A second client of the bot displaces the first, which hears of it, hangs up and leaves it at that.
pub(crate) fn yields_to_a_newer_client(scene: Scene) {
    let Some(stage) = Stage::set(scene) else {
        return;
    };
    let first = holder(&stage).id;
    let newer = stage.another("newer");
    assert_eq!(newer.next("the subscription"), News::Subscribed);
    for event in ["event", "event.disconnected_event"] {
        match stage.next("the displacement") {
            News::Handled { event: told, frame } => {
                assert_eq!(told, event);
                assert_eq!(frame["cmd"], "aibot_event_callback");
                assert_eq!(frame["body"]["event"]["eventtype"], "disconnected_event");
                assert_eq!(frame["body"].get("from"), None);
            }
            other => stage.client.complain(&format!("{other:?}")),
        }
    }
    match stage.next("the end") {
        News::Disconnected { reason } => assert!(reason.contains("New connection"), "{reason}"),
        other => stage.client.complain(&format!("{other:?}")),
    }
    // Long before the platform cuts it.
    let ledger = stage.ledger(|ledger| ledger.connections_ended == 1);
    let with_close_frame = u64::from(scene.sdk == Sdk::Python);
    assert_eq!(ledger.closed_by_client, with_close_frame);

    // An attempt to take the bot back would be made after 100 ms; the newer one pings every 500 ms.
    let second = holder(&stage);
    assert_ne!(second.id, first);
    stage.ledger(|_| holder(&stage).pings >= second.pings + 3);
    stage.push(Push::text("to the newer one"));
    for event in ["message", "message.text"] {
        let told = newer.next("the message");
        assert!(
            matches!(&told, News::Handled { event: of, .. } if of == event),
            "{told:?}"
        );
    }
    assert_eq!(stage.client.told(), None);
    let ledger = stage.sim.ledger();
    assert_eq!((ledger.displacements, ledger.subscribes), (1, 2));
    assert_eq!(
        (ledger.connections_opened, ledger.connections_ended),
        (2, 1)
    );
    stage.is_spotless();
}

/// Code 853000 reaches the application. The platform leaves the socket open, and both clients end it; the
/// Node client tries again as often as it is let, the Python one, which closes in order, never.
pub(crate) fn reports_a_wrong_secret(scene: Scene) {
    let Some(stage) = Stage::with_secret(scene, "not the secret") else {
        return;
    };
    let attempts = match scene.sdk {
        Sdk::Python => {
            refused(&stage);
            1
        }
        Sdk::Node => {
            for attempt in 1..=2 {
                refused(&stage);
                assert!(matches!(stage.next("the end"), News::Disconnected { .. }));
                assert_eq!(
                    stage.next("the next attempt"),
                    News::Reconnecting { attempt }
                );
            }
            refused(&stage);
            assert!(matches!(stage.next("the end"), News::Disconnected { .. }));
            match stage.next("the last word") {
                News::Failed { error } => assert!(error.contains("Max auth failure"), "{error}"),
                other => stage.client.complain(&format!("{other:?}")),
            }
            1 + MAX_AUTH_FAILURES
        }
    };
    let ledger = stage.ledger(|ledger| ledger.connections_ended == attempts);
    assert_eq!(ledger.answered("aibot_subscribe", 853_000), attempts);
    assert_eq!((ledger.subscribes, ledger.subscribed), (attempts, 0));
    let with_close_frame = if scene.sdk == Sdk::Python {
        attempts
    } else {
        0
    };
    assert_eq!(ledger.closed_by_client, with_close_frame);
    assert_eq!(ledger.pings, 0);
    assert_eq!(stage.client.told(), None);
    stage.is_well_spoken();
}

fn refused(stage: &Stage) {
    match stage.next("the refusal") {
        News::Failed { error } => {
            assert!(error.contains("invalid bot_id or secret"), "{error}");
            assert!(error.contains("853000"), "{error}");
        }
        other => stage.client.complain(&format!("{other:?}")),
    }
}

/// The connection that holds the bot.
fn holder(stage: &Stage) -> ConnectionView {
    let bots = stage.sim.bots();
    let holder = bots.iter().find(|bot| bot.bot == BOT);
    let holder = holder.and_then(|bot| bot.holder).expect("it is held");
    let mut connections = stage.sim.connections(Some(BOT)).into_iter();
    let holder = connections.find(|connection| connection.id == holder);
    holder.expect("who holds a bot is live")
}

fn fault(stage: &Stage, fault: ConnectionFault) -> usize {
    stage.sim.fault(Target::Bot(BOT.to_owned()), fault)
}
