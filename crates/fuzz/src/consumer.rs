//! What a consumer is read from: its definition, its position, and the ids that applications send back.

use std::time::Instant;

use longwire_consumer::{
    ConsumerDefinition, ConsumerQueue, DeliveryPolicy, EventId, Moment, Position, QueueSettings,
    Receivers,
};
use longwire_wire::event::Seq;

/// A definition that is read is shown as one that means the same; one that is not has a place for each mistake.
pub fn consumer_definition(data: &[u8]) {
    let Ok(json) = serde_json::from_slice(data) else {
        return;
    };
    match ConsumerDefinition::parse(&json) {
        Ok(definition) => {
            let again = ConsumerDefinition::parse(&definition.to_json()).expect("our own");
            assert_eq!(again, definition);
        }
        Err(faults) => {
            assert!(!faults.all().is_empty());
            for fault in faults.all() {
                assert!(fault.pointer.is_empty() || fault.pointer.starts_with('/'));
            }
        }
    }
}

/// A position comes back as it went, and a queue goes on from wherever it is.
pub fn position(data: &[u8]) {
    let Ok(position) = Position::from_bytes(data) else {
        return;
    };
    assert_eq!(
        Position::from_bytes(&position.to_bytes()),
        Ok(position.clone())
    );
    assert!(position.floor() <= position.reached);
    let now = Moment {
        instant: Instant::now(),
        unix_ms: 0,
    };
    let settings = QueueSettings::new(Receivers::Endpoint);
    let policy = DeliveryPolicy::default();
    let head = position.reached;
    let floor = position.floor();
    let mut queue = ConsumerQueue::<()>::new(settings, policy, position, head, 1, now);
    assert_eq!(queue.floor(), floor);
    while let Some(want) = queue.poll_want(head) {
        let reached = want.until.unwrap_or(head);
        assert!(reached > want.after, "{want:?}");
        queue.handle_page(want.scope, want.after, [], reached, now);
    }
    assert_eq!(queue.floor(), Seq(queue.reached().0));
}

/// An id has one spelling, but for upper and lower case.
pub fn event_id(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = text.parse::<EventId>() {
        assert!(id.to_string().eq_ignore_ascii_case(text));
    }
}
