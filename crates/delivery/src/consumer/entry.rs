//! A consumer as everybody finds it: what is known of it, and the mailbox of the actor that runs it now. It outlives the actors
//! that run it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longwire_access::Space;
use longwire_actor::{Card, Mailbox};
use longwire_consumer::{ConsumerDefinition, ReaderId};
use longwire_store::{ConsumerId, ConsumerRecord};
use longwire_wire::event::Seq;
use tokio::sync::watch;

use super::Consumer;
use crate::clock::unix_ms;
use crate::figures::Counters;
use crate::relay::RelayLink;
use crate::view::{ConsumerProgress, ConsumerView};

/// How long a request waits for a consumer that does not run yet.
const BEGINS_WITHIN: Duration = Duration::from_secs(2);

/// One consumer. It outlives the actors that run it.
pub(crate) struct ConsumerEntry {
    pub(crate) id: ConsumerId,
    pub(crate) card: Arc<Card>,
    pub(crate) endpoint_card: Arc<Card>,
    pub(crate) counters: Counters,
    /// The actor that runs it now.
    mailbox: watch::Sender<Option<Arc<Mailbox<Consumer>>>>,
    known: Mutex<Known>,
    /// The connections of the platform's protocol that its actor has.
    relays: Mutex<BTreeMap<ReaderId, Arc<RelayLink>>>,
}

struct Known {
    record: ConsumerRecord,
    definition: Arc<ConsumerDefinition>,
    progress: ConsumerProgress,
    /// When the oldest event that is not done was recorded.
    oldest_ms: Option<i64>,
}

impl ConsumerEntry {
    pub(crate) fn new(record: ConsumerRecord, definition: Arc<ConsumerDefinition>) -> Arc<Self> {
        Arc::new(Self {
            id: record.id,
            card: Arc::new(Card::new()),
            endpoint_card: Arc::new(Card::new()),
            counters: Counters::default(),
            mailbox: watch::Sender::new(None),
            relays: Mutex::default(),
            known: Mutex::new(Known {
                record,
                definition,
                progress: ConsumerProgress::default(),
                oldest_ms: None,
            }),
        })
    }

    pub(crate) fn record(&self) -> ConsumerRecord {
        self.known().record.clone()
    }

    pub(crate) fn definition(&self) -> Arc<ConsumerDefinition> {
        Arc::clone(&self.known().definition)
    }

    pub(crate) fn mailbox(&self) -> Option<Arc<Mailbox<Consumer>>> {
        self.mailbox.borrow().clone()
    }

    /// The actor that runs it now, or soon: one that was just made, or is built anew, begins after a moment.
    pub(crate) async fn running(&self) -> Option<Arc<Mailbox<Consumer>>> {
        let mut mailbox = self.mailbox.subscribe();
        let runs = mailbox.wait_for(Option::is_some);
        let runs = tokio::time::timeout(BEGINS_WITHIN, runs).await;
        runs.ok()?.ok()?.clone()
    }

    /// Its row changed. An older one than what is known changes nothing.
    pub(crate) fn changed(&self, record: ConsumerRecord, definition: Arc<ConsumerDefinition>) {
        let mut known = self.known();
        if record.revision >= known.record.revision {
            known.record = record;
            known.definition = definition;
        }
    }

    /// Why no actor runs it, if none does.
    pub(crate) fn why_not(&self) -> String {
        let known = self.known();
        let why = known.progress.not_running.clone();
        why.unwrap_or_else(|| "it was just ended".to_owned())
    }

    /// This actor runs it from now on.
    pub(crate) fn runs(&self, mailbox: Arc<Mailbox<Consumer>>) {
        self.known().progress.not_running = None;
        self.mailbox.send_replace(Some(mailbox));
    }

    /// A connection was attached.
    pub(crate) fn connected(&self, link: &Arc<RelayLink>) {
        self.connections().insert(link.reader, Arc::clone(link));
    }

    /// A connection was let go.
    pub(crate) fn disconnected(&self, reader: ReaderId) {
        self.connections().remove(&reader);
    }

    pub(crate) fn is_connected(&self) -> bool {
        !self.connections().is_empty()
    }

    /// All connections, in the order in which they came.
    pub(crate) fn relays(&self) -> Vec<Arc<RelayLink>> {
        self.connections().values().cloned().collect()
    }

    /// None does.
    pub(crate) fn does_not_run(&self, why: String) {
        self.connections().clear();
        self.mailbox.send_replace(None);
        self.known().progress.not_running = Some(why);
    }

    /// How it does.
    pub(crate) fn show(&self, progress: ConsumerProgress, oldest_ms: Option<i64>) {
        let mut known = self.known();
        known.progress = progress;
        known.oldest_ms = oldest_ms;
    }

    pub(crate) fn view(&self, head: Seq) -> ConsumerView {
        let known = self.known();
        let record = &known.record;
        let mut progress = known.progress.clone();
        let lag_events = head.0.saturating_sub(progress.floor.0).max(0);
        progress.lag_events = lag_events.unsigned_abs();
        if let Some(oldest_ms) = known.oldest_ms {
            let age = unix_ms().saturating_sub(oldest_ms).max(0);
            progress.lag = Duration::from_millis(age.unsigned_abs());
        }
        ConsumerView {
            id: record.id,
            public_id: record.public_id,
            name: record.name.clone(),
            space: record.space.clone(),
            definition: Arc::clone(&known.definition),
            revision: record.revision,
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
            state: record.state.clone(),
            state_since_ms: record.state_since_ms,
            progress,
            figures: self.counters.read(),
        }
    }

    /// Whether it has this name in this space.
    pub(crate) fn is(&self, space: &Space, name: &str) -> bool {
        let known = self.known();
        known.record.space == *space && known.record.name.as_str() == name
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<ReaderId, Arc<RelayLink>>> {
        // Each change of it is whole, whoever panics.
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Each change of it is whole, whoever panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
