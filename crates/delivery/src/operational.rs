//! Events of our own about consumers, recorded like any other.

use std::sync::Arc;

use longwire_installation::InstallationId;
use longwire_store::{Group, NewEvent, Unawaited, Writer};
use longwire_wire::view::Operation;

use crate::clock::unix_ms;

/// Records an event about the consumer `name` of `space`. Its id in the record begins with the space, which decides who sees it.
pub(crate) fn record(
    writer: &Writer,
    space: &str,
    event_type: &'static str,
    operation: &Operation,
) {
    debug_assert!(
        longwire_wire::catalogue::find(event_type).is_some(),
        "{event_type} is not in the catalogue"
    );
    let name = operation.consumer.as_deref().unwrap_or_default();
    let occurrence = format!("{space}/{name}/{:032x}", rand::random::<u128>());
    let payload = operation.to_json().into();
    let event = NewEvent {
        event_id: Some(occurrence.clone().into()),
        ..NewEvent::operational(0, event_type, &occurrence, unix_ms(), payload)
    };
    let group = Group {
        installation: InstallationId::NONE,
        platform: None,
        events: vec![event],
        reply: Arc::new(Unawaited("an event about a consumer")),
    };
    if writer.submit(group).is_err() {
        tracing::debug!("there was no room for an event about a consumer");
    }
}
