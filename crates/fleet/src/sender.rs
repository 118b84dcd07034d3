//! Sends the messages of one bot of Feishu or Lark.
//!
//! It is started for the first message and ends when it has had nothing to do for a while, because most bots never say
//! anything; its token stays with the arbiter. [`SendQueue`] decides what is sent when, and what is tried again; this file asks the platform and tells whoever
//! ordered the message. It needs no connection of the bot.
//!
//! When its parent lets go of it, it refuses what waits, and ends once the platform has answered what is under way.

mod outcome;

use crate::bot::SenderCard;
use crate::call::with_caller;
use crate::clock::now;
use crate::context::{ArbiterContext, FleetContext};
use crate::reply::{ReplyError, ReplySent};
use crate::view::SenderState;
use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Handler, Message, MessageResult,
    SpawnHandle, WrapFuture,
};
use longwire_actor::{Context, End, Inject, Inspect, Receives, Timer, TreeActor, send};
use longwire_link::{SendLimits, SendOutcome, SendQueue, Sending};
use longwire_platform::feishu::{ApiCaller, IdempotencyKey, ReceiverKind, messages};
use longwire_store::InstallationRecord;
use outcome::outcome_of;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// A reply to a message, and whoever waits for what came of it.
pub(crate) struct FeishuReply {
    pub(crate) chat: String,
    /// The message that is answered; none for a message of its own.
    pub(crate) message_id: Option<String>,
    pub(crate) text: String,
    pub(crate) key: IdempotencyKey,
    pub(crate) teller: ReplyTeller,
}

/// Where the outcome of a reply goes.
pub(crate) type ReplyTeller = oneshot::Sender<Result<ReplySent, ReplyError>>;

/// Send this, as the bot is configured now. From the installation, in the order of the orders; bounded by their callers,
/// and refused where too many wait.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct SendReply {
    pub(crate) reply: FeishuReply,
    pub(crate) record: Arc<InstallationRecord>,
}

/// The sender has had nothing to do for a while, after this many orders. To the installation, once per lull.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SenderIdle(pub(crate) u32);

/// A reply that waits or is under way.
struct Order {
    reply: FeishuReply,
    record: Arc<InstallationRecord>,
    /// Why it was not sent yet.
    last: Option<ReplyError>,
}

impl Order {
    fn tell(self, outcome: Result<ReplySent, ReplyError>) {
        // Whoever asked may have gone.
        drop(self.reply.teller.send(outcome));
    }

    /// It was tried as often as is sensible, or waited for too long.
    fn give_up(mut self) {
        let error = self.last.take().unwrap_or(ReplyError::Expired);
        self.tell(Err(error));
    }
}

/// The platform answered a message, or did not.
struct Answered;

/// Sends the messages of one bot.
pub(crate) struct Sender {
    fleet: Arc<FleetContext>,
    arbiter: Rc<ArbiterContext>,
    parent: Arc<dyn Receives<SenderIdle>>,
    queue: SendQueue<Order>,
    /// How many orders came in all; the count wraps.
    came: u32,
    is_ending: bool,
    timer: Option<SpawnHandle>,
}

impl Sender {
    pub(crate) fn new(
        fleet: Arc<FleetContext>,
        arbiter: Rc<ArbiterContext>,
        parent: Arc<dyn Receives<SenderIdle>>,
    ) -> Self {
        Self {
            fleet,
            arbiter,
            parent,
            queue: SendQueue::new(SendLimits::default()),
            came: 0,
            is_ending: false,
            timer: None,
        }
    }

    /// Carries out what the queue decided, and sets the timer. Every handler ends with it.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(expired) = self.queue.poll_expired(now()) {
            expired.give_up();
        }
        while let Some(sending) = self.queue.poll_send(now()) {
            self.send(sending, ctx);
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if self.is_ending && self.queue.is_empty() {
            return ctx.stop();
        }
        let due = self.queue.poll_timeout();
        let pause = due.map_or(self.fleet.timing.sender_idle, |due| {
            due.saturating_duration_since(now())
        });
        self.timer = Some(ctx.work_later::<Timer>(pause, |this, ctx| {
            this.timer = None;
            if this.queue.is_empty() {
                // Bounded: one per timer. If an order is on its way, the installation does not let go of us.
                return send(&*this.parent, SenderIdle(this.came));
            }
            this.drive(ctx);
        }));
    }

    fn send(&mut self, sending: Sending<Order>, ctx: &mut Context<Self>) {
        let fleet = Arc::clone(&self.fleet);
        let arbiter = Rc::clone(&self.arbiter);
        let asked = async move {
            let outcome = ask(&fleet, &arbiter, &sending.message).await;
            (sending, outcome)
        };
        ctx.spawn(asked.into_actor(self).map(|(sending, outcome), this, ctx| {
            let _working = ctx.working::<Answered>();
            this.answered(sending, outcome);
            this.drive(ctx);
        }));
    }

    fn answered(&mut self, mut sending: Sending<Order>, outcome: Result<ReplySent, ReplyError>) {
        match outcome {
            Ok(sent) => {
                let order = self.queue.handle_outcome(sending, SendOutcome::Over, now());
                if let Some(order) = order {
                    order.tell(Ok(sent));
                }
            }
            Err(error) => {
                let follows = outcome_of(&error);
                sending.message.last = Some(error);
                if let Some(order) = self.queue.handle_outcome(sending, follows, now()) {
                    order.give_up();
                } else if self.is_ending {
                    // Nobody waits for a second try.
                    self.refuse_waiting();
                }
            }
        }
    }

    /// Gives up everything that waits.
    fn refuse_waiting(&mut self) {
        for mut order in self.queue.take_waiting() {
            let state = "stopping";
            order.last.get_or_insert(ReplyError::NotRunning { state });
            order.give_up();
        }
    }
}

/// Asks the platform once, or twice where it refused the token.
async fn ask(
    fleet: &FleetContext,
    arbiter: &ArbiterContext,
    order: &Order,
) -> Result<ReplySent, ReplyError> {
    let Order { reply, record, .. } = order;
    let said = with_caller(
        fleet,
        arbiter,
        record,
        async |caller: &ApiCaller<'_>| match &reply.message_id {
            Some(answered) => messages::reply(caller, answered, &reply.text, &reply.key).await,
            None => {
                let (kind, chat) = (ReceiverKind::Chat, &reply.chat);
                messages::send(caller, kind, chat, &reply.text, &reply.key).await
            }
        },
    );
    let said = said.await.map_err(ReplyError::Settings)??;
    Ok(ReplySent {
        message_id: Some(said.message_id),
        is_own_message: reply.message_id.is_none(),
    })
}

impl TreeActor for Sender {
    type Card = SenderCard;
}

impl Actor for Sender {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.drive(ctx);
    }
}

impl Handler<SendReply> for Sender {
    type Result = ();

    fn handle(&mut self, SendReply { reply, record }: SendReply, ctx: &mut Self::Context) {
        self.came = self.came.wrapping_add(1);
        let chat = reply.chat.clone();
        let order = Order {
            reply,
            record,
            last: None,
        };
        if let Err(order) = self.queue.offer(&chat, order, now()) {
            order.tell(Err(ReplyError::Full));
        }
        self.drive(ctx);
    }
}

impl Handler<End> for Sender {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        self.is_ending = true;
        self.refuse_waiting();
        self.drive(ctx);
    }
}

impl Handler<Inject> for Sender {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        fault.strike("a sender", ctx);
    }
}

impl Handler<Inspect<SenderState>> for Sender {
    type Result = MessageResult<Inspect<SenderState>>;

    fn handle(&mut self, _: Inspect<SenderState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(SenderState {
            under_way: self.queue.under_way(),
            waiting: self.queue.waiting(),
        })
    }
}
