//! Keeps a consumer's actor alive for each consumer of the store, and the feed while there is one.
//!
//! A consumer that ends, by a panic or by a read that failed, is loaded anew from the store after a pause, so that it goes on at
//! its last position.

mod reading;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::ActorFutureExt as _;
use actix::{Actor, AsyncContext as _, Handler, Message, WrapFuture as _};
use futures_util::future::join_all;
use longwire_actor::{
    ActorKind, Card, Child, Context, End, Ended, Exit, Inject, Mailbox, Place, Rebuild,
    RebuildBudget, TreeActor, start,
};
use longwire_consumer::ConsumerDefinition;
use longwire_store::{ConsumerId, ConsumerRecord};
use longwire_wire::webhook::WebhookSecrets;
use tokio::sync::{oneshot, watch};

use crate::card_claims::CardClaims;
use crate::clock;
use crate::consumer::{Consumer, ConsumerEntry, DrainConsumer, Reconfigure, StartReplay};
use crate::feed::{Feed, Sleepers};
use crate::index::ConsumerIndex;
use crate::loaded::{LoadError, LoadedConsumer, LoadedReplay, load};
use crate::shared::Shared;
use crate::wake::Wake;

pub(crate) use self::reading::{Ask, Follow, Read, ReadOne};

/// One per process.
pub(crate) const DELIVERY: ActorKind = ActorKind {
    label: "delivery",
    parent: None,
    capacity: 64,
};

/// Keeps the consumers' actors alive.
pub(crate) struct Delivery {
    me: Arc<Mailbox<Self>>,
    card: Arc<Card>,
    feed_card: Arc<Card>,
    pub(crate) shared: Rc<Shared>,
    index: Arc<ConsumerIndex>,
    pub(crate) claims: Arc<CardClaims>,
    sleepers: Rc<Sleepers>,
    feed: Option<Child<Feed>>,
    feed_rebuilds: RebuildBudget,
    running: BTreeMap<ConsumerId, Running>,
    pub(crate) draining: bool,
    /// Whether the process ends, for those who read along.
    pub(crate) ends: watch::Sender<bool>,
}

struct Running {
    entry: Arc<ConsumerEntry>,
    child: Option<Child<Consumer>>,
    rebuilds: RebuildBudget,
    /// Whether it is being loaded.
    loads: bool,
    /// Whether its rows changed since that began, so that they have to be read again.
    is_outdated: bool,
}

/// There is a consumer. From the handle, once per consumer.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Run(pub(crate) Arc<ConsumerEntry>);

/// A consumer's row changed. From the handle, once per change.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Changed {
    pub(crate) record: ConsumerRecord,
    pub(crate) definition: Arc<ConsumerDefinition>,
    pub(crate) secrets: Option<WebhookSecrets>,
}

/// There is no such consumer any more. From the handle, before its row is removed.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Removed(pub(crate) ConsumerId);

/// A consumer receives a stretch of the log again. From the handle, once per replay.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Replay(pub(crate) ConsumerId, pub(crate) LoadedReplay);

/// Drain all consumers. From the handle, once. The answer comes when all have, or at the end of the limit.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct DrainAll {
    pub(crate) limit: Duration,
    pub(crate) done: oneshot::Sender<usize>,
}

/// A consumer's actor is gone. From its watcher, once per instance.
#[derive(Message)]
#[rtype(result = "()")]
struct ConsumerEnded(ConsumerId, Ended);

/// The feed is gone. From its watcher, once per instance.
#[derive(Message)]
#[rtype(result = "()")]
struct FeedEnded(Ended);

/// Begins again after a pause. The name that the card shows while this runs.
struct Rebuilding;

/// A consumer's row was read.
struct Loaded;

impl Delivery {
    pub(crate) fn new(
        me: &Arc<Mailbox<Self>>,
        cards: (Arc<Card>, Arc<Card>),
        shared: Rc<Shared>,
        index: Arc<ConsumerIndex>,
        claims: Arc<CardClaims>,
    ) -> Self {
        Self {
            me: Arc::clone(me),
            card: cards.0,
            feed_card: cards.1,
            shared,
            index,
            claims,
            sleepers: Rc::default(),
            feed: None,
            feed_rebuilds: RebuildBudget::default(),
            running: BTreeMap::new(),
            draining: false,
            ends: watch::Sender::new(false),
        }
    }

    /// The actor that runs the consumer now.
    pub(crate) fn child(&self, id: ConsumerId) -> Option<&Child<Consumer>> {
        self.running.get(&id)?.child.as_ref()
    }

    fn start_feed(&mut self) {
        let (log, sleepers) = (Rc::clone(&self.shared.log), Rc::clone(&self.sleepers));
        let fault_injection = self.shared.settings.fault_injection;
        let me = Arc::clone(&self.me);
        let feed = start(
            Arc::clone(&self.feed_card),
            Place::default(),
            move |_, _| Feed::new(log, sleepers, fault_injection),
            move |ended| me.send(FeedEnded(ended)),
        );
        self.feed = Some(Child::new(feed));
    }

    /// Reads the rows of a consumer, then starts it.
    fn load(&mut self, id: ConsumerId, ctx: &mut Context<Self>) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        if running.loads || running.child.is_some() || self.draining {
            return;
        }
        running.loads = true;
        running.is_outdated = false;
        let store = self.shared.settings.store.clone();
        let read = tokio::task::spawn_blocking(move || load(&store, id));
        let read = read.into_actor(self).map(move |loaded, this, ctx| {
            let _working = ctx.working::<Loaded>();
            let loaded =
                loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            this.loaded(id, loaded, ctx);
        });
        ctx.spawn(read);
    }

    fn loaded(
        &mut self,
        id: ConsumerId,
        loaded: Result<LoadedConsumer, LoadError>,
        ctx: &mut Context<Self>,
    ) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        running.loads = false;
        match loaded {
            Ok(_) if self.draining => {}
            Ok(_) if running.is_outdated => self.load(id, ctx),
            Ok(loaded) => self.start(id, loaded),
            Err(LoadError::Removed) => {
                self.running.remove(&id);
                self.index.remove(id);
            }
            Err(error) => {
                let record = running.entry.record();
                tracing::error!(consumer = %record.name, error = %error, "a consumer cannot run; it is tried again");
                running.entry.does_not_run(error.to_string());
                self.again(id, ctx);
            }
        }
    }

    fn start(&mut self, id: ConsumerId, loaded: LoadedConsumer) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        let entry = Arc::clone(&running.entry);
        entry.changed(loaded.record.clone(), Arc::clone(&loaded.definition));
        let (shared, wake) = (Rc::clone(&self.shared), Rc::new(Wake::default()));
        let me = Arc::clone(&self.me);
        let mailbox = {
            let (entry, wake) = (Arc::clone(&entry), Rc::clone(&wake));
            start(
                Arc::clone(&entry.card),
                Place::default(),
                move |me, _| Consumer::new(shared, me, entry, loaded, wake),
                move |ended| me.send(ConsumerEnded(id, ended)),
            )
        };
        self.sleepers.enlist(id, Arc::clone(&mailbox), wake);
        entry.runs(Arc::clone(&mailbox));
        running.child = Some(Child::new(mailbox));
    }

    /// Builds a consumer anew after a pause.
    fn again(&mut self, id: ConsumerId, ctx: &mut Context<Self>) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        let now = clock::instant();
        let pause = match running.rebuilds.spend(now) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => until.saturating_duration_since(now),
        };
        ctx.work_later::<Rebuilding>(pause, move |this, ctx| this.load(id, ctx));
    }
}

impl Actor for Delivery {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.start_feed();
    }
}

impl TreeActor for Delivery {
    type Card = Arc<Card>;
}

impl Handler<Run> for Delivery {
    type Result = ();

    fn handle(&mut self, Run(entry): Run, ctx: &mut Self::Context) {
        let id = entry.id;
        let running = Running {
            entry,
            child: None,
            rebuilds: RebuildBudget::default(),
            loads: false,
            is_outdated: false,
        };
        self.running.entry(id).or_insert(running);
        self.load(id, ctx);
    }
}

impl Handler<Changed> for Delivery {
    type Result = ();

    fn handle(&mut self, changed: Changed, ctx: &mut Self::Context) {
        let Changed {
            record,
            definition,
            secrets,
        } = changed;
        let id = record.id;
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        running.is_outdated = true;
        match &running.child {
            Some(child) => child.send(Reconfigure {
                record,
                definition,
                secrets,
            }),
            // It begins with what is in the store.
            None => self.load(id, ctx),
        }
    }
}

impl Handler<Removed> for Delivery {
    type Result = ();

    fn handle(&mut self, Removed(id): Removed, _: &mut Self::Context) {
        self.sleepers.delist(id);
        self.running.remove(&id);
        self.index.remove(id);
    }
}

impl Handler<Replay> for Delivery {
    type Result = ();

    fn handle(&mut self, Replay(id, replay): Replay, _: &mut Self::Context) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        running.is_outdated = true;
        // One that does not run finds it in the store.
        if let Some(child) = &running.child {
            child.send(StartReplay(replay));
        }
    }
}

impl Handler<DrainAll> for Delivery {
    type Result = ();

    fn handle(&mut self, DrainAll { limit, done }: DrainAll, ctx: &mut Self::Context) {
        self.draining = true;
        self.ends.send_replace(true);
        let mut drained = Vec::new();
        for running in self.running.values() {
            if let Some(child) = &running.child {
                let (done, answer) = oneshot::channel();
                child.send(DrainConsumer { limit, done });
                drained.push(answer);
            }
        }
        // A position is a commit away once everything has ended.
        let limit = limit + Duration::from_secs(2);
        let all = async move {
            let all = join_all(
                drained
                    .into_iter()
                    .map(|one| tokio::time::timeout(limit, one)),
            );
            let all = all.await;
            all.iter().filter(|one| !matches!(one, Ok(Ok(())))).count()
        };
        let all = all.into_actor(self).map(move |left, this, _| {
            this.running.clear();
            // The handle may have stopped waiting.
            let _ = done.send(left);
        });
        ctx.spawn(all);
    }
}

impl Handler<ConsumerEnded> for Delivery {
    type Result = ();

    fn handle(&mut self, ConsumerEnded(id, ended): ConsumerEnded, ctx: &mut Self::Context) {
        let Some(running) = self.running.get_mut(&id) else {
            return;
        };
        let current = running.child.as_ref().map(|child| child.instance());
        if current != Some(ended.instance) {
            return;
        }
        running.child = None;
        self.sleepers.delist(id);
        if ended.exit == Exit::Stopped {
            running.entry.card.stopped_unasked();
        }
        let record = running.entry.record();
        tracing::error!(consumer = %record.name, exit = ended.exit.how(), "a consumer ended; it is built anew");
        let how = ended.exit.how();
        running
            .entry
            .does_not_run(format!("it ended ({how}) and is built anew"));
        self.again(id, ctx);
    }
}

impl Handler<FeedEnded> for Delivery {
    type Result = ();

    fn handle(&mut self, FeedEnded(ended): FeedEnded, ctx: &mut Self::Context) {
        self.feed = None;
        if ended.exit == Exit::Stopped {
            self.feed_card.stopped_unasked();
        }
        tracing::error!(exit = ended.exit.how(), "the feed ended; it is built anew");
        let now = clock::instant();
        let pause = match self.feed_rebuilds.spend(now) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => until.saturating_duration_since(now),
        };
        ctx.work_later::<Rebuilding>(pause, |this, _| this.start_feed());
    }
}

impl Handler<End> for Delivery {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        actix::ActorContext::stop(ctx);
    }
}

impl Handler<Inject> for Delivery {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        if self.shared.settings.fault_injection {
            tracing::warn!(
                restarts = self.card.restarts(),
                "a fault is provoked in delivery"
            );
            fault.strike("delivery", ctx);
        }
    }
}
