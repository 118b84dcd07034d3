//! Clicks on cards, whose answers are applications'.

use longwire_installation::InstallationId;

use super::Deliveries;
use crate::asked_card::AskedCard;
use crate::root::Ask;

impl Deliveries {
    /// Whether a consumer claims clicks of this installation; whether it wants a particular one is told when it is asked about. Some nanoseconds while no consumer claims any.
    #[must_use]
    pub fn claims_cards(&self, installation: InstallationId) -> bool {
        self.inner.claims.claims(installation)
    }

    /// Asks the application for the answer to a click: the first consumer, in the order in which they were made, that claims clicks
    /// and whose filter lets the event pass. Where none does, the answer is [`AskedAnswer::Nobody`](crate::AskedAnswer). Never blocks. The event itself comes to the consumer over the log.
    pub fn ask_card(&self, card: AskedCard) {
        self.inner.root.send(Ask(card));
    }
}
