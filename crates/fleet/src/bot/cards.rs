//! The cards of a bot's actors. Those of the four that every connected bot may have lie in the bot's own allocation, since
//! there are thousands of bots; that of the sender, which most bots never have, in one made on demand. An actor holds its
//! card as a handle on the bot.

use super::Bot;
use longwire_actor::Card;
use std::ops::Deref;
use std::sync::Arc;

macro_rules! card_handles {
    ($($(#[$doc:meta])* $handle:ident => $card:ident;)+) => {
        $($(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $handle(pub(crate) Arc<Bot>);

        impl Deref for $handle {
            type Target = Card;

            fn deref(&self) -> &Card {
                &self.0.$card
            }
        })+
    };
}

card_handles! {
    /// The card of a bot's installation.
    InstallationCard => installation;
    /// The card of a bot's socket.
    SocketCard => socket;
    /// The card of a bot's pinger.
    PingerCard => pinger;
    /// The card of a bot's assembler.
    AssemblerCard => assembler;
}

/// The card of a bot's sender.
#[derive(Clone)]
pub(crate) struct SenderCard(pub(crate) Arc<Bot>);

impl Deref for SenderCard {
    type Target = Card;

    fn deref(&self) -> &Card {
        &self.0.on_demand().sender
    }
}
