//! The keys by which an event is recognised when it comes again.
//!
//! Feishu repeats a push that got no answer (after 15 s, 5 min, 1 h and 6 h), with the same event id. WeCom wants no
//! answer; a message that comes twice has the same `msgid`. Sometimes one chat message arrives as two events with
//! different ids; those are recognised by the message itself. Keys are unique within one installation: the store adds
//! the installation.
//!
//! Two different events never share a key. The second key exists only where it is unique; reactions have none, because
//! a user can add the same emoji twice.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::envelope::Envelope;

/// A 128-bit key of an event. Equal keys mean the same event.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventKey(pub [u8; 16]);

/// The key by which an event was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The platform's event id: `header.event_id`, `uuid` in schema 1.0, WeCom's `msgid`; of an event without one, what stands
    /// for it.
    EventId,
    /// Event type, chat message and its revision.
    Message,
}

impl Tier {
    /// A stable label for counters and records.
    pub fn label(self) -> &'static str {
        match self {
            Tier::EventId => "event_id",
            Tier::Message => "message",
        }
    }
}

/// The keys of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The key that every event has.
    pub event: EventKey,
    /// The key made of type, message and revision, for event types in which this triple occurs once.
    pub message: Option<EventKey>,
}

impl Identity {
    /// The keys of an event that could be read.
    pub fn of(envelope: &Envelope) -> Identity {
        let message = envelope.message.as_ref().map(|message| {
            EventKey::digest(
                Domain::Message,
                &[
                    envelope.event_type.as_bytes(),
                    message.message_id.as_bytes(),
                    message.revision.as_bytes(),
                ],
            )
            .in_order_of(&message.revision)
        });
        Identity {
            event: EventKey::digest(Domain::EventId, &[envelope.event_id.as_bytes()]),
            message,
        }
    }

    /// The key of a WeCom callback: its `msgid`, which is the same when the platform sends it again
    /// under a new request id.
    pub(crate) fn of_msgid(msgid: &str) -> Identity {
        Identity {
            event: EventKey::digest(Domain::WecomMsgid, &[msgid.as_bytes()]),
            message: None,
        }
    }

    /// The key of a WeCom event without `msgid`: its type, time and request id together.
    pub(crate) fn of_occurrence(
        event_type: &str,
        created_ms: Option<i64>,
        req_id: &str,
    ) -> Identity {
        let created = created_ms.map(i64::to_le_bytes);
        let created = created.as_ref().map_or(&[][..], |bytes| bytes);
        let parts = [event_type.as_bytes(), created, req_id.as_bytes()];
        Identity {
            event: EventKey::digest(Domain::WecomOccurrence, &parts),
            message: None,
        }
    }

    /// The key of an event of our own: its type, and what tells this occurrence from any other one of the type.
    pub fn operational(event_type: &str, occurrence: &str) -> Identity {
        let parts = [event_type.as_bytes(), occurrence.as_bytes()];
        Identity {
            event: EventKey::digest(Domain::Operational, &parts),
            message: None,
        }
    }

    /// The key of a card callback of the old generation, which has no event id: the credential to update the card, which is
    /// another one for each click, and what was done.
    pub(crate) fn of_old_card(update_token: &str, action: &str) -> Identity {
        let parts = [update_token.as_bytes(), action.as_bytes()];
        Identity {
            event: EventKey::digest(Domain::OldCard, &parts),
            message: None,
        }
    }

    /// The key of a posted event without an id: its bytes, and the nonce of the request if there is one.
    pub(crate) fn unparsed_callback(nonce: Option<&[u8]>, payload: &[u8]) -> Identity {
        let parts = [payload, nonce.unwrap_or_default()];
        Identity {
            event: EventKey::digest(Domain::UnparsedCallback, &parts),
            message: None,
        }
    }

    /// The key of a payload that could not be read, made of its bytes and the push's id. Two pushes with equal bytes
    /// have different keys, because nothing shows that they are one event.
    pub fn unparsed(frame_message_id: Option<&str>, payload: &[u8]) -> Identity {
        let event = match frame_message_id {
            Some(id) => EventKey::digest(Domain::Unparsed, &[payload, id.as_bytes()]),
            None => EventKey::digest(Domain::Unparsed, &[payload]),
        };
        Identity {
            event,
            message: None,
        }
    }
}

/// Domain separation: keys made of different parts never meet. The numbers go into every key on disk, so a number must
/// never be reused.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Domain {
    EventId = 1,
    Message = 2,
    Unparsed = 3,
    WecomMsgid = 4,
    WecomOccurrence = 5,
    Operational = 6,
    OldCard = 7,
    UnparsedCallback = 8,
}

impl EventKey {
    /// Truncated SHA-256. Each part is preceded by its length, so that two different lists of parts never have the same
    /// concatenation.
    fn digest(domain: Domain, parts: &[&[u8]]) -> EventKey {
        let mut hash = Sha256::new();
        hash.update([domain as u8]);
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        EventKey(key)
    }

    /// Replaces the first 48 bits by the time, if the revision is a time in milliseconds, as in every message event.
    /// Events close in time then have keys close in the store's index, and a batch touches a few index pages instead of
    /// one page per event.
    fn in_order_of(mut self, revision: &str) -> EventKey {
        if let Ok(at_ms) = revision.parse::<u64>() {
            self.0[..6].copy_from_slice(&at_ms.to_be_bytes()[2..]);
        }
        self
    }
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytestring::ByteString;

    use crate::envelope::{MessageFacts, Schema};

    fn event(id: &str, event_type: &str, message: Option<(&str, &str)>) -> Identity {
        Identity::of(&Envelope {
            schema: Schema::V2,
            event_id: ByteString::from(id),
            event_type: ByteString::from(event_type),
            app_id: None,
            tenant_key: None,
            chat: None,
            message: message.map(|(message_id, revision)| MessageFacts {
                message_id: ByteString::from(message_id),
                revision: ByteString::from(revision),
            }),
            created_ms: None,
        })
    }

    #[test]
    fn the_event_id_alone_makes_the_first_key() {
        assert_eq!(event("a", "t", None), event("a", "u", None));
        assert_ne!(event("a", "t", None), event("b", "t", None));
    }

    #[test]
    fn parts_do_not_meet_by_concatenation() {
        let message =
            |t: &str, id: &str, revision: &str| event("a", t, Some((id, revision))).message;
        assert_ne!(message("ab", "c", "1"), message("a", "bc", "1"));
        assert_ne!(message("a", "bc", "1"), message("a", "b", "c1"));
        assert_ne!(message("a", "", "b"), message("", "a", "b"));
        assert_eq!(message("a", "b", "c"), message("a", "b", "c"));
    }

    #[test]
    fn unparsed_pushes_are_told_apart_by_push_and_bytes() {
        let known = Identity::unparsed(Some("m"), b"x");
        assert_eq!(known, Identity::unparsed(Some("m"), b"x"));
        assert_ne!(known, Identity::unparsed(Some("n"), b"x"));
        assert_ne!(known, Identity::unparsed(Some("m"), b"y"));
        assert_ne!(
            Identity::unparsed(None, b"x"),
            Identity::unparsed(Some(""), b"x")
        );
    }

    #[test]
    fn a_key_never_meets_one_of_another_making() {
        assert_ne!(
            event("x", "t", None).event,
            Identity::unparsed(None, b"x").event
        );
    }

    /// Two versions of a message differ in the hash as well, and a revision that is no time leaves the hash whole.
    #[test]
    fn message_keys_are_in_the_order_of_time() {
        let key = |revision| {
            event("e", "im.message.receive_v1", Some(("om_1", revision)))
                .message
                .expect("present")
        };
        assert!(key("1767225601000").0 < key("1767225601001").0);
        assert_ne!(key("1767225601000").0[6..], key("1767225601001").0[6..]);
        assert_ne!(key("v1"), key("v2"));
    }

    /// Keys are on disk. If the way they are made changed, every known event would count as new.
    #[test]
    fn the_recipe_is_fixed() {
        let identity = event(
            "e",
            "im.message.receive_v1",
            Some(("om_1", "1767225601000")),
        );
        assert_eq!(
            identity.event.to_string(),
            "050ad2c214cb11517b506e57d33389df"
        );
        assert_eq!(
            identity.message.expect("present").to_string(),
            "019b76daabe8b868b2cc156a5273a60a"
        );
        let of_msgid = Identity::of_msgid("CAIQ16HMjQYY/NGagIOAgAMgq4KM0AI=");
        assert_eq!(
            of_msgid.event.to_string(),
            "b93bd2a9d998201d9799c06b6ce042d1"
        );
        let occurrence = Identity::of_occurrence("event.enter_chat", Some(1_760_000_002_000), "r");
        assert_eq!(
            occurrence.event.to_string(),
            "1f07d0a7349708081fc6e8cf7272e60b"
        );
        let operational = Identity::operational("longwire.consumer.paused", "7");
        assert_eq!(
            operational.event.to_string(),
            "93d4e9151c3ef1d93d48f23bdf612756"
        );
        let old_card = Identity::of_old_card("c-0001", r#"{"tag":"button"}"#);
        assert_eq!(
            old_card.event.to_string(),
            "aab39df854a77b4d576a28ec30a76dff"
        );
        let unparsed = Identity::unparsed_callback(Some(b"n"), b"{}");
        assert_eq!(
            unparsed.event.to_string(),
            "d2bb881c200d2f3702b817709e7e20e9"
        );
    }
}
