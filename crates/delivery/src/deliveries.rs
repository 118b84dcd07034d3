//! The handle of delivery: starts it, administers consumers, serves their readers, drains it.

mod administer;
mod cards;
mod changes;
mod errors;
mod inspect;
mod readers;
mod reading;
mod relay;
mod replay;
mod simulate;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::{Arbiter, ArbiterHandle};
use longwire_access::{AuditEntry, Space};
use longwire_actor::{Card, Mailbox, Place, start};
use longwire_store::{ReadError, Store};
use longwire_wire::event::Seq;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::card_claims::CardClaims;
use crate::consumer::ConsumerEntry;
use crate::figures::DeliveryFigures;
use crate::giving_way::give_way;
use crate::index::ConsumerIndex;
use crate::loaded::Row;
use crate::priority;
use crate::root::{Delivery, DrainAll, Run};
use crate::settings::DeliverySettings;
use crate::shared::Shared;
use crate::view::ConsumerView;

pub use self::administer::CreatedConsumer;
pub use self::errors::{
    AckError, ChangeError, ClaimError, ClaimedAnswerError, CreateError, EventsExpired,
    JourneyError, ReadAlongError, RelayConsumerError, RelayTaken, RemoveError, ReplayError,
    RotateError, SeekError, SimulateError, SteerError, StreamError,
};
pub use self::readers::AcknowledgedEvents;
pub use self::replay::ReplayOrder;

/// Streams that read along, in the whole process.
const READ_ALONG_STREAMS: usize = 256;

/// Running delivery. Clones are handles to the same one.
#[derive(Clone)]
pub struct Deliveries {
    inner: Arc<Inner>,
    /// The store of the settings, or the same with an entry of the audit.
    store: Store,
}

struct Inner {
    settings: DeliverySettings,
    index: Arc<ConsumerIndex>,
    claims: Arc<CardClaims>,
    root: Arc<Mailbox<Delivery>>,
    root_card: Arc<Card>,
    feed_card: Arc<Card>,
    arbiter: ArbiterHandle,
    ended: watch::Receiver<Option<String>>,
    read_along_streams: Arc<Semaphore>,
    /// What was counted of consumers that were removed, so that no sum ever falls.
    removed: Mutex<DeliveryFigures>,
    /// Whether it was told to drain.
    drains: AtomicBool,
    /// Held while the consumer of a token and bot is found or made, so that it is made once.
    relay_consumers: tokio::sync::Mutex<()>,
}

/// Why delivery was not started.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryStartError {
    /// The store does not tell which consumers there are.
    #[error("the consumers cannot be read")]
    Read(#[from] ReadError),
    /// Its thread ended before it had begun.
    #[error("the thread of delivery ended at once; look at the log")]
    Thread,
}

/// Delivery ended, and does not begin again in this process. Events are recorded still.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("delivery ended: {how}; restart the process")]
pub struct DeliveriesEnded {
    /// How.
    pub how: String,
}

impl Deliveries {
    /// Starts delivery on a thread of its own inside the current actix system, and with it all consumers of the store.
    pub async fn start(settings: DeliverySettings) -> Result<Self, DeliveryStartError> {
        let store = settings.store.clone();
        let records = blocking(move || store.reader().consumers()).await?;
        let index = Arc::new(ConsumerIndex::default());
        let claims = Arc::new(CardClaims::new(Arc::clone(&settings.names)));
        let (root_card, feed_card) = (Arc::new(Card::new()), Arc::new(Card::new()));
        let cards = (Arc::clone(&root_card), Arc::clone(&feed_card));
        let (tell_ended, ended) = watch::channel(None);
        let arbiter = Arbiter::new();
        let (tell, told) = oneshot::channel();
        {
            let (settings, index) = (settings.clone(), Arc::clone(&index));
            let claims = Arc::clone(&claims);
            arbiter.spawn_fn(move || {
                let lower = settings.lower_priority;
                let shared = std::rc::Rc::new(Shared::new(settings));
                if lower {
                    priority::lower();
                    let store = shared.settings.store.clone();
                    actix_rt::spawn(give_way(store, shared.log.watch_head()));
                }
                let root = start(
                    Arc::clone(&cards.0),
                    Place::default(),
                    move |me, _| Delivery::new(me, cards, shared, index, claims),
                    move |ended| {
                        tell_ended.send_replace(Some(ended.exit.how().to_owned()));
                    },
                );
                // Whoever starts it waits.
                let _ = tell.send(root);
            });
        }
        let root = told.await.map_err(|_| DeliveryStartError::Thread)?;
        let deliveries = Self {
            store: settings.store.clone(),
            inner: Arc::new(Inner {
                settings,
                index,
                claims,
                root,
                root_card,
                feed_card,
                arbiter: arbiter.handle(),
                ended,
                read_along_streams: Arc::new(Semaphore::new(READ_ALONG_STREAMS)),
                removed: Mutex::new(DeliveryFigures::default()),
                drains: AtomicBool::new(false),
                relay_consumers: tokio::sync::Mutex::default(),
            }),
        };
        for record in records {
            let name = record.name.clone();
            match Row::read(record) {
                Ok(Row::Consumer(record, definition)) => {
                    deliveries.run(ConsumerEntry::new(record, definition));
                }
                // They are loaded with their consumers.
                Ok(Row::Replay { .. }) => {}
                Err(error) => {
                    tracing::error!(consumer = %name, error = %error, "a consumer cannot run");
                }
            }
        }
        deliveries.inner.claims.update(&deliveries.inner.index);
        Ok(deliveries)
    }

    /// A handle for one change of a consumer, which is made together with this entry of the audit in one transaction: neither is
    /// kept without the other. A change that is refused leaves no entry. Moving a position is no such change, because the actor
    /// of the consumer keeps it.
    #[must_use]
    pub fn audited_as(&self, entry: AuditEntry) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            store: self.store.audited_as(entry),
        }
    }

    fn run(&self, entry: Arc<ConsumerEntry>) {
        self.inner.index.insert(Arc::clone(&entry));
        self.inner.root.send(Run(entry));
    }

    /// Takes nothing more, waits so long for what is under way, keeps all positions and ends all streams. Returns how many
    /// consumers did not manage that; they repeat more after the next start.
    pub async fn drain(&self, limit: Duration) -> usize {
        self.inner.drains.store(true, Relaxed);
        let (done, answer) = oneshot::channel();
        self.inner.root.send(DrainAll { limit, done });
        let left = tokio::time::timeout(limit + Duration::from_secs(5), answer).await;
        self.inner.arbiter.stop();
        match left {
            Ok(Ok(left)) => left,
            Ok(Err(_)) | Err(_) => self.inner.index.all().len(),
        }
    }

    /// Waits until delivery has ended though nobody drained it.
    pub async fn failed(&self) -> DeliveriesEnded {
        let mut ended = self.inner.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => DeliveriesEnded {
                how: how.clone().unwrap_or_default(),
            },
            Err(_) => DeliveriesEnded {
                how: "its thread ended".to_owned(),
            },
        }
    }

    /// All consumers of a space, in the order in which they were made.
    #[must_use]
    pub fn consumers(&self, space: &Space) -> Vec<ConsumerView> {
        let mut views = self.all_consumers();
        views.retain(|view| view.space == *space);
        views
    }

    /// The consumers of all spaces.
    #[must_use]
    pub fn all_consumers(&self) -> Vec<ConsumerView> {
        let head = self.head();
        let entries = self.inner.index.all();
        entries.iter().map(|entry| entry.view(head)).collect()
    }

    /// One consumer.
    #[must_use]
    pub fn consumer(&self, space: &Space, name: &str) -> Option<ConsumerView> {
        let entry = self.inner.index.find(space, name)?;
        Some(entry.view(self.head()))
    }

    /// What was counted since this process started, of all consumers and of those that were removed since.
    #[must_use]
    pub fn figures(&self) -> DeliveryFigures {
        let removed = &self.inner.removed;
        let removed = removed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = removed.clone();
        for entry in self.inner.index.all() {
            sum.add(&entry.counters.read());
        }
        sum
    }

    /// Forgets a consumer that was removed, but what was counted of it.
    fn forget(&self, entry: &ConsumerEntry) {
        let removed = &self.inner.removed;
        let mut removed = removed.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.index.remove(entry.id);
        removed.add(&entry.counters.read());
    }

    /// The newest event.
    fn head(&self) -> Seq {
        let newest = self.store().watch_head().newest();
        newest.unwrap_or(Seq(0))
    }

    fn store(&self) -> &Store {
        &self.store
    }
}

/// Does what may wait for a disk. A panic there is the caller's.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
