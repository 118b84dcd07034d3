//! A handler that thinks for longer than the platform waits for its ACK: 90 s, and here all is 15 times as fast.
//!
//! Node's handler waits without holding anything up; Python's blocks the client's loop, pings included.

use std::time::Duration;

use longwire_sim::SimSettings;

use super::events::Message;
use super::news::News;
use super::stage::{APP, Stage, settings};
use crate::scene::Scene;
use crate::sdk::Sdk;

/// 90 s.
const THINK_MS: u64 = 6_000;
/// 3 s.
const ACK_DEADLINE: Duration = Duration::from_millis(200);
/// 15 s and 5 min.
const LADDER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(20)];

/// Straight at the platform, the event comes again while its handler thinks, and the person is answered twice.
pub(crate) fn is_called_again_while_it_thinks(scene: Scene) {
    let Some(stage) = Stage::set_with(scene, in_a_hurry()) else {
        return;
    };
    let hard = hard();
    stage.push(hard.payload());
    let mut told = Vec::new();
    while count(&told, &hard.told()) < 2 || replies_to(&told, &hard.message_id) < 2 {
        told.push(stage.client.next("a second call and a second answer"));
    }
    let ledger = stage.sim.ledger();
    assert!(
        ledger.timed_out >= 1 && ledger.re_pushed >= 1,
        "{ledger:#?}"
    );
    assert!(shown(&stage, "thought") >= 2);
    println!("{} calls", count(&told, &hard.told()));
}

/// Through longwire it is called once and answers once, and another chat does not wait for it, unless the client's own loop
/// does.
pub(crate) fn is_called_once_while_it_thinks(scene: Scene) {
    let Some(stage) = Stage::set_with(scene, in_a_hurry()) else {
        return;
    };
    let hard = hard();
    stage.push(hard.payload());
    assert_eq!(stage.client.next("the event"), hard.told());
    let easy = Message::of("easy", "say at once").in_chat("oc_2");
    stage.push(easy.payload());
    let mut told = Vec::new();
    while replies_to(&told, &hard.message_id) == 0 || replies_to(&told, &easy.message_id) == 0 {
        told.push(stage.client.next("both answers"));
    }
    let answer = |of: &Message| {
        let answers =
            |news: &News| matches!(news, News::Replied { to, .. } if *to == of.message_id);
        told.iter().position(answers)
    };
    let easy_first = answer(&easy) < answer(&hard);
    assert_eq!(easy_first, scene.sdk == Sdk::Node, "{told:?}");

    // Whatever was to come again has come before the next message of the same chat.
    let last = Message::of("last", "say done");
    stage.push(last.payload());
    while replies_to(&told, &last.message_id) == 0 {
        told.push(stage.client.next("the last answer"));
    }
    for (message, calls) in [(&hard, 0), (&easy, 1), (&last, 1)] {
        // The first call of the hard one was told before.
        assert_eq!(count(&told, &message.told()), calls, "{told:?}");
        assert_eq!(replies_to(&told, &message.message_id), 1, "{told:?}");
    }
    assert_eq!(shown(&stage, "thought"), 1);
}

fn hard() -> Message {
    Message::of("hard", &format!("think {THINK_MS}"))
}

fn in_a_hurry() -> SimSettings {
    SimSettings {
        ack_deadline: ACK_DEADLINE,
        ladder: LADDER.to_vec(),
        ..settings()
    }
}

fn count(told: &[News], wanted: &News) -> usize {
    told.iter().filter(|news| *news == wanted).count()
}

fn replies_to(told: &[News], message_id: &str) -> usize {
    let replies = |news: &&News| matches!(news, News::Replied { to, .. } if to == message_id);
    told.iter().filter(replies).count()
}

/// How many of the bot's messages begin like this.
fn shown(stage: &Stage, beginning: &str) -> usize {
    let messages = stage.sim.bot_messages(Some(APP));
    let texts = messages
        .iter()
        .filter_map(|message| message.text.as_deref());
    texts.filter(|text| text.starts_with(beginning)).count()
}
