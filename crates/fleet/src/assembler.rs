//! Joins the split pushes of one connection.
//!
//! The socket gives it fragments only; whole pushes never come here. Most connections never see one, so it is started
//! for the first, and ends when it has held nothing for as long as a push may be incomplete.
//!
//! [`Assembly`] decides what is complete, repeated, too much or too old. The platform is answered on the fragment that
//! arrived last, so that one's frame goes along and comes back with the whole. The actor ends with its connection: the
//! platform sends the whole push again on the next one.

use crate::bot::{AssemblerCard, Bot};
use crate::clock::now;
use crate::context::FleetContext;
use crate::view::AssemblerState;
use actix::{Actor, AsyncContext, Handler, Message, MessageResult, SpawnHandle};
use bytestring::ByteString;
use longwire_actor::{
    Context, Inspect, Receives, Timer, TreeActor, handle_inject, send, stop_at_end,
};
use longwire_link::session::{self, Whole};
use longwire_link::{Assembly, AssemblyLimits, Outcome};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A part of a split push. From the socket, in order of arrival; bounded because the socket hands over what one poll
/// read and then yields. Its payload is a copy, so that what waits here pins no read buffer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Fragment(pub(crate) session::Fragment);

/// A joined push was answered 500, so the platform pushes it again. From the socket, once per refusal.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Refused(pub(crate) ByteString);

/// A split push is whole. To the socket, once per push.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Assembled(pub(crate) Whole);

/// The assembler holds nothing, after this many fragments. To the socket, once after each time that it became empty.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Emptied(pub(crate) u32);

/// Joins the split pushes of one connection.
pub(crate) struct Assembler {
    fleet: Arc<FleetContext>,
    bot: Arc<Bot>,
    assembly: Assembly,
    /// How many bytes of the bound of all connections it uses.
    held_bytes: usize,
    socket: Arc<dyn SocketAddress>,
    /// How many fragments came in all; the count wraps.
    came: u32,
    timer: Option<SpawnHandle>,
}

/// The socket whose fragments these are, as its assembler knows it.
pub(crate) trait SocketAddress: Receives<Assembled> + Receives<Emptied> {}
impl<T: Receives<Assembled> + Receives<Emptied>> SocketAddress for T {}

impl Assembler {
    pub(crate) fn new(
        fleet: Arc<FleetContext>,
        bot: Arc<Bot>,
        socket: Arc<dyn SocketAddress>,
    ) -> Self {
        let limits = AssemblyLimits {
            ttl: fleet.timing.fragment_ttl,
            ..AssemblyLimits::default()
        };
        Self {
            fleet,
            bot,
            assembly: Assembly::new(limits),
            held_bytes: 0,
            socket,
            came: 0,
            timer: None,
        }
    }

    fn malformed(&self, kind: &'static str, size_bytes: usize) {
        (self.fleet.malformed).count(&self.bot, kind, size_bytes, None);
    }

    fn hold(&mut self, bytes: usize) {
        self.fleet.unfinished.change(self.held_bytes, bytes);
        self.held_bytes = bytes;
    }

    /// Sets the timer for the next incomplete push that grows too old, or for the end. Every handler ends with it.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        self.hold(self.assembly.cost_bytes());
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        let due = self.assembly.poll_timeout();
        let pause = due.map_or(self.fleet.timing.fragment_ttl, |due| {
            due.saturating_duration_since(now())
        });
        self.timer = Some(ctx.work_later::<Timer>(pause, |this, ctx| {
            this.timer = None;
            for _ in 0..this.assembly.handle_timeout(now()) {
                this.malformed("fragments_incomplete", 0);
            }
            if this.assembly.poll_timeout().is_some() {
                return this.drive(ctx);
            }
            // Bounded: one per timer. If a fragment is on its way, the socket does not let go of us.
            send(&*this.socket, Emptied(this.came));
        }));
    }
}

impl TreeActor for Assembler {
    type Card = AssemblerCard;
}

impl Actor for Assembler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.drive(ctx);
    }
}

impl Drop for Assembler {
    fn drop(&mut self) {
        self.hold(0);
    }
}

impl Handler<Fragment> for Assembler {
    type Result = ();

    fn handle(&mut self, Fragment(part): Fragment, ctx: &mut Self::Context) {
        self.came = self.came.wrapping_add(1);
        let size_bytes = part.payload.len();
        let (sum, seq) = (part.sum, part.seq);
        let most_bytes = self.fleet.unfinished.most_for(self.held_bytes);
        let outcome = self.assembly.handle_fragment(
            most_bytes,
            &part.message_id,
            part.sum,
            part.seq,
            part.payload,
            now(),
        );
        let pending = self.assembly.open();
        let (installation, message_id) = (&self.bot.public_id, &*part.message_id);
        tracing::debug!(
            installation,
            message_id,
            seq,
            sum,
            pending,
            "a part of a split push"
        );
        match outcome {
            Outcome::Waiting => {}
            Outcome::Complete(payload) => {
                let bytes = payload.len();
                tracing::debug!(
                    installation,
                    message_id,
                    chunks = sum,
                    bytes,
                    "a split push is whole"
                );
                self.fleet.totals.assembled.fetch_add(1, Relaxed);
                // Bounded: one for several fragments, and the socket bounds those.
                let whole = Whole {
                    echo: part.echo,
                    message_id: part.message_id,
                    trace_id: part.trace_id,
                    payload,
                };
                send(&*self.socket, Assembled(whole));
            }
            Outcome::AlreadyComplete => self.malformed("fragment_after_completion", size_bytes),
            Outcome::Dropped(reason) => self.malformed(reason.label(), size_bytes),
        }
        self.drive(ctx);
    }
}

impl Handler<Refused> for Assembler {
    type Result = ();

    fn handle(&mut self, Refused(message_id): Refused, _: &mut Self::Context) {
        self.assembly.handle_refused(&message_id);
    }
}

stop_at_end!(Assembler);
handle_inject!(Assembler, "an assembler");

impl Handler<Inspect<AssemblerState>> for Assembler {
    type Result = MessageResult<Inspect<AssemblerState>>;

    fn handle(&mut self, _: Inspect<AssemblerState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(AssemblerState {
            open_pushes: self.assembly.open(),
            held_bytes: self.assembly.held_bytes(),
        })
    }
}
