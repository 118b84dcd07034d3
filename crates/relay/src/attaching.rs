//! The consumer of an application's token and bot, and one more connection of it.

use std::sync::Arc;

use longwire_access::Space;
use longwire_actor::Card;
use longwire_delivery::{
    AttachError, RELAY_WINDOW, RelayConsumerError, RelayHello, RelayOwner, RelayProof, RelayReader,
};
use longwire_listener::StreamPermit;
use longwire_store::ConsumerId;

use crate::admission::{Admitted, Visitor};
use crate::entrance::Entrance;
use crate::refusals::RefusalCause;

/// A connection as its consumer's reader.
pub(crate) struct Attached {
    pub(crate) reader: RelayReader,
    /// The card of the connection's actor.
    pub(crate) card: Arc<Card>,
    /// Its place among all connections.
    pub(crate) permit: StreamPermit,
}

/// The consumer, which is made when the token connects as this bot for the first time.
pub(crate) async fn consumer_of(
    entrance: &Entrance,
    admitted: &Admitted,
) -> Result<ConsumerId, RefusalCause> {
    let owner = RelayOwner {
        grant: admitted.grant.clone(),
        installation: admitted.bot.public_id,
        installation_name: admitted.bot.name.clone(),
        platform: admitted.bot.platform,
        handler_limit: entrance.handler_limit,
    };
    let found = entrance.deliveries.relay_consumer(owner).await;
    found.map_err(|error| {
        let cause = match &error {
            RelayConsumerError::Stopped { .. } => RefusalCause::ConsumerStopped,
            RelayConsumerError::Draining => RefusalCause::Draining,
            RelayConsumerError::NameTaken { .. } | RelayConsumerError::Create(_) => {
                RefusalCause::NotReady
            }
        };
        if cause == RefusalCause::NotReady {
            tracing::warn!(%error, "the consumer of an application that connects cannot be made");
        }
        cause
    })
}

/// One more connection of this consumer.
pub(crate) async fn attach(
    entrance: &Entrance,
    space: &Space,
    consumer: ConsumerId,
    visitor: &Visitor,
    proof: RelayProof,
) -> Result<Attached, RefusalCause> {
    attach_as(
        entrance,
        space,
        consumer,
        visitor,
        proof,
        Arc::new(Card::new()),
    )
    .await
}

/// The same for a connection whose actor lives already and has this card.
pub(crate) async fn attach_as(
    entrance: &Entrance,
    space: &Space,
    consumer: ConsumerId,
    visitor: &Visitor,
    proof: RelayProof,
    card: Arc<Card>,
) -> Result<Attached, RefusalCause> {
    if entrance.draining.has_begun() {
        return Err(RefusalCause::Draining);
    }
    let permit = entrance
        .places
        .take(space)
        .map_err(|_| RefusalCause::Full)?;
    let Visitor { peer, agent } = visitor.clone();
    let hello = RelayHello {
        window: RELAY_WINDOW,
        agent,
        peer,
        proof,
        card: Arc::clone(&card),
    };
    let attached = entrance.deliveries.attach_relay(consumer, hello).await;
    let reader = attached.map_err(|error| match error {
        AttachError::Stopped { .. } => RefusalCause::ConsumerStopped,
        AttachError::Draining => RefusalCause::Draining,
        AttachError::TooMany { .. } => RefusalCause::Full,
        AttachError::Unknown | AttachError::OtherRoad | AttachError::NotRunning { .. } => {
            RefusalCause::NotReady
        }
    })?;
    Ok(Attached {
        reader,
        card,
        permit,
    })
}
