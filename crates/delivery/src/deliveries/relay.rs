//! Connections of the platform's own protocol: the consumer that each belongs to, and who is connected.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use longwire_access::{AuditAction, AuditEntry, AuditResult, Space};
use longwire_consumer::{ConsumerDefinition, RelayRoad, Road, duration_text};
use longwire_installation::{Platform, PublicId};
use longwire_store::{ConsumerId, ConsumerState, WriteError};
use serde_json::json;
use tokio::sync::oneshot;

use super::{CreateError, Deliveries, RelayConsumerError, RelayTaken};
use crate::clock::unix_ms;
use crate::consumer::{AttachRelay, ConsumerEntry};
use crate::relay::{
    AttachError, RelayConnectionView, RelayHello, RelayLink, RelayOwner, RelayReader,
};

/// The most bytes of a consumer's name.
const NAME_BYTES: usize = 64;
/// Names that are tried: the plain one, and with a number behind it.
const NAMES: u32 = 9;

impl Deliveries {
    /// The consumer of this token and bot, whatever it is called by now. If there is none, it is made: it begins with what comes
    /// from now on, in order of chats, and its making is in the audit as the token's. It is called like the token if that is
    /// narrowed to one bot, else like the token and the bot, with a number behind it if another consumer is called so.
    ///
    /// It claims the bot's clicks, unless a consumer on another road does; WeCom's are never claimed. Of several that claim them
    /// the first one that is connected is asked.
    pub async fn relay_consumer(
        &self,
        owner: RelayOwner,
    ) -> Result<ConsumerId, RelayConsumerError> {
        let token = owner.grant.token.to_string();
        let of = (&owner.grant.space, owner.installation);
        let found = || self.relay_entry(of.0, &token, of.1);
        if let Some(entry) = found() {
            return usable(&entry);
        }
        if self.inner.drains.load(Relaxed) {
            return Err(RelayConsumerError::Draining);
        }
        let _one_at_a_time = self.inner.relay_consumers.lock().await;
        if let Some(entry) = found() {
            return usable(&entry);
        }
        let plain = plain_name(&owner);
        for nth in 1..=NAMES {
            let name = numbered(&plain, nth);
            match self.make_relay_consumer(&owner, &token, &name).await {
                Ok(id) => return Ok(id),
                Err(CreateError::Store(WriteError::NameTaken { .. })) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RelayConsumerError::NameTaken { name: plain })
    }

    async fn make_relay_consumer(
        &self,
        owner: &RelayOwner,
        token: &str,
        name: &str,
    ) -> Result<ConsumerId, CreateError> {
        let (least, most) = RelayRoad::HANDLER_LIMITS.into_inner();
        let handler_limit = owner.handler_limit.clamp(least, most);
        let definition = json!({
            "name": name,
            "road": {
                "kind": "relay",
                "token": token,
                "installation": owner.installation.to_string(),
                "handler_limit": duration_text(handler_limit),
            },
            "claims_cards": self.may_claim_cards(owner),
        });
        let definition = ConsumerDefinition::parse(&definition).expect(
            "the name of a token is one of a consumer, and the limit is one that may be set",
        );
        let entry = AuditEntry::by(
            &owner.grant,
            AuditAction::ConsumerAdd,
            name,
            AuditResult::done(),
            unix_ms(),
        );
        let space = owner.grant.space.clone();
        let audited = self.audited_as(entry);
        let view = audited.create_alone(space, definition, None).await?.view;
        tracing::info!(consumer = %view.name, token, "the consumer of a token that connected for the first time was made");
        Ok(view.id)
    }

    /// The consumer of this token and bot.
    fn relay_entry(
        &self,
        space: &Space,
        token: &str,
        installation: PublicId,
    ) -> Option<Arc<ConsumerEntry>> {
        let entries = self.inner.index.all();
        entries.into_iter().find(|entry| {
            let definition = entry.definition();
            let is_it = match &definition.road {
                Road::Relay(road) => road.is_of(token, installation),
                Road::Webhook(_) | Road::Pull | Road::Stream { .. } => false,
            };
            is_it && entry.record().space == *space
        })
    }

    /// Whether the connections that a consumer would have are no other one's.
    pub(super) fn check_relay(
        &self,
        space: &Space,
        definition: &ConsumerDefinition,
    ) -> Result<(), RelayTaken> {
        let Road::Relay(road) = &definition.road else {
            return Ok(());
        };
        match self.relay_entry(space, &road.token, road.installation) {
            Some(entry) if entry.definition().name != definition.name => Err(RelayTaken {
                by: entry.record().name,
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn may_claim_cards(&self, owner: &RelayOwner) -> bool {
        match owner.platform {
            Platform::Wecom => return false,
            Platform::Feishu | Platform::Lark => {}
        }
        let claimed = self.inner.index.all().iter().any(|entry| {
            let definition = entry.definition();
            let is_other = !matches!(definition.road, Road::Relay(_));
            is_other
                && definition.claims_cards
                && entry.record().space == owner.grant.space
                && definition
                    .filter
                    .concerns(owner.installation, owner.platform)
        });
        !claimed
    }

    /// Attaches a connection to its consumer: from now on it is sent events.
    pub async fn attach_relay(
        &self,
        consumer: ConsumerId,
        hello: RelayHello,
    ) -> Result<RelayReader, AttachError> {
        let entry = self.inner.index.get(consumer);
        let entry = entry.ok_or(AttachError::Unknown)?;
        let gone = || AttachError::NotRunning {
            why: entry.why_not(),
        };
        let mailbox = entry.running().await.ok_or_else(gone)?;
        let (answer, attached) = oneshot::channel();
        mailbox.send(AttachRelay { hello, answer });
        attached.await.map_err(|_| gone())?
    }

    /// The connections of all consumers. No actor is asked.
    #[must_use]
    pub fn relay_connections(&self) -> Vec<RelayConnectionView> {
        let mut views = Vec::new();
        for entry in self.inner.index.all() {
            let links = entry.relays();
            views.extend(links.iter().filter_map(|link| view(&entry, link)));
        }
        views
    }

    /// The connections of one consumer, in the order in which they came.
    #[must_use]
    pub fn relay_connections_at(&self, consumer: ConsumerId) -> Vec<RelayConnectionView> {
        let Some(entry) = self.inner.index.get(consumer) else {
            return Vec::new();
        };
        let links = entry.relays();
        links.iter().filter_map(|link| view(&entry, link)).collect()
    }

    /// How many connections this token holds to this bot.
    #[must_use]
    pub fn relay_connections_of(&self, token: &str, installation: PublicId) -> usize {
        let entries = self.inner.index.all();
        let of_road = entries
            .iter()
            .filter(|entry| match &entry.definition().road {
                Road::Relay(road) => road.is_of(token, installation),
                Road::Webhook(_) | Road::Pull | Road::Stream { .. } => false,
            });
        of_road.map(|entry| entry.relays().len()).sum()
    }
}

fn usable(entry: &ConsumerEntry) -> Result<ConsumerId, RelayConsumerError> {
    let record = entry.record();
    match record.state {
        ConsumerState::Stopped { reason } => Err(RelayConsumerError::Stopped {
            name: record.name,
            reason,
        }),
        ConsumerState::Active | ConsumerState::Paused { .. } => Ok(entry.id),
    }
}

fn view(entry: &ConsumerEntry, link: &RelayLink) -> Option<RelayConnectionView> {
    let (record, definition) = (entry.record(), entry.definition());
    let Road::Relay(road) = &definition.road else {
        return None;
    };
    let counts = link.counts();
    Some(RelayConnectionView {
        consumer: record.id,
        consumer_name: record.name,
        space: record.space,
        token: road.token.clone(),
        installation: road.installation,
        reader: link.reader,
        agent: link.hello.agent.clone(),
        peer: link.hello.peer,
        proof: link.hello.proof,
        since_ms: link.since_ms,
        in_flight: link.in_flight(),
        last_ack_ms: counts.last_ack_ms,
        given: counts.given,
        done: counts.done,
        failed: counts.failed,
    })
}

/// What the consumer is called if no other one is.
fn plain_name(owner: &RelayOwner) -> String {
    let token = owner.grant.name.as_str();
    let is_of_one_bot = (owner.grant.installations.as_ref()).is_some_and(|named| named.len() == 1);
    let name = match is_of_one_bot {
        true => token.to_owned(),
        false => format!("{token}-{}", owner.installation_name),
    };
    cut(&name, NAME_BYTES)
}

/// The name with a number behind it, but for the first.
fn numbered(plain: &str, nth: u32) -> String {
    if nth == 1 {
        return plain.to_owned();
    }
    let number = format!("-{nth}");
    cut(plain, NAME_BYTES - number.len()) + &number
}

/// At most so many bytes, without half a character or a blank at the end.
fn cut(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_to_what_a_consumer_may_have() {
        let long = "客".repeat(30);
        assert_eq!(cut(&long, NAME_BYTES).len(), 63);
        assert_eq!(numbered(&cut(&long, NAME_BYTES), 2).len(), 62);
        assert_eq!(numbered("crm", 1), "crm");
        assert_eq!(numbered("crm", 9), "crm-9");
        assert_eq!(cut("a b", 2), "a");
    }
}
