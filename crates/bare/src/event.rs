//! Finds the id of an event, the only member of its JSON that the floor reads.

use std::ops::Range;

use serde::Deserialize;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    header: Header<'a>,
}

#[derive(Deserialize)]
struct Header<'a> {
    event_id: &'a str,
}

/// The position of the id in the event's JSON; `None` if there is no id without escapes.
pub(crate) fn id(payload: &[u8]) -> Option<Range<usize>> {
    let event: Event<'_> = serde_json::from_slice(payload).ok()?;
    let id = event.header.event_id;
    // The id is borrowed, so it lies within the payload.
    let start = id.as_ptr().addr() - payload.as_ptr().addr();
    Some(start..start + id.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_in_place() {
        let json = br#"{"schema":"2.0","event":{"a":[1]},"header":{"x":1,"event_id":"e-1"}}"#;
        assert_eq!(&json[id(json).expect("it has one")], b"e-1");
        assert_eq!(id(b"{}"), None);
        assert_eq!(id(br#"{"header":{"event_id":"a\n"}}"#), None);
    }
}
