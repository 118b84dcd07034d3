//! A connection of WeCom under any order of inputs.

use std::time::Duration;

use bytes::Bytes;
use longwire_wire::wecom::Command;
use proptest::prelude::*;
use serde_json::Value;

use super::world::{World, Writer, frame};
use crate::generation::Generation;
use crate::session::*;
use crate::setback::Setback;
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

/// The answer to a frame of ours.
pub(super) fn ack(req_id: &str, code: i64) -> String {
    format!(r#"{{"headers":{{"req_id":"{req_id}"}},"errcode":{code},"errmsg":"words"}}"#)
}

const DISPLACED: &str = r#"{"cmd":"aibot_event_callback","headers":{"req_id":"d"},"body":{"msgtype":"event","event":{"eventtype":"disconnected_event"}}}"#;

#[derive(Clone, Debug)]
enum Step {
    Callback(u8),
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
            command,
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
fn a_lost_connection_is_read_to_its_end() {
    let mut life = Life::subscribed(8);
    life.callback();
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.callback();
    life.world.turn();
    life.callback();
    life.world.is_input_over = true;
    life.world.turn();
    while life.world.finished.is_none() {
        life.world.commit(None);
        life.world.hear_store();
        life.world.turn();
    }
    assert_eq!(life.recorded(), [1, 2, 3]);
    assert_eq!((life.world.left_unread, life.world.events_lost), (0, 0));
}

#[test]
fn a_connection_that_says_nothing_more_ends_by_itself() {
    let mut life = Life::subscribed(8);
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.world.pass(Duration::from_millis(2_999));
    assert_eq!(life.world.finished, None);
    life.world.pass(Duration::from_millis(1));
    assert_eq!(life.world.finished, Some(0));
}

#[test]
fn what_is_left_in_the_kernel_when_the_time_is_up_is_said() {
    let mut life = Life::subscribed(2);
    life.world.writer = Writer::Full;
    for _ in 0..5_000 {
        life.callback();
    }
    life.world.turn();
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.pass(within);
    assert_eq!(life.world.left_unread, 1);
    life.world.recover();
    let decoded = life.world.received;
    assert!(decoded > 1_000, "the last reads are taken: {decoded}");
    assert_eq!(life.recorded().len() as u64, decoded);
}

#[test]
fn what_may_not_be_held_is_lost_and_counted() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    life.world.may_retain = false;
    // The oldest waits as long as it takes.
    life.world.tell(Input::HasPredecessors);
    life.callback();
    life.world.turn();
    life.world.pass(Duration::from_millis(10));
    life.callback();
    life.world.tell(Input::Close(CloseMode::Abandon));
    life.world.is_input_over = true;
    life.world.pass(Duration::from_secs(100));
    assert_eq!(life.world.finished, Some(0));
    assert_eq!(life.world.events_lost, life.world.received);
}

#[test]
fn refusals_of_a_subscription_end_it_without_the_secret() {
    let mut life = Life::new(8);
    life.check();
    let req_id = life.unanswered.remove(0);
    life.say(&ack(&req_id, 40_001).replace("words", "s3cr3t-of-the-bot is wrong"));
    life.world.turn();
    let end = life.world.lost.as_ref().expect("it is lost");
    assert_eq!(end.setback, Setback::of_subscribe(Some(40_001)));
    assert!(!end.detail.contains("s3cr3t"), "{}", end.detail);
    let mut silent = Life::new(8);
    silent.world.pass(Timing::default().subscribe);
    let end = silent.world.lost.as_ref().expect("it is lost");
    assert_eq!(end.setback, Setback::SubscribeTimedOut);
}

/// The store refuses what it is given, for so long; then it takes everything.
fn in_trouble(life: &mut Life, time: Duration) {
    let end = life.world.now + time;
    while life.world.now < end {
        life.world.pass(Duration::from_millis(100));
        life.world.refuse();
        life.world.hear_store();
    }
    life.world.run();
}

#[test]
fn an_ended_connection_is_read_while_the_store_is_in_trouble() {
    let within = Duration::from_secs(20);
    for mode in [CloseMode::Abandon, CloseMode::Finish { within }] {
        for wait in [4, 6, 9] {
            let mut life = Life::subscribed(8);
            life.callback();
            life.world.turn();
            life.world.tell(Input::Close(mode));
            in_trouble(&mut life, Duration::from_secs(wait));
            assert_eq!(life.world.session.view().phase, "ending");
            life.callback();
            in_trouble(&mut life, Duration::from_secs(2));
            life.world.recover();
            assert_eq!(life.recorded(), [1, 2], "{mode:?} after {wait} s");
            assert_eq!((life.world.left_unread, life.world.events_lost), (0, 0));
        }
    }
}

#[test]
fn every_end_is_said_to_the_platform() {
    for (step, code) in [
        (Step::PlatformCloses, 1001),
        (Step::Violation, 1002),
        (Step::NoMemory, 1009),
        (Step::Displaced, 1000),
        (Step::Reset, 1000),
        (Step::Close(0), 1000),
        (Step::Close(3), 1000),
    ] {
        let is_displaced = matches!(step, Step::Displaced);
        let mut life = Life::subscribed(8);
        life.take(step.clone());
        if is_displaced {
            // The platform closes the connection with the same packet.
            life.take(Step::PlatformCloses);
            life.take(Step::Reset);
        }
        if matches!(step, Step::NoMemory) {
            life.take(Step::Half(80_000));
        }
        life.world.run();
        assert_eq!(life.world.close_codes(), [code], "{step:?}");
    }
}

#[test]
fn whoever_asked_is_told_when_the_connection_is_lost() {
    let mut life = Life::subscribed(8);
    life.request(3);
    life.world.turn();
    life.take(Step::Violation);
    life.world.turn();
    assert_eq!(
        life.world.lost.as_ref().map(|end| &end.setback),
        Some(&Setback::ProtocolViolation)
    );
    assert_eq!(
        life.world.told.get(&1),
        Some(&Err(RequestRefusal::ConnectionLost))
    );
}

#[test]
fn what_is_read_when_the_writer_fills_up_is_decoded_when_it_has_room() {
    let mut life = Life::subscribed(8);
    life.callback();
    life.world.turn();
    life.callback();
    life.world.turn();
    life.world.fills_up = true;
    life.callback();
    life.world.turn();
    assert_eq!(life.world.received, 2, "there is no room for the third");
    life.world.writer = Writer::Takes;
    life.world.commit(None);
    life.world.hear_store();
    life.world.pass(Duration::from_millis(10));
    assert_eq!(life.world.received, 3);
    assert_eq!(life.world.session.view().unread_bytes, 0);
}

#[test]
fn what_is_in_the_kernel_when_the_time_is_up_is_read() {
    let mut life = Life::subscribed(100_000);
    let within = Duration::from_secs(2);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.pass(within - Duration::from_millis(1));
    life.world.now += Duration::from_millis(1);
    while life.world.incoming.len() < 700_000 {
        life.callback();
    }
    let before = life.world.incoming.len();
    life.world.run();
    // Two turns' reads, and a byte that tells that there is more.
    let read = before - life.world.incoming.len();
    assert_eq!(read, 2 * READS_PER_TURN * 64 * 1024 + 1);
    assert_eq!(life.world.left_unread, 1);
}

#[test]
fn a_message_that_nobody_let_through_is_left_unread_and_not_cut_off() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.turn();
    life.callback();
    life.take(Step::Half(1_000));
    life.world.pass(within);
    assert_eq!((life.world.received, life.world.left_unread), (1, 1));
    assert!(
        life.world.malformed.is_empty(),
        "{:?}",
        life.world.malformed
    );
}

#[test]
fn each_loss_has_its_reason() {
    let mut life = Life::subscribed(8);
    for _ in 0..2 {
        life.callback();
        life.world.turn();
    }
    life.world.writer = Writer::Stopped;
    life.world.commit(Some(0));
    life.world.hear_store();
    life.world.turn();
    life.world.hear_store();
    let reasons = [(1, LossReason::Rule), (1, LossReason::ProcessEnds)];
    assert_eq!(life.world.losses, reasons);
}

#[test]
fn a_pause_is_told_to_each_pinger() {
    let mut life = Life::subscribed(8);
    life.world.writer = Writer::Full;
    life.callback();
    life.world.pass(Duration::from_millis(999));
    assert!(!life.world.is_paused());
    life.world.pass(Duration::from_millis(301));
    assert!(life.world.is_paused());
    life.world.tell(Input::PingerAttached);
    life.world.pass(Duration::from_millis(1_300));
    assert!(life.world.is_paused());
    life.world.writer = Writer::Takes;
    life.world.pass(Duration::from_millis(300));
    assert!(!life.world.is_paused());
}
