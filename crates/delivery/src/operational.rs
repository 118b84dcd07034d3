//! Events of our own about consumers, recorded like any other.

use std::sync::Arc;

use bytestring::ByteString;
use longwire_installation::InstallationId;
use longwire_store::{Cause, Group, GroupReply, NewEvent, Receipt, Source, Writer};
use longwire_wire::identity::Identity;
use longwire_wire::view::Operation;

use crate::clock::unix_ms;

/// Nobody waits for these.
struct NobodyWaits;

impl GroupReply for NobodyWaits {
    fn recorded(&self, receipts: Vec<Receipt>) {
        drop(receipts);
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        tracing::warn!(cause = %cause, "an event about a consumer was not recorded");
    }
}

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
    let now_ms = unix_ms();
    let event = NewEvent {
        ticket: 0,
        identity: Identity::operational(event_type, &occurrence),
        event_id: Some(occurrence.into()),
        event_type: Some(ByteString::from_static(event_type)),
        chat: None,
        source: Source::Operational,
        received_ms: now_ms,
        created_ms: Some(now_ms),
        trace_id: None,
        payload: operation.to_json().into(),
    };
    let group = Group {
        installation: InstallationId::NONE,
        platform: None,
        events: vec![event],
        reply: Arc::new(NobodyWaits),
    };
    if writer.submit(group).is_err() {
        tracing::debug!("there was no room for an event about a consumer");
    }
}
