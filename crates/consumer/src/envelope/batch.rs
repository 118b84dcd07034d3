//! Events that were gathered, in one text.

use std::fmt;

use longwire_installation::base32;
use sha2::{Digest as _, Sha256};

use super::{AttemptFacts, EventText, write_event};
use crate::event_id::EventId;

/// The id of a batch: `bat_` and 26 letters, made of the ids of its events. Another composition has another id, so that an
/// application that knows batches by their ids takes no batch for one that had fewer events.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchId(u128);

impl BatchId {
    /// The id of a batch of these events.
    #[must_use]
    pub fn of(events: impl IntoIterator<Item = EventId>) -> Self {
        let mut digest = Sha256::new();
        for event in events {
            digest.update(event.bytes());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let half = digest[..16].try_into().expect("half of 32 bytes is 16");
        Self(u128::from_be_bytes(half))
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = base32::encode(self.0);
        f.write_str("bat_")?;
        f.write_str(std::str::from_utf8(&letters).expect("the alphabet is ASCII"))
    }
}

/// Writes a batch: an array of the envelopes, each with its own id.
pub fn write_batch<'a>(
    events: impl IntoIterator<Item = (&'a EventText, &'a AttemptFacts)>,
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    for (nth, (text, attempt)) in events.into_iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        write_event(text, attempt, out);
    }
    out.push(b']');
}
