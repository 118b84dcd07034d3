//! Events as they are read back.

use bytes::Bytes;
use longwire_wire::identity::EventKey;

use crate::{Seq, Source};
use longwire_installation::InstallationId;

/// Which events to read, oldest first.
#[derive(Clone, Debug)]
pub struct EventQuery {
    /// Only those after this one.
    pub after: Option<Seq>,
    /// Only those of this installation.
    pub installation: Option<InstallationId>,
    /// At most so many; at least one, or nothing is reached.
    pub limit: usize,
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

/// A recorded event.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// Its place in the log.
    pub seq: Seq,
    /// Whose it is.
    pub installation: InstallationId,
    /// The key that its repeats are recognized by.
    pub event_key: EventKey,
    /// The platform's id of it.
    pub event_id: Option<String>,
    /// The platform's type of it; `None` for a payload that could not be read.
    pub event_type: Option<String>,
    /// The chat it belongs to.
    pub chat: Option<String>,
    /// The way it came.
    pub source: Source,
    /// When we had the whole of it, in milliseconds since 1970.
    pub received_ms: i64,
    /// When the platform says it happened, in milliseconds since 1970.
    pub created_ms: Option<i64>,
    /// The platform's trace id.
    pub trace_id: Option<String>,
    /// How often the platform pushed it again.
    pub repeats: u64,
    /// When it last did, in milliseconds since 1970.
    pub last_repeat_ms: Option<i64>,
    /// The platform's bytes, untouched.
    pub payload: Bytes,
}
