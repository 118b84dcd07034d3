//! Watches the end of the log for all consumers, and wakes them.
//!
//! While nobody reads, nothing is watched, and the store keeps no event in memory for it. Each consumer gets one wake-up for
//! any number of commits, and the next one after it has taken that.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::fut::ActorFutureExt as _;
use actix::{Actor, AsyncContext, Handler, WrapFuture as _};
use longwire_actor::{ActorKind, Card, Context, Inject, Mailbox, TreeActor, stop_at_end};
use longwire_store::{ConsumerId, HeadWatch};
use longwire_wire::event::Seq;

use crate::consumer::{Consumer, NewEvents};
use crate::log::Log;
use crate::wake::Wake;

/// One per process.
pub(crate) const FEED: ActorKind = ActorKind {
    label: "feed",
    parent: Some("delivery"),
    capacity: 2,
};

/// Who is woken.
#[derive(Default)]
pub(crate) struct Sleepers(RefCell<Vec<Sleeper>>);

struct Sleeper {
    id: ConsumerId,
    mailbox: Arc<Mailbox<Consumer>>,
    wake: Rc<Wake>,
}

impl Sleepers {
    /// This actor runs the consumer from now on.
    pub(crate) fn enlist(&self, id: ConsumerId, mailbox: Arc<Mailbox<Consumer>>, wake: Rc<Wake>) {
        self.delist(id);
        self.0.borrow_mut().push(Sleeper { id, mailbox, wake });
    }

    pub(crate) fn delist(&self, id: ConsumerId) {
        self.0.borrow_mut().retain(|sleeper| sleeper.id != id);
    }

    fn wake(&self) {
        for sleeper in &*self.0.borrow() {
            if sleeper.wake.is_to_be_told() {
                sleeper.mailbox.send(NewEvents);
            }
        }
    }
}

/// Watches the end of the log.
pub(crate) struct Feed {
    log: Rc<Log>,
    sleepers: Rc<Sleepers>,
    head: Option<HeadWatch>,
    fault_injection: bool,
}

/// The head moved, or readers came or went. The name that the card shows while new events are taken in.
struct HeadMoved;

impl Feed {
    pub(crate) fn new(log: Rc<Log>, sleepers: Rc<Sleepers>, fault_injection: bool) -> Self {
        Self {
            log,
            sleepers,
            head: None,
            fault_injection,
        }
    }

    /// Takes in what is new, and waits for more.
    fn follow(&mut self, ctx: &mut Context<Self>) {
        let working = ctx.working::<HeadMoved>();
        if self.log.is_read() {
            let store = self.log.store();
            let head = self.head.get_or_insert_with(|| store.watch_head());
            self.log.advance(head.newest().unwrap_or(Seq(0)));
            self.sleepers.wake();
        } else if self.head.take().is_some() {
            self.log.forget();
        }
        drop(working);
        let (log, mut head) = (Rc::clone(&self.log), self.head.take());
        let wait = async move {
            match &mut head {
                Some(watched) => tokio::select! {
                    changed = watched.changed() => {
                        if changed.is_none() {
                            // The store is gone, and so is this process.
                            std::future::pending::<()>().await;
                        }
                    }
                    () = log.readers_changed() => {}
                },
                None => log.readers_changed().await,
            }
            head
        };
        let follow = wait.into_actor(self).map(|head, this, ctx| {
            this.head = head;
            this.follow(ctx);
        });
        ctx.spawn(follow);
    }
}

impl Actor for Feed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.follow(ctx);
    }
}

impl TreeActor for Feed {
    type Card = Arc<Card>;
}

stop_at_end!(Feed);

impl Handler<Inject> for Feed {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        if self.fault_injection {
            fault.strike("the feed", ctx);
        }
    }
}
