//! Ways to an actor's mailbox, all of which count on the receiver's card; and the messages every actor understands.

use crate::card::SharedCard;
use actix::dev::{RecipientRequest, ToEnvelope};
use actix::{Actor, Addr, Handler, Message};
use std::sync::Arc;
use std::time::Duration;

/// An actor's address and its card. One per actor, shared by everybody who writes to it: an address of its own for each
/// kind of message would cost an idle bot kilobytes.
pub(crate) struct Mailbox<A: Actor> {
    addr: Addr<A>,
    card: SharedCard,
}

impl<A: Actor> Mailbox<A> {
    pub(crate) fn new(addr: Addr<A>, card: SharedCard) -> Arc<Self> {
        Arc::new(Self { addr, card })
    }

    /// The way for one kind of message.
    pub(crate) fn post<M>(self: &Arc<Self>) -> Post<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        Post(Arc::clone(self) as Arc<dyn Deliver<M>>)
    }

    pub(crate) fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.card.accept();
        self.addr.do_send(message);
    }
}

/// What a mailbox can do with one kind of message, whoever it belongs to.
///
/// Whoever sends several kinds to one actor holds it as one `Arc<dyn …>` of a trait that is `Deliver` for each of them:
/// a [`Post`] for each would cost every connection a hundred bytes.
pub(crate) trait Deliver<M>: Send + Sync
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn deliver(&self, message: M);
    fn request(&self, message: M) -> RecipientRequest<M>;
}

impl<A, M> Deliver<M> for Mailbox<A>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn deliver(&self, message: M) {
        self.send(message);
    }

    fn request(&self, message: M) -> RecipientRequest<M> {
        self.card.accept();
        self.addr.clone().recipient().send(message)
    }
}

/// The only way to an actor's mailbox for those who need not know the actor: it counts what it accepts on the
/// receiver's card.
///
/// It uses `do_send`, which ignores the mailbox limit; each message's doc says what bounds its count.
pub(crate) struct Post<M>(Arc<dyn Deliver<M>>)
where
    M: Message + Send + 'static,
    M::Result: Send;

impl<M> Post<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    pub(crate) fn send(&self, message: M) {
        self.0.deliver(message);
    }

    /// Sends and waits for the answer; none when the actor is gone or silent for `limit`.
    pub(crate) fn ask(
        &self,
        message: M,
        limit: Duration,
    ) -> impl Future<Output = Asked<M::Result>> + use<M> {
        let answer = self.0.request(message);
        async move {
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(answer)) => Asked::Answered(answer),
                Ok(Err(_)) => Asked::Gone,
                Err(_) => Asked::NoAnswer,
            }
        }
    }
}

/// A child, as its parent holds it: its mailbox, and the promise that it ends with its parent.
pub(crate) struct Child<A>
where
    A: Actor<Context = actix::Context<A>> + Handler<End>,
{
    mailbox: Arc<Mailbox<A>>,
    pub(crate) instance: u32,
}

impl<A> Child<A>
where
    A: Actor<Context = actix::Context<A>> + Handler<End>,
{
    pub(crate) fn new(mailbox: Arc<Mailbox<A>>, instance: u32) -> Self {
        Self { mailbox, instance }
    }

    pub(crate) fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.mailbox.send(message);
    }

    pub(crate) fn post<M>(&self) -> Post<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.mailbox.post()
    }

    /// The mailbox, for a sibling that writes to it.
    pub(crate) fn mailbox(&self) -> Arc<Mailbox<A>> {
        Arc::clone(&self.mailbox)
    }
}

impl<A> Drop for Child<A>
where
    A: Actor<Context = actix::Context<A>> + Handler<End>,
{
    fn drop(&mut self) {
        // Also when the parent panics: a child without a parent would hold a connection that nobody watches.
        self.send(End);
    }
}

/// Your parent lets go of you: finish what is in hand and stop. Sent once, when the parent drops its [`Child`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct End;

/// Say in your own words how you are. From the admin endpoint, answered within the handler.
#[derive(Debug, Message)]
#[rtype(result = "Words")]
pub(crate) struct Inspect;

/// An actor's own words.
pub(crate) struct Words(pub(crate) serde_json::Value);

impl<A, M> actix::dev::MessageResponse<A, M> for Words
where
    A: Actor,
    M: Message<Result = Words>,
{
    fn handle(self, _: &mut A::Context, tell: Option<actix::dev::OneshotSender<Words>>) {
        if let Some(tell) = tell {
            // The one who asked may have stopped waiting.
            drop(tell.send(self));
        }
    }
}

/// Sends, where `to` takes several kinds of messages.
pub(crate) fn send<M>(to: &(impl Deliver<M> + ?Sized), message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    to.deliver(message);
}

/// What came of a question.
pub(crate) enum Asked<T> {
    /// The answer.
    Answered(T),
    /// The actor is gone.
    Gone,
    /// It did not answer in time.
    NoAnswer,
}
