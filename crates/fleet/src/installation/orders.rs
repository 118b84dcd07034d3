//! What the supervisor tells an installation: its configuration, its permit, that the host slept.

use super::messages::{Configure, Permitted, Slept, TryNow};
use super::renewal::Renewing;
use super::{Installation, link_of};
use crate::clock::now;
use crate::pinger::AskWithin;
use actix::Handler;
use longwire_actor::{RebuildBudget, stop_at_end};
use longwire_installation::{Desired, Platform};
use longwire_link::{Renewal, State};
use std::sync::Arc;
use std::time::Duration;

/// The time over which all connections are asked after the host slept.
const ASK_SPREAD: Duration = Duration::from_secs(2);

impl Handler<Configure> for Installation {
    type Result = ();

    fn handle(
        &mut self,
        Configure {
            record,
            config_fault,
        }: Configure,
        ctx: &mut Self::Context,
    ) {
        let record = self.as_proved(record);
        let has_same_access = self.record.has_same_access(&record);
        let is_reachable_differently = !has_same_access || self.config_fault != config_fault;
        // The connection that lives is spared where the platform serves two, until another one is proved.
        let may_renew = self.config_fault == config_fault
            && self.record.bot() == record.bot()
            && record.platform != Platform::Wecom;
        let is_claimed = self.record.claims != record.claims;
        if is_reachable_differently {
            self.logged.forget_reason();
        }
        self.config_fault = config_fault;
        if self.record.platform != record.platform {
            // Another platform has other timings, and nothing of the old link's state holds there.
            self.link.handle_desired(Desired::Stop, now());
            self.drive(ctx);
            self.link = link_of(&self.fleet, &record, &self.bot);
        }
        self.link.handle_mode(record.mode, now());
        self.record = record;
        self.bot.configured(&self.record);
        self.link.handle_desired(self.record.desired, now());
        match self.record.desired {
            Desired::Run if is_claimed => self.link.handle_claimed(now()),
            Desired::Run => {}
            // Whoever stops a bot wants it to say nothing more.
            Desired::Stop => self.end_sender(),
        }
        self.link.handle_take_back(self.record.take_back);
        self.forget_settled();
        if is_reachable_differently && may_renew {
            let with = Renewing::with(Arc::clone(&self.record));
            self.renew(Renewal::Beside, with, ctx);
        } else if is_reachable_differently {
            self.link.handle_configured(now());
        }
        self.drive(ctx);
    }
}

impl Handler<Permitted> for Installation {
    type Result = ();

    fn handle(&mut self, Permitted { generation, permit }: Permitted, ctx: &mut Self::Context) {
        let is_awaited =
            generation == self.link.generation() && *self.link.state() == State::Queued;
        if is_awaited {
            self.attempt = Some(permit);
        } else if let Some(renewing) = self.renewing(generation) {
            renewing.attempt = Some(permit);
        }
        self.link.handle_permitted(generation, now());
        self.drive(ctx);
    }
}

impl Handler<TryNow> for Installation {
    type Result = ();

    fn handle(&mut self, _: TryNow, ctx: &mut Self::Context) {
        if self.drain.is_none() {
            // Its children may have spent what they had.
            self.rebuilds = RebuildBudget::default();
            self.link.handle_retry(now());
        }
        self.drive(ctx);
    }
}

impl Handler<Slept> for Installation {
    type Result = ();

    fn handle(&mut self, _: Slept, _: &mut Self::Context) {
        // Only an open connection can have died unnoticed: a dial under way has its own deadline.
        if let Some(pinger) = self.pinger() {
            // If thousands of bots asked at the same moment, the answers would be late.
            pinger.send(AskWithin(ASK_SPREAD.mul_f32(rand::random())));
        }
    }
}

stop_at_end!(Installation);
