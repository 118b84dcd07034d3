//! Ways to an actor's mailbox, all of which count on the receiver's card; and the messages every actor understands.

use crate::card::Card;
use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message, Recipient};
use std::sync::Arc;
use std::time::Duration;

/// The only way to an actor's mailbox: a recipient that counts what it accepts on the receiver's card.
///
/// It uses `do_send`, which ignores the mailbox limit; each message's doc says what bounds its count.
pub(crate) struct Post<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    recipient: Recipient<M>,
    card: Arc<Card>,
}

impl<M> Post<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    pub(crate) fn new<A>(addr: &Addr<A>, card: &Arc<Card>) -> Self
    where
        A: Actor + Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        Self {
            recipient: addr.clone().recipient(),
            card: Arc::clone(card),
        }
    }

    pub(crate) fn send(&self, message: M) {
        self.card.accept();
        self.recipient.do_send(message);
    }

    /// Sends and waits for the answer; none when the actor is gone or silent for `limit`.
    pub(crate) fn ask(
        &self,
        message: M,
        limit: Duration,
    ) -> impl Future<Output = Asked<M::Result>> + use<M> {
        self.card.accept();
        let answer = self.recipient.send(message);
        async move {
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(answer)) => Asked::Answered(answer),
                Ok(Err(_)) => Asked::Gone,
                Err(_) => Asked::NoAnswer,
            }
        }
    }
}

/// A child, as its parent holds it: the address, its card, and the promise that it ends with its parent.
pub(crate) struct Child<A>
where
    A: Actor<Context = actix::Context<A>> + Handler<End>,
{
    addr: Addr<A>,
    card: Arc<Card>,
    pub(crate) instance: u32,
}

impl<A> Child<A>
where
    A: Actor<Context = actix::Context<A>> + Handler<End>,
{
    pub(crate) fn new(addr: Addr<A>, card: &Arc<Card>, instance: u32) -> Self {
        Self {
            addr,
            card: Arc::clone(card),
            instance,
        }
    }

    pub(crate) fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.card.accept();
        self.addr.do_send(message);
    }

    pub(crate) fn post<M>(&self) -> Post<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        Post::new(&self.addr, &self.card)
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

/// What came of a question.
pub(crate) enum Asked<T> {
    /// The answer.
    Answered(T),
    /// The actor is gone.
    Gone,
    /// It did not answer in time.
    NoAnswer,
}

impl<M> Clone for Post<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn clone(&self) -> Self {
        Self {
            recipient: self.recipient.clone(),
            card: Arc::clone(&self.card),
        }
    }
}
