//! Starting an actor so that every end of it is learned: stop, error and panic, the last one with its text.
//!
//! `actix::Supervisor` revives the same value after a stop and does nothing after a panic. Here one task per actor holds
//! its context and what is to be done afterwards, so that a panic ends the context and not the task; the parent then
//! builds a fresh value.

use crate::card::Place;
use crate::context::{Context, TreeActor};
use crate::exit::{Exit, panic_text};
use crate::mailbox::Mailbox;
use actix::AsyncContext;
use actix::dev::ContextFut;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

/// An instance is gone, and this is how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Which.
    pub instance: u32,
    /// How.
    pub exit: Exit,
}

/// Starts `make`'s actor on the current arbiter; its card says so. `on_end` runs on the same arbiter, once, after the
/// actor is gone and its card says so; also where `make` panics and there never was one.
///
/// The actor and everybody who writes to it share the one mailbox: each further address is two more allocations.
pub fn start<A: TreeActor>(
    card: A::Card,
    place: Place,
    make: impl FnOnce(&Arc<Mailbox<A>>, &mut Context<A>) -> A,
    on_end: impl FnOnce(Ended) + 'static,
) -> Arc<Mailbox<A>> {
    let instance = card.started(place);
    let (mut ctx, inner) = Context::new(card.clone());
    let mailbox = Mailbox::new(ctx.address(), card.clone(), instance);
    let on_exit = move |exit| {
        card.ended(instance, &exit);
        on_end(Ended { instance, exit });
    };
    let actor = match catch_unwind(AssertUnwindSafe(|| make(&mailbox, &mut ctx))) {
        Ok(actor) => actor,
        Err(panic) => {
            let exit = Exit::Panicked(panic_text(panic.as_ref()));
            // Later, like any other end: whoever starts it holds its mailbox by then.
            actix_rt::spawn(async move { on_exit(exit) });
            return mailbox;
        }
    };
    // Boxed, since a task is padded to whole 128 bytes and the allocator adds as much again to align it: that is paid
    // for a pointer here, not for the actor.
    actix_rt::spawn(Box::pin(Life {
        context: Some(ctx.into_future(actor, inner)),
        on_exit: Some(on_exit),
    }));
    mailbox
}

/// An actor, and what follows its end. A task of its own for the latter would cost every idle actor memory.
struct Life<A: TreeActor, F> {
    context: Option<ContextFut<A, Context<A>>>,
    on_exit: Option<F>,
}

// Nothing in it is ever pinned in place: a context is `Unpin`, and `on_exit` is only called.
impl<A: TreeActor, F> Unpin for Life<A, F> {}

impl<A, F> Future for Life<A, F>
where
    A: TreeActor,
    F: FnOnce(Exit),
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let Some(context) = &mut self.context else {
            return Poll::Ready(());
        };
        // Whatever state a panic leaves behind goes with the context.
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(context).poll(task)));
        let exit = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => Exit::Stopped,
            Err(panic) => Exit::Panicked(panic_text(panic.as_ref())),
        };
        let context = self.context.take();
        // The end of a value that has panicked may panic again, and the parent is to learn of the first one.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(context)));
        if let Some(on_exit) = self.on_exit.take() {
            on_exit(exit);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Card;
    use actix::{Actor, Handler, Message};
    use std::cell::Cell;
    use tokio::sync::oneshot;

    struct Patient;
    impl TreeActor for Patient {
        type Card = Arc<Card>;
    }
    impl Actor for Patient {
        type Context = Context<Self>;

        fn stopped(&mut self, _: &mut Self::Context) {
            PANICS_AT_THE_END.with(|panics| {
                if panics.get() {
                    panic!("boom in the end")
                }
            });
        }
    }

    thread_local! {
        /// Whether the end of a patient panics too.
        static PANICS_AT_THE_END: Cell<bool> = const { Cell::new(false) };
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    enum Finish {
        Panic,
        Stop,
    }

    impl Handler<Finish> for Patient {
        type Result = ();
        fn handle(&mut self, how: Finish, ctx: &mut Self::Context) {
            match how {
                Finish::Panic => panic!("boom in {}", "handler"),
                Finish::Stop => actix::ActorContext::stop(ctx),
            }
        }
    }

    async fn exit_of(how: Finish) -> Exit {
        let (tell, told) = oneshot::channel();
        let patient = start(
            Arc::new(Card::new()),
            Place::default(),
            |_, _| Patient,
            move |ended| drop(tell.send(ended.exit)),
        );
        patient.send(how);
        told.await.expect("every end is told")
    }

    #[actix_rt::test]
    async fn a_panic_is_told_with_its_text() {
        assert_eq!(
            exit_of(Finish::Panic).await,
            Exit::Panicked("boom in handler".into())
        );
    }

    #[actix_rt::test]
    async fn one_that_cannot_even_be_made_is_told_too() {
        let (tell, told) = oneshot::channel();
        let patient = start::<Patient>(
            Arc::new(Card::new()),
            Place::default(),
            |_, _| panic!("boom at birth"),
            move |ended| drop(tell.send(ended.exit)),
        );
        assert_eq!(
            told.await.expect("every end is told"),
            Exit::Panicked("boom at birth".into())
        );
        // Nobody is there to hear it.
        patient.send(Finish::Stop);
    }

    #[actix_rt::test]
    async fn a_stop_is_told() {
        assert_eq!(exit_of(Finish::Stop).await, Exit::Stopped);
    }

    /// actix runs the end of an actor while its context is dropped; from a drop within a panic, a second one would abort
    /// the process.
    #[actix_rt::test]
    async fn an_end_that_panics_too_harms_nobody_and_is_told_as_the_first() {
        PANICS_AT_THE_END.with(|panics| panics.set(true));
        let exit = exit_of(Finish::Panic).await;
        PANICS_AT_THE_END.with(|panics| panics.set(false));
        assert_eq!(exit, Exit::Panicked("boom in handler".into()));
    }
}
