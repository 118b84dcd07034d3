//! A click whose answer somebody waits for.

use std::cell::OnceCell;
use std::fmt;
use std::time::Instant;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_consumer::{EventFilter, RecordFacts};
use longwire_installation::{InstallationId, Platform, PublicId};
use longwire_wire::event::Seq;
use longwire_wire::view::{EventView, Family};
use serde_json::Value;

/// What is answered to a click that was asked about.
#[derive(Clone, PartialEq, Eq)]
pub enum AskedAnswer {
    /// What the application says: a JSON document that the platform takes.
    Result(Bytes),
    /// No consumer that claims clicks wants this one, so it is answered as any event.
    Nobody,
}

/// A click on a card, the preview of a link or a first visit that is recorded, and whose answer is the application's. Dropping it
/// says that the application has no answer.
pub struct AskedCard {
    /// The bot.
    pub installation: InstallationId,
    /// The event's place in the log.
    pub seq: Seq,
    /// Until when an answer is used.
    pub due: Instant,
    /// What the consumers' filters look at.
    pub event: AskedEvent,
    answer: Option<Box<dyn FnOnce(AskedAnswer) + Send>>,
}

/// What is known of the event before it is read from the log.
#[derive(Clone)]
pub struct AskedEvent {
    /// Its platform.
    pub platform: Platform,
    /// Its type in the record.
    pub event_type: ByteString,
    /// Its chat.
    pub chat: Option<ByteString>,
    /// The platform's bytes.
    pub payload: Bytes,
}

impl AskedEvent {
    /// Whether a consumer with this filter receives it, given the public id of its installation.
    pub(crate) fn passes(&self, filter: &EventFilter, installation: PublicId) -> bool {
        let facts = RecordFacts {
            platform: Some(self.platform),
            event_type: Some(&self.event_type),
            installation: Some(installation),
            chat: self.chat.as_deref(),
        };
        let family = match self.platform {
            Platform::Feishu | Platform::Lark => Family::Feishu,
            Platform::Wecom => Family::Wecom,
        };
        let (view, data) = (OnceCell::new(), OnceCell::new());
        let of_payload = || EventView::of(family, Some(&self.event_type), &self.payload);
        filter.passes(
            &facts,
            || view.get_or_init(of_payload),
            || {
                data.get_or_init(|| {
                    let view = view.get_or_init(of_payload);
                    let mut data = serde_json::to_value(view).unwrap_or_default();
                    let raw = serde_json::from_slice(&self.payload);
                    if let (Value::Object(members), Ok(raw)) = (&mut data, raw) {
                        members.insert("raw".to_owned(), raw);
                    }
                    data
                })
            },
        )
    }
}

impl AskedCard {
    /// `answer` is called at most once, on the thread of delivery: it must not block.
    pub fn new(
        installation: InstallationId,
        seq: Seq,
        due: Instant,
        event: AskedEvent,
        answer: impl FnOnce(AskedAnswer) + Send + 'static,
    ) -> Self {
        Self {
            installation,
            seq,
            due,
            event,
            answer: Some(Box::new(answer)),
        }
    }

    pub(crate) fn reply(self, answer: Bytes) {
        self.give(AskedAnswer::Result(answer));
    }

    /// No consumer wants this click.
    pub(crate) fn disclaim(self) {
        self.give(AskedAnswer::Nobody);
    }

    fn give(mut self, answer: AskedAnswer) {
        if let Some(give) = self.answer.take() {
            give(answer);
        }
    }
}

impl fmt::Debug for AskedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskedCard")
            .field("installation", &self.installation)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}
