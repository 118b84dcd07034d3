//! Keeps the store's writer thread alive.
//!
//! The thread does the writing (`longwire_store`): sockets give it groups, it gives receipts back. This actor starts it,
//! learns how it ended, and starts it again. It also looks at the bots and the store for what operational events tell
//! (`operations.rs`). What was queued survives. What the thread had taken is answered "not recorded":
//! Feishu and Lark repeat it, and a WeCom socket offers it again. It never touches an event. The thread does not
//! depend on this actor's life: an actor built anew finds it running and goes on watching it.

use crate::clock::now;
use crate::context::FleetContext;
use crate::failure::FleetFailure;
use crate::operations::{LOOK_EVERY, OperationRecorder};
use crate::view::DispatchState;
use crate::writing::Writing;
use actix::{
    Actor, ActorFutureExt, AsyncContext, Handler, Message, MessageResult, ResponseFuture,
    WrapFuture,
};
use longwire_actor::{
    Card, Context, Exit, Inspect, Rebuild, RebuildBudget, TreeActor, handle_inject, panic_text,
    stop_at_end,
};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::watch;

/// Finish what is queued and end the writer thread. From the fleet's drain, once; answered when the thread has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Drain;

/// Keeps the writer thread alive.
pub(crate) struct Dispatch {
    fleet: Arc<FleetContext>,
    /// Outlives the actor, so that what waits for the store is not lost with it.
    operations: Arc<OperationRecorder>,
    rebuilds: RebuildBudget,
    life: Life,
    ended: watch::Sender<bool>,
}

/// What this actor does about the writer thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Writing,
    Rebuilding,
    Draining,
    Ended,
}

impl Dispatch {
    pub(crate) fn new(fleet: Arc<FleetContext>, operations: Arc<OperationRecorder>) -> Self {
        Self {
            fleet,
            operations,
            rebuilds: RebuildBudget::default(),
            life: Life::Rebuilding,
            ended: watch::Sender::new(false),
        }
    }

    /// Starts the writer unless it runs, and watches it.
    fn write(&mut self, ctx: &mut Context<Self>) {
        let writing = &self.fleet.writing;
        if !matches!(*writing.borrow(), Writing::Running) {
            writing.send_replace(Writing::Running);
            let fleet = Arc::clone(&self.fleet);
            let started = self.fleet.store.run_writer(move |outcome| {
                let exit = match outcome {
                    Err(payload) => Exit::Panicked(panic_text(payload)),
                    Ok(()) => Exit::Stopped,
                };
                fleet.writing.send_replace(Writing::Ended(exit));
            });
            if let Err(error) = started {
                writing.send_replace(Writing::Idle);
                tracing::error!(%error, "no thread for the store's writer; it is tried again");
                self.fleet.dispatch.failed_beneath(&Exit::Stopped);
                return self.try_again(error.to_string(), ctx);
            }
        }
        self.life = Life::Writing;
        let mut watched = self.fleet.writing.subscribe();
        let ended = async move {
            match watched
                .wait_for(|writing| matches!(writing, Writing::Ended(_)))
                .await
                .as_deref()
            {
                Ok(Writing::Ended(exit)) => exit.clone(),
                _ => Exit::Stopped,
            }
        };
        ctx.spawn(
            ended
                .into_actor(self)
                .map(|exit, this, ctx| this.ended(&exit, ctx)),
        );
    }

    fn ended(&mut self, exit: &Exit, ctx: &mut Context<Self>) {
        let _working = ctx.working::<WriterEnded>();
        if self.life == Life::Draining {
            self.life = Life::Ended;
            self.ended.send_replace(true);
            return;
        }
        self.fleet.dispatch.failed_beneath(exit);
        if let Exit::Panicked(text) = exit {
            self.fleet.totals.panics.fetch_add(1, Relaxed);
            tracing::error!(
                panic = text,
                "the store's writer panicked; it is started again"
            );
        } else {
            tracing::error!("the store's writer ended by itself; it is started again");
        }
        self.try_again(exit.how().to_owned(), ctx);
    }

    /// Starts the writer again after a pause. One that ends too often is a failure of the fleet.
    fn try_again(&mut self, how: String, ctx: &mut Context<Self>) {
        self.life = Life::Rebuilding;
        let pause = match self.rebuilds.spend(now()) {
            Rebuild::After(pause) => pause,
            Rebuild::Spent { until } => {
                self.fleet.failure.is(FleetFailure::Writer { how });
                until.saturating_duration_since(now())
            }
        };
        ctx.work_later::<Rebuilding>(pause, |this, ctx| {
            if this.life == Life::Rebuilding {
                this.write(ctx);
            }
        });
    }
}

/// The writer thread ended.
struct WriterEnded;

/// The writer thread is started again, after its pause.
struct Rebuilding;

/// The look for what operational events tell.
struct Looking;

impl TreeActor for Dispatch {
    type Card = Arc<Card>;
}

impl Actor for Dispatch {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.write(ctx);
        ctx.run_interval(LOOK_EVERY, |this, ctx| {
            let _working = ctx.working::<Looking>();
            match this.life {
                Life::Writing | Life::Rebuilding => this.operations.look(),
                // Whoever stops now, stops because of the drain.
                Life::Draining | Life::Ended => {}
            }
        });
    }
}

impl Handler<Drain> for Dispatch {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        match self.life {
            Life::Writing => {
                self.life = Life::Draining;
                self.fleet.store.stop_writer();
            }
            // No thread lives. What it had taken is answered, and what is queued was never acknowledged.
            Life::Rebuilding => {
                self.life = Life::Ended;
                self.ended.send_replace(true);
            }
            Life::Draining | Life::Ended => {}
        }
        let mut ended = self.ended.subscribe();
        Box::pin(async move {
            // An error means that the actor is gone, so nobody learns of the thread's end.
            drop(ended.wait_for(|ended| *ended).await);
        })
    }
}

handle_inject!(Dispatch, "dispatch");

impl Handler<Inspect<DispatchState>> for Dispatch {
    type Result = MessageResult<Inspect<DispatchState>>;

    fn handle(&mut self, _: Inspect<DispatchState>, _: &mut Self::Context) -> Self::Result {
        let figures = self.fleet.store.figures();
        MessageResult(DispatchState {
            writer: match self.life {
                Life::Writing => "writing",
                Life::Rebuilding => "rebuilding",
                Life::Draining => "draining",
                Life::Ended => "ended",
            },
            commits: figures.commits,
            queue: figures.queue_events,
            batch_rows_high_water: figures.batch_max,
        })
    }
}

stop_at_end!(Dispatch);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::FleetSettings;
    use longwire_actor::{Place, start};
    use longwire_egress::{EgressSettings, ProxyEnvironment, tls_config};
    use longwire_link::Timing;
    use longwire_store::{Store, StoreSettings};
    use std::time::Duration;

    /// Far more than anything here takes.
    const LONG: Duration = Duration::from_secs(20);

    #[actix_rt::test]
    async fn a_writer_that_ends_too_often_is_a_failure_of_the_fleet() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let url = format!("sqlite:{}", home.path().join("log.db").display());
        let (tls, _) = tls_config(None).expect("roots");
        let environment = ProxyEnvironment::from_vars(std::iter::empty::<(&str, &str)>());
        let fleet = FleetContext::new(FleetSettings {
            timing: Timing::default(),
            connect_per_second: 0,
            arbiters: 1,
            window_events: 64,
            window_bytes: 1 << 20,
            egress: EgressSettings::new(tls, environment),
            store: Store::open(&StoreSettings::at(url)).expect("a fresh store opens"),
            fault_injection: false,
            config_faults: std::collections::BTreeMap::new(),
            cards: crate::cards::CardAnswering::default(),
            limits: crate::settings::FleetLimits::default(),
        });
        let parts = Arc::clone(&fleet);
        let operations = OperationRecorder::new(&fleet, &Arc::default());
        let _dispatch = start(
            fleet.dispatch.clone(),
            Place::default(),
            move |_, _| Dispatch {
                // None at all: the first end is one too many.
                rebuilds: RebuildBudget::new(0, LONG),
                ..Dispatch::new(parts, operations)
            },
            |ended| panic!("{ended:?}"),
        );
        let mut writing = fleet.writing.subscribe();
        let runs = writing.wait_for(|writing| *writing == Writing::Running);
        let runs = tokio::time::timeout(LONG, runs).await.expect("in time");
        drop(runs.expect("there is a writer"));
        assert_eq!(fleet.failure.get(), None);
        fleet.store.stop_writer();
        let failure = tokio::time::timeout(LONG, fleet.failure.wait()).await;
        let how = Exit::Stopped.how().to_owned();
        assert_eq!(failure, Ok(FleetFailure::Writer { how }));
        assert_eq!(*fleet.writing.borrow(), Writing::Ended(Exit::Stopped));
    }
}
