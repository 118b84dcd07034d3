//! A day of each platform in a second: pings, quiet nights, busy hours, and the store in trouble for one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::AnswerPayload;
use longwire_wire::frame::{Frame, METHOD_DATA, key};

use super::feishu::{SERVICE, connection, event, push};
use super::wecom::Life;
use super::world::{World, Writer, frame};
use crate::session::Input;

const MINUTES: u64 = 24 * 60;

fn minute() -> Duration {
    Duration::from_secs(60)
}

/// How many events come in this minute: none at night, some by day, many at noon.
fn events_of(minute: u64) -> u64 {
    match minute / 60 {
        0..=6 | 22.. => 0,
        12 => 200,
        _ => minute % 4,
    }
}

/// What the store does in this minute: an hour of trouble in the morning, ten minutes without room in the afternoon.
fn store_of(world: &mut World, minute: u64) {
    world.writer = if (15 * 60..15 * 60 + 10).contains(&minute) {
        Writer::Full
    } else {
        Writer::Takes
    };
    let is_in_trouble = (9 * 60..10 * 60).contains(&minute);
    for _ in 0..200 {
        if world.queue.is_empty() {
            break;
        }
        if is_in_trouble {
            world.refuse();
        } else {
            world.commit(None);
        }
        while world.hear_store() {}
        world.turn();
    }
}

#[test]
fn a_day_of_wecom() {
    let mut life = Life::subscribed(64);
    let mut sent = 0;
    for now in 0..MINUTES {
        for _ in 0..2 {
            life.world.tell(Input::SendPing);
            life.world.turn();
            life.check();
            life.answer_all();
            life.world.turn();
        }
        for _ in 0..events_of(now) {
            life.callback();
            sent += 1;
        }
        life.world.turn();
        store_of(&mut life.world, now);
        life.world.pass(minute());
        store_of(&mut life.world, now);
        life.check();
    }
    assert!(life.world.lost.is_none(), "{:?}", life.world.lost);
    assert_eq!(life.recorded().len(), sent);
    assert_eq!((life.world.events_lost, life.world.left_unread), (0, 0));
    // In the ten minutes without room nothing was read, the answers to pings included.
    let pongs = u64::from(life.world.pongs);
    assert!((2 * MINUTES - 20..=2 * MINUTES).contains(&pongs), "{pongs}");
    let turns = life.world.turns;
    assert!(turns < 30 * MINUTES, "{turns} turns in a day");
}

/// The platform repeats what was not answered with 200: after so long each time.
const REPEATS: [u64; 4] = [1, 5, 60, 360];

#[test]
fn a_day_of_feishu() {
    let mut world = connection(64);
    world.tell(Input::Opened(Bytes::new()));
    // By minute: the event, and how often it was repeated.
    let mut due: BTreeMap<u64, Vec<(u64, usize)>> = BTreeMap::new();
    let mut under_way: BTreeMap<String, (u64, usize)> = BTreeMap::new();
    let (mut next, mut acknowledged) = (0, 0);
    for now in 0..MINUTES {
        if now % 2 == 0 {
            world.tell(Input::SendPing);
            let pong = Frame::pong(SERVICE, None).to_bytes();
            world.incoming.extend(frame(2, &pong));
        }
        let mut pushes = due.remove(&now).unwrap_or_default();
        pushes.extend((0..events_of(now)).map(|_| {
            next += 1;
            (next, 0)
        }));
        for (number, repeats) in pushes {
            let message_id = format!("m{number}");
            let payload = event(number, 30);
            world
                .incoming
                .extend(push(&message_id, 1, 0, payload.as_bytes()));
            under_way.insert(message_id, (number, repeats));
        }
        world.turn();
        store_of(&mut world, now);
        world.pass(minute());
        store_of(&mut world, now);
        for (_, payload) in world.written.drain(..) {
            let answer = Frame::from_bytes(payload.into()).expect("a frame");
            if answer.method != METHOD_DATA {
                continue;
            }
            let message_id = answer.header(key::MESSAGE_ID).expect("an echo");
            let Some((number, repeats)) = under_way.remove(message_id) else {
                continue;
            };
            let code =
                AnswerPayload::parse(&answer.payload.unwrap_or_default()).map(|answer| answer.code);
            if code.is_ok_and(|code| code == 200) {
                acknowledged += 1;
            } else {
                let again = now + REPEATS[repeats];
                due.entry(again).or_default().push((number, repeats + 1));
            }
        }
    }
    assert!(world.lost.is_none(), "{:?}", world.lost);
    assert_eq!(acknowledged, next, "every event is acknowledged in the end");
    assert_eq!(world.log.len() as u64, next, "and recorded once");
    assert!(world.refused > 100, "the store was in trouble");
    assert_eq!(u64::from(world.pongs), MINUTES / 2);
    let turns = world.turns;
    assert!(turns < 40 * MINUTES, "{turns} turns in a day");
}
