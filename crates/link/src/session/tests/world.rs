//! Everything around a session: the other side and the kernel between, the writer, the store, and the actor that owns it.
//!
//! It does what the actor does, in the order in which the actor does it, and checks what holds at all times. Like the actor
//! it is woken by something only: a message, bytes while a read waits for them, room in the kernel while a write does, or the
//! timer that the last turn set. What a session leaves to a turn that nobody calls stays undone here too.

pub(super) mod application;
mod client;
mod turn;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_wire::event::{DurableProof, NewEvent, Seq};
use longwire_wire::identity::{EventKey, Tier};

use crate::assembly::{Assembly, AssemblyLimits, Outcome};
use crate::session::*;
use crate::unparsed::UnparsedBudget;

use self::application::Application;
use self::client::Client;

/// What the store of these tests gives for a recorded event.
#[derive(Debug)]
pub(super) struct Proof {
    ticket: u32,
    repeat: Option<Tier>,
    seq: Seq,
}

impl DurableProof for Proof {
    fn ticket(&self) -> u32 {
        self.ticket
    }

    fn repeat(&self) -> Option<Tier> {
        self.repeat
    }

    fn seq(&self) -> Seq {
        self.seq
    }
}

/// What the writer does with a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Writer {
    Takes,
    Full,
    Stopped,
}

/// A message that waits in the actor's mailbox.
enum Mail {
    Recorded(Vec<Proof>),
    NotRecorded(Vec<u32>, NotRecorded),
}

/// A session and everything around it.
pub(super) struct World {
    pub(super) session: Box<dyn Session<Proof, u32>>,
    pub(super) now: Instant,
    start: Instant,
    /// What the kernel holds for us.
    pub(super) incoming: Vec<u8>,
    pub(super) is_input_over: bool,
    pub(super) kernel_takes: bool,
    /// How many bytes the kernel takes in one write.
    pub(super) write_bytes: usize,
    /// Whether the stream keeps in its own buffer what it took.
    pub(super) is_flush_blocked: bool,
    /// Whether the other side refuses what we write.
    pub(super) is_write_broken: bool,
    client: Client,
    /// Messages that the other side got.
    pub(super) written: Vec<(u8, Vec<u8>)>,
    pub(super) writer: Writer,
    /// Whether the next read finds the writer full, which had room when the turn began.
    pub(super) fills_up: bool,
    /// How long the next read takes.
    pub(super) read_takes: Duration,
    /// Groups that the writer has.
    pub(super) queue: VecDeque<Vec<NewEvent>>,
    mailbox: VecDeque<Mail>,
    /// Payloads of recorded events, in the order of the log.
    pub(super) log: Vec<Bytes>,
    /// Where in the log each key is.
    keys: BTreeMap<[u8; 16], usize>,
    pub(super) application: Application,
    pub(super) cards_claimed: bool,
    pub(super) retained_bytes: usize,
    pub(super) may_retain: bool,
    pub(super) unfinished_most_bytes: usize,
    unparsed: UnparsedBudget,
    assembly: Option<Assembly>,
    fragments: u32,
    wholes: VecDeque<Whole>,
    next_asker: u32,
    pub(super) told: BTreeMap<u32, Result<Option<i64>, RequestRefusal>>,
    pub(super) received: u64,
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) shed: u64,
    /// Events for which a proof came.
    pub(super) proven: u64,
    waits: u64,
    pub(super) unparsed_dropped: u64,
    pub(super) events_lost: u64,
    pub(super) losses: Vec<(usize, LossReason)>,
    pub(super) left_unread: u32,
    pub(super) malformed: Vec<&'static str>,
    pub(super) opened: u32,
    pub(super) pongs: u32,
    pub(super) heard: u32,
    pub(super) lost: Option<ConnectionLoss>,
    pub(super) finished: Option<usize>,
    is_told_to_close: bool,
    pub(super) has_hung_up: bool,
    pub(super) turns: u64,
    pinger: Pinger,
    waking: Waking,
}

/// What the pinger was told.
#[derive(Default)]
struct Pinger {
    /// It waits to hear that bytes came.
    is_asking: bool,
    is_paused: bool,
}

/// What wakes the actor.
#[derive(Default)]
struct Waking {
    /// A message came, or the last turn wants another.
    is_due: bool,
    /// A read found nothing, and the kernel says when there is something.
    reads: bool,
    /// A write found no room.
    writes: bool,
    timer: Option<Instant>,
}

impl World {
    pub(super) fn new(session: impl Session<Proof, u32> + 'static) -> Self {
        let now = Instant::now();
        Self {
            session: Box::new(session),
            now,
            start: now,
            incoming: Vec::new(),
            is_input_over: false,
            kernel_takes: true,
            write_bytes: usize::MAX,
            is_flush_blocked: false,
            is_write_broken: false,
            client: Client::default(),
            written: Vec::new(),
            writer: Writer::Takes,
            fills_up: false,
            read_takes: Duration::ZERO,
            queue: VecDeque::new(),
            mailbox: VecDeque::new(),
            log: Vec::new(),
            keys: BTreeMap::new(),
            application: Application::default(),
            cards_claimed: true,
            retained_bytes: 0,
            may_retain: true,
            unfinished_most_bytes: usize::MAX,
            unparsed: UnparsedBudget::default(),
            assembly: None,
            fragments: 0,
            wholes: VecDeque::new(),
            next_asker: 0,
            told: BTreeMap::new(),
            received: 0,
            acked: 0,
            refused: 0,
            shed: 0,
            proven: 0,
            waits: 0,
            unparsed_dropped: 0,
            events_lost: 0,
            losses: Vec::new(),
            left_unread: 0,
            malformed: Vec::new(),
            opened: 0,
            pongs: 0,
            heard: 0,
            lost: None,
            finished: None,
            is_told_to_close: false,
            has_hung_up: false,
            turns: 0,
            pinger: Pinger::default(),
            waking: Waking::default(),
        }
    }

    fn around(&self) -> Surroundings {
        let elapsed = self.now.duration_since(self.start);
        Surroundings {
            now: self.now,
            unix_ms: 1_700_000_000_000 + elapsed.as_millis() as i64,
            writer_has_room: self.writer == Writer::Takes,
            unfinished_most_bytes: self.unfinished_most_bytes,
            retained_bytes: self.retained_bytes,
            cards_claimed: self.cards_claimed,
        }
    }

    /// A message from elsewhere, and what the session wants done about it. A turn follows.
    pub(super) fn tell(&mut self, input: Input<Proof, u32>) {
        if self.finished.is_some() {
            return;
        }
        let is_open = self.session.view().phase == "open";
        self.is_told_to_close |= matches!(input, Input::Close(_));
        self.pinger.is_asking |= is_open && matches!(input, Input::SendPing);
        self.pinger.is_paused &= !matches!(input, Input::PingerAttached);
        self.session.handle(input, self.around());
        while let Some(action) = self.session.poll_action() {
            self.carry_out(action);
        }
        self.count();
        self.waking.is_due = true;
    }

    /// What a turn's own I/O brings.
    fn take_in(&mut self, input: Input<Proof, u32>) {
        self.session.handle(input, self.around());
        self.drive();
    }

    fn drive(&mut self) {
        loop {
            while let Some(group) = self.session.poll_group(self.now) {
                let submitted = Input::Submitted(self.submit(group));
                self.session.handle(submitted, self.around());
            }
            let Some(action) = self.session.poll_action() else {
                break;
            };
            self.carry_out(action);
        }
        self.count();
    }

    fn count(&mut self) {
        let counts = self.session.take_counts();
        self.received += u64::from(counts.received);
        self.acked += u64::from(counts.acked);
        self.shed += u64::from(counts.shed);
        self.refused += u64::from(counts.refused + counts.refused_late + counts.shed);
        self.unparsed_dropped += u64::from(counts.unparsed_dropped);
        let waits = counts.waits.iter().map(|wait| wait.events).sum::<u32>();
        let proofs = counts.recorded + counts.repeats_by_event_id + counts.repeats_by_message;
        self.proven += u64::from(proofs);
        self.waits += u64::from(waits + counts.late_receipts);
        self.check_waits();
    }

    /// There is one wait per proof, at the proof or, where an answer is the application's, with that.
    fn check_waits(&self) {
        let Application {
            answered,
            defaulted,
            ..
        } = self.application;
        let awaited = self.session.view().awaiting_application as u64;
        let cards = if self.session.repeats_nothing() {
            0
        } else {
            answered + defaulted + awaited
        };
        assert_eq!(self.waits + cards, self.proven, "one wait per proof");
    }

    fn submit(&mut self, group: EventGroup) -> Submitted {
        assert!(!group.events.is_empty());
        match self.writer {
            Writer::Takes => {
                self.queue.push_back(group.events);
                Submitted::Accepted
            }
            Writer::Full => Submitted::Full(group.events),
            Writer::Stopped => {
                let tickets = group.events.iter().map(|event| event.ticket).collect();
                let mail = Mail::NotRecorded(tickets, NotRecorded::Trouble);
                self.mailbox.push_back(mail);
                Submitted::Stopped
            }
        }
    }

    fn carry_out(&mut self, action: Action<u32>) {
        assert!(self.finished.is_none(), "{action:?} after the end");
        let is_over = self.lost.is_some() || self.is_told_to_close;
        let is_for_the_living = matches!(
            action,
            Action::Opened
                | Action::Heard
                | Action::Pong(_)
                | Action::ReadingPaused
                | Action::ReadingResumed
                | Action::AssemblerWanted
                | Action::Lost(_)
        );
        assert!(!(is_over && is_for_the_living), "{action:?} after an end");
        match action {
            Action::Opened => self.opened += 1,
            Action::Pong(_) => self.pongs += 1,
            Action::Heard => self.heard += 1,
            Action::ReadingPaused => {
                assert!(!std::mem::replace(&mut self.pinger.is_paused, true));
            }
            Action::ReadingResumed => {
                assert!(std::mem::replace(&mut self.pinger.is_paused, false));
            }
            Action::AssemblerWanted => assert!(self.assembly.is_none()),
            Action::AssemblerIdle => self.assembly = None,
            Action::Join(fragment) => self.join(fragment),
            Action::JoinedRefused(message_id) => {
                if let Some(assembly) = &mut self.assembly {
                    assembly.handle_refused(&message_id);
                }
            }
            Action::CardSettled(outcome) => self.application.settle(outcome),
            Action::AskApplication { ticket, event, .. } => {
                self.application.ask(ticket, event, self.now);
            }
            Action::Answer(asker, answer) => {
                let answer = answer.map(|ack| ack.code);
                let before = self.told.insert(asker, answer);
                assert!(before.is_none(), "{asker} told twice");
            }
            Action::UnparsedFrame(size_bytes) => {
                let unparsed = self.unparsed.spend(size_bytes, self.now);
                let around = self.around();
                self.session.handle(Input::Unparsed(unparsed), around);
            }
            Action::Retain(bytes) => {
                assert!(bytes > 0 || self.session.unanswered() > 0);
                let input = Input::Retained(self.may_retain);
                self.session.handle(input, self.around());
            }
            Action::Malformed { kind, .. } => self.malformed.push(kind),
            Action::UnparsedDropped => {}
            Action::EventsLost(events, reason) => {
                assert!(events > 0);
                self.losses.push((events, reason));
                self.events_lost += events as u64;
            }
            Action::LeftUnread => self.left_unread += 1,
            Action::HangUp => self.has_hung_up = true,
            Action::Lost(end) => self.lost = Some(end),
            Action::Finished(unanswered) => self.finished = Some(unanswered),
        }
    }

    fn join(&mut self, fragment: Fragment) {
        let assembly = self.assembly.as_mut().expect("an assembler is attached");
        self.fragments += 1;
        let Fragment {
            echo,
            message_id,
            sum,
            seq,
            trace_id,
            payload,
        } = fragment;
        let outcome =
            assembly.handle_fragment(usize::MAX, &message_id, sum, seq, payload, self.now);
        if let Outcome::Complete(payload) = outcome {
            self.wholes.push_back(Whole {
                echo,
                message_id,
                trace_id,
                payload,
            });
        }
    }

    /// The assembler that was wanted starts, or another one takes the place of the one that failed.
    pub(super) fn attach_assembler(&mut self) {
        self.assembly = Some(Assembly::new(AssemblyLimits::default()));
        self.fragments = 0;
        self.tell(Input::AssemblerAttached);
    }

    /// Its messages arrive.
    pub(super) fn hear_assembler(&mut self) {
        if let Some(whole) = self.wholes.pop_front() {
            self.tell(Input::Assembled(whole));
        } else if self.assembly.as_ref().is_some_and(|a| a.open() == 0) {
            self.tell(Input::AssemblerEmpty(self.fragments));
        }
    }

    /// Somebody asks something.
    pub(super) fn request(&mut self, request: impl FnOnce(u32) -> SessionRequest<u32>) {
        if self.finished.is_none() {
            self.next_asker += 1;
            let request = request(self.next_asker);
            self.tell(Input::Request(request));
        }
    }

    /// Whether each who asked was told.
    pub(super) fn all_told(&self) -> bool {
        self.told.len() == self.next_asker as usize
    }

    /// The store commits the oldest group, but for the event `poisoned`, which a rule forbids.
    pub(super) fn commit(&mut self, poisoned: Option<usize>) {
        let Some(group) = self.queue.pop_front() else {
            return;
        };
        let poisoned = poisoned.map(|index| index % group.len());
        let (mut proofs, mut refused) = (Vec::new(), Vec::new());
        for (index, event) in group.into_iter().enumerate() {
            let ticket = event.ticket;
            if poisoned == Some(index) {
                refused.push(ticket);
                continue;
            }
            let EventKey(key) = event.identity.event;
            let next = self.log.len();
            let at = *self.keys.entry(key).or_insert(next);
            let is_new = at == next;
            if is_new {
                self.log.push(event.payload);
            }
            proofs.push(Proof {
                ticket,
                repeat: (!is_new).then_some(Tier::EventId),
                seq: Seq(at as i64),
            });
        }
        if !proofs.is_empty() {
            self.mailbox.push_back(Mail::Recorded(proofs));
        }
        if !refused.is_empty() {
            let mail = Mail::NotRecorded(refused, NotRecorded::Rule);
            self.mailbox.push_back(mail);
        }
    }

    /// It records nothing of the oldest group.
    pub(super) fn refuse(&mut self) {
        if let Some(group) = self.queue.pop_front() {
            let tickets = group.iter().map(|event| event.ticket).collect();
            let mail = Mail::NotRecorded(tickets, NotRecorded::Trouble);
            self.mailbox.push_back(mail);
        }
    }

    /// What the kernel takes from now on: nothing, little, all but a flush, or everything.
    pub(super) fn set_kernel(&mut self, how: u8) {
        self.kernel_takes = how != 0;
        self.write_bytes = if how == 1 { 7 } else { usize::MAX };
        self.is_flush_blocked = how == 2;
    }

    /// Whether the pinger knows of a pause.
    pub(super) fn is_paused(&self) -> bool {
        self.pinger.is_paused
    }

    /// The codes of our close frames.
    pub(super) fn close_codes(&self) -> Vec<u16> {
        let closes = self.written.iter().filter(|(opcode, _)| *opcode == 8);
        closes
            .map(|(_, payload)| u16::from_be_bytes([payload[0], payload[1]]))
            .collect()
    }

    /// The oldest of the store's answers arrives. Whether there was one.
    pub(super) fn hear_store(&mut self) -> bool {
        match self.mailbox.pop_front() {
            Some(Mail::Recorded(proofs)) => self.tell(Input::Recorded(proofs)),
            Some(Mail::NotRecorded(tickets, why)) => self.tell(Input::NotRecorded(tickets, why)),
            None => return false,
        }
        true
    }

    /// Groups that the store has or whose answers have not arrived.
    pub(super) fn groups_at_the_store(&self) -> usize {
        self.queue.len() + self.mailbox.len()
    }

    /// All trouble is over, and the other side hangs up. The session finishes on its own.
    pub(super) fn recover(&mut self) {
        self.writer = Writer::Takes;
        self.fills_up = false;
        self.set_kernel(9);
        self.is_input_over = true;
        self.unfinished_most_bytes = usize::MAX;
        self.tell(Input::MayRecord);
        if self.assembly.is_none() {
            self.attach_assembler();
        }
        for _ in 0..2_000 {
            self.run();
            if self.finished.is_some() {
                return;
            }
            while !self.queue.is_empty() {
                self.commit(None);
            }
            if !self.hear_store() {
                let due = self.waking.timer;
                self.now = due.unwrap_or_else(|| {
                    panic!("nothing wakes it any more: {:?}", self.session.view());
                });
            }
        }
        panic!("it never finishes: {:?}", self.session.view());
    }
}

/// A WebSocket frame as a server sends it.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => bytes.push(short as u8),
        middle @ 126..=0xFFFF => {
            bytes.push(126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}
