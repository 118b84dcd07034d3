//! What longwire reports about itself, as events on the same roads.

use bytestring::ByteString;
use serde::Serialize;
use serde::de::MapAccess;

use super::{EventAction, EventKind, EventView};
use crate::members::{Members, Object, Text, skip};

/// What an operational event says: the payload that is recorded, and `operation` in the view of it.
///
/// The type of the event says what happened, such as `longwire.consumer.paused`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// The installation it is about: its public id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<ByteString>,
    /// How many installations it is about, if it tells of several at once. None of them is named then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installations: Option<u64>,
    /// The consumer it is about: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<ByteString>,
    /// The person it is about: the `open_id` of the installation's app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<ByteString>,
    /// Why, as a stable word that programs may compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ByteString>,
    /// What happened and what comes next, a sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<ByteString>,
    /// How many events the consumer is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_events: Option<u64>,
    /// How long ago the oldest event that the consumer lacks was recorded, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<u64>,
    /// How much of the consumer's patience that is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience_percent: Option<u64>,
}

impl Operation {
    /// The payload of the event, as it is recorded.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers are always JSON")
    }
}

/// The view of an operational event; `None` if `payload` is no JSON object.
pub(super) fn read(event_type: &str, payload: &ByteString) -> Option<EventView> {
    let Object(fields) = serde_json::from_str::<Object<Fields<'_>>>(payload).ok()?;
    let fields = fields?;
    let number = |text: &Text<'_>| text.as_str().and_then(|text| text.parse().ok());
    let operation = Operation {
        installation: fields.installation.keep(payload),
        installations: number(&fields.installations),
        consumer: fields.consumer.keep(payload),
        person: fields.person.keep(payload),
        reason: fields.reason.keep(payload),
        detail: fields.detail.keep(payload),
        lag_events: number(&fields.lag_events),
        lag_ms: number(&fields.lag_ms),
        patience_percent: number(&fields.patience_percent),
    };
    Some(EventView {
        action: action(event_type),
        operation: Some(Box::new(operation)),
        ..EventView::bare(EventKind::Operation)
    })
}

/// The last word of the type.
fn action(event_type: &str) -> Option<EventAction> {
    Some(match event_type.rsplit('.').next()? {
        "displaced" => EventAction::Displaced,
        "refused" => EventAction::Refused,
        "live" => EventAction::Live,
        "deaf" => EventAction::Deaf,
        "paused" => EventAction::Paused,
        "resumed" => EventAction::Resumed,
        "stopped" => EventAction::Stopped,
        "lagging" => EventAction::Lagging,
        "expiring" => EventAction::Expiring,
        "expired" => EventAction::Expired,
        "degraded" => EventAction::Degraded,
        "recovered" => EventAction::Recovered,
        "authorized" => EventAction::Authorized,
        "authorization_failed" => EventAction::AuthorizationFailed,
        "authorization_expired" => EventAction::AuthorizationExpired,
        _ => return None,
    })
}

#[derive(Default)]
struct Fields<'a> {
    installation: Text<'a>,
    installations: Text<'a>,
    consumer: Text<'a>,
    person: Text<'a>,
    reason: Text<'a>,
    detail: Text<'a>,
    lag_events: Text<'a>,
    lag_ms: Text<'a>,
    patience_percent: Text<'a>,
}

impl<'a> Members<'a> for Fields<'a> {
    fn take<A: MapAccess<'a>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "installation" => self.installation = map.next_value()?,
            "installations" => self.installations = map.next_value()?,
            "consumer" => self.consumer = map.next_value()?,
            "person" => self.person = map.next_value()?,
            "reason" => self.reason = map.next_value()?,
            "detail" => self.detail = map.next_value()?,
            "lag_events" => self.lag_events = map.next_value()?,
            "lag_ms" => self.lag_ms = map.next_value()?,
            "patience_percent" => self.patience_percent = map.next_value()?,
            _ => skip(map)?,
        }
        Ok(())
    }
}
