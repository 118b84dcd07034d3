//! Finds out who a client is: whether its token is good for the bot that it names, and gives it a connection of its consumer.

use std::sync::Arc;

use longwire_access::TokenId;
use longwire_actor::Card;
use longwire_delivery::RelayProof;
use longwire_installation::PublicId;
use secrecy::ExposeSecret as _;

use super::frame::Credentials;
use super::{Membership, Wecom, is_wecom};
use crate::admission::{Admitted, Refused, Visitor, admit, refuse};
use crate::attaching::{Attached, attach_as, consumer_of};
use crate::clock::now;
use crate::refusals::RefusalCause;

/// Whose a client was found to be.
pub(super) type Identity = (TokenId, PublicId);

/// What was found.
pub(super) enum Found {
    /// It may have the bot, and has a connection.
    New(Box<NewClient>),
    /// It is who it was before.
    Same,
    /// It is somebody else.
    Other,
    /// Its credentials are wrong.
    Wrong,
    /// It cannot be served for now.
    NotYet,
}

/// A client that may have its bot.
pub(super) struct NewClient {
    pub(super) admitted: Admitted,
    pub(super) attached: Attached,
    pub(super) membership: Membership,
}

/// Finds out who a client with these credentials is. `before` is who it was when it subscribed before, if it did.
pub(super) async fn look(
    wecom: &Arc<Wecom>,
    credentials: &Credentials,
    visitor: &Visitor,
    card: &Arc<Card>,
    before: Option<Identity>,
) -> Found {
    let Credentials { bot_id, secret } = credentials;
    let admitted = match admit(
        &wecom.entrance,
        bot_id,
        secret.expose_secret(),
        visitor,
        is_wecom,
    ) {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into(),
    };
    if let Some(before) = before {
        return if before == (admitted.hold.id(), admitted.bot.public_id) {
            Found::Same
        } else {
            Found::Other
        };
    }
    match join(wecom, &admitted, visitor, card).await {
        Ok((attached, membership)) => Found::New(Box::new(NewClient {
            admitted,
            attached,
            membership,
        })),
        Err(cause) => {
            let token = Some(admitted.grant.token);
            refuse(&wecom.entrance, visitor, cause, Some(bot_id), token).into()
        }
    }
}

async fn join(
    wecom: &Arc<Wecom>,
    admitted: &Admitted,
    visitor: &Visitor,
    card: &Arc<Card>,
) -> Result<(Attached, Membership), RefusalCause> {
    let consumer = consumer_of(&wecom.entrance, admitted).await?;
    let joined = wecom.clients.join(admitted.bot.id, consumer, now());
    let membership = joined.map_err(|_| RefusalCause::Full)?;
    let (space, proof) = (&admitted.grant.space, RelayProof::HandedOver);
    let attached = attach_as(
        &wecom.entrance,
        space,
        consumer,
        visitor,
        proof,
        Arc::clone(card),
    )
    .await?;
    Ok((attached, membership))
}

impl From<Refused> for Found {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Wrong => Self::Wrong,
            Refused::NotYet => Self::NotYet,
        }
    }
}
