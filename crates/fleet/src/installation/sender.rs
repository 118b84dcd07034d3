//! The sender of one bot, as its installation keeps it: started for the first message, let go of when it is idle, started
//! again for the next message after it failed.

use super::Installation;
use super::messages::{InjectSender, InspectSender};
use crate::bot::SenderCard;
use crate::clock::now;
use crate::reply::ReplyError;
use crate::sender::{FeishuReply, SendReply, Sender, SenderIdle};
use crate::view::{Inspection, SenderState};
use actix::{Handler, Message, ResponseFuture};
use longwire_actor::{Child, Ended, Exit, Inject, Place, Rebuild, RebuildBudget, start};
use longwire_installation::Platform;
use longwire_link::State;
use longwire_store::TimelineKind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Have the bot say this. From the fleet's handle, once per reply; bounded by its callers.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct OrderReply(pub(crate) FeishuReply);

/// A sender is gone. From its watcher, once per sender, whatever ended it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct SenderEnded(Ended);

/// The sender of a bot that said something.
#[derive(Default)]
pub(super) struct SenderSlot {
    sender: Option<Child<Sender>>,
    /// How many senders live: one that was let go of may still wait for the platform.
    living: u32,
    /// How many orders the present one was given; the count wraps.
    given: u32,
    rebuilds: RebuildBudget,
    /// When the next may be started, after one that failed.
    not_before: Option<Instant>,
}

impl Installation {
    /// The sender, which is started if there is none.
    fn sender(&mut self) -> Result<&mut SenderSlot, ReplyError> {
        if self.drain.is_some() {
            return Err(ReplyError::NotRunning { state: "draining" });
        }
        if matches!(self.link.state(), State::Stopped) {
            let state = self.link.state().label();
            return Err(ReplyError::NotRunning { state });
        }
        let place = Place {
            arbiter: self.arbiter.number,
            generation: self.link.generation().0,
        };
        let slot = self.sender.get_or_insert_default();
        if slot.sender.is_some() && !SenderCard(Arc::clone(&self.bot)).is_present() {
            // It has failed, and the news of it is on its way.
            return Err(ReplyError::SenderFailed);
        }
        if slot.sender.is_none() {
            if slot.not_before.is_some_and(|at| now() < at) {
                return Err(ReplyError::SenderFailed);
            }
            let (fleet, arbiter) = (Arc::clone(&self.fleet), Rc::clone(&self.arbiter));
            let (parent, watched) = (Arc::clone(&self.me), Arc::clone(&self.me));
            let totals = Arc::clone(&self.fleet);
            let sender = start(
                SenderCard(Arc::clone(&self.bot)),
                place,
                move |_, _| Sender::new(fleet, arbiter, parent),
                move |ended| {
                    if matches!(ended.exit, Exit::Panicked(_)) {
                        totals.totals.panics.fetch_add(1, Relaxed);
                    }
                    watched.send(SenderEnded(ended));
                },
            );
            slot.sender = Some(Child::new(sender));
            slot.living += 1;
            slot.given = 0;
        }
        Ok(slot)
    }

    /// Lets go of the sender: it refuses what waits and finishes what is under way.
    pub(super) fn end_sender(&mut self) {
        if let Some(slot) = &mut self.sender {
            slot.sender = None;
        }
    }

    /// Whether a message may be under way.
    pub(super) fn is_sending(&self) -> bool {
        self.sender.as_ref().is_some_and(|slot| slot.living > 0)
    }

    /// The sender ended although nobody had told it to. The next message starts another one, after a pause.
    fn sender_failed(&mut self, exit: &Exit) {
        let (app_id, installation) = (&self.record.app_id, &self.bot.public_id);
        let how = exit.how();
        tracing::error!(
            name = %self.record.name,
            app_id,
            installation,
            actor = "sender",
            panic = how,
            "an actor failed; the next message starts it anew"
        );
        let generation = self.link.generation();
        self.note(generation, TimelineKind::Panicked, format!("sender: {how}"));
    }
}

impl Handler<OrderReply> for Installation {
    type Result = ();

    fn handle(&mut self, OrderReply(reply): OrderReply, _: &mut Self::Context) {
        let record = Arc::clone(&self.record);
        let refusal = match record.platform {
            Platform::Feishu | Platform::Lark => match self.sender() {
                Ok(slot) => {
                    if let Some(sender) = &slot.sender {
                        slot.given = slot.given.wrapping_add(1);
                        sender.send(SendReply { reply, record });
                    }
                    return;
                }
                Err(refusal) => refusal,
            },
            Platform::Wecom => ReplyError::OtherPlatform,
        };
        // Whoever asked may have gone.
        drop(reply.teller.send(Err(refusal)));
    }
}

impl Handler<SenderIdle> for Installation {
    type Result = ();

    fn handle(&mut self, SenderIdle(came): SenderIdle, _: &mut Self::Context) {
        if let Some(slot) = &mut self.sender
            && slot.given == came
        {
            // Dropped, and so ended.
            slot.sender = None;
        }
    }
}

impl Handler<SenderEnded> for Installation {
    type Result = ();

    fn handle(&mut self, SenderEnded(ended): SenderEnded, ctx: &mut Self::Context) {
        let Some(slot) = &mut self.sender else {
            return;
        };
        slot.living = slot.living.saturating_sub(1);
        let failed = slot
            .sender
            .take_if(|sender| sender.instance() == ended.instance);
        if failed.is_some() {
            slot.not_before = Some(match slot.rebuilds.spend(now()) {
                Rebuild::After(pause) => now() + pause,
                Rebuild::Spent { until } => until,
            });
            if ended.exit == Exit::Stopped {
                SenderCard(Arc::clone(&self.bot)).stopped_unasked();
            }
            self.sender_failed(&ended.exit);
        }
        self.report_drained();
        self.drive(ctx);
    }
}

impl Handler<InjectSender> for Installation {
    type Result = ();

    fn handle(&mut self, InjectSender(fault): InjectSender, _: &mut Self::Context) {
        // There is mostly none, since most bots say nothing.
        match self.sender() {
            Ok(slot) => {
                if let Some(sender) = &slot.sender {
                    sender.send(Inject(fault));
                }
            }
            Err(error) => {
                let installation = &self.bot.public_id;
                tracing::warn!(installation, %error, "no sender can be started; nothing injected");
            }
        }
    }
}

impl Handler<InspectSender> for Installation {
    type Result = ResponseFuture<Inspection>;

    fn handle(&mut self, _: InspectSender, _: &mut Self::Context) -> Self::Result {
        let sender = self.sender.as_ref().and_then(|slot| slot.sender.as_deref());
        Box::pin(Inspection::of::<_, SenderState>(sender))
    }
}
