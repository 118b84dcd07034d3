//! Events as a stream of server-sent events has them.

use bytes::Bytes;
use longwire_consumer::{AttemptFacts, EventId, EventText, write_event};

/// The first chunk: how long a reader waits before it connects again.
pub(crate) const HELLO: Bytes = Bytes::from_static(b"retry: 500\n\n");
/// Nothing, so that nobody between closes the connection.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");
/// The last chunk of a process that ends.
pub(crate) const SHUTDOWN: Bytes = Bytes::from_static(b"event: shutdown\ndata: {}\n\n");

/// One event. It has no `event:` line, so that readers get it as a message.
pub(crate) fn chunk(id: EventId, text: &EventText, facts: &AttemptFacts) -> Bytes {
    let mut envelope = Vec::new();
    write_event(text, facts, &mut envelope);
    let mut out = Vec::with_capacity(envelope.len() + 64);
    out.extend_from_slice(format!("id: {id}\ndata: ").as_bytes());
    // Line ends lie between the members of the platform's JSON only: within a text they are escaped.
    for byte in envelope {
        match byte {
            b'\n' => out.extend_from_slice(b"\ndata: "),
            b'\r' => out.push(b' '),
            other => out.push(other),
        }
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}
