//! Who is asked what an event has ids of only.

use std::pin::Pin;

use longwire_installation::InstallationId;
use longwire_wire::view::{FoundMessage, PersonName, Unavailable};

/// What comes of a lookup, later.
pub type LookupOutcome<T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>>>>;

/// Asks the platform, through the bot that received the event and through no other.
pub trait EventLookups: Send + Sync {
    /// A message that this bot may see. Called on the thread of delivery: it must not block.
    fn message(&self, bot: InstallationId, message_id: &str) -> LookupOutcome<FoundMessage>;

    /// The name of a person, by the id under which this bot's app knows them. It must not block.
    fn person(&self, bot: InstallationId, open_id: &str) -> LookupOutcome<PersonName>;
}

/// Asks nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLookups;

impl EventLookups for NoLookups {
    fn message(&self, _: InstallationId, _: &str) -> LookupOutcome<FoundMessage> {
        Box::pin(async { Err(Unavailable::NotRunning) })
    }

    fn person(&self, _: InstallationId, _: &str) -> LookupOutcome<PersonName> {
        Box::pin(async { Err(Unavailable::NotRunning) })
    }
}
