//! The records of callbacks: what happened to each, and how far each delivery came.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::fault::ConnectionId;
use crate::ids;
use crate::push::PushId;
use crate::wall_clock::WallClock;
use crate::wecom::callback::Callback;
use crate::wecom::message;
use crate::wecom::push::Chat;
use crate::wecom::req_id::{msgid, req_id};

/// What happened to one callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRecord {
    /// The push.
    pub push: PushId,
    /// The bot.
    pub bot: String,
    /// Its `msgid`; for a raw frame that of the push.
    pub msgid: String,
    /// The id of its chat in `aibot_send_msg`.
    pub chat: String,
    /// Its deliveries in order.
    pub deliveries: Vec<CallbackDelivery>,
}

/// One delivery of a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackDelivery {
    /// `headers.req_id`.
    pub req_id: String,
    /// Its state.
    pub state: DeliveryState,
    /// The connection it was meant for.
    pub connection: Option<ConnectionId>,
    /// Milliseconds since 1970 at which it was added to that connection's output.
    pub at_ms: Option<u64>,
}

/// The callbacks written to one connection. The platform never resends them, so its client must have recorded them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenCallbacks {
    /// The connection, open or ended.
    pub connection: ConnectionId,
    /// The `msgid`s of the callbacks that are wholly on its socket, in the order of their bytes. Old records are dropped.
    pub msgids: Vec<String>,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for a holder of the bot.
    Waiting,
    /// In a connection's output and not yet on its socket.
    Unwritten,
    /// WrittenCallbacks.
    Delivered,
    /// The connection ended before that, or there was no holder and callbacks do not wait.
    Lost,
}

/// The source of a callback's frame.
#[derive(Clone, Debug)]
pub(crate) enum CallbackSource {
    /// One of the generator's templates, by number, and a time in seconds.
    MadeUp { template: u32, created_s: u32 },
    /// Any other callback.
    Built(Arc<Callback>),
}

/// How far one delivery came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryProgress {
    pub(crate) state: DeliveryState,
    pub(crate) to: Option<(ConnectionId, Instant)>,
    /// Its place in the order of all written callbacks; 0 before it is written.
    pub(crate) place: u64,
}

/// A push with its deliveries.
#[derive(Debug)]
pub(crate) struct TrackedCallback {
    pub(crate) bot: u32,
    pub(crate) body: CallbackSource,
    first: DeliveryProgress,
    /// Further deliveries, which are rare.
    more: Vec<DeliveryProgress>,
}

const NEW: DeliveryProgress = DeliveryProgress {
    state: DeliveryState::Waiting,
    to: None,
    place: 0,
};

impl TrackedCallback {
    pub(crate) fn new(bot: u32, body: CallbackSource) -> Self {
        Self {
            bot,
            body,
            first: NEW,
            more: Vec::new(),
        }
    }

    /// One more delivery; its number, 1 being the first.
    pub(crate) fn again(&mut self) -> u16 {
        self.more.push(NEW);
        u16::try_from(self.more.len() + 1).unwrap_or(u16::MAX)
    }

    /// Its deliveries so far.
    pub(crate) fn all_progress(&self) -> impl Iterator<Item = &DeliveryProgress> {
        std::iter::once(&self.first).chain(&self.more)
    }

    pub(crate) fn progress(&self, attempt: u16) -> Option<&DeliveryProgress> {
        match attempt {
            0 => None,
            1 => Some(&self.first),
            later => self.more.get(usize::from(later) - 2),
        }
    }

    fn progress_mut(&mut self, attempt: u16) -> Option<&mut DeliveryProgress> {
        match attempt {
            0 => None,
            1 => Some(&mut self.first),
            later => self.more.get_mut(usize::from(later) - 2),
        }
    }

    pub(crate) fn chat(&self, push: u64) -> Chat {
        match &self.body {
            CallbackSource::MadeUp { .. } => message::chat(push),
            CallbackSource::Built(callback) => callback.push.chat.clone(),
        }
    }

    fn record(&self, push: u64, bot: &str, seed: u64, wall_clock: WallClock) -> CallbackRecord {
        let deliveries = self.all_progress().zip(1..).map(|(progress, attempt)| {
            let given = match &self.body {
                CallbackSource::Built(callback) if attempt == 1 => callback.push.req_id.clone(),
                _ => None,
            };
            CallbackDelivery {
                req_id: given.unwrap_or_else(|| req_id(ids::AttemptId { push, attempt }, seed)),
                state: progress.state,
                connection: progress.to.map(|(id, _)| id),
                at_ms: progress.to.map(|(_, at)| wall_clock.unix_ms(at)),
            }
        });
        CallbackRecord {
            push: PushId(push),
            bot: bot.to_owned(),
            msgid: match &self.body {
                CallbackSource::MadeUp { .. } => msgid(push, seed),
                CallbackSource::Built(callback) => callback.msgid.clone(),
            },
            chat: self.chat(push).key().to_owned(),
            deliveries: deliveries.collect(),
        }
    }
}

/// The newest pushes, found by their number.
#[derive(Debug, Default)]
pub(crate) struct Records {
    ring: VecDeque<TrackedCallback>,
    /// Number of the front one.
    first: u64,
}

impl Records {
    /// Adds the newest push and keeps at most `limit` of them.
    pub(crate) fn add(&mut self, number: u64, tracked: TrackedCallback, limit: usize) {
        if limit == 0 {
            return;
        }
        if self.ring.is_empty() {
            self.first = number;
        } else if self.ring.len() >= limit {
            self.ring.pop_front();
            self.first += 1;
        }
        self.ring.push_back(tracked);
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    pub(crate) fn get(&self, number: u64) -> Option<&TrackedCallback> {
        self.ring.get(self.index(number)?)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut TrackedCallback> {
        let index = self.index(number)?;
        self.ring.get_mut(index)
    }

    /// Changes the progress of a delivery, if its record is still kept.
    pub(crate) fn note(&mut self, of: ids::AttemptId, change: impl FnOnce(&mut DeliveryProgress)) {
        let tracked = self.get_mut(of.push);
        if let Some(progress) = tracked.and_then(|tracked| tracked.progress_mut(of.attempt)) {
            change(progress);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ring.clear();
    }

    pub(crate) fn record(
        &self,
        number: u64,
        seed: u64,
        wall_clock: WallClock,
        name: impl Fn(u32) -> String,
    ) -> Option<CallbackRecord> {
        let tracked = self.get(number)?;
        Some(tracked.record(number, &name(tracked.bot), seed, wall_clock))
    }

    /// Numbers of the pushes with a record, of one bot or all.
    pub(crate) fn numbers(&self, bot: Option<u32>) -> impl Iterator<Item = u64> {
        let of_bot = move |tracked: &TrackedCallback| bot.is_none_or(|bot| tracked.bot == bot);
        let numbered = (self.first..).zip(&self.ring);
        numbered
            .filter(move |(_, tracked)| of_bot(tracked))
            .map(|(number, _)| number)
    }
}
