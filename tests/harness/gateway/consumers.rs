//! Consumers that a gateway finds in its store.

use bytes::Bytes;
use longwire_consumer::{ConsumerDefinition, Position};
use longwire_store::{ConsumerRecord, NewConsumer, SavedPosition, Seq};
use serde_json::Value;

use super::Gateway;

/// What the webhooks of stories are signed with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Gateway {
    /// Adds consumers of these definitions while the gateway does not run. They begin at the beginning.
    ///
    /// # Panics
    /// If a definition is none, or the store does not take it.
    #[track_caller]
    pub fn add_consumers(&self, definitions: &[Value]) {
        let store = self.store();
        for definition in definitions {
            let parsed = ConsumerDefinition::parse(definition).expect("a definition");
            let position = Position::behind(Seq(0));
            let added = store.add_consumer(NewConsumer {
                name: parsed.name,
                space: Default::default(),
                definition: definition.to_string(),
                webhook_secret: Some(SECRET.into()),
                position: SavedPosition {
                    floor: position.floor(),
                    state: Bytes::from(position.to_bytes()),
                },
            });
            added.expect("the store takes a consumer");
        }
    }

    /// The consumer of this name, and every event up to which it is done.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    #[must_use]
    pub fn consumer(&self, name: &str) -> (ConsumerRecord, Seq) {
        let reader = self.reader();
        let found = reader.consumer(&Default::default(), name);
        let record = found.expect("the store answers").expect("a consumer");
        let position = reader.position(record.id).expect("the store answers");
        let floor = position.expect("a position").floor;
        (record, floor)
    }
}
