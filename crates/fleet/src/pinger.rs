//! Keeps asking one connection whether it lives.
//!
//! Every ping is a question with a deadline; [`Heartbeat`] decides when to ask and when silence is death. The socket
//! tells of pongs always, and of other inbound bytes only while a question is open, so an event costs no message here.

use crate::bot::{Bot, PingerCard};
use crate::clock::now;
use crate::view::PingerState;
use actix::{Actor, AsyncContext, Handler, Message, MessageResult, SpawnHandle};
use longwire_actor::{
    Context, Inspect, Receives, Timer, TreeActor, handle_inject, send, stop_at_end,
};
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

/// Send the platform a ping. From the pinger, once per interval.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct SendPing;

/// The platform answered a ping. From the pinger, once per pong.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Alive {
    pub(crate) generation: Generation,
    pub(crate) config: Option<ClientConfig>,
}

/// The platform did not answer a ping in time. From the pinger, once per connection.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct Silent(pub(crate) Generation);

/// Keeps asking one connection whether it lives.
pub(crate) struct Pinger {
    bot: Arc<Bot>,
    generation: Generation,
    heartbeat: Heartbeat,
    socket: Arc<dyn Receives<SendPing>>,
    installation: Arc<dyn InstallationAddress>,
    timer: Option<SpawnHandle>,
}

/// The installation, as its pinger knows it.
pub(crate) trait InstallationAddress: Receives<Alive> + Receives<Silent> {}
impl<T: Receives<Alive> + Receives<Silent>> InstallationAddress for T {}

impl Pinger {
    pub(crate) fn new(
        bot: Arc<Bot>,
        generation: Generation,
        heartbeat: Heartbeat,
        socket: Arc<dyn Receives<SendPing>>,
        installation: Arc<dyn InstallationAddress>,
    ) -> Self {
        Self {
            bot,
            generation,
            heartbeat,
            socket,
            installation,
            timer: None,
        }
    }

    /// Carries out what the heartbeat decided. Every handler ends with it.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        while let Some(action) = self.heartbeat.poll_action() {
            // Both are bounded: one ping per interval, one end per connection.
            match action {
                HeartbeatAction::SendPing => send(&*self.socket, SendPing),
                HeartbeatAction::Silent => send(&*self.installation, Silent(self.generation)),
            }
        }
        if let Some(timer) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        self.timer = self.heartbeat.poll_timeout().map(|due| {
            let pause = due.saturating_duration_since(now());
            ctx.work_later::<Timer>(pause, |this, ctx| {
                this.timer = None;
                this.heartbeat.handle_timeout(now());
                this.drive(ctx);
            })
        });
    }
}

impl TreeActor for Pinger {
    type Card = PingerCard;
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
        self.heartbeat.handle_heard(now());
        self.drive(ctx);
    }
}

impl Handler<Pong> for Pinger {
    type Result = ();

    fn handle(&mut self, Pong(config): Pong, ctx: &mut Self::Context) {
        self.heartbeat.handle_pong(now());
        if let Some(round_trip) = self.heartbeat.round_trip() {
            let micros = u32::try_from(round_trip.as_micros()).unwrap_or(u32::MAX);
            self.bot
                .tally
                .pong_round_trip_us
                .store(micros.max(1), Relaxed);
        }
        // Bounded: one per pong frame, and the socket bounds how many frames it reads per turn.
        let alive = Alive {
            generation: self.generation,
            config,
        };
        send(&*self.installation, alive);
        self.drive(ctx);
    }
}

impl Handler<ReadingPaused> for Pinger {
    type Result = ();

    fn handle(&mut self, _: ReadingPaused, ctx: &mut Self::Context) {
        self.heartbeat.handle_reading_paused(now());
        self.drive(ctx);
    }
}

impl Handler<ReadingResumed> for Pinger {
    type Result = ();

    fn handle(&mut self, _: ReadingResumed, ctx: &mut Self::Context) {
        self.heartbeat.handle_reading_resumed(now());
        self.drive(ctx);
    }
}

impl Handler<PingEvery> for Pinger {
    type Result = ();

    fn handle(&mut self, PingEvery(interval): PingEvery, ctx: &mut Self::Context) {
        self.heartbeat.set_interval(interval, now());
        self.drive(ctx);
    }
}

impl Handler<AskWithin> for Pinger {
    type Result = ();

    fn handle(&mut self, AskWithin(pause): AskWithin, ctx: &mut Self::Context) {
        self.heartbeat.handle_slept(pause, now());
        self.drive(ctx);
    }
}

stop_at_end!(Pinger);
handle_inject!(Pinger, "a pinger");

impl Handler<Inspect<PingerState>> for Pinger {
    type Result = MessageResult<Inspect<PingerState>>;

    fn handle(&mut self, _: Inspect<PingerState>, _: &mut Self::Context) -> Self::Result {
        let round_trip = self.heartbeat.round_trip();
        MessageResult(PingerState {
            generation: self.generation.0,
            next_due_ms: self.heartbeat.poll_timeout().map(crate::clock::unix_ms_at),
            round_trip_us: round_trip.map(|trip| trip.as_micros() as u64),
        })
    }
}
