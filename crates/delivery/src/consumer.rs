//! Runs one consumer: brings the events that it wants to its application, over whichever road it has.
//!
//! ```text
//! Log ──page──▶ queue ──Delivery──▶ endpoint | claim | stream ──▶ application
//!                 │  ◀──────done, failed, acknowledged────────────────┘
//!                 └──position, journey──▶ writer
//! ```
//! Every decision is the queue's ([`ConsumerQueue`](longwire_consumer::ConsumerQueue)). This actor reads where the queue wants,
//! hands over what it returns, and keeps what it says. All handlers end in [`Consumer::drive`].
//!
//! Bounded: events in memory by the queue's window, each track's for itself; tracks by the replays that may run; deliveries under
//! way by the concurrency; waiting claims, streams and clicks by the constants here.

mod acks;
mod cards;
mod claims;
mod connections;
mod drain;
mod drive;
mod endpoint;
mod entry;
mod expanding;
mod journal;
mod lifecycle;
mod messages;
mod news;
mod settle;
mod streams;

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, SpawnHandle};
use longwire_access::Space;
use longwire_actor::{ActorKind, Card, Child, Context, Mailbox, RebuildBudget, TreeActor};
use longwire_consumer::{ConsumerDefinition, ReaderId, TypeOpinions};
use longwire_store::{ConsumerState, JourneyBatch};
use longwire_wire::webhook::WebhookSecrets;

use crate::endpoint::Endpoint;
use crate::loaded::LoadedConsumer;
use crate::log::LogReader;
use crate::outbox::Outbox;
use crate::shared::Shared;
use crate::track::Track;
use crate::wake::Wake;

use self::acks::WaitingAck;
use self::cards::{EarlyAnswer, WaitingClick};
use self::claims::{Claimed, WaitingClaim};
use self::connections::Connection;
use self::drain::Draining;
use self::news::ToldTimes;
use self::streams::StreamReader;

pub(crate) use self::cards::AnswerEvent;
pub(crate) use self::cards::AskCard;
pub(crate) use self::claims::Claim;
pub use self::claims::ClaimedEvent;
pub(crate) use self::connections::AttachRelay;
pub(crate) use self::drain::{DrainConsumer, InjectEndpoint};
pub(crate) use self::endpoint::ForwardSimulation;
pub(crate) use self::entry::ConsumerEntry;
pub(crate) use self::lifecycle::{EndReplays, Reconfigure, Seek, StartReplay};
pub(crate) use self::messages::{Acknowledge, Acknowledged, GiveBack, NewEvents, Saved};
pub(crate) use self::streams::{OpenStream, STREAMS};

/// One per consumer.
pub(crate) const CONSUMER: ActorKind = ActorKind {
    label: "consumer",
    parent: Some("delivery"),
    capacity: 64,
};

/// Runs one consumer.
pub(crate) struct Consumer {
    shared: Rc<Shared>,
    me: Arc<Mailbox<Self>>,
    entry: Arc<ConsumerEntry>,
    space: Space,
    definition: Arc<ConsumerDefinition>,
    /// What its owner wants; kept in the store.
    state: ConsumerState,
    secrets: Option<WebhookSecrets>,
    /// Its own way through the log, then replays.
    tracks: Vec<Track>,
    wake: Rc<Wake>,
    outbox: Rc<Outbox>,
    endpoint: Option<Child<Endpoint>>,
    endpoint_rebuilds: RebuildBudget,
    /// Why nothing can be posted, if nothing can.
    endpoint_trouble: Option<String>,
    claims: VecDeque<WaitingClaim>,
    claimed: HashMap<i64, Claimed>,
    /// When the first claim of a pull reader ends.
    first_deadline: Option<Instant>,
    next_order: u64,
    acks: Vec<WaitingAck>,
    streams: HashMap<ReaderId, StreamReader>,
    next_reader: u64,
    connections: HashMap<ReaderId, Connection>,
    opinions: TypeOpinions,
    /// When the first handler of a connection has had its time.
    first_handler_limit: Option<Instant>,
    clicks: HashMap<i64, WaitingClick>,
    early: VecDeque<EarlyAnswer>,
    journal: JourneyBatch,
    journal_due: Option<Instant>,
    told: ToldTimes,
    timer: Option<(Instant, SpawnHandle)>,
    /// Whether it has told itself to go on.
    goes_on: bool,
    draining: Option<Draining>,
    _reads_log: LogReader,
}

impl Consumer {
    pub(crate) fn new(
        shared: Rc<Shared>,
        me: &Arc<Mailbox<Self>>,
        entry: Arc<ConsumerEntry>,
        loaded: LoadedConsumer,
        wake: Rc<Wake>,
    ) -> Self {
        let reads_log = shared.log.reader();
        let LoadedConsumer {
            record,
            definition,
            secrets,
            position,
            replays,
        } = loaded;
        let mut consumer = Self {
            me: Arc::clone(me),
            space: record.space,
            journal: JourneyBatch::new(Some(record.id)),
            state: record.state,
            secrets,
            tracks: Vec::new(),
            wake,
            outbox: Rc::default(),
            endpoint: None,
            endpoint_rebuilds: RebuildBudget::default(),
            endpoint_trouble: None,
            claims: VecDeque::new(),
            claimed: HashMap::new(),
            first_deadline: None,
            next_order: 0,
            acks: Vec::new(),
            streams: HashMap::new(),
            next_reader: streams::FIRST_READER,
            connections: HashMap::new(),
            opinions: TypeOpinions::default(),
            first_handler_limit: None,
            clicks: HashMap::new(),
            early: VecDeque::new(),
            journal_due: None,
            told: ToldTimes::default(),
            timer: None,
            goes_on: false,
            draining: None,
            _reads_log: reads_log,
            shared,
            entry,
            definition,
        };
        consumer.add_track(record.id, position, None);
        for replay in replays {
            consumer.add_replay(replay);
        }
        consumer
    }
}

impl Actor for Consumer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.start_endpoint();
        self.drive(ctx);
    }
}

impl TreeActor for Consumer {
    type Card = Arc<Card>;
}
