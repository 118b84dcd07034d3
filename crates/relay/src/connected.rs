//! The connections of applications that are open: how many there are of each token and bot, and a way to end those whose token
//! is not valid any more, or whose bot was removed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::Message;
use longwire_access::TokenId;
use longwire_actor::{Receives, send};
use longwire_fleet::Fleet;
use longwire_installation::PublicId;
use tokio::time::{MissedTickBehavior, interval};

use crate::token_hold::TokenHold;

/// How often tokens and bots are looked at. One look is a digest and two looks into memory.
const PERIOD: Duration = Duration::from_secs(1);

/// Connections of one token to one bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectedCount {
    /// The token.
    pub token: TokenId,
    /// The bot.
    pub installation: PublicId,
    /// How many.
    pub connections: usize,
}

/// Your token is not valid any more, or there is no such bot: end the connection. From the watch over both, once a second until
/// the connection is gone.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) struct AdmissionEnded;

/// All of them.
#[derive(Default)]
pub(crate) struct Connected(Mutex<Open>);

#[derive(Default)]
struct Open {
    next: u64,
    entries: HashMap<u64, Entry>,
}

struct Entry {
    hold: Arc<TokenHold>,
    installation: PublicId,
    actor: Arc<dyn Receives<AdmissionEnded>>,
}

/// One open connection. Dropping it takes it off the list.
pub(crate) struct ConnectedHold {
    connected: Arc<Connected>,
    number: u64,
}

impl Connected {
    /// A connection was opened.
    pub(crate) fn add(
        self: &Arc<Self>,
        hold: Arc<TokenHold>,
        installation: PublicId,
        actor: Arc<dyn Receives<AdmissionEnded>>,
    ) -> ConnectedHold {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        let entry = Entry {
            hold,
            installation,
            actor,
        };
        open.entries.insert(number, entry);
        ConnectedHold {
            connected: Arc::clone(self),
            number,
        }
    }

    /// Those of this token and bot.
    pub(crate) fn count(&self, token: TokenId, installation: PublicId) -> usize {
        let open = self.open();
        let of_both = open.entries.values();
        of_both
            .filter(|entry| entry.hold.id() == token && entry.installation == installation)
            .count()
    }

    /// All, by token and bot.
    pub(crate) fn counts(&self) -> Vec<ConnectedCount> {
        let mut counts: HashMap<(TokenId, PublicId), usize> = HashMap::new();
        for entry in self.open().entries.values() {
            *counts
                .entry((entry.hold.id(), entry.installation))
                .or_default() += 1;
        }
        let counts = counts
            .into_iter()
            .map(|((token, installation), connections)| ConnectedCount {
                token,
                installation,
                connections,
            });
        counts.collect()
    }

    /// Looks at the tokens and bots of all connections, for ever. Each has one verdict, however many connections it has.
    pub(crate) async fn watch(self: Arc<Self>, fleet: Fleet) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let is_there = |bot: PublicId| fleet.installation_id(&bot.to_string()).is_some();
            self.look(is_there);
        }
    }

    fn look(&self, is_there: impl Fn(PublicId) -> bool) {
        let mut verdicts: HashMap<TokenId, bool> = HashMap::new();
        let mut bots: HashMap<PublicId, bool> = HashMap::new();
        for entry in self.open().entries.values() {
            let verdict = verdicts.entry(entry.hold.id());
            let is_admitted = *verdict.or_insert_with(|| entry.hold.is_still_admitted());
            let bot = bots.entry(entry.installation);
            let has_bot = *bot.or_insert_with(|| is_there(entry.installation));
            if !(is_admitted && has_bot) {
                send(&*entry.actor, AdmissionEnded);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // One insertion or removal at a time: whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectedHold {
    fn drop(&mut self) {
        self.connected.open().entries.remove(&self.number);
    }
}
