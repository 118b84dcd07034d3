//! Posts the deliveries of one consumer to its webhook.
//!
//! ```text
//! Consumer ──Job──▶ outbox ──▶ one of the posting tasks ──HTTP──▶ application
//!     ▲                                  │
//!     └────────────Finished──────────────┘
//! ```
//! There are as many posting tasks as deliveries wait, up to the consumer's concurrency; a task ends when nothing waits. Each
//! reuses its buffers. What an attempt means is decided by the consumer's queue.

mod post;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, ActorContext, Handler, Message};
use bytes::Bytes;
use longwire_actor::{ActorKind, Card, Context, End, Inject, Receives, TreeActor, send};

use longwire_consumer::EventId;
use longwire_egress::endpoint::{PostAnswer, PostError};
use tokio::sync::oneshot;

use crate::clock;
use crate::outbox::{Finished, Job, Outbox, PostOutcome, Settled};

pub(crate) use self::post::{Buffers, Poster, facts};

/// One per webhook consumer.
pub(crate) const ENDPOINT: ActorKind = ActorKind {
    label: "endpoint",
    parent: Some("consumer"),
    capacity: 2,
};

/// Something lies in the outbox. From the consumer; the next one is sent after this one was handled.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Outgoing;

/// Post an envelope that is no event of the log. From the consumer, once per simulation that somebody asks for.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Simulate {
    pub(crate) id: EventId,
    pub(crate) envelope: Bytes,
    pub(crate) answer: oneshot::Sender<Result<PostAnswer, PostError>>,
}

/// The webhook of a consumer.
pub(crate) struct Endpoint {
    road: Rc<PostRoad>,
}

/// What the posting tasks of one endpoint share.
pub(crate) struct PostRoad {
    outbox: Rc<Outbox>,
    poster: Poster,
    consumer: Arc<dyn Receives<Settled>>,
    /// Whether new deliveries are taken.
    is_open: Cell<bool>,
    tasks: Cell<usize>,
    most_tasks: usize,
    fault_injection: bool,
}

impl PostRoad {
    pub(crate) fn new(
        outbox: Rc<Outbox>,
        poster: Poster,
        consumer: Arc<dyn Receives<Settled>>,
        most_tasks: usize,
        fault_injection: bool,
    ) -> Rc<Self> {
        Rc::new(Self {
            outbox,
            poster,
            consumer,
            is_open: Cell::new(true),
            tasks: Cell::new(0),
            most_tasks,
            fault_injection,
        })
    }

    fn finish(&self, finished: Finished) {
        if self.outbox.finish(finished) {
            send(&*self.consumer, Settled);
        }
    }
}

impl Endpoint {
    pub(crate) fn new(road: Rc<PostRoad>) -> Self {
        Self { road }
    }

    /// Starts tasks for what waits.
    fn start_tasks(&self) {
        let road = &self.road;
        let wanted = (road.tasks.get() + road.outbox.waiting()).min(road.most_tasks);
        for _ in road.tasks.get()..wanted {
            let counted = CountedTask::new(road);
            actix_rt::spawn(async move { work(counted).await });
        }
    }
}

/// Posts until nothing waits.
async fn work(task: CountedTask) {
    let road = &task.0;
    let mut buffers = Buffers::default();
    while road.is_open.get()
        && let Some(job) = road.outbox.take()
    {
        let mut under_way = UnderWay::new(road, job);
        if let Some(job) = &under_way.job {
            let how = road.poster.post(job, &mut buffers).await;
            under_way.end(how);
        }
    }
}

/// A posting task, counted while it lives.
struct CountedTask(Rc<PostRoad>);

impl CountedTask {
    fn new(road: &Rc<PostRoad>) -> Self {
        road.tasks.set(road.tasks.get() + 1);
        Self(Rc::clone(road))
    }
}

impl Drop for CountedTask {
    fn drop(&mut self) {
        self.0.tasks.set(self.0.tasks.get() - 1);
    }
}

/// A delivery that is being posted. However its task ends, the consumer hears of it.
struct UnderWay<'a> {
    road: &'a PostRoad,
    job: Option<Job>,
    began: longwire_consumer::Moment,
}

impl<'a> UnderWay<'a> {
    fn new(road: &'a PostRoad, job: Job) -> Self {
        Self {
            road,
            job: Some(job),
            began: clock::now(),
        }
    }

    fn end(&mut self, how: PostOutcome) {
        if let Some(job) = self.job.take() {
            self.road.finish(Finished {
                job,
                began: self.began,
                ended: clock::now(),
                how,
            });
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.end(PostOutcome::Released);
    }
}

impl Actor for Endpoint {
    type Context = Context<Self>;

    /// What was left by an endpoint before this one is posted now.
    fn started(&mut self, _: &mut Self::Context) {
        self.start_tasks();
    }
}

impl TreeActor for Endpoint {
    type Card = Arc<Card>;
}

impl Handler<Outgoing> for Endpoint {
    type Result = ();

    fn handle(&mut self, _: Outgoing, _: &mut Self::Context) {
        self.road.outbox.endpoint_heard();
        self.start_tasks();
    }
}

impl Handler<Simulate> for Endpoint {
    type Result = ();

    fn handle(&mut self, message: Simulate, _: &mut Self::Context) {
        let Simulate {
            id,
            envelope,
            answer,
        } = message;
        let road = Rc::clone(&self.road);
        actix_rt::spawn(async move {
            let posted = road.poster.post_made_up(&id.to_string(), &envelope).await;
            // Whoever asked may have stopped waiting.
            let _ = answer.send(posted);
        });
    }
}

/// The consumer ends, or has another endpoint. What is under way is posted to its end.
impl Handler<End> for Endpoint {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Inject> for Endpoint {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        if self.road.fault_injection {
            fault.strike("an endpoint", ctx);
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.road.is_open.set(false);
        self.road.outbox.endpoint_heard();
    }
}
