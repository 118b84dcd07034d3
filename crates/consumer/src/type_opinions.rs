//! Which types of events an application has no handler for, as far as its answers tell.
//!
//! Some SDKs answer an event that nobody registered a handler for as they answer one whose handler failed. A bot that is shared
//! by several programs receives many such events, and each would hold up its chat until the policy gives it up. So a type of
//! which a number of tries failed in a row, and none ever went well, counts as unhandled, if the application takes others: from
//! then on an event of it is given up when it fails once. It is still tried once, so that a handler that is added is seen.
//!
//! What was learned is forgotten with the process.

use std::collections::HashMap;

use bytestring::ByteString;

/// So many tries have to fail: those of two events by the usual policy, so that one event with a fault in it is not enough.
const REFUSALS: u32 = 12;
/// So many types are remembered; the platforms have a few hundred. Of others nothing is learned.
const TYPES: usize = 512;

/// What an application said to the types of events that it was sent.
#[derive(Clone, Debug, Default)]
pub struct TypeOpinions {
    types: HashMap<ByteString, Opinion>,
    /// Whether it took any event.
    takes_some: bool,
}

#[derive(Clone, Copy, Debug)]
enum Opinion {
    /// It took an event of the type.
    Takes,
    /// It took none, and refused so many times.
    Refused(u32),
}

impl TypeOpinions {
    /// An event of this type was taken.
    pub fn handle_taken(&mut self, event_type: &ByteString) {
        self.takes_some = true;
        self.note(event_type, Opinion::Takes);
    }

    /// An event of this type was answered with an error. Returns whether the application has no handler for such events, so that
    /// this one is not worth another try.
    pub fn handle_refused(&mut self, event_type: &ByteString) -> bool {
        let refused = match self.types.get(event_type) {
            Some(Opinion::Takes) => return false,
            Some(Opinion::Refused(times)) => times.saturating_add(1),
            None => 1,
        };
        self.note(event_type, Opinion::Refused(refused));
        self.takes_some && refused > REFUSALS
    }

    fn note(&mut self, event_type: &ByteString, opinion: Opinion) {
        if let Some(known) = self.types.get_mut(event_type) {
            *known = opinion;
        } else if self.types.len() < TYPES {
            self.types.insert(event_type.clone(), opinion);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: ByteString = ByteString::from_static("im.message.message_read_v1");
    const MESSAGE: ByteString = ByteString::from_static("im.message.receive_v1");

    fn refusals(opinions: &mut TypeOpinions, event_type: &ByteString, count: u32) -> bool {
        (0..count).any(|_| opinions.handle_refused(event_type))
    }

    #[test]
    fn a_type_without_a_handler_is_known_after_some_tries() {
        let mut opinions = TypeOpinions::default();
        opinions.handle_taken(&MESSAGE);
        assert!(!refusals(&mut opinions, &READ, REFUSALS));
        assert!(opinions.handle_refused(&READ));
        // A handler was added.
        opinions.handle_taken(&READ);
        assert!(!refusals(&mut opinions, &READ, 100));
    }

    /// Its database may be away: that says nothing of its handlers.
    #[test]
    fn an_application_that_takes_nothing_has_no_opinion() {
        let mut opinions = TypeOpinions::default();
        assert!(!refusals(&mut opinions, &MESSAGE, 100));
        opinions.handle_taken(&READ);
        opinions.handle_taken(&MESSAGE);
        assert!(!refusals(&mut opinions, &MESSAGE, 100));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut opinions = TypeOpinions::default();
        for nth in 0..TYPES + 100 {
            opinions.handle_refused(&nth.to_string().into());
        }
        assert_eq!(opinions.types.len(), TYPES);
    }
}
