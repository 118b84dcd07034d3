//! What a socket does for its session: it carries out actions, hands groups to the writer, and adds up what was counted.

use super::{AssemblerIdle, AssemblerWanted, Finished, Lost, Opened, Phase, Socket};
use crate::assembler::{Fragment, Refused};
use crate::cards::{CardQuestion, CardReply};
use crate::clock::{now, unix_ms};
use crate::loss::{self, LossCause};
use crate::pinger::{Heard, Pong, ReadingPaused, ReadingResumed};
use crate::request::{Reply, RequestError, Teller};
use crate::retained::RetainedPart;
use actix::{ActorContext, Message};
use longwire_actor::{Context, Receives, send};
use longwire_link::UnparsedBudget;
use longwire_link::session::{
    Action, CardEvent, CardOutcome, CardTicket, Counts, EventGroup, Input, LossReason,
    RequestRefusal, Submitted,
};
use longwire_store::{Group, Receipt, Refusal, Rejected};
use longwire_wire::wecom::Ack;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

impl Socket {
    /// Tells the session what came by the mailbox, and does what it says. Its groups wait for the turn that follows, so that
    /// all that came at once goes as one.
    pub(super) fn tell(&mut self, input: Input<Receipt, Teller>, ctx: &mut Context<Self>) {
        self.session.handle(input, self.surroundings());
        while let Some(action) = self.session.poll_action() {
            self.carry_out(action, ctx);
        }
        self.count();
    }

    /// Tells the session what the I/O brought, and does what it says.
    pub(super) fn take_in(&mut self, input: Input<Receipt, Teller>, ctx: &mut Context<Self>) {
        self.session.handle(input, self.surroundings());
        self.drive(ctx);
    }

    /// Lets the session act on what is due, and go on with what was read.
    pub(super) fn tend(&mut self, ctx: &mut Context<Self>) {
        self.session.handle_timeout(self.surroundings());
        self.drive(ctx);
        if self.phase != Phase::Over {
            self.session.decode(self.surroundings());
            self.drive(ctx);
        }
    }

    /// Hands over all groups before it carries out an action.
    fn drive(&mut self, ctx: &mut Context<Self>) {
        loop {
            while let Some(group) = self.session.poll_group(now()) {
                let submitted = Input::Submitted(self.submit(group));
                self.session.handle(submitted, self.surroundings());
            }
            let Some(action) = self.session.poll_action() else {
                break;
            };
            self.carry_out(action, ctx);
        }
        self.count();
    }

    fn carry_out(&mut self, action: Action<Teller>, ctx: &mut Context<Self>) {
        let generation = self.generation;
        match action {
            Action::Opened => send(&*self.installation, Opened(generation)),
            Action::Heard => self.tell_pinger(Heard),
            Action::Pong(config) => self.tell_pinger(Pong(config)),
            Action::ReadingPaused => self.tell_pinger(ReadingPaused),
            Action::ReadingResumed => self.tell_pinger(ReadingResumed),
            Action::AssemblerWanted => send(&*self.installation, AssemblerWanted(generation)),
            Action::AssemblerIdle => {
                self.assembler = None;
                send(&*self.installation, AssemblerIdle(generation));
            }
            Action::Join(fragment) => {
                if let Some(assembler) = &self.assembler {
                    send(&**assembler, Fragment(fragment));
                }
            }
            Action::JoinedRefused(message_id) => {
                if let Some(assembler) = &self.assembler {
                    send(&**assembler, Refused(message_id));
                }
            }
            Action::AskApplication {
                ticket,
                is_repeat,
                event,
            } => self.ask_application(ticket, is_repeat, *event),
            Action::CardSettled(outcome) => self.count_card(outcome),
            // Whoever asked may have gone.
            Action::Answer(asker, answer) => drop(asker.send(self.reply(answer))),
            Action::UnparsedFrame(size_bytes) => {
                let unparsed = self.bot.spend_unparsed(size_bytes, now());
                let input = Input::Unparsed(unparsed);
                self.session.handle(input, self.surroundings());
            }
            Action::Retain(bytes) => {
                let part = RetainedPart::take(&self.fleet, &self.bot, bytes);
                self.retained = part.map(Box::new);
                let is_retained = self.retained.is_some();
                let input = Input::Retained(is_retained);
                self.session.handle(input, self.surroundings());
            }
            Action::Malformed {
                kind,
                size_bytes,
                next_step,
            } => (self.fleet.malformed).count(&self.bot, kind, size_bytes, next_step),
            Action::UnparsedDropped => tracing::warn!(
                name = %self.bot.record().name,
                installation = self.bot.public_id,
                most_frames = UnparsedBudget::MOST_FRAMES,
                most_bytes = UnparsedBudget::MOST_BYTES,
                "more frames that nobody can read than are kept for one bot and hour; until the hour is over further ones \
                 are counted and dropped. Look at those that are kept: longwire events tail"
            ),
            Action::EventsLost(events, reason) => self.lost(events, reason),
            Action::LeftUnread => loss::left_unread(&self.fleet, &self.bot, generation),
            Action::HangUp => {
                self.phase = Phase::HungUp;
                self.io = None;
            }
            Action::Lost(end) => {
                let lost = Lost {
                    generation,
                    setback: end.setback,
                    detail: end.detail,
                };
                send(&*self.installation, lost);
            }
            Action::Finished(unanswered) => self.finish(unanswered, ctx),
        }
    }

    /// Everything in hand is answered, or time is up.
    pub(super) fn finish(&mut self, unanswered: usize, ctx: &mut Context<Self>) {
        self.phase = Phase::Over;
        let unanswered = unanswered as u64;
        let finished = Finished {
            generation: self.generation,
            unanswered,
        };
        send(&*self.installation, finished);
        let orphaned = &self.fleet.totals.orphaned_receipts;
        orphaned.fetch_add(unanswered, Relaxed);
        ctx.stop();
    }

    fn tell_pinger<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        dyn super::PingerAddress: Receives<M>,
    {
        if let Some(pinger) = &self.pinger {
            send(&**pinger, message);
        }
    }

    fn ask_application(&self, ticket: CardTicket, is_repeat: bool, event: CardEvent) {
        self.fleet.totals.cards.count_asked();
        self.bot.card_tally().count_asked();
        let me = Arc::clone(&self.me.0);
        let reply = CardReply::new(me, ticket);
        let (id, platform) = (self.bot.id, self.bot.platform());
        let question = CardQuestion::new(id, platform, is_repeat, event, reply);
        if let Err(panic) = self.fleet.cards.ask(question) {
            tracing::error!(
                name = %self.bot.record().name,
                installation = self.bot.public_id,
                seq = ticket.seq().0,
                panic,
                "a card event was not passed on to its application, and is answered by default"
            );
        }
    }

    fn count_card(&self, outcome: CardOutcome) {
        self.fleet.totals.cards.count(outcome);
        self.bot.card_tally().count(outcome);
        match outcome {
            CardOutcome::Answered(waited) | CardOutcome::Defaulted(waited) => {
                self.fleet.totals.card_answered(waited);
            }
            CardOutcome::Unanswered | CardOutcome::Late | CardOutcome::Unclaimed => {}
        }
    }

    fn reply(&self, answer: Result<Ack, RequestRefusal>) -> Result<Reply, RequestError> {
        answer
            .map(|ack| Reply::of(ack, self.generation))
            .map_err(|refusal| match refusal {
                RequestRefusal::NoRequests => RequestError::NoRequests,
                RequestRefusal::NotConnected => RequestError::not_connected(&self.bot.state()),
                RequestRefusal::NoReqId => RequestError::NoReqId,
                RequestRefusal::Full => RequestError::Full,
                RequestRefusal::SpentReqId => RequestError::SpentReqId,
                RequestRefusal::NotSubscribed => RequestError::NotSubscribed,
                RequestRefusal::TimedOut => RequestError::TimedOut,
                RequestRefusal::NotSent | RequestRefusal::OtherConnection => RequestError::NotSent,
                RequestRefusal::ConnectionLost => RequestError::ConnectionLost,
            })
    }

    fn submit(&self, EventGroup { events, has_more }: EventGroup) -> Submitted {
        let group = Group {
            installation: self.bot.id,
            platform: Some(self.platform),
            events,
            reply: Arc::clone(&self.me) as Arc<dyn longwire_store::GroupReply>,
        };
        let submitted = if has_more {
            self.fleet.writer.submit_more(group)
        } else {
            self.fleet.writer.submit(group)
        };
        match submitted {
            Ok(()) => Submitted::Accepted,
            Err(Rejected {
                mut group,
                why: Refusal::Full,
            }) => Submitted::Full(std::mem::take(&mut group.events)),
            // Dropping it answers "not recorded" for each of its events.
            Err(Rejected {
                group: _,
                why: Refusal::Stopped,
            }) => Submitted::Stopped,
        }
    }

    /// So many events are lost, which the session no longer has.
    pub(super) fn lost(&mut self, events: usize, reason: LossReason) {
        let (fleet, bot) = (Arc::clone(&self.fleet), Arc::clone(&self.bot));
        let (events, generation) = (events as u64, self.generation);
        let cause = LossCause::Session(reason);
        loss::count(cause, &fleet, &bot, generation, events, || {
            // Exactly these: of what the session no longer has, more may be told right after.
            let shown = u64::from(self.shown_unanswered).saturating_sub(events);
            self.show_as_unanswered(u32::try_from(shown).unwrap_or(u32::MAX));
        });
    }

    /// Shows how many events of this connection are unanswered. One that finishes has a successor beside it, so each adds
    /// and takes away its own.
    pub(super) fn show_as_unanswered(&mut self, now: u32) {
        let before = std::mem::replace(&mut self.shown_unanswered, now);
        if now != before {
            // Adding what wraps around subtracts.
            let change = u64::from(now).wrapping_sub(u64::from(before));
            self.bot.tally.unanswered.fetch_add(change, Relaxed);
        }
    }

    /// Adds up what the session counted, and shows what it holds.
    fn count(&mut self) {
        let counts = self.session.take_counts();
        self.add_counts(&counts);
        let unfinished_bytes = self.session.unfinished_bytes();
        let before = std::mem::replace(&mut self.unfinished_bytes, unfinished_bytes);
        if unfinished_bytes != before {
            self.fleet.unfinished.change(before, unfinished_bytes);
        }
        self.show_as_unanswered(u32::try_from(self.session.unanswered()).unwrap_or(u32::MAX));
    }

    fn add_counts(&self, counts: &Counts) {
        let (totals, tally) = (&self.fleet.totals, &self.bot.tally);
        let add = |counter: &AtomicU64, count: u32| {
            if count > 0 {
                counter.fetch_add(count.into(), Relaxed);
            }
        };
        if counts.heard {
            tally.last_heard_ms.store(unix_ms(), Relaxed);
        }
        if counts.received > 0 {
            tally.last_event_ms.store(unix_ms(), Relaxed);
        }
        if counts.shed > 0 {
            tally.last_shed_ms.store(unix_ms(), Relaxed);
        }
        for (total, own, count) in [
            (&totals.received, &tally.events, counts.received),
            (&totals.acked, &tally.acked, counts.acked),
            (&totals.refused, &tally.refused, counts.refused),
            (&totals.refused_late, &tally.refused, counts.refused_late),
            (&totals.shed, &tally.shed, counts.shed),
            (&totals.unparsed, &tally.unparsed, counts.unparsed),
            (
                &totals.unparsed_dropped,
                &tally.unparsed_dropped,
                counts.unparsed_dropped,
            ),
            (
                &totals.repeats_by_event_id,
                &tally.repeats,
                counts.repeats_by_event_id,
            ),
            (
                &totals.repeats_by_message,
                &tally.repeats,
                counts.repeats_by_message,
            ),
        ] {
            add(total, count);
            add(own, count);
        }
        // What is shed is refused.
        add(&tally.refused, counts.shed);
        add(&totals.recorded, counts.recorded);
        add(&totals.late_receipts, counts.late_receipts);
        let repeats_nothing = self.session.repeats_nothing();
        for wait in &counts.waits {
            for _ in 0..wait.events {
                if repeats_nothing {
                    totals.kept(wait.waited);
                } else {
                    totals.acknowledged(wait.waited);
                }
            }
        }
    }
}
