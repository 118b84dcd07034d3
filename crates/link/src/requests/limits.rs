//! What kinds of requests there are, how long each may wait, and how many there may be.

use std::time::Duration;

use crate::timing::Timing;

/// What is asked of the platform.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum RequestKind {
    /// To serve this connection.
    Subscribe,
    /// Whether it lives.
    Ping,
    /// To show an answer to a callback, under the callback's id, which all answers to it share.
    Respond,
    /// To show a message by itself.
    Send,
    /// To take a part of a file.
    Upload,
    /// Something that longwire knows nothing about.
    Other,
}

impl RequestKind {
    /// Whether the connection itself depends on it. Such a request goes before the others and always finds room: the
    /// pace of subscribing and pinging bounds its number.
    pub(super) fn is_vital(self) -> bool {
        matches!(self, Self::Subscribe | Self::Ping)
    }
}

/// The bounds of one connection's requests.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct RequestLimits {
    /// How many may be waiting, on their way or owed, vital ones aside. The official Node SDK keeps as many, and per id.
    pub most: usize,
    /// Sum of the frames that are not handed out yet. Ten chunks of an upload, each as large as the platform allows.
    pub most_bytes: usize,
    /// Patience with a subscription.
    pub subscribe: Duration,
    /// Patience with a ping.
    pub ping: Duration,
    /// Patience with a response or a message.
    pub ack: Duration,
    /// Patience with a step of an upload.
    pub upload_ack: Duration,
    /// How long an answer that is owed is still thought possible; its id is not used until then. The longest round trip
    /// that was measured is half a second.
    pub owed_for: Duration,
}

impl RequestLimits {
    /// How long a request of this kind may be unanswered.
    #[must_use]
    pub fn patience(&self, kind: RequestKind) -> Duration {
        match kind {
            RequestKind::Subscribe => self.subscribe,
            RequestKind::Ping => self.ping,
            RequestKind::Respond | RequestKind::Send | RequestKind::Other => self.ack,
            RequestKind::Upload => self.upload_ack,
        }
    }

    /// The longest that anybody waits: with as many before it under its id as there may be, each of them answered late.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let patience = self.ack.max(self.upload_ack);
        let before = u32::try_from(self.most).unwrap_or(u32::MAX);
        patience.saturating_mul(before.saturating_add(1))
    }
}

impl From<&Timing> for RequestLimits {
    fn from(timing: &Timing) -> Self {
        Self {
            most: 500,
            most_bytes: 8 << 20,
            subscribe: timing.subscribe,
            ping: timing.pong_grace,
            ack: timing.ack,
            upload_ack: timing.upload_ack,
            owed_for: Duration::from_secs(10 * 60),
        }
    }
}
