//! What is delivered one after the other.

use longwire_installation::InstallationId;
use longwire_wire::event::Seq;
use serde::{Deserialize, Serialize};

use crate::spread::spread;

/// Which events of a consumer are delivered one after the other, each after the one before is done.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryOrder {
    /// None: every event goes on its own.
    None,
    /// Those of one chat. Events without a chat are ordered with the others of their installation that have none.
    #[default]
    Chat,
    /// Those of one installation.
    Installation,
}

/// Whether somebody waits for the answer to an event.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Urgent {
    /// A card click, for whose answer the platform waits 3 s. It is not gathered, goes before other events, and is ordered
    /// with other clicks only: a message whose delivery fails must not make the clicks of its chat late.
    Click,
    /// Any other event.
    No,
}

/// A chat of an installation: 64 bits of a hash over both. Two chats with the same key are delivered as if they were one,
/// which makes them slower and nothing worse. The hash is part of stored positions and never changes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChatKey(u64);

impl ChatKey {
    /// The key of `chat`, the platform's id of it.
    #[must_use]
    pub fn new(installation: InstallationId, chat: &str) -> Self {
        // FNV-1a (Fowler, Noll, Vo), 64 bits.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in chat.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Self(spread(hash ^ of_installation(installation)))
    }
}

/// Events with the same key are delivered one after the other.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(pub(crate) u64);

impl OrderKey {
    pub(crate) fn new(
        order: DeliveryOrder,
        seq: Seq,
        installation: InstallationId,
        chat: Option<ChatKey>,
        urgent: Urgent,
    ) -> Self {
        let (domain, of) = match order {
            DeliveryOrder::None => (1, seq.0.cast_unsigned()),
            DeliveryOrder::Chat => match chat {
                Some(chat) => (2, chat.0),
                None => (3, of_installation(installation)),
            },
            DeliveryOrder::Installation => (4, of_installation(installation)),
        };
        let clicks = match urgent {
            Urgent::Click => 8,
            Urgent::No => 0,
        };
        Self(spread(of ^ spread(domain + clicks)))
    }
}

fn of_installation(installation: InstallationId) -> u64 {
    spread(installation.0.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(
        order: DeliveryOrder,
        seq: i64,
        bot: i64,
        chat: Option<&str>,
        urgent: Urgent,
    ) -> OrderKey {
        let bot = InstallationId(bot);
        let chat = chat.map(|chat| ChatKey::new(bot, chat));
        OrderKey::new(order, Seq(seq), bot, chat, urgent)
    }

    #[test]
    fn what_is_ordered_together() {
        use DeliveryOrder::{Chat, Installation, None as Free};
        use Urgent::{Click, No};
        let a = key(Chat, 1, 1, Some("oc_a"), No);
        assert_eq!(a, key(Chat, 2, 1, Some("oc_a"), No));
        assert_ne!(a, key(Chat, 1, 1, Some("oc_b"), No));
        assert_ne!(a, key(Chat, 1, 2, Some("oc_a"), No));
        assert_ne!(a, key(Chat, 1, 1, Some("oc_a"), Click));
        assert_ne!(a, key(Chat, 1, 1, None, No));
        assert_eq!(key(Chat, 1, 1, None, No), key(Chat, 2, 1, None, No));
        assert_ne!(
            key(Free, 1, 1, Some("oc_a"), No),
            key(Free, 2, 1, Some("oc_a"), No)
        );
        let whole = key(Installation, 1, 1, Some("oc_a"), No);
        assert_eq!(whole, key(Installation, 2, 1, Some("oc_b"), No));
        assert_ne!(whole, key(Installation, 2, 2, Some("oc_a"), No));
    }

    /// Positions on disk have such keys in them.
    #[test]
    fn the_recipe_is_fixed() {
        let key = key(DeliveryOrder::Chat, 1, 1, Some("oc_a"), Urgent::No);
        assert_eq!(key.0, 10_396_249_829_846_299_570);
    }
}
