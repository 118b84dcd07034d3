//! The public id of an event: `evt_` and 26 letters over 16 bytes.
//!
//! Eight bytes say which store recorded the event, eight are its number there. So the id needs no room in the log, is the same
//! after every restart, and leads back to the event; the id of another store leads nowhere.

use std::fmt;
use std::str::FromStr;

use longwire_installation::base32;
use longwire_wire::event::Seq;

const PREFIX: &str = "evt_";

/// The first eight bytes of a store's identity.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreTag(pub [u8; 8]);

/// The public id of an event.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId([u8; 16]);

impl EventId {
    /// The id of the event `seq` of a store.
    #[must_use]
    pub fn new(store: StoreTag, seq: Seq) -> Self {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&store.0);
        bytes[8..].copy_from_slice(&seq.0.to_be_bytes());
        Self(bytes)
    }

    /// Its number in `store`; `None` if another store recorded it, or if no event has that number.
    #[must_use]
    pub fn seq_in(self, store: StoreTag) -> Option<Seq> {
        let (tag, seq) = self.0.split_at(8);
        let seq = seq.try_into().expect("16 bytes without 8 are 8");
        let seq = Seq(i64::from_be_bytes(seq));
        (tag == store.0 && seq.0 >= 0).then_some(seq)
    }

    /// Its 16 bytes.
    pub(crate) fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = base32::encode(u128::from_be_bytes(self.0));
        f.write_str(PREFIX)?;
        f.write_str(std::str::from_utf8(&letters).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the id of an event.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event id is `evt_` and 26 letters or digits")]
pub struct EventIdError;

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let letters = text.strip_prefix(PREFIX).ok_or(EventIdError)?;
        let number = base32::decode(letters).ok_or(EventIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "evt_",
            "ins_00000000000000000000000000",
            "evt_0000000000000000000000000u",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(EventIdError), "{text}");
        }
    }

    /// Applications keep these ids.
    #[test]
    fn the_form_is_fixed() {
        let id = EventId::new(StoreTag([1, 2, 3, 4, 5, 6, 7, 8]), Seq(42));
        assert_eq!(id.to_string(), "evt_01081g81860w4000000000001a");
    }

    proptest! {
        #[test]
        fn an_id_leads_back_to_its_event(store: [u8; 8], other: [u8; 8], seq in 0..=i64::MAX) {
            let id = EventId::new(StoreTag(store), Seq(seq));
            prop_assert_eq!(id.to_string().parse::<EventId>(), Ok(id));
            prop_assert_eq!(id.seq_in(StoreTag(store)), Some(Seq(seq)));
            let foreign = EventId::new(StoreTag(store), Seq(-seq - 1));
            prop_assert_eq!(foreign.seq_in(StoreTag(store)), None);
            if other != store {
                prop_assert_eq!(id.seq_in(StoreTag(other)), None);
            }
        }
    }
}
