//! WeCom's side of the long connection: any number of clients of one bot, where the platform has room for one.
//!
//! ```text
//! GET /relay/wecom      upgrade.rs   101, for whoever asks: who it is stands in its first frame
//! the connection        client.rs    its actor; session.rs decides what is said
//!   aibot_subscribe     admission: bot and token ──▶ consumer, which has one more connection
//!   callbacks           as they were recorded; hand_over.rs says when the client has one
//!   answers, requests   requests.rs ──▶ Fleet::pass_on ──▶ the bot's own connection
//! ```
//! `owners.rs` says which client may answer which callback. It is shared by all clients of a bot.

mod client;
mod frame;
mod hand_over;
mod looking;
mod owners;
mod requests;
mod session;
mod upgrade;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use longwire_installation::{InstallationId, Platform};
use longwire_store::ConsumerId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::entrance::Entrance;

use self::owners::{BotClients, ClientId, TooManyClients};
use crate::limits::RelayLimits;

pub(crate) use self::upgrade::upgrade;

/// Where clients connect to.
pub const PATH: &str = "/relay/wecom";

/// What lets clients of WeCom's bots in, and what they share.
pub(crate) struct Wecom {
    entrance: Arc<Entrance>,
    clients: Arc<WecomClients>,
}

impl Wecom {
    pub(crate) fn new(entrance: &Arc<Entrance>, limits: RelayLimits) -> Self {
        Self {
            entrance: Arc::clone(entrance),
            clients: WecomClients::new(limits),
        }
    }
}

/// What all clients of WeCom's bots share.
struct WecomClients {
    clients: Mutex<BotClients>,
    connections: AtomicU64,
    /// Places of clients that have not said yet who they are, or are refused and not gone yet.
    newcomers: Arc<Semaphore>,
}

impl WecomClients {
    /// None yet.
    pub(crate) fn new(limits: RelayLimits) -> Arc<Self> {
        Arc::new(Self {
            clients: Mutex::default(),
            connections: AtomicU64::new(0),
            newcomers: Arc::new(Semaphore::new(limits.newcomers())),
        })
    }

    /// A place for a client that has not said yet who it is.
    fn newcomer(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.newcomers).try_acquire_owned().ok()
    }

    /// One more client of this bot.
    fn join(
        self: &Arc<Self>,
        bot: InstallationId,
        consumer: ConsumerId,
        now: Instant,
    ) -> Result<Membership, TooManyClients> {
        let id = ClientId {
            bot,
            consumer,
            connection: self.connections.fetch_add(1, Relaxed),
        };
        self.clients().came(id, now)?;
        Ok(Membership {
            id,
            of: Arc::clone(self),
        })
    }

    fn clients(&self) -> MutexGuard<'_, BotClients> {
        // An entry at a time: whole after any panic.
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client of a bot, until it is dropped.
struct Membership {
    id: ClientId,
    of: Arc<WecomClients>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.of.clients().gone(self.id);
    }
}

fn is_wecom(platform: Platform) -> bool {
    match platform {
        Platform::Wecom => true,
        Platform::Feishu | Platform::Lark => false,
    }
}
