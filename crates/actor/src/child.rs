//! A child, as its parent holds it.

use crate::context::TreeActor;
use crate::mailbox::Mailbox;
use actix::{Handler, Message};
use std::ops::Deref;
use std::sync::Arc;

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
}

impl<A: TreeActor + Handler<End>> Deref for Child<A> {
    type Target = Arc<Mailbox<A>>;

    fn deref(&self) -> &Self::Target {
        &self.mailbox
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

/// Handles [`End`] for an actor that has nothing in hand: it stops.
#[macro_export]
macro_rules! stop_at_end {
    ($actor:ty) => {
        impl ::actix::Handler<$crate::End> for $actor {
            type Result = ();

            fn handle(&mut self, _: $crate::End, ctx: &mut Self::Context) {
                ::actix::ActorContext::stop(ctx);
            }
        }
    };
}
