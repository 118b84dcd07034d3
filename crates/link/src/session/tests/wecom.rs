//! A connection of WeCom under any order of inputs.

mod cards;
mod ends;

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::wecom::Command;
use proptest::prelude::*;
use serde_json::Value;

use super::feishu::card_settings;
use super::world::{World, Writer, frame};
use crate::generation::Generation;
use crate::session::*;
use crate::timing::Timing;

const GENERATION: Generation = Generation(3);

/// A connection with room for so many events.
pub(super) fn connection(window_events: usize) -> World {
    World::new(Wecom::new(
        GENERATION,
        "bot".to_owned(),
        "s3cr3t-of-the-bot".to_owned().into(),
        SessionSettings {
            timing: &Timing::default().for_wecom(),
            window_events,
            window_bytes: 1 << 20,
            cards: Some(&card_settings()),
            mask_seed: 1,
            id_seed: 2,
        },
    ))
}

/// The callback of event `number`.
pub(super) fn callback(number: u64) -> String {
    format!(
        r#"{{"cmd":"aibot_msg_callback","headers":{{"req_id":"r{number}"}},"body":{{"msgid":"m{number}","aibotid":"b","chattype":"single","from":{{"userid":"u"}},"msgtype":"text","text":{{"content":"{number}"}}}}}}"#
    )
}

/// The callback of event `number`, which is a click on a card.
fn click(number: u64) -> String {
    format!(
        r#"{{"cmd":"aibot_event_callback","headers":{{"req_id":"r{number}"}},"body":{{"msgid":"m{number}","aibotid":"b","chattype":"single","from":{{"userid":"u"}},"msgtype":"event","event":{{"eventtype":"template_card_event"}}}}}}"#
    )
}

/// The answer to a frame of ours.
pub(super) fn ack(req_id: &str, code: i64) -> String {
    format!(r#"{{"headers":{{"req_id":"{req_id}"}},"errcode":{code},"errmsg":"words"}}"#)
}

const DISPLACED: &str = r#"{"cmd":"aibot_event_callback","headers":{"req_id":"d"},"body":{"msgtype":"event","event":{"eventtype":"disconnected_event"}}}"#;

#[derive(Clone, Debug)]
enum Step {
    Callback(u8),
    Click,
    AnswerCard(usize, bool),
    Claim(bool),
    Repeat(prop::sample::Index),
    Ack(prop::sample::Index, i64),
    StrangeAck,
    Unknown,
    UnreadableCallback,
    Displaced,
    Half(usize),
    Violation,
    PlatformCloses,
    Reset,
    Commit(Option<usize>),
    Refuse,
    HearStore,
    Writer(u8),
    HasPredecessors,
    MayRecord,
    SendPing,
    Request(u8),
    Kernel(u8),
    WriteBreaks,
    FillsUp,
    ReadTakes(u64),
    Retained(usize),
    MayRetain(bool),
    NoMemory,
    Pass(u64),
    Turn,
    Close(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1_u8..8).prop_map(Step::Callback),
        3 => Just(Step::Click),
        3 => (0_usize..5, prop::bool::weighted(0.7))
            .prop_map(|(index, has_answer)| Step::AnswerCard(index, has_answer)),
        1 => prop::bool::weighted(0.8).prop_map(Step::Claim),
        1 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        8 => any::<prop::sample::Index>().prop_map(|index| Step::Ack(index, 0)),
        1 => Just(Step::StrangeAck),
        1 => Just(Step::Unknown),
        1 => Just(Step::UnreadableCallback),
        8 => prop::option::weighted(0.1, 0_usize..5).prop_map(Step::Commit),
        3 => Just(Step::Refuse),
        8 => Just(Step::HearStore),
        2 => (0_u8..4).prop_map(Step::Writer),
        1 => Just(Step::MayRecord),
        2 => Just(Step::SendPing),
        4 => (0_u8..4).prop_map(Step::Request),
        2 => (0_u8..6).prop_map(Step::Kernel),
        1 => Just(Step::FillsUp),
        1 => (1_u64..300).prop_map(Step::ReadTakes),
        1 => (0_usize..4000).prop_map(Step::Retained),
        6 => (0_u64..4000).prop_map(Step::Pass),
        10 => Just(Step::Turn),
        1 => prop_oneof![
            any::<prop::sample::Index>().prop_map(|index| Step::Ack(index, 846_609)),
            any::<prop::sample::Index>().prop_map(|index| Step::Ack(index, 40_001)),
            (1_usize..90_000).prop_map(Step::Half),
            Just(Step::Displaced),
            Just(Step::Violation),
            Just(Step::PlatformCloses),
            Just(Step::Reset),
            Just(Step::WriteBreaks),
            Just(Step::HasPredecessors),
            Just(Step::NoMemory),
            Just(Step::MayRetain(false)),
            Just(Step::Writer(9)),
            (0_u8..4).prop_map(Step::Close),
            (8_000_u64..80_000).prop_map(Step::Pass),
        ],
    ]
}

/// A connection, and what the platform said over it.
pub(super) struct Life {
    pub(super) world: World,
    next: u64,
    /// Messages that are events, or may be, and that came whole over the connection before it ended.
    sent: u64,
    /// Nothing behind what was sent last can be read.
    is_cut: bool,
    /// Ids of frames of ours that the platform has not answered.
    unanswered: Vec<String>,
    is_subscribed: bool,
    /// The numbers of the events in the log, as far as it was looked at.
    recorded: Vec<u64>,
    looked_at: usize,
}

impl Life {
    pub(super) fn new(window_events: usize) -> Self {
        let mut world = connection(window_events);
        world.tell(Input::Opened(Bytes::new()));
        world.turn();
        Self {
            world,
            next: 0,
            sent: 0,
            is_cut: false,
            unanswered: Vec::new(),
            is_subscribed: false,
            recorded: Vec::new(),
            looked_at: 0,
        }
    }

    pub(super) fn subscribed(window_events: usize) -> Self {
        let mut life = Self::new(window_events);
        life.check();
        life.answer(0, 0);
        life.world.turn();
        assert_eq!(life.world.opened, 1);
        life
    }

    pub(super) fn say(&mut self, text: &str) {
        self.world.incoming.extend(frame(1, text.as_bytes()));
    }

    /// An event, or what may be one.
    fn send(&mut self, text: &str) {
        let World {
            is_input_over,
            has_hung_up,
            ..
        } = self.world;
        if !(is_input_over || has_hung_up || self.is_cut) {
            self.sent += 1;
        }
        self.say(text);
    }

    pub(super) fn callback(&mut self) {
        self.next += 1;
        self.send(&callback(self.next));
    }

    fn click(&mut self) {
        self.next += 1;
        self.send(&click(self.next));
    }

    /// The platform answers one of our frames.
    pub(super) fn answer(&mut self, index: usize, code: i64) {
        let req_id = self.unanswered.remove(index);
        self.is_subscribed |= req_id.starts_with("subscribe") && code == 0;
        self.say(&ack(&req_id, code));
    }

    pub(super) fn answer_all(&mut self) {
        while !self.unanswered.is_empty() {
            self.answer(0, 0);
        }
    }

    fn request(&mut self, which: u8) {
        let (command, req_id) = match which {
            0 => (Command::RespondMessage, Some("r1".into())),
            1 => (Command::RespondMessage, None),
            2 => (Command::UploadInit, None),
            _ => (Command::Send, None),
        };
        let over = (which == 2).then_some(GENERATION);
        self.world.request(|asker| SessionRequest {
            command: command.into(),
            req_id,
            body: serde_json::from_str("{}").expect("json"),
            over,
            asker,
        });
    }

    fn take(&mut self, step: Step) {
        let world = &mut self.world;
        match step {
            Step::Callback(count) => (0..count).for_each(|_| self.callback()),
            Step::Click => self.click(),
            Step::AnswerCard(index, has_answer) => world.answer_card(index, has_answer),
            Step::Claim(claimed) => world.cards_claimed = claimed,
            Step::Repeat(index) => {
                // Of what is recorded: what was lost and comes again stands where it comes.
                if !self.recorded.is_empty() {
                    let again = callback(*index.get(&self.recorded));
                    self.send(&again);
                }
            }
            Step::Ack(index, code) if !self.unanswered.is_empty() => {
                let index = index.index(self.unanswered.len());
                self.answer(index, code);
            }
            Step::Ack(..) => {}
            Step::StrangeAck => self.say(&ack("nobody", 0)),
            Step::Unknown => self.send(r#"{"cmd":"something_new"}"#),
            Step::UnreadableCallback => self.send("no json"),
            Step::Displaced => self.send(DISPLACED),
            Step::Half(bytes) => {
                self.is_cut = true;
                let whole = frame(1, &[b' '; 100_000]);
                world.incoming.extend(&whole[..bytes]);
            }
            Step::Violation => {
                self.is_cut = true;
                world.incoming.extend([0xFF, 0]);
            }
            Step::PlatformCloses => {
                self.is_cut = true;
                world.incoming.extend(frame(8, &1001_u16.to_be_bytes()));
            }
            Step::Reset => world.is_input_over = true,
            Step::Commit(poisoned) => world.commit(poisoned),
            Step::Refuse => world.refuse(),
            Step::HearStore => drop(world.hear_store()),
            Step::Writer(how) => {
                world.writer = match how {
                    0 => Writer::Full,
                    9 => Writer::Stopped,
                    _ => Writer::Takes,
                }
            }
            Step::HasPredecessors => world.tell(Input::HasPredecessors),
            Step::MayRecord => world.tell(Input::MayRecord),
            Step::SendPing => world.tell(Input::SendPing),
            Step::Request(which) => self.request(which),
            Step::Kernel(how) => world.set_kernel(how),
            Step::WriteBreaks => world.is_write_broken = true,
            Step::FillsUp => world.fills_up = true,
            Step::ReadTakes(ms) => world.read_takes = Duration::from_millis(ms),
            Step::Retained(bytes) => world.retained_bytes = bytes * 1_000,
            Step::MayRetain(may) => world.may_retain = may,
            Step::NoMemory => world.unfinished_most_bytes = 0,
            Step::Pass(ms) => world.pass(Duration::from_millis(ms)),
            Step::Turn => world.turn(),
            Step::Close(how) => world.tell(Input::Close(match how {
                0 => CloseMode::Abandon,
                1 => CloseMode::ParentGone,
                _ => CloseMode::Finish {
                    within: Duration::from_secs(10),
                },
            })),
        }
        self.check();
    }

    /// The log has the platform's order, each event once, and nothing is said before the subscription is confirmed.
    pub(super) fn check(&mut self) {
        assert!(
            self.world.groups_at_the_store() <= 2,
            "one group, and what a rule forbids of it"
        );
        for (opcode, payload) in self.world.written.drain(..) {
            if opcode != 1 {
                continue;
            }
            let said: Value = serde_json::from_slice(&payload).expect("json");
            let command = said["cmd"].as_str().expect("a command");
            let is_early = matches!(command, "aibot_subscribe" | "ping");
            assert!(
                self.is_subscribed || is_early,
                "{command} before the subscription"
            );
            let req_id = said["headers"]["req_id"].as_str().expect("an id");
            self.unanswered.push(req_id.to_owned());
        }
        for payload in &self.world.log[self.looked_at..] {
            let Some(number) = number(payload) else {
                continue;
            };
            let last = self.recorded.last();
            assert!(
                last.is_none_or(|last| *last < number),
                "{last:?}, then {number}"
            );
            self.recorded.push(number);
        }
        self.looked_at = self.world.log.len();
    }

    /// The numbers of the events in the log.
    pub(super) fn recorded(&mut self) -> &[u64] {
        self.check();
        &self.recorded
    }
}

/// The number of an event, if it has one.
fn number(payload: &[u8]) -> Option<u64> {
    let event: Value = serde_json::from_slice(payload).ok()?;
    let number = event["body"]["msgid"].as_str()?;
    number.strip_prefix('m')?.parse().ok()
}

proptest! {
    #[test]
    fn any_life_keeps_the_promises(
        is_subscribed in any::<bool>(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let mut life = if is_subscribed {
            Life::subscribed(8)
        } else {
            Life::new(8)
        };
        for step in steps {
            life.take(step);
        }
        life.world.recover();
        life.check();
        let World { received, proven, events_lost, left_unread, unparsed_dropped, finished, .. } = life.world;
        prop_assert_eq!(finished, Some(0));
        prop_assert!(life.world.all_told(), "everybody who asked is told");
        prop_assert_eq!(proven + events_lost, received, "each is recorded, or lost and counted");
        prop_assert!(
            received + unparsed_dropped >= life.sent || left_unread > 0,
            "all that came is read, or it is said that not all was"
        );
    }
}

#[test]
fn what_a_long_request_held_up_is_decoded_when_it_is_written() {
    let mut life = Life::subscribed(8);
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(300_000));
    for _ in 0..2 {
        let body = serde_json::from_str(&body).expect("json");
        life.world.request(|asker| SessionRequest {
            command: Command::RespondMessage.into(),
            req_id: Some("r1".into()),
            body: Some(body),
            over: None,
            asker,
        });
    }
    life.world.run();
    life.say(&ack("r1", 0));
    life.callback();
    life.world.run();
    assert_eq!(life.world.written.len(), 2, "the second follows the first");
    assert_eq!(life.world.received, 1);
}
