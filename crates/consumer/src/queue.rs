//! Which event a consumer receives next, and what it has done.
//!
//! The owner of a [`ConsumerQueue`] reads where [`poll_want`](ConsumerQueue::poll_want) says, filters, and gives the events to
//! [`handle_page`](ConsumerQueue::handle_page). It sends what [`poll_delivery`](ConsumerQueue::poll_delivery) or
//! [`poll_claim`](ConsumerQueue::poll_claim) returns, and says how that ended. It keeps what
//! [`poll_save`](ConsumerQueue::poll_save) returns, passes on what [`poll_news`](ConsumerQueue::poll_news) tells, and calls
//! [`handle_timeout`](ConsumerQueue::handle_timeout) when [`poll_timeout`](ConsumerQueue::poll_timeout) says.
//!
//! ```text
//! log ─ poll_want ─▶ handle_page ─▶ lanes ─▶ poll_delivery ─▶ application ─▶ handle_done, handle_failed, handle_acked …
//!                                     │                                            │
//!                                     └── deferred ◀── window is full              └─▶ poll_save ─▶ disk ─▶ handle_saved
//! ```
//!
//! **Order.** Events with the same [`OrderKey`](crate::OrderKey) make a *lane*. Its oldest event is sent, and the next one when
//! that is done. Other lanes pass by. Clicks on cards have lanes of their own and go first.
//!
//! A stream brings events in order by itself. So several events of a lane may be under way to the same stream reader, and to no
//! other: the next one is sent while those before it are not acknowledged. One that is given back goes again before the lane goes
//! on. When the reader is gone, all come back and go in order, with `redelivered`, to another one. Events that follow others in
//! this way and were not sent before are half of the window at most. Batches go one at a time. A pull reader gets one event, or
//! one batch, of a lane per claim, whatever its limit is: each event of a claim may be given back alone, and comes before the
//! next one of its lane.
//!
//! Of a connection the next event of a lane waits until the one before it is done, because an SDK handles what it has side by
//! side. A chat and its clicks are one connection's. It has an event until the handler limit is over: then the event failed.
//!
//! **What is repeated.** An event is sent for the first time only after a position that reserves its number is on disk. So
//! after a crash all that may have been sent is known, and each such event is sent with `redelivered`. Reservations are made
//! ahead, in the numbers of about one window of events: that is the most that may be labelled without having been sent.
//!
//! **What waits.** The window bounds the events in memory. When it is full and every lane waits for its oldest event, the rest
//! of the longest lane is left in the log: only the stretch is remembered, and read again when the lane is empty. So a chat
//! whose event always fails stops nobody else. Beyond 256 such chats nothing more is read until one of them moves.
//!
//! **Whose failure.** A webhook's endpoint fails when it cannot be reached or asks for time (429, `Retry-After`), when events
//! of three lanes failed since its last success, or when it failed five times within a minute or more without a success. Then
//! one event at a time is sent as a probe: lanes that were not tried yet come first, then all in turn, and an event that was
//! read since is tried within 5 s unless the endpoint cannot be reached. The first success ends it. Probes that nobody answers
//! count for the endpoint alone; one that the application refuses counts for its event too, so that a policy can give it up.
//! Any other failure is the event's: its lane waits for its retry, others go on.
//!
//! **Late answers.** An acknowledgement counts until the event is done, also after its claim ended or while somebody else has
//! it. One for an event that only an earlier process sent counts too, but is forgotten if the event is not the oldest of its
//! lane and the lane is left in the log before its turn: it is then sent again, with `redelivered`. A result of a delivery that
//! the queue gave up is ignored. One of a stream reader for an event behind one of its lane that is not done may be forgotten in
//! the same way by the next process, or after a change of the filter.

mod delivering;
mod failing;
mod gaps;
mod lag;
mod lanes;
mod load;
mod readers;
mod reading;
mod reserving;
mod saving;
mod settling;
mod throttle;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use longwire_wire::event::Seq;

use crate::definition::RelayRoad;
use crate::delivery::{DeliveryId, ReaderId};
use crate::moment::Moment;
use crate::news::{ConsumerNews, QueueState};
use crate::order_key::{OrderKey, Urgent};
use crate::policy::DeliveryPolicy;
use crate::position::{MAX_UNDONE, Position, UndoneEvent};

use self::failing::EndpointHealth;
use self::lag::LagWatch;
use self::lanes::{Lane, Turn};
use self::load::Load;
use self::readers::Readers;
use self::reserving::Reservations;
use self::saving::Saves;
use self::throttle::Throttle;

/// What a queue may hold, and who takes from it.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// Whether there is one endpoint, or readers come and go.
    pub receivers: Receivers,
    /// The most events in memory, [`MAX_UNDONE`] at most.
    pub window_events: NonZeroUsize,
    /// The most bytes of them. One event may be larger.
    pub window_bytes: usize,
    /// How long a connection may have an event.
    pub handler_limit: Duration,
}

impl QueueSettings {
    /// The window unless configuration says otherwise: 1,024 events of 4 MiB at most. A connection may have an event for ten
    /// minutes.
    #[must_use]
    pub fn new(receivers: Receivers) -> Self {
        Self {
            receivers,
            window_events: NonZeroUsize::new(1_024).expect("it is not zero"),
            window_bytes: 4 << 20,
            handler_limit: RelayRoad::HANDLER_LIMIT,
        }
    }
}

/// The most deliveries that wait for something and let others be under way in their place.
const SET_ASIDE: usize = 64;

/// Who takes deliveries.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Receivers {
    /// One endpoint: failures are told apart, and it is probed.
    Endpoint,
    /// Readers that come and go, of a stream or by pull.
    Readers,
    /// Connections of the platform's own protocol, which come and go.
    Connections,
}

/// What a consumer receives next, and what it has done. See the module for the rules.
#[derive(Debug)]
pub struct ConsumerQueue<E> {
    settings: QueueSettings,
    policy: DeliveryPolicy,
    /// Every event up to here was looked at.
    read: i64,
    /// Events up to here may have been sent by an earlier process, or before the last seek.
    label_until: i64,
    /// What an earlier process read and did not finish, and this one has not read again.
    unfinished: VecDeque<UndoneEvent>,
    /// The events in memory.
    open: BTreeMap<i64, OpenEvent<E>>,
    open_bytes: usize,
    /// Those of them that were sent before.
    tried: Load,
    lanes: HashMap<OrderKey, Lane, BuildHasherDefault<KeyHasher>>,
    /// Lanes whose next event can be sent, in their order.
    ready: BTreeSet<Turn>,
    /// Lanes whose next event has to wait, by the end of that.
    waiting: BTreeSet<(Instant, OrderKey)>,
    /// Lanes without an event to send, of which a part is in the log.
    to_refill: BTreeSet<OrderKey>,
    /// How many lanes have a part in the log.
    deferred: usize,
    /// Whether the next page is one of a lane that has a part in the log.
    refill_next: bool,
    in_flight: BTreeMap<DeliveryId, InFlight>,
    claims: BTreeSet<(Instant, DeliveryId)>,
    next_delivery: u64,
    readers: Readers,
    /// Deliveries to the endpoint that wait for something.
    set_aside: usize,
    operator: OperatorWish,
    health: EndpointHealth,
    throttle: Throttle,
    reservations: Reservations,
    saves: Saves,
    lag: LagWatch,
    news: VecDeque<ConsumerNews>,
    /// Numbers of the log that are gone before the next event that is read.
    gap: u64,
    seed: u64,
}

/// An event that was read and is not done.
#[derive(Debug)]
struct OpenEvent<E> {
    key: OrderKey,
    urgent: Urgent,
    recorded_ms: i64,
    /// When it was read from the log.
    read_at: Instant,
    size_bytes: usize,
    payload: E,
    tried: Tried,
    /// It is not sent again before.
    retry_at: Option<Instant>,
    /// The delivery that has it.
    delivery: Option<DeliveryId>,
    /// Numbers of the log between it and the event before it that are gone, and were not done.
    gap_before: u64,
}

/// What was done with an event so far.
#[derive(Copy, Clone, Debug, Default)]
struct Tried {
    attempts: u32,
    failures: u32,
    /// In milliseconds since 1970; 0 without failures.
    first_failed_ms: i64,
}

impl Tried {
    /// What an earlier process did.
    fn before(event: UndoneEvent) -> Self {
        Self {
            attempts: event.attempts,
            failures: event.failures,
            first_failed_ms: event.first_failed_ms,
        }
    }
}

/// A delivery that has not ended.
#[derive(Debug)]
struct InFlight {
    key: OrderKey,
    /// Its events that are not done. Never empty.
    seqs: Vec<i64>,
    reader: ReaderId,
    deadline: Option<Instant>,
}

/// What the operator wants.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum OperatorWish {
    Run,
    Pause,
}

/// An [`OrderKey`] is a hash already.
#[derive(Clone, Default, Debug)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a key is one number");
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

impl<E: Clone> ConsumerQueue<E> {
    /// Goes on at `position`. `head` is the newest event of the log now, which this process cannot have sent yet. Equal seeds
    /// give equal delays.
    #[must_use]
    pub fn new(
        settings: QueueSettings,
        policy: DeliveryPolicy,
        position: Position,
        head: Seq,
        seed: u64,
        now: Moment,
    ) -> Self {
        let reached = position.reached;
        let position = position.in_order(policy.order);
        // In another order what was done behind a deferred event is sent again.
        let sent_until = if position.reached < reached {
            position.reserved.max(reached)
        } else {
            position.reserved
        };
        let window = settings.window_events.get().min(MAX_UNDONE);
        let mut queue = Self {
            read: position.reached.0,
            label_until: sent_until.min(head).0,
            unfinished: position.undone.into(),
            open: BTreeMap::new(),
            open_bytes: 0,
            tried: Load::default(),
            lanes: HashMap::default(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            to_refill: BTreeSet::new(),
            deferred: 0,
            refill_next: false,
            in_flight: BTreeMap::new(),
            claims: BTreeSet::new(),
            next_delivery: 1,
            readers: Readers::new(settings.receivers, policy.concurrency),
            set_aside: 0,
            operator: OperatorWish::Run,
            health: EndpointHealth::default(),
            throttle: Throttle::new(policy.rate, now.instant),
            reservations: Reservations::new(position.reserved.0, window),
            saves: Saves::new(now.instant),
            lag: LagWatch::default(),
            news: VecDeque::new(),
            gap: 0,
            seed,
            settings,
            policy,
        };
        for chat in position.deferred {
            queue.restore_deferred(chat);
        }
        queue
    }

    /// What happened since the last call.
    pub fn poll_news(&mut self) -> Option<ConsumerNews> {
        self.news.pop_front()
    }

    /// Why nothing is sent, if nothing is.
    #[must_use]
    pub fn state(&self) -> QueueState {
        match self.operator {
            OperatorWish::Pause => QueueState::Paused,
            OperatorWish::Run => self.health.state(),
        }
    }

    /// Sends nothing more until [`handle_resumed`](Self::handle_resumed). What is under way ends as it ends.
    pub fn handle_paused(&mut self) {
        self.operator = OperatorWish::Pause;
    }

    /// Sends again, also after a 410; an endpoint that fails is tried at once.
    pub fn handle_resumed(&mut self) {
        self.operator = OperatorWish::Run;
        self.health = EndpointHealth::default();
    }

    /// A connection may have an event for so long, of those that are sent from now on.
    pub fn handle_handler_limit(&mut self, limit: Duration) {
        self.settings.handler_limit = limit;
    }

    /// So many deliveries to the endpoint wait for what is looked up for them, and are not being posted: as many more may be under
    /// way, 64 at most. A lane waits for its own.
    pub fn handle_set_aside(&mut self, deliveries: usize) {
        self.set_aside = deliveries.min(SET_ASIDE);
        self.share_concurrency();
    }

    fn share_concurrency(&mut self) {
        let concurrency = usize::from(self.policy.concurrency.get());
        self.readers.set_concurrency(concurrency + self.set_aside);
    }

    /// Changes how events are delivered. If the order or the batches change, all lanes are made anew: what is under way counts
    /// as given up and is sent again with `redelivered`.
    pub fn handle_policy(&mut self, policy: DeliveryPolicy, now: Moment) {
        let renew = policy.order != self.policy.order || policy.gather != self.policy.gather;
        self.throttle = Throttle::new(policy.rate, now.instant);
        // Before the order is another one: the deferred chats are those of the old order.
        let position = renew.then(|| self.position().in_order(policy.order));
        self.policy = policy;
        self.share_concurrency();
        if let Some(position) = position {
            // Only then something that is done is sent again.
            if position.reached.0 < self.read {
                self.label_what_was_sent();
            }
            self.restart_at(position);
        }
    }

    /// Goes on behind `after`, forwards or backwards. What is under way is given up; what may have been sent before is sent
    /// again with `redelivered`.
    pub fn handle_seek(&mut self, after: Seq) {
        let mut position = Position::behind(after);
        position.order = self.policy.order;
        self.label_what_was_sent();
        self.restart_at(position);
    }

    /// Reads the log again from its position: a new filter lets other events through. Deliveries under way are given up and
    /// sent again with `redelivered`, if they still pass.
    pub fn handle_filter_changed(&mut self) {
        let position = self.position();
        self.restart_at(position);
    }

    fn label_what_was_sent(&mut self) {
        self.label_until = self.label_until.max(self.read);
    }

    fn restart_at(&mut self, position: Position) {
        self.label_until = self.label_until.max(self.newest_out_of_turn());
        self.read = position.reached.0;
        self.unfinished = position.undone.into();
        self.open.clear();
        self.open_bytes = 0;
        self.tried = Load::default();
        self.lanes.clear();
        self.ready.clear();
        self.waiting.clear();
        self.to_refill.clear();
        self.deferred = 0;
        self.in_flight.clear();
        self.claims.clear();
        self.readers.forget_deliveries();
        self.health.forget_probe();
        for chat in position.deferred {
            self.restore_deferred(chat);
        }
        self.saves.changed();
    }

    /// Every event up to here is done.
    #[must_use]
    pub fn floor(&self) -> Seq {
        let open = self.open.first_key_value().map(|(seq, _)| seq - 1);
        let unfinished = self.unfinished.front().map(|event| event.seq.0 - 1);
        let in_log = self.deferred_chats().first().map(|chat| chat.after.0);
        let undone = [open, unfinished, in_log].into_iter().flatten();
        Seq(undone.fold(self.read, i64::min))
    }

    /// Every event up to here was looked at.
    #[must_use]
    pub fn reached(&self) -> Seq {
        Seq(self.read)
    }

    /// How many deliveries have not ended.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How many events are in memory and not done.
    #[must_use]
    pub fn held_events(&self) -> usize {
        self.open.len()
    }

    /// The bytes that those hold.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.open_bytes
    }

    /// A number that differs from the last one, from the seed.
    fn chance(&mut self) -> u64 {
        self.seed = crate::spread::spread(self.seed);
        self.seed
    }

    fn window_events(&self) -> usize {
        self.settings.window_events.get().min(MAX_UNDONE)
    }
}

#[cfg(test)]
mod tests;
