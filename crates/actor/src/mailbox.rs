//! Ways to an actor's mailbox, all of which count on the receiver's card.

use crate::context::TreeActor;
use actix::{Addr, Handler, Message};
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
        self.card.accept();
        let answer = self.addr.send(message);
        async move {
            match tokio::time::timeout(limit, answer).await {
                Ok(Ok(answer)) => Asked::Answered(answer),
                Ok(Err(_)) => Asked::Gone,
                Err(_) => Asked::NoAnswer,
            }
        }
    }
}

/// A mailbox that takes one kind of message, whoever it belongs to: a child holds its parent as `Arc<dyn Receives<M>>`, and
/// a test can stand in.
///
/// Whoever sends several kinds to one actor holds it as one `Arc<dyn …>` of a trait that is `Receives` for each of them,
/// because an address for each would cost every connection a hundred bytes.
pub trait Receives<M>: Send + Sync
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    /// Sends without waiting.
    fn deliver(&self, message: M);
}

impl<A, M> Receives<M> for Mailbox<A>
where
    A: TreeActor + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn deliver(&self, message: M) {
        self.send(message);
    }
}

/// Sends without waiting. A function, since a method would be ambiguous where `to` takes several kinds of messages.
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
