//! A child, as its parent holds it.

use crate::context::TreeActor;
use crate::mailbox::{Address, Asked, Mailbox};
use actix::{Handler, Message};
use std::sync::Arc;
use std::time::Duration;

/// A child, as its parent holds it: its mailbox, and the promise that it ends with its parent.
pub struct Child<A: TreeActor + Handler<End>> {
    mailbox: Arc<Mailbox<A>>,
}

impl<A: TreeActor + Handler<End>> Child<A> {
    /// From now on it ends when this is dropped.
    #[must_use]
    pub fn new(mailbox: Arc<Mailbox<A>>) -> Self {
        Self { mailbox }
    }

    /// Which of those that lived at its place one after the other it is.
    pub fn instance(&self) -> u32 {
        self.mailbox.instance()
    }

    /// Sends without waiting.
    pub fn send<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.mailbox.send(message);
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
        self.mailbox.ask(message, limit)
    }

    /// The way for one kind of message.
    pub fn address<M>(&self) -> Address<M>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
    {
        self.mailbox.address()
    }

    /// The mailbox, for a sibling that writes to it.
    pub fn mailbox(&self) -> Arc<Mailbox<A>> {
        Arc::clone(&self.mailbox)
    }
}

impl<A: TreeActor + Handler<End>> Drop for Child<A> {
    fn drop(&mut self) {
        // Also when the parent panics: a child without a parent would hold a connection that nobody watches.
        self.send(End);
    }
}

/// Your parent lets go of you: finish what is in hand and stop. Sent once, when the parent drops its [`Child`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct End;
