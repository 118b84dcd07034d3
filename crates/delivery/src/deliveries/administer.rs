//! Consumers are made and removed.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use longwire_access::Space;
use longwire_consumer::{
    ConsumerDefinition, EVENT_MEDIA_TYPE, EventId, Position, Road, StartFrom, StoreTag,
};
use longwire_egress::endpoint::EndpointUrl;
use longwire_store::{EventQuery, NewConsumer, ReadError, SavedPosition, Store};
use longwire_wire::event::Seq;
use longwire_wire::webhook::WebhookSecret;
use secrecy::SecretString;

use super::{CreateError, Deliveries, EventsExpired, RemoveError, blocking};
use crate::consumer::ConsumerEntry;
use crate::endpoint_plan::{EndpointRefused, endpoint_settings};
use crate::loaded::Row;
use crate::root::Removed;
use crate::view::ConsumerView;

/// A consumer that was made.
pub struct CreatedConsumer {
    /// The consumer.
    pub view: ConsumerView,
    /// What its webhook is signed with, to be shown to its owner once.
    pub secret: Option<SecretString>,
    /// Whether its webhook is reached through a proxy, which looks the host's name up: the addresses that it dials are not
    /// checked, the name only.
    pub is_checked_by_name: bool,
}

/// Without the secret.
impl fmt::Debug for CreatedConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedConsumer")
            .field("view", &self.view)
            .finish_non_exhaustive()
    }
}

impl Deliveries {
    /// Makes a consumer, which begins where its definition says. `secret` signs its webhook; absent, one is made.
    pub async fn create(
        &self,
        space: Space,
        definition: ConsumerDefinition,
        secret: Option<WebhookSecret>,
    ) -> Result<CreatedConsumer, CreateError> {
        let _one_at_a_time = match definition.road {
            Road::Relay(_) => Some(self.inner.relay_consumers.lock().await),
            Road::Webhook(_) | Road::Pull | Road::Stream { .. } => None,
        };
        self.create_alone(space, definition, secret).await
    }

    /// The same, of a consumer with the road `relay` while no other one is made.
    pub(super) async fn create_alone(
        &self,
        space: Space,
        definition: ConsumerDefinition,
        secret: Option<WebhookSecret>,
    ) -> Result<CreatedConsumer, CreateError> {
        self.check_endpoint(&definition)?;
        self.check_relay(&space, &definition)?;
        let secret = match definition.road {
            Road::Webhook(_) => Some(secret.unwrap_or_else(new_secret)),
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => None,
        };
        let secret = secret.map(|secret| SecretString::from(secret.expose().as_str()));
        let (store, sealed, from) = (self.store().clone(), secret.clone(), definition.from);
        let (name, order) = (definition.name.clone(), definition.policy.order);
        let definition = Arc::new(definition);
        let text = definition.to_json().to_string();
        let record = blocking(move || {
            let mut position = Position::behind(begins_after::<CreateError>(&store, from)?);
            position.order = order;
            let record = store.add_consumer(NewConsumer {
                name,
                space,
                definition: text,
                webhook_secret: sealed,
                position: saved(&position),
            })?;
            Ok::<_, CreateError>(record)
        })
        .await?;
        let is_checked_by_name = self.is_checked_by_name(&definition);
        let entry = ConsumerEntry::new(record, definition);
        let view = entry.view(self.head());
        self.run(entry);
        self.inner.claims.update(&self.inner.index);
        Ok(CreatedConsumer {
            view,
            secret,
            is_checked_by_name,
        })
    }

    /// Whether something can be posted to the webhook of this definition, as far as that can be told without trying.
    pub fn check_endpoint(&self, definition: &ConsumerDefinition) -> Result<(), EndpointRefused> {
        match &definition.road {
            Road::Webhook(road) => {
                let filter = &self.inner.settings.filter;
                let settings = endpoint_settings(road, filter, EVENT_MEDIA_TYPE, 1)?;
                // Other names are looked up with each connection.
                filter.check_host(settings.url.host())?;
                Ok(())
            }
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => Ok(()),
        }
    }

    /// Whether only the name of this webhook's host is checked, because a proxy looks its addresses up.
    fn is_checked_by_name(&self, definition: &ConsumerDefinition) -> bool {
        match &definition.road {
            Road::Webhook(road) => {
                let url = road.url.as_str().parse::<EndpointUrl>();
                url.is_ok_and(|url| url.is_named() && url.is_proxied(&self.inner.settings.egress))
            }
            Road::Pull | Road::Stream { .. } | Road::Relay(_) => false,
        }
    }

    /// Removes a consumer with its position, its replays and its part of all journeys.
    pub async fn remove(&self, space: &Space, name: &str) -> Result<(), RemoveError> {
        let entry = self.inner.index.find(space, name);
        let entry = entry.ok_or(RemoveError::Unknown)?;
        let id = entry.id;
        // First, so that nothing is sent any more.
        self.inner.root.send(Removed(id));
        let store = self.store().clone();
        // The entry of the audit is the consumer's.
        let of_replays = self.inner.settings.store.clone();
        let removed = blocking(move || {
            for record in store.reader().consumers()? {
                if let Ok(Row::Replay { id: replay, of, .. }) = Row::read(record)
                    && of == id
                {
                    of_replays.remove_consumer(replay)?;
                }
            }
            store.remove_consumer(id)?;
            Ok(())
        });
        let removed = removed.await;
        self.forget(&entry);
        self.inner.claims.update(&self.inner.index);
        removed
    }
}

/// A secret of 32 random bytes.
pub(super) fn new_secret() -> WebhookSecret {
    WebhookSecret::generate(rand::random())
}

/// A position in the form that is kept.
pub(super) fn saved(position: &Position) -> SavedPosition {
    SavedPosition {
        floor: position.floor(),
        state: Bytes::from(position.to_bytes()),
    }
}

/// The event behind which a consumer begins. Blocks.
pub(super) fn begins_after<E: From<ReadError> + From<EventsExpired>>(
    store: &Store,
    from: StartFrom,
) -> Result<Seq, E> {
    let newest = || store.reader().last_seq();
    let gone = store.gone_through();
    // What went is not to be passed over in silence: whoever wants what is left says `beginning`.
    let kept = |after: Seq| match after < gone {
        true => Err(E::from(expired(store))),
        false => Ok(after),
    };
    match from {
        StartFrom::Now => Ok(newest()?.unwrap_or(Seq(0)).max(gone)),
        StartFrom::Beginning => Ok(gone),
        StartFrom::Seq(seq) => kept(Seq(seq.0.saturating_sub(1).max(0))),
        StartFrom::TimeMs(ms) => match store.reader().first_at(ms)? {
            Some(first) if is_first_kept(store, first)? => Err(E::from(expired(store))),
            Some(first) => kept(Seq(first.0 - 1)),
            None => Ok(newest()?.unwrap_or(Seq(0))),
        },
    }
}

/// Whether this is the oldest event that is kept though events before it went: those of a time before it are not all there.
fn is_first_kept(store: &Store, first: Seq) -> Result<bool, ReadError> {
    let gone = store.gone_through();
    if gone.0 == 0 || first.0 <= gone.0 {
        return Ok(false);
    }
    let page = store.reader().events(EventQuery {
        after: Some(gone),
        installations: None,
        limit: 1,
    })?;
    Ok(page.events.first().is_none_or(|oldest| oldest.seq >= first))
}

/// The oldest place at which reading can begin.
pub(super) fn expired(store: &Store) -> EventsExpired {
    let tag = StoreTag(store.identity().prefix());
    EventsExpired {
        oldest: EventId::new(tag, Seq(store.gone_through().0 + 1)),
    }
}
