//! An event of the log as all consumers share it.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use longwire_access::Space;
use longwire_consumer::{
    ChatKey, Detail, EventFacts, EventFilter, EventId, EventText, ReadEvent, RecentClicks,
    RecordFacts, StoreTag, Urgent, Withheld,
};
use longwire_installation::Platform;
use longwire_store::{EventRecord, Kept, Source};
use longwire_wire::callback::OLD_CARD_TYPE;
use longwire_wire::view::{EventView, ExpandedView, Family, click_identity};
use serde_json::Value;

use crate::settings::InstallationFacts;

/// An event of the log, and what is made of it when the first consumer needs that.
#[derive(Debug)]
pub(crate) struct LoggedEvent {
    pub(crate) record: EventRecord,
    pub(crate) id: EventId,
    /// Whose it is, unless that is nobody or not known any more.
    pub(crate) owner: Option<Arc<InstallationFacts>>,
    /// The click that this one may repeat.
    pub(crate) possible_duplicate_of: Option<EventId>,
    view: OnceCell<Box<EventView>>,
    data: OnceCell<Box<Value>>,
    whole: OnceCell<EventText>,
    thin: OnceCell<EventText>,
}

impl LoggedEvent {
    pub(crate) fn new(
        record: EventRecord,
        tag: StoreTag,
        owner: Option<Arc<InstallationFacts>>,
        clicks: &mut RecentClicks,
    ) -> Self {
        let mut event = Self {
            id: EventId::new(tag, record.seq),
            record,
            owner,
            possible_duplicate_of: None,
            view: OnceCell::new(),
            data: OnceCell::new(),
            whole: OnceCell::new(),
            thin: OnceCell::new(),
        };
        if event.urgency() == Urgent::Click
            && let Some(identity) = click_identity(event.view())
        {
            let record = &event.record;
            let earlier = clicks.see(
                record.installation,
                identity,
                record.seq,
                record.received_ms,
            );
            event.possible_duplicate_of = earlier.map(|seq| EventId::new(tag, seq));
        }
        event
    }

    /// The platform it came from. Rows of earlier versions do not say; the installation does.
    pub(crate) fn platform(&self) -> Option<Platform> {
        let owner = self.owner.as_ref().map(|owner| owner.platform);
        match self.record.source {
            Source::Operational => None,
            Source::LongConnection | Source::Webhook | Source::Backfill => {
                self.record.platform.or(owner)
            }
        }
    }

    /// The normalised view.
    pub(crate) fn view(&self) -> &EventView {
        self.view.get_or_init(|| {
            if !self.record.kept.is_whole() {
                return Box::new(EventView::withheld());
            }
            let family = match self.platform() {
                Some(Platform::Feishu | Platform::Lark) => Family::Feishu,
                Some(Platform::Wecom) => Family::Wecom,
                None => Family::Longwire,
            };
            let event_type = self.record.event_type.as_deref();
            Box::new(EventView::of(family, event_type, &self.record.payload))
        })
    }

    /// The view as JSON, with the platform's bytes under `raw`: what a filter on `data` looks into.
    fn data(&self) -> &Value {
        self.data.get_or_init(|| {
            let mut data = serde_json::to_value(self.view()).unwrap_or_default();
            let raw = serde_json::from_slice(&self.record.payload);
            if let (Value::Object(members), Ok(raw)) = (&mut data, raw) {
                members.insert("raw".to_owned(), raw);
            }
            Box::new(data)
        })
    }

    /// The shared part of its envelope.
    pub(crate) fn text(&self, detail: Detail) -> &EventText {
        let cell = match detail {
            Detail::Whole => &self.whole,
            Detail::Thin => &self.thin,
        };
        cell.get_or_init(|| EventText::new(&self.facts(None), detail))
    }

    /// The whole text with what was looked up. It is made anew each time, because that may be known better later.
    pub(crate) fn expanded_text(&self, expanded: &ExpandedView) -> EventText {
        match expanded.is_empty() {
            true => self.text(Detail::Whole).clone(),
            false => EventText::new(&self.facts(Some(expanded)), Detail::Whole),
        }
    }

    fn facts<'a>(&'a self, expanded: Option<&'a ExpandedView>) -> EventFacts<'a> {
        EventFacts {
            id: self.id,
            seq: self.record.seq,
            installation: self.owner.as_ref().map(|owner| owner.public_id),
            platform: self.platform(),
            event_type: self.record.event_type.as_deref(),
            chat: self.record.chat.as_deref(),
            time_ms: self.record.created_ms.unwrap_or(self.record.received_ms),
            view: self.view(),
            expanded,
            payload: &self.record.payload,
            withheld: match self.record.kept {
                Kept::Whole | Kept::Expired => None,
                Kept::Hashed { sha256, size_bytes } => {
                    Some(Withheld::Hashed { sha256, size_bytes })
                }
                Kept::Erased { at_ms } => Some(Withheld::Erased { at_ms }),
            },
        }
    }

    /// Whether somebody waits for the answer to it.
    pub(crate) fn urgency(&self) -> Urgent {
        match self.record.event_type.as_deref() {
            Some(
                OLD_CARD_TYPE
                | "card.action.trigger"
                | "url.preview.get"
                | "event.template_card_event"
                | "event.enter_chat",
            ) => Urgent::Click,
            Some(_) | None => Urgent::No,
        }
    }

    /// Whether consumers of this space see it. Events about a consumer are its own space's; events about the process are
    /// everybody's; those of an installation that is not known any more are the first space's.
    pub(crate) fn is_seen_in(&self, space: &Space) -> bool {
        if let Some(owner) = &self.owner {
            return owner.space == *space;
        }
        match self.record.source {
            Source::Operational => {
                let of = self.record.event_id.as_deref();
                let of = of.and_then(|id| id.split_once('/')).map(|(of, _)| of);
                of.is_none_or(|of| of == space.as_str())
            }
            Source::LongConnection | Source::Webhook | Source::Backfill => space.is_default(),
        }
    }

    /// Whether retention took it, and only its keys are left.
    pub(crate) fn is_expired(&self) -> bool {
        self.record.kept == Kept::Expired
    }

    /// Whether a consumer of this space with this filter wants it.
    pub(crate) fn passes(&self, filter: &EventFilter, space: &Space) -> bool {
        let facts = RecordFacts {
            platform: self.platform(),
            event_type: self.record.event_type.as_deref(),
            installation: self.owner.as_ref().map(|owner| owner.public_id),
            chat: self.record.chat.as_deref(),
        };
        !self.is_expired()
            && self.is_seen_in(space)
            && filter.passes(&facts, || self.view(), || self.data())
    }

    /// As a queue takes it in.
    pub(crate) fn to_read(self: &Rc<Self>) -> ReadEvent<Rc<Self>> {
        let record = &self.record;
        let chat = record.chat.as_deref();
        ReadEvent {
            seq: record.seq,
            installation: record.installation,
            chat: chat.map(|chat| ChatKey::new(record.installation, chat)),
            urgent: self.urgency(),
            recorded_ms: record.received_ms,
            size_bytes: self.held_bytes(),
            payload: Rc::clone(self),
        }
    }

    /// The memory it holds, with a view and a text, near enough for a bound.
    pub(crate) fn held_bytes(&self) -> usize {
        size_of::<Self>() + 2 * self.record.payload.len() + 1_024
    }
}
