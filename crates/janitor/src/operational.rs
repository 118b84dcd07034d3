//! Events of our own about consumers whose events go.

use std::sync::Arc;

use bytestring::ByteString;
use longwire_installation::InstallationId;
use longwire_store::{Group, NewEvent, Unawaited, Writer};
use longwire_wire::view::Operation;

/// Told when a consumer has used four fifths of a bound.
pub(crate) const EXPIRING: &str = "longwire.consumer.expiring";
/// Told when events went that a consumer had not done.
pub(crate) const EXPIRED: &str = "longwire.consumer.expired";

/// Records an event about the consumer `name` of `space`. Its id in the record begins with the space, which decides who sees it.
pub(crate) fn record(
    writer: &Writer,
    space: &str,
    event_type: &'static str,
    at_ms: i64,
    operation: &Operation,
) {
    let name = operation.consumer.as_deref().unwrap_or_default();
    let occurrence = format!("{space}/{name}/{:032x}", rand::random::<u128>());
    let payload = operation.to_json().into();
    let event = NewEvent {
        event_id: Some(ByteString::from(occurrence.clone())),
        ..NewEvent::operational(0, event_type, &occurrence, at_ms, payload)
    };
    let group = Group {
        installation: InstallationId::NONE,
        platform: None,
        events: vec![event],
        reply: Arc::new(Unawaited("an event about retention")),
    };
    if writer.submit(group).is_err() {
        tracing::debug!("there was no room for an event about retention");
    }
}
