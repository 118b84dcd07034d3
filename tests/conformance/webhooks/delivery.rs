//! A delivery to a webhook, made as longwire makes it: the envelope of `consumer`, the signature of `wire`.

use std::time::SystemTime;

use longwire_consumer::{
    AttemptFacts, Detail, EventFacts, EventId, EventText, StoreTag, write_event,
};
use longwire_installation::Platform;
use longwire_wire::catalogue::{self, SampleFacts};
use longwire_wire::event::Seq;
use longwire_wire::view::EventView;
use longwire_wire::webhook::{
    ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WebhookSecret, WebhookSecrets,
};

/// One attempt.
#[derive(Clone, Debug)]
pub(super) struct WebhookDelivery {
    pub(super) id: String,
    pub(super) timestamp: String,
    pub(super) signature: String,
    pub(super) body: Vec<u8>,
}

/// The secret with this number.
pub(super) fn secret(number: u8) -> WebhookSecret {
    WebhookSecret::generate([number; 32])
}

/// Seconds since 1970.
pub(super) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.expect("it is after 1970").as_secs();
    i64::try_from(seconds).expect("a time of this century")
}

impl WebhookDelivery {
    /// The event `seq` of this type from the catalogue, signed by `secrets` at `at_s`.
    pub(super) fn sign(
        event_type: &str,
        seq: i64,
        redelivered: bool,
        secrets: &WebhookSecrets,
        at_s: i64,
    ) -> Self {
        let known = catalogue::find(event_type).expect("a type of the catalogue");
        let payload = known.sample(&SampleFacts::numbered(1, at_s * 1_000));
        let view = EventView::of(known.family, known.record_type(), &payload.clone().into());
        let id = EventId::new(StoreTag([7; 8]), Seq(seq));
        let text = EventText::new(
            &EventFacts {
                id,
                seq: Seq(seq),
                installation: None,
                platform: Some(Platform::Feishu),
                event_type: known.record_type(),
                chat: view.chat.as_ref().map(|chat| &*chat.id),
                time_ms: at_s * 1_000,
                view: &view,
                payload: &payload,
                expanded: None,
                withheld: None,
            },
            Detail::Whole,
        );
        let facts = AttemptFacts {
            redelivered,
            ..AttemptFacts::default()
        };
        let mut body = Vec::new();
        write_event(&text, &facts, &mut body);
        let mut delivery = Self {
            id: id.to_string(),
            timestamp: at_s.to_string(),
            signature: String::new(),
            body,
        };
        secrets.sign(
            &delivery.id,
            at_s,
            &delivery.timestamp,
            &[&delivery.body],
            &mut delivery.signature,
        );
        delivery
    }

    /// The headers of Standard Webhooks.
    pub(super) fn headers(&self) -> [(&'static str, &str); 3] {
        [
            (ID_HEADER, &self.id),
            (TIMESTAMP_HEADER, &self.timestamp),
            (SIGNATURE_HEADER, &self.signature),
        ]
    }
}
