//! What can be read of one installation without asking it: its row, its status, its counters and the cards of its actors.
//! The supervisor makes one allocation per installation; the installation's actors share it and write it.

mod cards;
mod condition;
mod status;
mod tally;
mod view;

pub(crate) use cards::{AssemblerCard, InstallationCard, PingerCard, SenderCard, SocketCard};

use crate::callbacks::BotCallbacks;
use crate::cards::CardTally;
use crate::kind::{self, ConnectionActor};
use crate::record_order::RecordOrder;
use crate::retained_bytes::RetainedBytes;
use crate::view::RenewalView;
use longwire_actor::{ActorKind, Card};
use longwire_installation::{InstallationId, Platform};
use longwire_link::{Unparsed, UnparsedBudget};
use longwire_store::InstallationRecord;
use status::Status;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tally::Tally;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// One installation as the admin endpoint sees it.
pub(crate) struct Bot {
    pub(crate) id: InstallationId,
    pub(crate) public_id: Box<str>,
    pub(crate) installation: Card,
    pub(crate) socket: Card,
    pub(crate) pinger: Card,
    pub(crate) assembler: Card,
    record: Mutex<Arc<InstallationRecord>>,
    status: Mutex<Status>,
    on_demand: OnceLock<Box<OnDemand>>,
    pub(crate) tally: Tally,
    /// How many of its lost events are told, though their connections still hold them: what a stop has counted, a
    /// connection gives up a little later.
    told_losses: Mutex<u64>,
    /// What its ended connections keep.
    pub(crate) retained: RetainedBytes,
    pub(crate) record_order: RecordOrder,
}

/// What most bots never need, in an allocation of its own. It outlives the connections.
#[derive(Default)]
struct OnDemand {
    /// How many unreadable frames are recorded, where the platform repeats nothing.
    unparsed: Mutex<UnparsedBudget>,
    cards: CardTally,
    sender: Card,
    /// Made with the first callback.
    callbacks: OnceLock<Box<BotCallbacks>>,
    /// What came of the latest change of its access.
    renewal: Mutex<Option<RenewalView>>,
    /// Wakes requests that wait until the bot is connected.
    connected: Notify,
}

impl OnDemand {
    fn renewal(&self) -> Option<RenewalView> {
        let renewal = self.renewal.lock();
        renewal.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Bot {
    pub(crate) fn new(record: &Arc<InstallationRecord>) -> Arc<Self> {
        Arc::new(Self {
            id: record.id,
            public_id: record.public_id.to_string().into(),
            installation: Card::new(),
            socket: Card::new(),
            pinger: Card::new(),
            assembler: Card::new(),
            record: Mutex::new(Arc::clone(record)),
            status: Mutex::new(Status::of(record)),
            on_demand: OnceLock::new(),
            tally: Tally::default(),
            told_losses: Mutex::default(),
            retained: RetainedBytes::default(),
            record_order: RecordOrder::default(),
        })
    }

    /// Takes over a changed row.
    pub(crate) fn configured(&self, record: &Arc<InstallationRecord>) {
        *self.record.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(record);
    }

    /// Its row.
    pub(crate) fn record(&self) -> Arc<InstallationRecord> {
        Arc::clone(&self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The platform of its app.
    pub(crate) fn platform(&self) -> Platform {
        self.record().platform
    }

    /// Says whether an unreadable frame is recorded, where the platform repeats nothing.
    pub(crate) fn spend_unparsed(&self, size_bytes: usize, now: Instant) -> Unparsed {
        let budget = &self.on_demand().unparsed;
        let mut budget = budget.lock().unwrap_or_else(PoisonError::into_inner);
        budget.spend(size_bytes, now)
    }

    fn on_demand(&self) -> &OnDemand {
        self.on_demand.get_or_init(Box::default)
    }

    /// Waits until a connection serves the bot, from the moment of this call on.
    pub(crate) fn connected(&self) -> Notified<'_> {
        self.on_demand().connected.notified()
    }

    /// A connection serves it now.
    fn wake_requests(&self) {
        if let Some(on_demand) = self.on_demand.get() {
            on_demand.connected.notify_waiters();
        }
    }

    /// Shows what came of a change of its access.
    pub(crate) fn renewed(&self, view: RenewalView) {
        let renewal = self.on_demand().renewal.lock();
        *renewal.unwrap_or_else(PoisonError::into_inner) = Some(view);
    }

    /// What came of its card events, to count into.
    pub(crate) fn card_tally(&self) -> &CardTally {
        &self.on_demand().cards
    }

    /// What came of its callbacks, to count into.
    pub(crate) fn callbacks(&self) -> &BotCallbacks {
        self.on_demand().callbacks.get_or_init(Box::default)
    }

    /// The same, if there were any.
    pub(crate) fn callbacks_so_far(&self) -> Option<&BotCallbacks> {
        Some(self.on_demand.get()?.callbacks.get()?)
    }

    /// The card of its sender, if it ever had one.
    pub(crate) fn sender_card(&self) -> Option<&Card> {
        // An unreadable frame makes the allocation, too.
        let card = &self.on_demand.get()?.sender;
        card.was_started().then_some(card)
    }

    /// How many of its lost events are told already.
    pub(crate) fn told_losses(&self) -> MutexGuard<'_, u64> {
        self.told_losses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The card of one of the connection's actors.
    pub(crate) fn card(&self, actor: ConnectionActor) -> &Card {
        match actor {
            ConnectionActor::Socket => &self.socket,
            ConnectionActor::Pinger => &self.pinger,
            ConnectionActor::Assembler => &self.assembler,
        }
    }

    pub(crate) fn cards(&self) -> impl Iterator<Item = &Card> {
        self.actor_cards().map(|(_, card)| card)
    }

    /// Its cards, each with the kind of its actor.
    pub(crate) fn actor_cards(&self) -> impl Iterator<Item = (&'static ActorKind, &Card)> {
        let cards = [
            (&kind::INSTALLATION, &self.installation),
            (&kind::SOCKET, &self.socket),
            (&kind::PINGER, &self.pinger),
            (&kind::ASSEMBLER, &self.assembler),
        ];
        let sender = self.sender_card().map(|card| (&kind::SENDER, card));
        cards.into_iter().chain(sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are ten thousand. With the counts of its `Arc` it fits the allocator's 896 bytes, above which come 1,024.
    #[test]
    fn a_bot_is_880_bytes() {
        assert!(size_of::<Bot>() <= 880, "{}", size_of::<Bot>());
    }
}
