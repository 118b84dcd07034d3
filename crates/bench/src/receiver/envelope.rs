//! What an application reads of an event.

use std::borrow::Cow;

use serde::Deserialize;

/// The members that the ledger needs.
#[derive(Debug, Deserialize)]
pub(super) struct ReceivedEvent<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) seq: u64,
    #[serde(borrow, default)]
    pub(super) installationid: Option<Cow<'a, str>>,
    /// The chat.
    #[serde(borrow, default)]
    pub(super) subject: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) redelivered: bool,
    #[serde(borrow, default)]
    data: ReceivedData<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct ReceivedData<'a> {
    #[serde(borrow, default)]
    message: Option<ReceivedMessage<'a>>,
}

#[derive(Debug, Deserialize)]
struct ReceivedMessage<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

impl ReceivedEvent<'_> {
    /// When the simulated platform pushed it, in microseconds since 1970, if it says so.
    pub(super) fn pushed_at_us(&self) -> Option<u64> {
        longwire_sim::pushed_at_us(self.text()?)
    }

    /// Its text, if it is a message.
    pub(super) fn text(&self) -> Option<&str> {
        self.data.message.as_ref()?.text.as_deref()
    }
}

/// The events of a body: one, or an array of them.
pub(super) fn events(body: &[u8]) -> serde_json::Result<Vec<ReceivedEvent<'_>>> {
    if body.first() == Some(&b'[') {
        serde_json::from_slice(body)
    } else {
        Ok(vec![serde_json::from_slice(body)?])
    }
}
