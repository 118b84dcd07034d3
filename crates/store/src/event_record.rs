//! Events as they are read back.

use bytes::Bytes;
use bytestring::ByteString;
use longwire_wire::event::{NewEvent, Seq, Source};
use longwire_wire::identity::EventKey;

use crate::group::EventOwner;
use crate::kept::Kept;
use longwire_installation::{InstallationId, Platform};

/// Which events to read, oldest first.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Only those after this one.
    pub after: Option<Seq>,
    /// Only those of these installations; `None` for those of all, and those of our own that are nobody's.
    pub installations: Option<Vec<InstallationId>>,
    /// At most so many; at least one, or nothing is reached.
    pub limit: usize,
}

impl EventQuery {
    fn wants(&self, installation: InstallationId) -> bool {
        let only = self.installations.as_ref();
        only.is_none_or(|only| only.contains(&installation))
    }
}

/// A stretch of the log.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// The wanted events in it, oldest first.
    pub events: Vec<EventRecord>,
    /// The end of the stretch: the next query goes on [after](EventQuery::after) it, and looks at no row twice. What
    /// was given as `after`, if there is nothing behind that.
    pub reached: Option<Seq>,
    /// Whether the log went on behind it when it was read. A stretch that ends before the log does may have few wanted
    /// events in it, or none.
    pub more: bool,
}

impl EventPage {
    /// There is nothing behind what was asked for.
    pub(crate) fn empty(query: &EventQuery) -> Self {
        Self {
            events: Vec::new(),
            reached: query.after,
            more: false,
        }
    }

    /// The page that begins behind what was asked for, when all that lies there is in memory.
    pub(crate) fn of<'a>(
        behind: impl DoubleEndedIterator<Item = &'a EventRecord> + Clone,
        query: &EventQuery,
    ) -> Self {
        let newest = behind.clone().next_back().map(|event| event.seq);
        let mut page = Self::empty(query);
        for event in behind {
            if page.events.len() >= query.limit {
                break;
            }
            page.reached = Some(event.seq);
            if query.wants(event.installation) {
                page.events.push(event.clone());
            }
        }
        page.more = page.reached < newest;
        page
    }
}

/// A recorded event.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// Its place in the log.
    pub seq: Seq,
    /// Whose it is; [`InstallationId::NONE`] of an event of our own that is nobody's.
    pub installation: InstallationId,
    /// The platform it came from; `None` of an event of our own that is nobody's.
    pub platform: Option<Platform>,
    /// The key that its repeats are recognized by.
    pub event_key: EventKey,
    /// The platform's id of it.
    pub event_id: Option<ByteString>,
    /// The platform's type of it; `None` for a payload that could not be read.
    pub event_type: Option<ByteString>,
    /// The chat it belongs to.
    pub chat: Option<ByteString>,
    /// The way it came.
    pub source: Source,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// When the platform says it happened, in milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// The platform's trace id.
    pub trace_id: Option<ByteString>,
    /// How often the platform pushed it again.
    pub repeats: u64,
    /// When it last did, in milliseconds since 1970.
    pub last_repeat_ms: Option<i64>,
    /// What is left of the payload.
    pub kept: Kept,
    /// The platform's bytes, untouched; empty unless they are [kept whole](Kept::Whole).
    pub payload: Bytes,
}

impl EventRecord {
    /// An event that was recorded just now.
    pub(crate) fn new(seq: Seq, owner: EventOwner, new: NewEvent) -> Self {
        Self {
            seq,
            installation: owner.installation,
            platform: owner.platform,
            event_key: new.identity.event,
            event_id: new.event_id,
            event_type: new.event_type,
            chat: new.chat,
            source: new.source,
            received_ms: new.received_ms,
            created_ms: new.created_ms,
            trace_id: new.trace_id,
            repeats: 0,
            last_repeat_ms: None,
            kept: Kept::Whole,
            payload: new.payload,
        }
    }

    /// The memory it holds, near enough for a bound.
    pub(crate) fn held_bytes(&self) -> usize {
        let texts = [&self.event_id, &self.event_type, &self.chat, &self.trace_id];
        let texts = texts.into_iter().flatten().map(|text| text.len());
        size_of::<Self>() + self.payload.len() + texts.sum::<usize>()
    }
}
