//! What every actor of longwire has: a card, a mailbox that counts, a parent that learns of its end, a rebuild budget.
//!
//! This crate uses no other crate of longwire, knows none of the actors and logs nothing. Crates that have actors define them
//! with these parts:
//!
//! | part | what it is for |
//! |---|---|
//! | [`ActorKind`] | a value with the kind's label, its place in the tree and the bound of its mailbox |
//! | [`Card`] | atomics that the actor writes and the admin endpoint reads without asking it |
//! | [`TreeActor`], [`Context`] | the actor's side: every message and every named piece of work is counted on the card |
//! | [`start`], [`Child`] | a parent starts a child, learns of every end of it (stop, panic with its text), and ends it |
//! | [`RebuildBudget`] | how soon and how often a child that ended is built again |
//! | [`Mailbox`], [`Receives`] | ways to write to an actor, or to ask it something with a deadline |
//! | [`Inspect`] | asks an actor for its state, as a type of its own |
//! | [`Fault`], [`Inject`] | provokes a panic or a stop in a test |
//!
//! # Bringing a new actor
//!
//! 1. A `const` [`ActorKind`] says what it is.
//! 2. `impl TreeActor` says how the actor holds its card: [`Arc<Card>`](std::sync::Arc) where it stands alone, a type of
//!    yours that dereferences to the card where many cards lie in one allocation.
//! 3. `type Context = longwire_actor::Context<Self>`. Handlers are plain `actix` handlers without a line of bookkeeping:
//!    the context's envelope counts, and the name of a message is that of its type.
//! 4. Work that comes by no mailbox, such as a timer or a read, is named by a type, too: [`Context::work_later`],
//!    [`Context::working`].
//! 5. The parent starts it with [`start`], keeps it as a [`Child`], and in the handler of its end asks a
//!    [`RebuildBudget`] when to build the next. Dropping the [`Child`] ends the actor, also when the parent panics.
//! 6. A message's doc says who sends it, when, and what bounds its number: [`Mailbox::send`] ignores the mailbox limit.
//!
//! ```
//! use actix::{ActorContext, Handler, Message};
//! use longwire_actor::{
//!     ActorKind, Card, Child, Context, End, Ended, Exit, Fault, Inject, Mailbox, Place, Rebuild, RebuildBudget,
//!     TreeActor, start,
//! };
//! use std::sync::Arc;
//! use std::time::Instant;
//!
//! const LANE: ActorKind = ActorKind { label: "lane", parent: Some("consumer"), capacity: 16 };
//!
//! /// Delivers the events of one chat, in their order.
//! struct Lane;
//!
//! impl actix::Actor for Lane {
//!     type Context = Context<Self>;
//! }
//!
//! impl TreeActor for Lane {
//!     type Card = Arc<Card>;
//! }
//!
//! /// Your parent lets go of you.
//! impl Handler<End> for Lane {
//!     type Result = ();
//!     fn handle(&mut self, _: End, ctx: &mut Self::Context) {
//!         ctx.stop();
//!     }
//! }
//!
//! impl Handler<Inject> for Lane {
//!     type Result = ();
//!     fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
//!         fault.strike("a lane", ctx);
//!     }
//! }
//!
//! /// Keeps one lane alive.
//! struct Consumer {
//!     me: Arc<Mailbox<Self>>,
//!     card: Arc<Card>,
//!     lane: Option<Child<Lane>>,
//!     rebuilds: RebuildBudget,
//! }
//!
//! impl Consumer {
//!     fn start_lane(&mut self) {
//!         let parent = Arc::clone(&self.me);
//!         let lane = start(
//!             Arc::clone(&self.card),
//!             Place::default(),
//!             |_, _| Lane,
//!             move |ended| parent.send(LaneEnded(ended)),
//!         );
//!         self.lane = Some(Child::new(lane));
//!     }
//! }
//!
//! impl actix::Actor for Consumer {
//!     type Context = Context<Self>;
//!     fn started(&mut self, _: &mut Self::Context) {
//!         self.start_lane();
//!     }
//! }
//!
//! impl TreeActor for Consumer {
//!     type Card = Arc<Card>;
//! }
//!
//! /// The lane is gone. From its watcher, once per instance.
//! #[derive(Message)]
//! #[rtype(result = "()")]
//! struct LaneEnded(Ended);
//!
//! /// Begins again after a pause. The name that the card shows while this runs.
//! struct Rebuilding;
//!
//! impl Handler<LaneEnded> for Consumer {
//!     type Result = ();
//!     fn handle(&mut self, LaneEnded(ended): LaneEnded, ctx: &mut Self::Context) {
//!         self.lane = None;
//!         if ended.exit == Exit::Stopped {
//!             self.card.stopped_unasked();
//!         }
//!         if let Rebuild::After(pause) = self.rebuilds.spend(Instant::now()) {
//!             ctx.work_later::<Rebuilding>(pause, |this, _| this.start_lane());
//!         }
//!     }
//! }
//!
//! impl Handler<Inject> for Consumer {
//!     type Result = ();
//!     fn handle(&mut self, inject: Inject, _: &mut Self::Context) {
//!         if let Some(lane) = &self.lane {
//!             lane.send(inject);
//!         }
//!     }
//! }
//!
//! # actix_rt::System::new().block_on(async {
//! let card = Arc::new(Card::new());
//! let lanes_card = Arc::clone(&card);
//! let consumer = start(
//!     Arc::new(Card::new()),
//!     Place::default(),
//!     move |me, _| Consumer {
//!         me: Arc::clone(me),
//!         card: lanes_card,
//!         lane: None,
//!         rebuilds: RebuildBudget::default(),
//!     },
//!     |_| (),
//! );
//! consumer.send(Inject(Fault::Panic));
//! while !(card.is_present() && card.restarts() == 1) {
//!     tokio::time::sleep(std::time::Duration::from_millis(10)).await;
//! }
//! let view = card.view(longwire_actor::TreeEntry {
//!     kind: &LANE,
//!     path: "/delivery/consumers/1/lane".to_owned(),
//!     parent: Some("/delivery/consumers/1".to_owned()),
//!     children: 0,
//!     doing: "delivering".to_owned(),
//!     capacity: LANE.capacity,
//! });
//! assert_eq!(view.supervision.last_exit.map(|exit| exit.detail), Some("injected into a lane".to_owned()));
//! # });
//! ```

mod card;
mod child;
mod clock;
mod context;
mod exit;
mod fault;
mod inspect;
mod kind;
mod mailbox;
mod message_kind;
mod rebuild;
mod watched;

pub use card::{
    ActorView, CARD_STATES, Card, CardHandle, HandleTimes, Handling, LastExit, LastMessage,
    MailboxView, Place, SupervisionView, TreeEntry, Warning,
};
pub use child::{Child, End};
pub use context::{Context, Timer, TreeActor};
pub use exit::{Exit, panic_text};
pub use fault::{Fault, Inject};
pub use inspect::Inspect;
pub use kind::ActorKind;
pub use mailbox::{Asked, Mailbox, Receives, send};
pub use message_kind::MessageKind;
pub use rebuild::{Rebuild, RebuildBudget};
pub use watched::{Ended, start};
