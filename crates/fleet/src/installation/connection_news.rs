//! What the actors of a connection tell their installation. The link decides what follows.

use super::Installation;
use super::connection::ChildEnded;
use crate::clock::{now, unix_ms};
use crate::kind::ConnectionActor;
use crate::pinger::{Alive, PingEvery, Silent};
use crate::socket::{AssemblerIdle, AssemblerWanted, Lost, Opened};
use actix::Handler;
use longwire_link::{Setback, State};
use longwire_store::TimelineKind;
use std::sync::atomic::Ordering::Relaxed;

impl Handler<Opened> for Installation {
    type Result = ();

    fn handle(&mut self, Opened(generation): Opened, ctx: &mut Self::Context) {
        self.link.handle_opened(generation, now());
        let is_link =
            generation == self.link.generation() && matches!(self.link.state(), State::Live { .. });
        let is_beside = self.link.renewing() == Some(generation);
        if (is_link || is_beside) && self.connection_of(generation).is_some() {
            self.fleet.totals.opened.fetch_add(1, Relaxed);
            self.note(generation, TimelineKind::Opened, "");
            self.start_pinger(generation);
        }
        if is_link && self.is_current(generation) {
            self.serves();
        }
        if let Some(renewing) = self.renewing(generation) {
            renewing.attempt = None;
        }
        self.drive(ctx);
    }
}

impl Installation {
    /// The present connection serves the bot from now on.
    pub(super) fn serves(&self) {
        if self.bot.tally.was_live.swap(true, Relaxed) {
            self.fleet.totals.reconnects.fetch_add(1, Relaxed);
            self.bot.tally.reconnects.fetch_add(1, Relaxed);
        }
        self.bot.tally.connected_ms.store(unix_ms(), Relaxed);
    }
}

impl Handler<Lost> for Installation {
    type Result = ();

    fn handle(&mut self, lost: Lost, ctx: &mut Self::Context) {
        self.lost(lost);
        self.drive(ctx);
    }
}

impl Handler<Alive> for Installation {
    type Result = ();

    fn handle(&mut self, Alive { generation, config }: Alive, ctx: &mut Self::Context) {
        let before = *self.link.settings();
        let ping_interval_before = self.link.ping_interval();
        let ignored = self.link.handle_pong(generation, config.as_ref(), now());
        self.note_ignored_settings(ignored);
        // It may serve from now on.
        self.carry_out(ctx);
        let after = *self.link.settings();
        if before != after {
            let text = format!(
                "ping every {:?}, reconnect within {:?}",
                self.link.ping_interval(),
                after.reconnect_nonce
            );
            self.note(generation, TimelineKind::ConfigApplied, text);
        }
        if ping_interval_before != self.link.ping_interval()
            && let Some(pinger) = self.pinger()
        {
            pinger.send(PingEvery(self.link.ping_interval()));
        }
        self.drive(ctx);
    }
}

impl Handler<Silent> for Installation {
    type Result = ();

    fn handle(&mut self, Silent(generation): Silent, ctx: &mut Self::Context) {
        if self.connection_of(generation).is_some() {
            self.fleet.totals.silent.fetch_add(1, Relaxed);
            self.fleet.totals.lost.fetch_add(1, Relaxed);
            // The link answers with `Close`.
            self.setback(generation, Setback::Silent, String::new());
        }
        self.drive(ctx);
    }
}

impl Handler<AssemblerWanted> for Installation {
    type Result = ();

    fn handle(&mut self, AssemblerWanted(generation): AssemblerWanted, _: &mut Self::Context) {
        self.start_assembler(generation);
    }
}

impl Handler<AssemblerIdle> for Installation {
    type Result = ();

    fn handle(&mut self, AssemblerIdle(generation): AssemblerIdle, _: &mut Self::Context) {
        if let Some(connection) = self.connection_of(generation) {
            // Dropped, and so ended.
            connection.assembler = None;
        }
    }
}

impl Handler<ChildEnded> for Installation {
    type Result = ();

    fn handle(&mut self, child: ChildEnded, ctx: &mut Self::Context) {
        let ChildEnded {
            actor,
            generation,
            ended,
        } = child;
        let is_ours = self
            .connection_of(generation)
            .is_some_and(|connection| connection.instance(actor) == Some(ended.instance));
        if is_ours {
            self.rebuild(actor, generation, &ended.exit, ctx);
        } else {
            if actor == ConnectionActor::Socket {
                // Perhaps it could not say so itself.
                self.finished(generation, 0);
            }
            self.show_again(actor);
        }
        self.drive(ctx);
    }
}
