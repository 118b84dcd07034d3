//! Starting an actor so that every end of it is learned: stop, error and panic, the last one with its text.
//!
//! `actix::Supervisor` revives the same value after a stop and does nothing after a panic. Here the actor's context runs
//! as a task whose join handle tells how it ended; the parent then builds a fresh value.

use crate::card::Exit;
use actix::{Actor, Addr, AsyncContext, Context};
use std::any::Any;

/// Starts `make`'s actor on the current arbiter. `on_exit` runs on the same arbiter, once, after the actor is gone.
pub(crate) fn start_watched<A>(
    make: impl FnOnce(&mut Context<A>) -> A,
    on_exit: impl FnOnce(Exit) + 'static,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    let mut ctx = Context::new();
    let actor = make(&mut ctx);
    let addr = ctx.address();
    let task = actix_rt::spawn(ctx.into_future(actor));
    actix_rt::spawn(async move {
        on_exit(match task.await {
            Err(error) if error.is_panic() => {
                Exit::Panicked(panic_text(error.into_panic().as_ref()))
            }
            _ => Exit::Stopped,
        });
    });
    addr
}

/// The words of a panic, bounded, since they are shown and stored.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    const LIMIT: usize = 500;
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    text.chars().take(LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix::{Handler, Message};
    use tokio::sync::oneshot;

    struct Patient;
    impl Actor for Patient {
        type Context = Context<Self>;
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    enum End {
        Panic,
        Stop,
    }

    impl Handler<End> for Patient {
        type Result = ();
        fn handle(&mut self, end: End, ctx: &mut Self::Context) {
            match end {
                End::Panic => panic!("boom in {}", "handler"),
                End::Stop => actix::ActorContext::stop(ctx),
            }
        }
    }

    async fn exit_of(end: End) -> Exit {
        let (tell, told) = oneshot::channel();
        let addr = start_watched(|_| Patient, move |exit| drop(tell.send(exit)));
        addr.do_send(end);
        told.await.expect("every end is told")
    }

    #[actix_rt::test]
    async fn a_panic_is_told_with_its_text() {
        assert_eq!(
            exit_of(End::Panic).await,
            Exit::Panicked("boom in handler".into())
        );
    }

    #[actix_rt::test]
    async fn a_stop_is_told() {
        assert_eq!(exit_of(End::Stop).await, Exit::Stopped);
    }
}
