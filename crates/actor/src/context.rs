//! An actor's context: actix's, and beside it the actor's card, on which every message and every named piece of work is
//! counted. Handlers themselves keep no books.

use crate::card::{CardHandle, Handling};
use actix::dev::{
    AsyncContextParts, ContextFut, ContextParts, Envelope, EnvelopeProxy, Mailbox, MessageResponse,
    OneshotSender, ToEnvelope,
};
use actix::{
    Actor, ActorContext, ActorFuture, ActorState, Addr, AsyncContext, Handler, Message, SpawnHandle,
};
use std::time::Duration;

/// An actor that has a place in the tree, and so a card.
pub trait TreeActor: Actor<Context = Context<Self>> {
    /// How it holds its card: an `Arc` of it, or of what it lies in.
    type Card: CardHandle;
}

/// The name of a timer that needs no other.
pub struct Timer;

/// The context of a [`TreeActor`].
pub struct Context<A: TreeActor> {
    parts: ContextParts<A>,
    card: A::Card,
}

impl<A: TreeActor> Context<A> {
    /// A context, and what its future reads messages from.
    pub(crate) fn new(card: A::Card) -> (Self, Mailbox<A>) {
        let mailbox = Mailbox::default();
        let parts = ContextParts::new(mailbox.sender_producer());
        (Self { parts, card }, mailbox)
    }

    pub(crate) fn into_future(self, actor: A, mailbox: Mailbox<A>) -> ContextFut<A, Self> {
        ContextFut::new(self, actor, mailbox)
    }

    /// To be held while the actor works on something that came by no mailbox: a read, the answer of the network. The
    /// card shows the name of `W`, which is a message in all but the mailbox.
    #[must_use]
    pub fn working<W: 'static>(&self) -> Handling<A::Card> {
        Handling::of_work::<W>(self.card.clone())
    }

    /// Does `work` after a pause, unless it is cancelled before. The card shows it under the name of `W`.
    pub fn work_later<W: 'static>(
        &mut self,
        pause: Duration,
        work: impl FnOnce(&mut A, &mut Self) + 'static,
    ) -> SpawnHandle {
        self.run_later(pause, |actor, ctx| {
            let _working = ctx.working::<W>();
            work(actor, ctx);
        })
    }
}

impl<A: TreeActor> ActorContext for Context<A> {
    fn stop(&mut self) {
        self.parts.stop();
    }

    fn terminate(&mut self) {
        self.parts.terminate();
    }

    fn state(&self) -> ActorState {
        self.parts.state()
    }
}

impl<A: TreeActor> AsyncContext<A> for Context<A> {
    fn spawn<F>(&mut self, future: F) -> SpawnHandle
    where
        F: ActorFuture<A, Output = ()> + 'static,
    {
        self.parts.spawn(future)
    }

    fn wait<F>(&mut self, future: F)
    where
        F: ActorFuture<A, Output = ()> + 'static,
    {
        self.parts.wait(future);
    }

    fn waiting(&self) -> bool {
        self.parts.waiting()
    }

    fn cancel_future(&mut self, handle: SpawnHandle) -> bool {
        self.parts.cancel_future(handle)
    }

    fn address(&self) -> Addr<A> {
        self.parts.address()
    }
}

impl<A: TreeActor> AsyncContextParts<A> for Context<A> {
    fn parts(&mut self) -> &mut ContextParts<A> {
        &mut self.parts
    }
}

impl<A, M> ToEnvelope<A, M> for Context<A>
where
    A: TreeActor + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn pack(message: M, answer: Option<OneshotSender<M::Result>>) -> Envelope<A> {
        Envelope::with_proxy(Box::new(CountedEnvelope {
            message: Some(message),
            answer,
        }))
    }
}

/// A message on its way, which is counted when it is handled. As large as actix's own.
struct CountedEnvelope<M: Message> {
    message: Option<M>,
    answer: Option<OneshotSender<M::Result>>,
}

impl<A, M> EnvelopeProxy<A> for CountedEnvelope<M>
where
    A: TreeActor + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    fn handle(&mut self, actor: &mut A, ctx: &mut Context<A>) {
        // Its end is recorded even when the handler panics.
        let _handling = Handling::of_message::<M>(ctx.card.clone());
        let answer = self.answer.take();
        if answer.as_ref().is_some_and(OneshotSender::is_closed) {
            // Whoever asked has stopped waiting.
            return;
        }
        if let Some(message) = self.message.take() {
            actor.handle(message, ctx).handle(ctx, answer);
        }
    }
}
