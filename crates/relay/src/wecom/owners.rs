//! Which client may answer which callback of a bot.
//!
//! Every client of a bot is sent its callbacks, under the platform's `req_id`. The first one that answers a `req_id`
//! owns it: its further answers, and its stream, are let through. Any other client is told what the platform says of an id
//! that has expired. A client whose connection ended may go on over its next connection, or over another one of the same
//! consumer, since that is who gets the event again.
//!
//! An id that was never sent from here, or was sent before this process began, belongs to nobody yet: the first answer
//! takes it, and the platform says whether it is still good.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use longwire_installation::InstallationId;
use longwire_store::ConsumerId;
use longwire_wire::wecom::limit;

/// Ids that are remembered for one bot, in less than a megabyte. Of a bot that has more callbacks than that in a day the
/// oldest are forgotten: whoever answers one of them next owns it.
const MOST_IDS: usize = 8_192;

/// Clients that one bot may have at once. A team's programs with all their instances are tens.
pub(crate) const MOST_CLIENTS: usize = 256;

/// One connection of a client, its bot, and the consumer that it reads for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ClientId {
    pub(crate) bot: InstallationId,
    pub(crate) consumer: ConsumerId,
    /// Unique in this process.
    pub(crate) connection: u64,
}

/// The bot has as many clients as it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooManyClients;

/// The clients of all bots.
#[derive(Default)]
pub(crate) struct BotClients(HashMap<InstallationId, ReqIdOwners>);

impl BotClients {
    /// A client is there.
    ///
    /// # Errors
    /// When its bot has [`MOST_CLIENTS`] already.
    pub(crate) fn came(&mut self, client: ClientId, now: Instant) -> Result<(), TooManyClients> {
        if !self.0.contains_key(&client.bot) {
            // Now and then, so that what is kept of bots is bounded by those that have had clients within a day.
            self.0.retain(|_, owners| !owners.is_idle(now));
        }
        self.0.entry(client.bot).or_default().came(client)
    }

    /// A client's connection ended.
    pub(crate) fn gone(&mut self, client: ClientId) {
        if let Some(owners) = self.0.get_mut(&client.bot) {
            owners.gone(client);
        }
    }

    /// What is known of the callbacks of this client's bot.
    pub(crate) fn of(&mut self, client: ClientId) -> &mut ReqIdOwners {
        self.0.entry(client.bot).or_default()
    }
}

/// Which client may answer which callback of one bot.
pub(crate) struct ReqIdOwners {
    /// The connections that are there.
    connections: BTreeSet<u64>,
    /// By the hash of the id; `None`: it went out, and nobody has answered it.
    owners: HashMap<u64, Option<ClientId>>,
    /// The ids, oldest first, each with the time at which it was seen first.
    seen: VecDeque<(Instant, u64)>,
    /// Keyed at random, so that nobody can choose ids with the hash of another.
    hashes: RandomState,
}

impl Default for ReqIdOwners {
    fn default() -> Self {
        Self {
            connections: BTreeSet::new(),
            owners: HashMap::new(),
            seen: VecDeque::new(),
            hashes: RandomState::new(),
        }
    }
}

impl ReqIdOwners {
    fn came(&mut self, client: ClientId) -> Result<(), TooManyClients> {
        if self.connections.len() >= MOST_CLIENTS {
            return Err(TooManyClients);
        }
        self.connections.insert(client.connection);
        Ok(())
    }

    /// What it owns waits for another connection of its consumer.
    fn gone(&mut self, client: ClientId) {
        self.connections.remove(&client.connection);
    }

    /// A callback of this id goes out to a client.
    pub(crate) fn sent(&mut self, req_id: &str, now: Instant) {
        let id = self.hash(req_id);
        self.remember(id, now);
    }

    /// Whether a callback of this id went out, and is not forgotten.
    pub(crate) fn is_callback(&self, req_id: &str) -> bool {
        self.owners.contains_key(&self.hash(req_id))
    }

    /// Whether this client may answer a callback of this id. If nobody has, it owns the id from now on.
    pub(crate) fn claim(&mut self, req_id: &str, client: ClientId, now: Instant) -> bool {
        let id = self.hash(req_id);
        self.remember(id, now);
        let Some(owner) = self.owners.get_mut(&id) else {
            return true;
        };
        let is_free = owner.is_none_or(|owner| {
            let is_gone = !self.connections.contains(&owner.connection);
            owner.consumer == client.consumer && is_gone
        });
        if is_free {
            *owner = Some(client);
        }
        *owner == Some(client)
    }

    /// Whether nothing would be lost with this.
    fn is_idle(&self, now: Instant) -> bool {
        let is_kept = |(since, _): &(Instant, u64)| !is_over(*since, now);
        self.connections.is_empty() && !self.seen.back().is_some_and(is_kept)
    }

    fn remember(&mut self, id: u64, now: Instant) {
        while let Some((since, oldest)) = self.seen.front().copied()
            && (is_over(since, now) || self.seen.len() > MOST_IDS)
        {
            self.seen.pop_front();
            self.owners.remove(&oldest);
        }
        if let Entry::Vacant(entry) = self.owners.entry(id) {
            entry.insert(None);
            self.seen.push_back((now, id));
        }
    }

    fn hash(&self, req_id: &str) -> u64 {
        self.hashes.hash_one(req_id)
    }
}

/// Whether the platform takes no answer any more to a callback that was seen at this time.
fn is_over(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= limit::REPLY
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn client(consumer: i64, connection: u64) -> ClientId {
        ClientId {
            bot: InstallationId(1),
            consumer: ConsumerId(consumer),
            connection,
        }
    }

    fn owners(clients: &[ClientId]) -> ReqIdOwners {
        let mut owners = ReqIdOwners::default();
        for client in clients {
            owners.came(*client).expect("there is room");
        }
        owners
    }

    #[test]
    fn the_first_that_answers_owns_the_id() {
        let (one, two) = (client(1, 1), client(2, 2));
        let now = Instant::now();
        let mut owners = owners(&[one, two]);
        owners.sent("r", now);
        assert!(owners.claim("r", two, now));
        assert!(!owners.claim("r", one, now));
        assert!(owners.claim("r", two, now), "its stream goes on");
        assert!(owners.claim("s", one, now), "an id of an earlier process");
        assert!(!owners.claim("s", two, now));
    }

    #[test]
    fn the_same_consumer_goes_on_when_the_owner_is_gone() {
        let (old, new, other) = (client(1, 1), client(1, 2), client(2, 3));
        let now = Instant::now();
        let mut owners = owners(&[old, new, other]);
        assert!(owners.claim("r", old, now));
        assert!(!owners.claim("r", new, now), "the owner is there");
        owners.gone(old);
        assert!(!owners.claim("r", other, now), "another program's answer");
        assert!(owners.claim("r", new, now));
    }

    #[test]
    fn an_id_is_forgotten_with_the_platforms_window_or_behind_many_others() {
        let (one, two) = (client(1, 1), client(2, 2));
        let now = Instant::now();
        let mut owners = owners(&[one, two]);
        assert!(owners.claim("r", one, now));
        assert!(owners.claim("r", two, now + limit::REPLY));
        for other in 0..=MOST_IDS {
            owners.sent(&other.to_string(), now + limit::REPLY);
        }
        assert!(!owners.is_callback("r"));
        assert!(owners.owners.len() <= MOST_IDS + 1);
        assert_eq!(owners.owners.len(), owners.seen.len());
    }

    #[test]
    fn a_bot_has_so_many_clients_at_most() {
        let mut owners = ReqIdOwners::default();
        for connection in 0..MOST_CLIENTS as u64 {
            assert_eq!(owners.came(client(1, connection)), Ok(()));
        }
        let one_more = client(1, MOST_CLIENTS as u64);
        assert_eq!(owners.came(one_more), Err(TooManyClients));
        owners.gone(client(1, 0));
        assert_eq!(owners.came(one_more), Ok(()));
    }

    #[test]
    fn nothing_is_kept_of_a_bot_that_nobody_reads() {
        let now = Instant::now();
        let mut owners = ReqIdOwners::default();
        assert!(owners.is_idle(now));
        owners.came(client(1, 1)).expect("there is room");
        owners.sent("r", now);
        owners.gone(client(1, 1));
        assert!(!owners.is_idle(now), "a client that comes back may answer");
        assert!(owners.is_idle(now + limit::REPLY));
    }

    proptest! {
        /// Whatever order clients come, answer and go in: an id has one consumer at most, and one connection of it at a time.
        #[test]
        fn an_id_has_one_owner(
            steps in prop::collection::vec((0_u64..6, 0_u8..4, 0_u8..4), 1..200),
        ) {
            let now = Instant::now();
            let mut owners = ReqIdOwners::default();
            let mut there = BTreeSet::new();
            let mut answered: HashMap<u8, ClientId> = HashMap::new();
            for (connection, id, what) in steps {
                let who = client(connection as i64 / 2, connection);
                match what {
                    0 => {
                        there.insert(connection);
                        owners.came(who).expect("there are few");
                    }
                    1 => {
                        there.remove(&connection);
                        owners.gone(who);
                    }
                    _ if !there.contains(&connection) => {}
                    2 => owners.sent(&id.to_string(), now),
                    _ => {
                        let may = owners.claim(&id.to_string(), who, now);
                        let owner = *answered.entry(id).or_insert(who);
                        let takes_over =
                            owner.consumer == who.consumer && !there.contains(&owner.connection);
                        prop_assert_eq!(may, owner == who || takes_over);
                        if may {
                            answered.insert(id, who);
                        }
                    }
                }
            }
        }
    }
}
