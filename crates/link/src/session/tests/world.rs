//! Everything around a session: the other side and the kernel between, the writer, the store, and the actor that owns it.
//!
//! It does what the actor does, in the order in which the actor does it, and checks what holds at all times.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use longwire_wire::event::{DurableProof, NewEvent};
use longwire_wire::identity::{EventKey, Tier};

use crate::assembly::{Assembly, AssemblyLimits, Outcome};
use crate::session::*;
use crate::unparsed::UnparsedBudget;

/// What the store of these tests gives for a recorded event.
#[derive(Debug)]
pub(super) struct Proof {
    ticket: u32,
    repeat: Option<Tier>,
}

impl DurableProof for Proof {
    fn ticket(&self) -> u32 {
        self.ticket
    }

    fn repeat(&self) -> Option<Tier> {
        self.repeat
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
    client: Client,
    /// Messages that the other side got.
    pub(super) written: Vec<(u8, Vec<u8>)>,
    pub(super) writer: Writer,
    /// Groups that the writer has.
    pub(super) queue: VecDeque<Vec<NewEvent>>,
    mailbox: VecDeque<Mail>,
    /// Payloads of recorded events, in the order of the log.
    pub(super) log: Vec<Bytes>,
    keys: BTreeSet<[u8; 16]>,
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
    pub(super) events_lost: u64,
    pub(super) left_unread: u32,
    pub(super) malformed: Vec<&'static str>,
    pub(super) opened: u32,
    pub(super) pongs: u32,
    pub(super) lost: Option<ConnectionLoss>,
    pub(super) finished: Option<usize>,
    is_told_to_close: bool,
    has_hung_up: bool,
    pub(super) turns: u64,
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
            client: Client::default(),
            written: Vec::new(),
            writer: Writer::Takes,
            queue: VecDeque::new(),
            mailbox: VecDeque::new(),
            log: Vec::new(),
            keys: BTreeSet::new(),
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
            events_lost: 0,
            left_unread: 0,
            malformed: Vec::new(),
            opened: 0,
            pongs: 0,
            lost: None,
            finished: None,
            is_told_to_close: false,
            has_hung_up: false,
            turns: 0,
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
        }
    }

    /// An input, and what the session wants done about it.
    pub(super) fn tell(&mut self, input: Input<Proof, u32>) {
        if self.finished.is_some() {
            return;
        }
        self.is_told_to_close |= matches!(input, Input::Close(_));
        self.session.handle(input, self.around());
        self.drive();
    }

    fn drive(&mut self) {
        loop {
            while let Some(group) = self.session.poll_group() {
                let submitted = self.submit(group);
                let submitted = Input::Submitted(submitted);
                self.session.handle(submitted, self.around());
            }
            let Some(action) = self.session.poll_action() else {
                break;
            };
            self.carry_out(action);
        }
        let counts = self.session.take_counts();
        self.received += u64::from(counts.received);
        self.acked += u64::from(counts.acked);
        self.refused += u64::from(counts.refused + counts.refused_late + counts.shed);
        let waits = counts.waits.iter().map(|wait| wait.events).sum::<u32>();
        let proofs = counts.recorded + counts.repeats_by_event_id + counts.repeats_by_message;
        assert_eq!(waits + counts.late_receipts, proofs, "one wait per proof");
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
            Action::Heard | Action::ReadingPaused | Action::ReadingResumed => {}
            Action::AssemblerWanted => assert!(self.assembly.is_none()),
            Action::AssemblerIdle => self.assembly = None,
            Action::Join(fragment) => self.join(fragment),
            Action::JoinedRefused(message_id) => {
                if let Some(assembly) = &mut self.assembly {
                    assembly.handle_refused(&message_id);
                }
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
            Action::EventsLost(events, _) => {
                assert!(events > 0);
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
        let outcome = assembly.handle_fragment(&message_id, sum, seq, payload, self.now);
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
            let is_new = self.keys.insert(key);
            if is_new {
                self.log.push(event.payload);
            }
            let repeat = (!is_new).then_some(Tier::EventId);
            proofs.push(Proof { ticket, repeat });
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

    /// One turn of the actor.
    pub(super) fn turn(&mut self) {
        self.turns += 1;
        if self.finished.is_some() {
            return;
        }
        if !self.has_hung_up {
            self.write();
        }
        self.session.handle_timeout(self.around());
        self.check_timeout();
        self.drive();
        let mut reads = 0;
        while self.finished.is_none() && !self.has_hung_up {
            let most_bytes = self.session.wants_bytes();
            if most_bytes == 0 || reads == 64 {
                break;
            }
            reads += 1;
            if !self.incoming.is_empty() {
                let count = most_bytes.min(self.incoming.len());
                let chunk: Vec<u8> = self.incoming.drain(..count).collect();
                self.tell(Input::Bytes(chunk.into()));
            } else if self.is_input_over {
                self.tell(Input::InputEnded(String::new()));
            } else {
                self.tell(Input::Empty);
                break;
            }
        }
        if !self.has_hung_up {
            self.write();
        }
        self.check_timeout();
    }

    fn check_timeout(&self) {
        let due = self.session.poll_timeout(self.now);
        assert!(
            due.is_none_or(|due| due > self.now),
            "something is left undone: {:?}",
            self.session.view()
        );
        if self.finished.is_some() {
            assert_eq!((due, self.session.wants_bytes()), (None, 0));
        }
    }

    fn write(&mut self) {
        let outbox = self.session.outbox();
        if !self.kernel_takes {
            if !outbox.unwritten().is_empty() {
                outbox.handle_blocked(self.now);
            }
            return;
        }
        let bytes = outbox.unwritten().to_vec();
        outbox.handle_written(bytes.len());
        if outbox.needs_flush() {
            outbox.handle_flushed();
        }
        self.client.take(&bytes, &mut self.written);
    }

    /// Time passes, with a turn whenever one is due.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self
            .session
            .poll_timeout(self.now)
            .filter(|due| *due <= end)
        {
            self.now = due.max(self.now + Duration::from_millis(1));
            self.turn();
        }
        self.now = self.now.max(end);
        self.turn();
    }

    /// All trouble is over, and the other side hangs up. The session finishes on its own.
    pub(super) fn recover(&mut self) {
        self.writer = Writer::Takes;
        self.kernel_takes = true;
        self.is_input_over = true;
        self.unfinished_most_bytes = usize::MAX;
        self.tell(Input::MayRecord);
        if self.assembly.is_none() {
            self.attach_assembler();
        }
        for _ in 0..2_000 {
            if self.finished.is_some() {
                return;
            }
            self.turn();
            while !self.queue.is_empty() {
                self.commit(None);
            }
            let has_heard = self.hear_store();
            if !has_heard && self.finished.is_none() {
                let due = self.session.poll_timeout(self.now);
                self.now = due.unwrap_or(self.now + Duration::from_millis(1));
            }
        }
        panic!("it never finishes: {:?}", self.session.view());
    }
}

/// The other side's reading half: unmasks what we write.
#[derive(Default)]
struct Client {
    buffer: Vec<u8>,
    is_closed: bool,
}

impl Client {
    fn take(&mut self, bytes: &[u8], messages: &mut Vec<(u8, Vec<u8>)>) {
        self.buffer.extend_from_slice(bytes);
        while let Some((opcode, payload, rest)) = split(&self.buffer) {
            assert!(!self.is_closed, "something follows the close frame");
            self.is_closed = opcode == 8;
            messages.push((opcode, payload));
            self.buffer.drain(..rest);
        }
    }
}

/// The first whole frame of `bytes`, unmasked, and where it ends.
fn split(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!(first & 0xF0, 0x80, "final, no reserved bits");
    assert_eq!(second & 0x80, 0x80, "masked");
    let (length, at) = match second & 0x7F {
        126 => (
            usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (
            u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize,
            10,
        ),
        short => (usize::from(short), 2),
    };
    let key = bytes.get(at..at + 4)?;
    let masked = bytes.get(at + 4..at + 4 + length)?;
    let payload = masked.iter().zip(key.iter().cycle());
    let payload = payload.map(|(byte, key)| byte ^ key).collect();
    Some((first & 0x0F, payload, at + 4 + length))
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
