//! What delivery needs of the rest of the process.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use longwire_access::Space;
use longwire_egress::{AddressFilter, EgressSettings};
use longwire_installation::{InstallationId, Name, Platform, PublicId};
use longwire_store::Store;
use longwire_wire::event::Seq;
use longwire_wire::view::PersonKind;

use crate::lookups::EventLookups;

/// What delivery works with.
#[derive(Clone)]
pub struct DeliverySettings {
    /// Where events, consumers and positions are. Its writer runs until delivery has drained.
    pub store: Store,
    /// How endpoints are reached.
    pub egress: EgressSettings,
    /// The addresses that endpoints may have.
    pub filter: Arc<AddressFilter>,
    /// What consumers see of an installation.
    pub names: Arc<dyn InstallationNames>,
    /// Where the replies of applications go.
    pub replies: Arc<dyn ChatReplies>,
    /// Who is asked what events have ids of only.
    pub lookups: Arc<dyn EventLookups>,
    /// How long things take.
    pub timing: DeliveryTiming,
    /// Whether recording goes first: the thread of delivery has a lower priority than those that record, and rests while the
    /// writer of the store waits too long for a core. Where the system refuses, delivery runs as any other thread.
    pub lower_priority: bool,
    /// Whether faults may be provoked, in tests.
    pub fault_injection: bool,
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTiming {
    /// How long an endpoint may take to answer.
    pub post_timeout: Duration,
    /// How long a pull reader may keep what it claimed.
    pub claim: Duration,
    /// How often a stream without events gets a comment, so that nobody between closes it.
    pub keep_alive: Duration,
    /// How old an event becomes that was sent over a stream with implicit acknowledgements until the stream ends, so that its
    /// reader connects again and acknowledges.
    pub stream_renewal: Duration,
    /// How long the reader of a stream that acknowledges by POST may have an event. Then its stream ends, and others get what it
    /// had.
    pub stream_ack: Duration,
    /// How long the reader of a stream with implicit acknowledgements may be away until what it had is given to others.
    pub stream_return: Duration,
    /// How long an event waits for what is looked up for it, and how long a lookup may take.
    pub lookup: Duration,
}

impl Default for DeliveryTiming {
    /// 20 s for an endpoint (Standard Webhooks recommends 15 to 30 s), claims of 60 s, a comment each 15 s. Ten minutes for a
    /// stream's reader: it handles what it has one after the other, and the last of it waits for all before. Two seconds for lookups, as in the reference systems, whose events waited for them before the
    /// acknowledgement.
    fn default() -> Self {
        Self {
            post_timeout: Duration::from_secs(20),
            claim: Duration::from_secs(60),
            keep_alive: Duration::from_secs(15),
            stream_renewal: Duration::from_secs(60),
            stream_ack: Duration::from_secs(600),
            stream_return: Duration::from_secs(15),
            lookup: Duration::from_secs(2),
        }
    }
}

/// What an application may know of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallationFacts {
    /// Its public id.
    pub public_id: PublicId,
    /// Its name.
    pub name: Name,
    /// Its platform.
    pub platform: Platform,
    /// Whose it is. Consumers of other spaces do not see its events.
    pub space: Space,
}

/// Tells installations apart for consumers.
pub trait InstallationNames: Send + Sync {
    /// What is known of this one; `None` if there is none, or none any more. Called once per event on the thread of delivery:
    /// it must not block.
    fn facts(&self, id: InstallationId) -> Option<Arc<InstallationFacts>>;
}

/// A text that an application says in answer to an event.
#[derive(Clone, PartialEq, Eq)]
pub struct ChatReply {
    /// The bot.
    pub installation: InstallationId,
    /// Its platform.
    pub platform: Platform,
    /// The event that is answered.
    pub seq: Seq,
    /// Its type in the record.
    pub event_type: Option<ByteString>,
    /// Its chat.
    pub chat: Option<ByteString>,
    /// The platform's id of the message in it.
    pub message_id: Option<ByteString>,
    /// Who wrote it.
    pub sender: Option<PersonKind>,
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// The platform's bytes.
    pub payload: Bytes,
    /// What to say.
    pub text: String,
    /// The same for each attempt of one event to one consumer: what was sent under it is not sent again.
    pub key: String,
}

/// Without the text and the payload, which people wrote.
impl fmt::Debug for ChatReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatReply")
            .field("installation", &self.installation)
            .field("seq", &self.seq)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a reply was not sent, or may not have been: a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ChatReplyFailed(pub String);

/// What comes of a reply, later.
pub type ChatReplyOutcome = Pin<Box<dyn Future<Output = Result<(), ChatReplyFailed>>>>;

/// Sends what applications answer to events.
pub trait ChatReplies: Send + Sync {
    /// Sends a reply. Called on the thread of delivery: it must not block.
    fn reply(&self, reply: ChatReply) -> ChatReplyOutcome;
}
