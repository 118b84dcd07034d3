//! A connection of Feishu under any order of inputs.

mod cards;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use longwire_wire::answer::AnswerPayload;
use longwire_wire::frame::{Frame, Header, METHOD_DATA, ServiceId, key};
use longwire_wire::wecom::Command;
use proptest::prelude::*;

use super::world::application::result_of;
use super::world::{World, Writer, frame};
use crate::session::*;
use crate::setback::Setback;
use crate::timing::Timing;

pub(super) const SERVICE: ServiceId = ServiceId(7);

/// What the platform is answered when the application says nothing.
pub(super) const DEFAULT_RESULT: &str = r#"{"toast":{}}"#;

pub(super) fn card_settings() -> Arc<CardSettings> {
    Arc::new(CardSettings {
        default_result: DEFAULT_RESULT.into(),
        ..CardSettings::default()
    })
}

/// A connection with room for so many events.
pub(super) fn connection(window_events: usize) -> World {
    World::new(Feishu::new(
        SERVICE,
        SessionSettings {
            timing: &Timing::default(),
            window_events,
            window_bytes: 1 << 20,
            cards: Some(&card_settings()),
            mask_seed: 1,
            id_seed: 2,
        },
    ))
}

/// The payload of event `number`, padded.
pub(super) fn event(number: u64, padding: usize) -> String {
    let text = "x".repeat(padding);
    format!(
        r#"{{"schema":"2.0","header":{{"event_id":"e{number}","event_type":"im.message.receive_v1","create_time":"1700000000000","token":"","app_id":"a","tenant_key":"t"}},"event":{{"n":{number},"text":"{text}"}}}}"#
    )
}

/// The payload of event `number`, which is a click on a card.
fn click(number: u64) -> String {
    event(number, 40).replace("im.message.receive_v1", CLICK)
}

const CLICK: &str = "card.action.trigger";

/// A part of a push as the platform frames it.
pub(super) fn push(message_id: &str, sum: usize, seq: usize, payload: &[u8]) -> Vec<u8> {
    push_of_type("event", message_id, sum, seq, payload)
}

/// The same in a frame of another type.
fn push_of_type(
    frame_type: &str,
    message_id: &str,
    sum: usize,
    seq: usize,
    payload: &[u8],
) -> Vec<u8> {
    let data = Frame {
        seq_id: 1,
        log_id: 2,
        service: SERVICE.0,
        method: METHOD_DATA,
        headers: vec![
            Header::new(key::TYPE, frame_type),
            Header::new(key::MESSAGE_ID, message_id),
            Header::new(key::SUM, sum.to_string()),
            Header::new(key::SEQ, seq.to_string()),
        ],
        payload: Some(Bytes::copy_from_slice(payload)),
        ..Frame::default()
    };
    frame(2, &data.to_bytes())
}

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    PushSplit(usize),
    Click(usize),
    AnswerCard(usize, bool),
    Claim(bool),
    Repeat(prop::sample::Index),
    Unparsed,
    PlatformPing,
    Pong,
    Garbage,
    Half,
    Violation,
    PlatformCloses,
    Reset,
    Commit(Option<usize>),
    Refuse,
    HearStore,
    Writer(u8),
    SendPing,
    PingerAttached,
    AttachAssembler,
    HearAssembler,
    Request,
    Kernel(u8),
    WriteBreaks,
    FillsUp,
    ReadTakes(u64),
    NoMemory,
    Pass(u64),
    Turn,
    Close(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1_u8..6).prop_map(Step::Push),
        2 => (2_usize..4).prop_map(Step::PushSplit),
        2 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        4 => (1_usize..3).prop_map(Step::Click),
        3 => (0_usize..5, prop::bool::weighted(0.7))
            .prop_map(|(index, has_answer)| Step::AnswerCard(index, has_answer)),
        1 => prop::bool::weighted(0.8).prop_map(Step::Claim),
        1 => Just(Step::Unparsed),
        1 => Just(Step::PlatformPing),
        1 => Just(Step::Pong),
        1 => Just(Step::Garbage),
        8 => prop::option::weighted(0.1, 0_usize..5).prop_map(Step::Commit),
        2 => Just(Step::Refuse),
        8 => Just(Step::HearStore),
        2 => (0_u8..5).prop_map(Step::Writer),
        2 => Just(Step::SendPing),
        1 => Just(Step::PingerAttached),
        3 => Just(Step::AttachAssembler),
        3 => Just(Step::HearAssembler),
        1 => Just(Step::Request),
        2 => (0_u8..6).prop_map(Step::Kernel),
        1 => Just(Step::FillsUp),
        1 => (1_u64..300).prop_map(Step::ReadTakes),
        6 => (0_u64..2000).prop_map(Step::Pass),
        10 => Just(Step::Turn),
        1 => prop_oneof![
            Just(Step::Half),
            Just(Step::Violation),
            Just(Step::PlatformCloses),
            Just(Step::Reset),
            Just(Step::WriteBreaks),
            Just(Step::NoMemory),
            (0_u8..4).prop_map(Step::Close),
            (8_000_u64..40_000).prop_map(Step::Pass),
        ],
    ]
}

/// A connection, and what was pushed over it.
struct Life {
    world: World,
    next: u64,
    /// How often each push was sent, by its message id.
    pushed: BTreeMap<String, u32>,
    payloads: Vec<(String, String)>,
    read: usize,
    /// Answers that the platform read with a result of the application.
    given: usize,
    answered: BTreeMap<String, u32>,
}

impl Life {
    fn new() -> Self {
        let mut world = connection(8);
        world.tell(Input::Opened(Bytes::new()));
        Self {
            world,
            next: 0,
            pushed: BTreeMap::new(),
            payloads: Vec::new(),
            read: 0,
            given: 0,
            answered: BTreeMap::new(),
        }
    }

    fn send(&mut self, message_id: &str, parts: usize, payload: &str) {
        *self.pushed.entry(message_id.to_owned()).or_default() += 1;
        let size = payload.len().div_ceil(parts);
        for (seq, part) in payload.as_bytes().chunks(size).enumerate() {
            let bytes = push(message_id, parts, seq, part);
            self.world.incoming.extend(bytes);
        }
    }

    fn push(&mut self, parts: usize) {
        self.push_whole(parts, |number| event(number, 40));
    }

    fn click(&mut self, parts: usize) {
        self.push_whole(parts, click);
    }

    fn push_whole(&mut self, parts: usize, payload: impl Fn(u64) -> String) {
        self.next += 1;
        let (message_id, payload) = (format!("m{}", self.next), payload(self.next));
        self.send(&message_id, parts, &payload);
        self.payloads.push((message_id, payload));
    }

    fn take(&mut self, step: Step) {
        let world = &mut self.world;
        match step {
            Step::Push(count) => (0..count).for_each(|_| self.push(1)),
            Step::PushSplit(parts) => self.push(parts),
            Step::Click(parts) => self.click(parts),
            Step::AnswerCard(index, has_answer) => world.answer_card(index, has_answer),
            Step::Claim(claimed) => world.cards_claimed = claimed,
            Step::Repeat(index) if !self.payloads.is_empty() => {
                let (message_id, payload) = index.get(&self.payloads).clone();
                self.send(&message_id, 1, &payload);
            }
            Step::Repeat(_) => {}
            Step::Unparsed => self.send("u", 1, "no json"),
            Step::PlatformPing => {
                let ping = Frame::ping(SERVICE).to_bytes();
                world.incoming.extend(frame(2, &ping));
                world.incoming.extend(frame(9, b"there?"));
            }
            Step::Pong => {
                let pong = Frame::pong(SERVICE, None).to_bytes();
                world.incoming.extend(frame(2, &pong));
            }
            Step::Garbage => {
                world.incoming.extend(frame(1, b"text"));
                world.incoming.extend(frame(2, b"no frame"));
            }
            Step::Half => world.incoming.extend(&frame(2, &[0; 90_000])[..70_000]),
            Step::Violation => world.incoming.extend([0xFF, 0]),
            Step::PlatformCloses => world.incoming.extend(frame(8, &1001_u16.to_be_bytes())),
            Step::Reset => world.is_input_over = true,
            Step::Commit(poisoned) => world.commit(poisoned),
            Step::Refuse => world.refuse(),
            Step::HearStore => drop(world.hear_store()),
            Step::Writer(how) => {
                world.writer = match how {
                    0 => Writer::Full,
                    1 => Writer::Stopped,
                    _ => Writer::Takes,
                }
            }
            Step::SendPing => world.tell(Input::SendPing),
            Step::PingerAttached => world.tell(Input::PingerAttached),
            Step::AttachAssembler => world.attach_assembler(),
            Step::HearAssembler => world.hear_assembler(),
            Step::Request => world.request(|asker| SessionRequest {
                command: Command::Send.into(),
                req_id: None,
                body: None,
                over: None,
                asker,
            }),
            Step::Kernel(how) => world.set_kernel(how),
            Step::WriteBreaks => world.is_write_broken = true,
            Step::FillsUp => world.fills_up = true,
            Step::ReadTakes(ms) => world.read_takes = Duration::from_millis(ms),
            Step::NoMemory => world.unfinished_most_bytes = 0,
            Step::Pass(ms) => world.pass(Duration::from_millis(ms)),
            Step::Turn => world.turn(),
            Step::Close(how) => world.tell(Input::Close(match how {
                0 => CloseMode::Abandon,
                1 => CloseMode::ParentGone,
                _ => CloseMode::Finish {
                    within: Duration::from_secs(2),
                },
            })),
        }
        self.check();
    }

    /// Each answer is to a push, at most as many as it was sent, and 200 only for what is in the log.
    fn check(&mut self) {
        for (opcode, payload) in self.world.written.drain(..) {
            let Ok(data) = Frame::from_bytes(payload.into()) else {
                assert!(opcode == 8 || opcode == 10, "opcode {opcode}");
                continue;
            };
            if data.method != METHOD_DATA {
                continue;
            }
            let message_id = data.header(key::MESSAGE_ID).expect("an echo");
            let count = self.answered.entry(message_id.to_owned()).or_default();
            *count += 1;
            assert!(
                *count <= self.pushed[message_id],
                "{message_id} answered twice"
            );
            let answer = AnswerPayload::parse(data.payload.as_deref().unwrap_or_default())
                .expect("an answer");
            if answer.code == 200 {
                self.read += 1;
                let payload = self.payloads.iter().find(|(id, _)| id == message_id);
                let payload = payload.map_or("no json", |(_, payload)| payload);
                let mut log = self.world.log.iter();
                let at = log.position(|durable| durable == payload);
                let at = at.unwrap_or_else(|| panic!("{message_id} is acknowledged, not durable"));
                if let Some(data) = &answer.data {
                    assert!(payload.contains(CLICK), "{payload} has a result");
                    let is_given = data == result_of(at as i64).as_bytes();
                    self.given += usize::from(is_given);
                    assert!(is_given || data == DEFAULT_RESULT.as_bytes());
                }
            } else {
                assert_eq!(answer.data, None);
            }
        }
        let World {
            acked,
            refused,
            received,
            ..
        } = self.world;
        assert!(acked + refused <= received);
        // What is refused late keeps its place until the store has answered.
        let unanswered = self.world.session.unanswered() as u64;
        assert!(
            acked + refused + unanswered >= received,
            "each is answered, or will be"
        );
        assert!(
            self.read as u64 <= acked,
            "more ACKs on the wire than proofs"
        );
        assert!(self.given as u64 <= self.world.application.answered);
        assert!(self.world.all_told());
    }
}

proptest! {
    #[test]
    fn any_life_keeps_the_promises(steps in prop::collection::vec(step(), 0..120)) {
        let mut life = Life::new();
        for step in steps {
            life.take(step);
        }
        life.world.recover();
        life.check();
        prop_assert!(life.world.lost.is_some() || life.world.finished.is_some());
    }
}

#[test]
fn a_finished_connection_answers_what_it_read_and_leaves() {
    let mut life = Life::new();
    life.push(1);
    life.world.turn();
    let within = Duration::from_secs(5);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.push(1);
    life.world.turn();
    assert_eq!(life.world.session.wants_bytes(), 0, "nothing more is read");
    life.world.commit(None);
    life.world.hear_store();
    life.world.turn();
    life.check();
    assert_eq!(life.answered.len(), 1);
    assert_eq!(life.world.session.view().phase, "leaving");
    assert!(
        life.world.incoming.is_empty(),
        "what comes late is read away"
    );
    life.world.pass(Duration::from_secs(1));
    assert_eq!(life.world.finished, Some(0));
}

#[test]
fn an_event_without_a_proof_is_refused_in_time() {
    let mut life = Life::new();
    life.push(1);
    life.world.turn();
    life.world.pass(Timing::default().answer_budget);
    life.check();
    assert_eq!((life.world.refused, life.world.acked), (1, 0));
    life.world.commit(None);
    life.world.hear_store();
    assert_eq!(life.world.acked, 0, "no second answer");
}

#[test]
fn every_end_has_its_reason() {
    for (step, setback) in [
        (
            Step::PlatformCloses,
            Setback::ClosedByPlatform { code: Some(1001) },
        ),
        (Step::Reset, Setback::Reset),
        (Step::Violation, Setback::ProtocolViolation),
    ] {
        let mut life = Life::new();
        life.take(step);
        life.world.turn();
        let end = life.world.lost.as_ref().expect("it is lost");
        assert_eq!(end.setback, setback);
        assert_eq!(life.world.finished, Some(0));
    }
}

/// S42: a ping that cannot be written ends the connection at the deadline of a write, not only the pings.
#[test]
fn a_platform_that_takes_nothing_is_given_up() {
    let mut life = Life::new();
    life.world.kernel_takes = false;
    life.world.tell(Input::SendPing);
    life.world.turn();
    life.world.pass(Timing::default().write);
    let end = life.world.lost.as_ref().expect("it is lost");
    assert_eq!(end.setback, Setback::WriteFailed);
}

/// Ten thousand bots have one each, and the allocator's next size above this is 768.
#[test]
fn an_idle_session_is_640_bytes() {
    let bytes = size_of::<Feishu<u32>>();
    assert!(bytes <= 640, "{bytes} bytes");
}

#[test]
fn every_end_is_said_to_the_platform() {
    for (step, code) in [
        (Step::PlatformCloses, 1001),
        (Step::Violation, 1002),
        (Step::NoMemory, 1009),
    ] {
        let mut life = Life::new();
        life.take(step);
        life.world
            .incoming
            .extend(&frame(2, &[0; 90_000])[..80_000]);
        life.world.run();
        assert_eq!(life.world.close_codes(), [code]);
    }
}

#[test]
fn what_came_with_the_upgrade_is_answered() {
    let mut world = connection(8);
    let mut early = frame(9, b"there?");
    early.extend([0xFF, 0]);
    world.tell(Input::Opened(early.into()));
    assert_eq!(world.finished, None, "nothing could be written yet");
    world.turn();
    let opcodes: Vec<u8> = world.written.iter().map(|(opcode, _)| *opcode).collect();
    assert_eq!(opcodes, [10, 8]);
    assert!(world.finished.is_some());
}

#[test]
fn what_is_whole_when_the_writer_is_full_is_refused() {
    let mut life = Life::new();
    life.push(2);
    life.world.turn();
    life.world.attach_assembler();
    life.world.turn();
    life.world.writer = Writer::Full;
    life.world.hear_assembler();
    life.world.turn();
    life.check();
    assert_eq!((life.world.shed, life.answered.len()), (1, 1));
}

#[test]
fn a_connection_that_finishes_refuses_what_is_late() {
    let mut life = Life::new();
    life.push(1);
    life.world.turn();
    let within = Duration::from_secs(10);
    life.world.tell(Input::Close(CloseMode::Finish { within }));
    life.world.pass(Timing::default().answer_budget);
    life.check();
    assert_eq!((life.world.refused, life.answered.len()), (1, 1));
}

#[test]
fn the_pinger_hears_what_comes() {
    let mut life = Life::new();
    life.world.tell(Input::SendPing);
    life.world.turn();
    life.take(Step::PlatformPing);
    life.world.turn();
    life.push(1);
    life.world.turn();
    assert_eq!(life.world.heard, 1, "once for each ping");
}

#[test]
fn what_is_read_when_patience_ends_is_refused_at_once() {
    let mut life = Life::new();
    (0..9).for_each(|_| life.push(1));
    life.world.pass(Duration::from_millis(999));
    life.world.commit(None);
    life.world.hear_store();
    life.world.read_takes = Duration::from_millis(5);
    (0..20).for_each(|_| life.push(1));
    life.world.run();
    assert_eq!((life.world.received, life.world.shed), (29, 13));
}

#[test]
fn what_comes_between_two_turns_is_one_group() {
    let mut life = Life::new();
    (0..2).for_each(|_| life.push(2));
    life.world.turn();
    life.world.attach_assembler();
    life.world.turn();
    (0..2).for_each(|_| life.world.hear_assembler());
    assert!(life.world.queue.is_empty());
    life.world.turn();
    let sizes: Vec<usize> = life.world.queue.iter().map(Vec::len).collect();
    assert_eq!(sizes, [2]);
}
