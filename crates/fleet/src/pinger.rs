//! Keeps asking one connection whether it lives.
//!
//! Every ping is a question with a deadline; [`Heartbeat`] decides when to ask and when silence is death. The socket
//! tells of pongs always, and of other inbound bytes only while a question is open, so an event costs no message here.

use crate::bot::Bot;
use crate::card::{Handling, SharedCard};
use crate::clock::now;
use crate::fault::{Fault, Inject};
use crate::installation::{Alive, Silent};
use crate::kind::ActorKind;
use crate::post::{Deliver, End, Inspect, Post, Words, send};
use crate::socket::SendPing;
use crate::word::Word;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, SpawnHandle};
use longwire_link::{Generation, Heartbeat, HeartbeatAction};
use longwire_wire::endpoint::ClientConfig;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Bytes came in after a ping. From the socket, once per ping at most.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Heard;

/// The platform's answer to a ping, with new settings where it sent any. From the socket, one per pong frame.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Pong(pub(crate) Option<ClientConfig>);

/// The socket does not read for now, so silence proves nothing. From the socket, when a pause has lasted a second.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ReadingPaused;

/// The socket reads again. From the socket, after [`ReadingPaused`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct ReadingResumed;

/// The platform set another ping interval. From the installation, when a pong changed it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct PingEvery(pub(crate) Duration);

/// Ask after this pause, unless you ask sooner anyway. From the installation, when the host slept.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct AskWithin(pub(crate) Duration);

/// Keeps asking one connection whether it lives.
pub(crate) struct Pinger {
    bot: Arc<Bot>,
    generation: Generation,
    heartbeat: Heartbeat,
    socket: Post<SendPing>,
    parent: Arc<dyn Parent>,
    timer: Option<SpawnHandle>,
}

/// Whom a pinger reports to.
pub(crate) trait Parent: Deliver<Alive> + Deliver<Silent> {}
impl<T: Deliver<Alive> + Deliver<Silent>> Parent for T {}

impl Pinger {
    pub(crate) fn new(
        bot: Arc<Bot>,
        generation: Generation,
        heartbeat: Heartbeat,
        socket: Post<SendPing>,
        parent: Arc<dyn Parent>,
    ) -> Self {
        Self {
            bot,
            generation,
            heartbeat,
            socket,
            parent,
            timer: None,
        }
    }

    fn card(&self) -> SharedCard {
        self.bot.shared_card(ActorKind::Pinger)
    }

    fn handling(&self, word: Word) -> Handling {
        self.card().handling(word)
    }

    /// Carries out what the heartbeat decided. Every handler ends here.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(action) = self.heartbeat.poll_action() {
            // Both are bounded: one ping per interval, one end per connection.
            match action {
                HeartbeatAction::SendPing => self.socket.send(SendPing),
                HeartbeatAction::Silent => send(&*self.parent, Silent(self.generation)),
            }
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.heartbeat.poll_timeout().map(|due| {
            ctx.run_later(due.saturating_duration_since(now()), |this, ctx| {
                let _working = this.card().working(Word::Timer);
                this.timer = None;
                this.heartbeat.handle_timeout(now());
                this.drive(ctx);
            })
        });
    }
}

impl Actor for Pinger {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.drive(ctx);
    }
}

impl Handler<Heard> for Pinger {
    type Result = ();

    fn handle(&mut self, _: Heard, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Heard);
        self.heartbeat.handle_heard(now());
        self.drive(ctx);
    }
}

impl Handler<Pong> for Pinger {
    type Result = ();

    fn handle(&mut self, Pong(config): Pong, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Pong);
        self.heartbeat.handle_pong(now());
        if let Some(round_trip) = self.heartbeat.round_trip() {
            let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
            self.bot
                .tally
                .pong_round_trip_us
                .store(micros.max(1), Relaxed);
        }
        // One per pong frame, and those are read under the socket's own pace.
        let alive = Alive {
            generation: self.generation,
            config,
        };
        send(&*self.parent, alive);
        self.drive(ctx);
    }
}

impl Handler<ReadingPaused> for Pinger {
    type Result = ();

    fn handle(&mut self, _: ReadingPaused, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::ReadingPaused);
        self.heartbeat.handle_reading_paused(now());
        self.drive(ctx);
    }
}

impl Handler<ReadingResumed> for Pinger {
    type Result = ();

    fn handle(&mut self, _: ReadingResumed, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::ReadingResumed);
        self.heartbeat.handle_reading_resumed(now());
        self.drive(ctx);
    }
}

impl Handler<PingEvery> for Pinger {
    type Result = ();

    fn handle(&mut self, PingEvery(interval): PingEvery, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Configure);
        self.heartbeat.set_interval(interval, now());
        self.drive(ctx);
    }
}

impl Handler<AskWithin> for Pinger {
    type Result = ();

    fn handle(&mut self, AskWithin(pause): AskWithin, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Slept);
        self.heartbeat.handle_slept(pause, now());
        self.drive(ctx);
    }
}

impl Handler<End> for Pinger {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::End);
        ctx.stop();
    }
}

impl Handler<Inject> for Pinger {
    type Result = ();

    fn handle(&mut self, Inject(fault): Inject, ctx: &mut Self::Context) {
        let _handling = self.handling(Word::Inject);
        match fault {
            Fault::Panic => panic!("injected into a pinger"),
            Fault::Stop => ctx.stop(),
        }
    }
}

impl Handler<Inspect> for Pinger {
    type Result = Words;

    fn handle(&mut self, _: Inspect, _: &mut Self::Context) -> Words {
        let _handling = self.handling(Word::Inspect);
        let due = self.heartbeat.poll_timeout().map(crate::clock::unix_ms_at);
        Words(serde_json::json!({
            "generation": self.generation.0,
            "next_due_ms": due,
            "round_trip_us": self.heartbeat.round_trip().map(|trip| trip.as_micros() as u64),
        }))
    }
}
