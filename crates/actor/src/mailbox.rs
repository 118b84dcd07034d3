//! Ways to an actor's mailbox, all of which count on the receiver's card.

use crate::context::{Context, TreeActor};
use actix::dev::{RecipientRequest, ToEnvelope};
use actix::{Addr, Handler, MailboxError, Message};
use std::sync::Arc;
use std::time::Duration;

/// An actor's address and its card. One per instance, shared by everybody who writes to it: an address of its own for
/// each kind of message would cost an idle bot kilobytes.
///
/// Every way uses `do_send`, which ignores the mailbox limit; each message's doc says what bounds its number.
pub struct Mailbox<A: TreeActor> {
    addr: Addr<A>,
    card: A::Card,
    instance: u32,
}

impl<A: TreeActor> Mailbox<A> {
    pub(crate) fn new(addr: Addr<A>, card: A::Card, instance: u32) -> Arc<Self> {
        Arc::new(Self {
            addr,
            card,
            instance,
        })
    }

    /// Which of those that lived at the place one after the other this is.
    pub fn instance(&self) -> u32 {
        self.instance
    }

    /// The way for one kind of message.
    pub fn address<M>(self: &Arc<Self>) -> Address<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        Address(Arc::clone(self) as Arc<dyn Receives<M>>)
    }

    /// Sends without waiting.
    pub fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.card.accept();
        self.addr.do_send(message);
    }

    /// Sends and waits for the answer, this long at most.
    pub fn ask<M>(
        &self,
        message: M,
        limit: Duration,
    ) -> impl Future<Output = Asked<M::Result>> + use<A, M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        within(Receives::request(self, message), limit)
    }
}

/// What a mailbox can do with one kind of message, whoever it belongs to.
///
/// Whoever sends several kinds to one actor holds it as one `Arc<dyn …>` of a trait that is `Receives` for each of them:
/// an [`Address`] for each would cost every connection a hundred bytes.
pub trait Receives<M>: Send + Sync
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Sends without waiting.
    fn deliver(&self, message: M);

    /// Sends; the answer comes by the future.
    fn request(&self, message: M) -> RecipientRequest<M>;
}

impl<A, M> Receives<M> for Mailbox<A>
where
    A: TreeActor + Handler<M>,
    Context<A>: ToEnvelope<A, M>,
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

/// The way to somebody's mailbox for one kind of message, for those who need not know whose it is.
pub struct Address<M>(Arc<dyn Receives<M>>)
where
    M: Message + Send + 'static,
    M::Result: Send;

impl<M> Address<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Sends without waiting.
    pub fn send(&self, message: M) {
        self.0.deliver(message);
    }

    /// Sends and waits for the answer, this long at most.
    pub fn ask(
        &self,
        message: M,
        limit: Duration,
    ) -> impl Future<Output = Asked<M::Result>> + use<M> {
        within(self.0.request(message), limit)
    }
}

/// Sends, where `to` takes several kinds of messages.
pub fn send<M>(to: &(impl Receives<M> + ?Sized), message: M)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    to.deliver(message);
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<T> {
    /// The answer.
    Answered(T),
    /// The actor is gone.
    Gone,
    /// It did not answer in time.
    NoAnswer,
}

impl<T> Asked<T> {
    /// The same, with the answer made into something else.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Asked<U> {
        match self {
            Self::Answered(answer) => Asked::Answered(f(answer)),
            Self::Gone => Asked::Gone,
            Self::NoAnswer => Asked::NoAnswer,
        }
    }
}

async fn within<T>(
    answer: impl Future<Output = Result<T, MailboxError>>,
    limit: Duration,
) -> Asked<T> {
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(answer)) => Asked::Answered(answer),
        Ok(Err(_)) => Asked::Gone,
        Err(_) => Asked::NoAnswer,
    }
}
