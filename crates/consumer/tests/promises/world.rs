//! A queue, its log, its application, its disk, and crashes: everything that is promised is checked at each step.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use longwire_consumer::{
    ConsumerNews, ConsumerQueue, Delivery, DeliveryFailure, DeliveryId, DeliveryOrder,
    DeliveryPolicy, MAX_DEFERRED, MAX_GATHERED, Moment, Position, PositionSave, QueueSettings,
    ReadScope, ReaderId, Receivers, SentEvent,
};
use longwire_wire::event::Seq;

use crate::record::{Record, Row, Sequence};

/// How the events go.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    Webhook,
    Pull,
    Stream,
    Relay,
}

impl Road {
    /// Whether readers come and go that are given what comes.
    pub(crate) fn has_readers(self) -> bool {
        matches!(self, Self::Stream | Self::Relay)
    }
}

/// How long a connection may have an event.
const HANDLER_LIMIT: Duration = Duration::from_secs(90);

pub(crate) struct World {
    pub(crate) road: Road,
    pub(crate) queue: ConsumerQueue<i64>,
    pub(crate) record: Record,
    pub(crate) policy: DeliveryPolicy,
    settings: QueueSettings,
    pub(crate) now: Moment,
    pub(crate) in_flight: BTreeMap<DeliveryId, Delivery<i64>>,
    pub(crate) readers: BTreeSet<ReaderId>,
    /// Whose a chat was last, of readers of a stream.
    owners: BTreeMap<Sequence, ReaderId>,
    /// What is on disk, and was told to be.
    durable: Position,
    /// What was given to the disk since.
    given: Vec<PositionSave>,
    last_delivery: DeliveryId,
    /// What the queue has no right to send again in this process.
    done_here: BTreeSet<i64>,
    /// Up to here an event may be labelled without having been sent.
    may_label: i64,
    checks_order: bool,
    /// What this process sent.
    sent_here: BTreeSet<i64>,
    /// What was acknowledged before this process sent it. Such an acknowledgement may be forgotten, with a label.
    early: BTreeSet<i64>,
    pub(crate) repeats: usize,
    pub(crate) crashes: usize,
    floor: i64,
}

impl World {
    pub(crate) fn new(policy: DeliveryPolicy, road: Road, window: usize) -> Self {
        let receivers = match road {
            Road::Webhook => Receivers::Endpoint,
            Road::Pull | Road::Stream => Receivers::Readers,
            Road::Relay => Receivers::Connections,
        };
        let settings = QueueSettings {
            window_events: NonZeroUsize::new(window).expect("it is not zero"),
            window_bytes: 100 * window,
            handler_limit: HANDLER_LIMIT,
            ..QueueSettings::new(receivers)
        };
        let now = Moment {
            instant: Instant::now(),
            unix_ms: 1_800_000_000_000,
        };
        let durable = Position::behind(Seq(0));
        let queue = ConsumerQueue::new(
            settings.clone(),
            policy.clone(),
            durable.clone(),
            Seq(0),
            7,
            now,
        );
        Self {
            road,
            queue,
            record: Record::default(),
            policy,
            settings,
            now,
            in_flight: BTreeMap::new(),
            readers: BTreeSet::new(),
            owners: BTreeMap::new(),
            durable,
            given: Vec::new(),
            last_delivery: DeliveryId(0),
            done_here: BTreeSet::new(),
            may_label: 0,
            checks_order: true,
            sent_here: BTreeSet::new(),
            early: BTreeSet::new(),
            repeats: 0,
            crashes: 0,
            floor: 0,
        }
    }

    fn order(&self) -> DeliveryOrder {
        self.policy.order
    }

    pub(crate) fn append(
        &mut self,
        bot: i64,
        chat: Option<u8>,
        click: bool,
        passes: bool,
        gap: i64,
    ) {
        let row = Row {
            seq: self.record.head() + gap,
            bot,
            chat,
            click,
            passes,
            recorded_ms: self.now.unix_ms,
            size_bytes: 100,
        };
        self.record.push(row, self.policy.order);
    }

    pub(crate) fn advance(&mut self, delay: Duration) {
        self.now = self.now.after(delay);
        self.queue.handle_timeout(self.now);
        self.after_each();
    }

    /// Serves what the queue wants to read, at most `limit` rows of it. Returns whether it wanted something.
    pub(crate) fn read(&mut self, limit: usize) -> bool {
        let Some(want) = self.queue.poll_want(Seq(self.record.head())) else {
            return false;
        };
        let limit = want.limit.min(limit).max(1);
        let until = want.until.map(|until| until.0);
        let (rows, reached) = self.record.page(want.after.0, until, limit);
        let events = rows.iter().filter(|row| row.passes).map(Row::read);
        self.queue
            .handle_page(want.scope, want.after, events, Seq(reached), self.now);
        self.after_each();
        true
    }

    /// The owner gives what was just recorded, without having been asked.
    pub(crate) fn push(&mut self, limit: usize) {
        let after = self.queue.reached();
        let (rows, reached) = self.record.page(after.0, None, limit);
        let events = rows.iter().filter(|row| row.passes).map(Row::read);
        self.queue
            .handle_page(ReadScope::Ahead, after, events, Seq(reached), self.now);
        self.after_each();
    }

    /// The order is another one. From here on no order is checked, because lanes are made anew; labels and losses are.
    pub(crate) fn change_order(&mut self, order: DeliveryOrder) {
        self.policy.order = order;
        self.checks_order = false;
        self.in_flight.clear();
        self.done_here.clear();
        self.floor = 0;
        self.may_label = self.may_label.max(self.queue.reached().0);
        self.queue.handle_policy(self.policy.clone(), self.now);
        self.after_each();
    }

    pub(crate) fn send(&mut self) -> bool {
        let delivery = self.queue.poll_delivery(self.now);
        let sent = self.take(delivery);
        if !sent {
            // Or the owner's timer would run without a pause.
            let due = self.queue.poll_timeout(self.now);
            assert!(due.is_none_or(|due| due > self.now.instant), "{due:?}");
        }
        sent
    }

    pub(crate) fn claim(&mut self, reader: ReaderId, lease: Duration) -> bool {
        let deadline = self.now.instant + lease;
        let delivery = self.queue.poll_claim(reader, deadline, self.now);
        let of = delivery.as_ref().map(|delivery| delivery.deadline);
        assert!(of.is_none_or(|of| of == Some(deadline)));
        self.take(delivery)
    }

    /// The application is sent a delivery, if there is one.
    fn take(&mut self, delivery: Option<Delivery<i64>>) -> bool {
        self.hear_news();
        let sent = delivery.is_some();
        if let Some(delivery) = delivery {
            self.check_delivery(&delivery);
            self.last_delivery = delivery.id;
            self.in_flight.insert(delivery.id, delivery);
        }
        self.after_each();
        sent
    }

    fn check_delivery(&mut self, delivery: &Delivery<i64>) {
        let sequence = |seq: &i64| self.record.row(*seq).sequence(self.policy.order);
        let of = sequence(&delivery.events.first().expect("it has events").payload);
        assert!(delivery.events.len() <= MAX_GATHERED);
        let batch =
            self.policy.gather.is_some() && !self.record.row(delivery.events[0].seq.0).click;
        assert_eq!(delivery.is_batch, batch);
        assert!(delivery.is_batch || delivery.events.len() == 1);
        let same = |other: &&Delivery<i64>| sequence(&other.events[0].payload) == of;
        let before: Vec<_> = self.in_flight.values().filter(same).collect();
        // A stream brings several in order, to one reader.
        let follows = self.road == Road::Stream && !delivery.is_batch;
        for other in &before {
            assert!(follows && other.reader == delivery.reader, "two at once");
        }
        let before: Vec<i64> = before.iter().map(|other| other.events[0].seq.0).collect();
        for event in &delivery.events {
            assert_eq!(sequence(&event.payload), of, "a batch of several chats");
        }
        let in_batch = delivery.events.iter().map(|event| event.seq.0);
        let together: Vec<i64> = in_batch.chain(before).collect();
        for event in &delivery.events {
            self.take_event(event, &together);
        }
        if self.road == Road::Relay {
            assert!(self.readers.contains(&delivery.reader), "nobody is there");
            let limit = self.now.instant + HANDLER_LIMIT;
            assert_eq!(delivery.deadline, Some(limit));
        }
        let chat = match self.road {
            // Its clicks too are the chat's.
            Road::Relay => of.with_its_clicks(),
            Road::Webhook | Road::Pull | Road::Stream => of,
        };
        if self.readers.contains(&delivery.reader)
            && let Some(owner) = self.owners.insert(chat, delivery.reader)
        {
            let moved = owner != delivery.reader;
            assert!(!moved || !self.readers.contains(&owner), "a chat moved");
        }
    }

    fn take_event(&mut self, event: &SentEvent<i64>, together: &[i64]) {
        let seq = event.seq.0;
        assert!(self.record.row(seq).passes);
        let early = self.early.contains(&seq) && event.redelivered;
        assert!(early || !self.done_here.contains(&seq), "{seq} was done");
        self.done_here.remove(&seq);
        self.sent_here.insert(seq);
        assert!(event.attempt >= 1);
        if self.record.sent.contains(&seq) {
            self.repeats += 1;
            assert!(event.redelivered, "{seq} was sent before");
            return;
        }
        assert!(seq <= self.durable.reserved.0, "{seq} is not reserved");
        assert!(
            !event.redelivered || seq <= self.may_label,
            "{seq} was never sent"
        );
        if !self.checks_order {
            self.record.sent.insert(seq);
            return;
        }
        // Whatever came before it in its sequence is done, or goes with it or before it to the same reader.
        let order = self.order();
        let sequence = self.record.row(seq).sequence(order);
        for row in self.record.rows.iter().take_while(|row| row.seq < seq) {
            assert!(
                !row.passes
                    || row.sequence(order) != sequence
                    || self.record.handled.contains(&row.seq)
                    || together.contains(&row.seq),
                "{seq} is sent while {} is not done",
                row.seq
            );
        }
        self.record.send_first(seq, order);
    }

    fn handled(&mut self, seq: i64) {
        self.record.handled.insert(seq);
        self.done_here.insert(seq);
    }

    pub(crate) fn done(&mut self, delivery: &Delivery<i64>) {
        self.in_flight.remove(&delivery.id);
        for event in &delivery.events {
            self.handled(event.seq.0);
        }
        self.queue.handle_done(delivery.id, self.now);
        self.after_each();
    }

    pub(crate) fn failed(&mut self, delivery: &Delivery<i64>, failure: DeliveryFailure) {
        self.in_flight.remove(&delivery.id);
        self.queue.handle_failed(delivery.id, failure, self.now);
        self.after_each();
    }

    /// The delivery did not leave, so the application had nothing. Of a stream only the last one can be such.
    pub(crate) fn released(&mut self, delivery: &Delivery<i64>) {
        if self.road == Road::Stream && delivery.id != self.last_delivery {
            return;
        }
        self.in_flight.remove(&delivery.id);
        for event in delivery.events.iter().rev() {
            let first = event.attempt == 1 && !event.redelivered;
            if first && !self.done_here.contains(&event.seq.0) {
                self.record.unsend(event.seq.0, self.policy.order);
            }
        }
        self.queue.handle_released(delivery.id, self.now);
        self.after_each();
    }

    pub(crate) fn acked(&mut self, events: &[i64]) {
        let seqs: Vec<Seq> = events.iter().map(|seq| Seq(*seq)).collect();
        for seq in events {
            // The application had it.
            assert!(self.record.sent.contains(seq));
            self.handled(*seq);
        }
        self.queue.handle_acked(&seqs, self.now);
        self.forget_ended();
        self.after_each();
    }

    /// An application that was slow, or that was there before the process was.
    pub(crate) fn late_ack(&mut self, seq: i64) {
        let before = self.queue.floor();
        let count = self.queue.handle_acked(&[Seq(seq)], self.now);
        if count == 1 {
            assert!(!self.done_here.contains(&seq), "{seq} was done");
            let may = self.record.sent.contains(&seq) || seq <= self.may_label;
            assert!(may, "nobody was given {seq}");
            if !self.sent_here.contains(&seq) {
                self.early.insert(seq);
                // The application says that it had it.
                self.record.sent.insert(seq);
            }
            self.handled(seq);
        }
        assert!(self.queue.floor() >= before);
        self.forget_ended();
        self.after_each();
    }

    /// The filter is another one that lets the same events through.
    pub(crate) fn filter_changed(&mut self) {
        self.in_flight.clear();
        // A batch that was sent may be left in the log in parts, and what was done out of turn may come again.
        let newest = self.record.sent.last().max(self.done_here.last());
        self.may_label = self.may_label.max(newest.copied().unwrap_or(0));
        self.forget_out_of_turn();
        self.queue.handle_filter_changed();
        self.after_each();
    }

    /// What a stream reader acknowledged behind an event that is not done may be sent again, with a label.
    fn forget_out_of_turn(&mut self) {
        if self.road != Road::Stream {
            return;
        }
        let order = self.order();
        let mut undone = BTreeSet::new();
        for row in self.record.rows.iter().filter(|row| row.passes) {
            let sequence = row.sequence(order);
            if !self.done_here.contains(&row.seq) {
                undone.insert(sequence);
            } else if undone.contains(&sequence) {
                self.early.insert(row.seq);
            }
        }
    }

    pub(crate) fn acked_through(&mut self, last: &Delivery<i64>) {
        let older = self.in_flight.range(..=last.id);
        let of_reader = older.filter(|(_, other)| other.reader == last.reader);
        let seqs: Vec<i64> = of_reader
            .flat_map(|(_, other)| other.events.iter().map(|event| event.seq.0))
            .collect();
        // Of a batch the application may have acknowledged some events before.
        let mut newest = last.events.iter().rev().map(|event| event.seq);
        let through = newest.find(|seq| !self.done_here.contains(&seq.0));
        let through = through.expect("what is done is not under way");
        for seq in seqs {
            self.handled(seq);
        }
        self.queue
            .handle_acked_through(through, Some(last.reader), self.now);
        self.forget_ended();
        self.after_each();
    }

    pub(crate) fn nacked(&mut self, delivery: &Delivery<i64>, delay: Option<Duration>) {
        self.in_flight.remove(&delivery.id);
        let seqs: Vec<Seq> = delivery.events.iter().map(|event| event.seq).collect();
        // The whole batch goes back with any of its events.
        self.queue
            .handle_nacked(&seqs[seqs.len() - 1..], delay, self.now);
        self.after_each();
    }

    pub(crate) fn attach(&mut self, reader: ReaderId, window: usize) {
        self.readers.insert(reader);
        self.queue.handle_reader(reader, window);
    }

    pub(crate) fn reader_gone(&mut self, reader: ReaderId) {
        self.readers.remove(&reader);
        self.in_flight
            .retain(|_, delivery| delivery.reader != reader);
        self.queue.handle_reader_gone(reader, self.now);
        self.after_each();
    }

    /// Deliveries of which everything is done, or whose claim ended, are over.
    fn forget_ended(&mut self) {
        let handled = &self.done_here;
        let open = |delivery: &Delivery<i64>| {
            delivery
                .events
                .iter()
                .any(|event| !handled.contains(&event.seq.0))
        };
        self.in_flight.retain(|_, delivery| open(delivery));
    }

    fn hear_news(&mut self) {
        let now = self.now.instant;
        self.in_flight
            .retain(|_, delivery| delivery.deadline.is_none_or(|deadline| deadline > now));
        while let Some(news) = self.queue.poll_news() {
            match news {
                ConsumerNews::GaveUp { seq, .. } | ConsumerNews::Skipped { seq } => {
                    self.handled(seq.0);
                }
                ConsumerNews::Paused { .. }
                | ConsumerNews::Resumed { .. }
                | ConsumerNews::Stopped
                | ConsumerNews::Lagging { .. }
                | ConsumerNews::CaughtUp => {}
                ConsumerNews::Gone { events } => {
                    panic!("{events} events went, and nothing takes any from this log")
                }
            }
        }
        self.forget_ended();
    }

    fn after_each(&mut self) {
        self.hear_news();
        let bound = self.settings.window_events.get() + 2 * MAX_DEFERRED;
        assert!(self.queue.held_events() <= bound);
        assert_eq!(self.queue.in_flight(), self.in_flight.len(), "under way");
        let floor = self.queue.floor().0;
        assert!(floor >= self.floor, "the floor sank");
        self.floor = floor;
        while let Some(save) = self.queue.poll_save(self.now) {
            self.record
                .check_position(&save.position, self.policy.order);
            let bytes = save.position.to_bytes();
            assert_eq!(Position::from_bytes(&bytes).as_ref(), Ok(&save.position));
            self.given.push(save);
        }
    }

    /// The oldest positions that were given to the disk are on it.
    pub(crate) fn disk_writes(&mut self, count: usize) {
        let count = count.min(self.given.len());
        for save in self.given.drain(..count) {
            self.durable = save.position;
            self.queue.handle_saved(save.number);
        }
        self.after_each();
    }

    pub(crate) fn disk_refuses(&mut self) {
        self.given.clear();
        self.queue.handle_not_saved();
        self.after_each();
    }

    /// The process is killed. Of the positions that were given to the disk, `written` more are on it than was told.
    pub(crate) fn crash(&mut self, written: usize) {
        let written = written.min(self.given.len());
        if let Some(newest) = self.given.drain(..written).next_back() {
            self.durable = newest.position;
        }
        self.restart();
    }

    /// The process ends in order: what is under way is given back or was sent.
    pub(crate) fn stop(&mut self) {
        let save = self.queue.final_save(self.now);
        self.record
            .check_position(&save.position, self.policy.order);
        self.durable = save.position;
        self.restart();
    }

    fn restart(&mut self) {
        self.crashes += 1;
        self.given.clear();
        self.in_flight.clear();
        self.readers.clear();
        self.owners.clear();
        self.done_here.clear();
        self.sent_here.clear();
        let head = self.record.head();
        self.may_label = self.may_label.max(self.durable.reserved.0.min(head));
        // In another order all behind the earliest deferred event is not done.
        let kept = self.durable.order;
        let deferred = self.durable.deferred.iter().map(|chat| chat.after.0);
        let done_until = match deferred.min().filter(|_| kept != self.policy.order) {
            Some(after) => {
                self.may_label = self.may_label.max(self.durable.reached.0);
                after
            }
            None => i64::MAX,
        };
        let rows = self.record.rows.iter().filter(|row| row.passes);
        let done = rows.filter(|row| self.durable.is_done(Seq(row.seq), row.read().key(kept)));
        let done = done.filter(|row| row.seq <= done_until);
        self.done_here.extend(done.map(|row| row.seq));
        self.forget_out_of_turn();
        self.queue = ConsumerQueue::new(
            self.settings.clone(),
            self.policy.clone(),
            self.durable.clone(),
            Seq(head),
            self.crashes as u64,
            self.now,
        );
        self.floor = 0;
        self.after_each();
    }

    fn claim_by_all(&mut self) -> bool {
        let lease = Duration::from_secs(3_600);
        (1..4).any(|reader| self.claim(ReaderId(reader), lease))
    }

    /// All faults are over: everything that passes the filter is handled within a bounded number of steps, whatever happened.
    pub(crate) fn finish(&mut self, may_deliver: impl Fn(&Row) -> bool) {
        self.queue.handle_resumed();
        let most = 400 + 40 * self.record.rows.len();
        for _ in 0..most {
            if self.road.has_readers() && self.readers.is_empty() {
                self.attach(ReaderId(77), 4);
            }
            let done = self.done_here.len();
            let mut moved = self.read(usize::MAX);
            self.disk_writes(usize::MAX);
            while self.send() || (self.road == Road::Pull && self.claim_by_all()) {
                moved = true;
            }
            for delivery in self.in_flight.values().cloned().collect::<Vec<_>>() {
                moved = true;
                if may_deliver(self.record.row(delivery.events[0].seq.0)) {
                    self.done(&delivery);
                } else {
                    let code = 500;
                    self.failed(
                        &delivery,
                        DeliveryFailure::Status {
                            code,
                            retry_after: None,
                        },
                    );
                }
            }
            let wanted = |row: &&Row| row.passes && may_deliver(row);
            let mut left = self.record.rows.iter().filter(wanted);
            if left.all(|row| self.record.handled.contains(&row.seq)) {
                return;
            }
            // An event that is too old is done without being sent.
            moved |= self.done_here.len() > done;
            if !moved {
                let due = self.queue.poll_timeout(self.now);
                let due = due.unwrap_or_else(|| panic!("wedged: {:#?}", self.queue));
                let delay = due.saturating_duration_since(self.now.instant);
                self.advance(delay.max(Duration::from_millis(1)));
            }
        }
        panic!(
            "after {most} steps {} are not handled: {:#?}",
            self.record.unhandled(),
            self.queue
        );
    }
}
