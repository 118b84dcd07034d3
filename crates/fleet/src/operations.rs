//! Records what happens to bots and to the store as operational events.
//!
//! Every two seconds it looks at all bots and at the store's health and tells [`Occurrences`], which decides what is
//! recorded. Installations know nothing of it, so it costs neither them nor an event anything, and it sees a bot whose
//! actors are gone as well. What comes and goes between two looks is not told.
//!
//! ```text
//! Dispatch ─ look ─▶ Occurrences ─▶ Group ─▶ writer thread ─ recorded ─▶ the next one
//!                                                          └ refused ──▶ the same one, at the next look
//! ```

use crate::bot_index::BotIndex;
use crate::clock::{now, unix_ms};
use crate::context::FleetContext;
use bytestring::ByteString;
use longwire_installation::InstallationId;
use longwire_link::{Occurrence, Occurrences, StoreCondition};
use longwire_store::{Cause, Group, GroupReply, Health, NewEvent, Receipt};
use longwire_wire::view::Operation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it looks. Ten thousand bots are read in about a millisecond.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Records operational events.
pub(crate) struct OperationRecorder {
    fleet: Arc<FleetContext>,
    bots: Arc<BotIndex>,
    occurrences: Mutex<Occurrences>,
}

impl OperationRecorder {
    pub(crate) fn new(fleet: &Arc<FleetContext>, bots: &Arc<BotIndex>) -> Arc<Self> {
        Arc::new(Self {
            fleet: Arc::clone(fleet),
            bots: Arc::clone(bots),
            occurrences: Mutex::default(),
        })
    }

    /// Looks at everything, and records what is to be told.
    pub(crate) fn look(self: &Arc<Self>) {
        self.look_at_bots();
        self.look_at_store();
        self.record_next();
    }

    fn look_at_bots(&self) {
        let now = now();
        let bots = self.bots.bots();
        let mut occurrences = self.occurrences();
        let dropped_before = occurrences.dropped();
        for bot in bots {
            let (condition, at_ms) = bot.condition(now, self.fleet.started_ms);
            occurrences.handle_bot(bot.id, condition, at_ms, now, || {
                bot.condition_text(condition)
            });
        }
        occurrences.retain(|id| self.bots.get(id).is_some());
        occurrences.handle_timeout(now, unix_ms());
        let dropped = occurrences.dropped() - dropped_before;
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "too many operational events wait for the store; the oldest are dropped"
            );
        }
    }

    fn look_at_store(&self) {
        let condition = match self.fleet.store.health() {
            Health::Ok => StoreCondition::Recording,
            Health::Degraded {
                since_ms, cause, ..
            } => StoreCondition::Degraded {
                since_ms,
                reason: cause.label(),
                text: format!("Not recorded: {cause}. Next step: {}.", cause.advice()),
            },
        };
        (self.occurrences()).handle_store(condition, now(), unix_ms());
    }

    /// Gives the store the oldest occurrence that waits, unless it has one.
    pub(crate) fn record_next(self: &Arc<Self>) {
        loop {
            let next = self.occurrences().poll();
            let Some(occurrence) = next else { return };
            let number = occurrence.number;
            let Some(group) = self.group_of(occurrence) else {
                // Its bot was removed, and an event has to be somebody's.
                self.occurrences().handle_recorded(number);
                continue;
            };
            if let Err(rejected) = self.fleet.writer.submit(group) {
                // It is answered by being dropped, and waits on.
                drop(rejected);
            }
            return;
        }
    }

    fn group_of(self: &Arc<Self>, occurrence: Occurrence) -> Option<Group> {
        let bot = match occurrence.installation {
            Some(id) => Some(self.bots.get(id)?.bot),
            None => None,
        };
        let operation = Operation {
            installation: bot.as_ref().map(|bot| ByteString::from(&*bot.public_id)),
            installations: occurrence.installations,
            reason: Some(ByteString::from_static(occurrence.reason)),
            detail: Some(occurrence.detail.into()),
            ..Operation::default()
        };
        let event_type = occurrence.kind.event_type();
        // No other process of this store began in the same millisecond, because a store has one at a time.
        let name = format!("{}-{}", self.fleet.started_ms, occurrence.number);
        let payload = operation.to_json().into();
        let (ticket, at_ms) = (occurrence.number, occurrence.at_ms);
        let event = NewEvent::operational(ticket, event_type, &name, at_ms, payload);
        Some(Group {
            installation: bot.as_ref().map_or(InstallationId::NONE, |bot| bot.id),
            platform: bot.map(|bot| bot.platform()),
            events: vec![event],
            reply: Arc::new(RecorderReply(Arc::clone(self))),
        })
    }

    fn occurrences(&self) -> MutexGuard<'_, Occurrences> {
        self.occurrences
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the writer thread says of an event of ours.
struct RecorderReply(Arc<OperationRecorder>);

impl GroupReply for RecorderReply {
    fn recorded(&self, receipts: Vec<Receipt>) {
        for receipt in receipts {
            self.0.occurrences().handle_recorded(receipt.ticket());
        }
        // Submitting never blocks, so the writer thread may do it.
        self.0.record_next();
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        let mut occurrences = self.0.occurrences();
        for ticket in tickets {
            if cause == Cause::Poison {
                // Its bot was removed meanwhile.
                occurrences.handle_recorded(ticket);
            } else {
                occurrences.handle_refused(ticket);
            }
        }
    }
}
