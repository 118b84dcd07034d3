//! An event as the data frames that carry it.

use std::ops::Range;

use longwire_wire::frame::{METHOD_DATA, key};

use super::FrameHead;

/// One push of an event or a card click: everything of its frames but the payload.
///
/// The platform cuts a payload into fragments that share a `message_id`, with `sum` and `seq`; a payload that fits one frame
/// has `sum` 1 and `seq` 0.
#[derive(Clone, Copy, Debug)]
pub struct DataFrames<'a> {
    /// The connection's service id.
    pub service: i32,
    /// `SeqID` of the first frame; the others count on.
    pub seq_id: u64,
    /// `LogID` of all frames. The platform's are above 2^53, which a double does not hold.
    pub log_id: u64,
    /// The header `type`: `event`, or `card` for a click on a card of the old kind.
    pub kind: &'a str,
    /// Fresh for every push of an event. The ACK echoes it.
    pub message_id: &'a str,
    /// 32 hex digits.
    pub trace_id: &'a str,
    /// Headers behind the platform's own. The SDKs echo headers that they do not know.
    pub further_headers: &'a [(&'a str, &'a str)],
    /// The most that one frame carries of the payload, at least 1.
    pub fragment_bytes: usize,
}

impl DataFrames<'_> {
    /// Appends the payload in order, each frame as one binary message.
    pub fn write(&self, out: &mut Vec<u8>, payload: &[u8]) {
        let parts = cut(payload.len(), self.fragment_bytes);
        let sum = parts.len().to_string();
        for (seq, part) in parts.into_iter().enumerate() {
            let seq_text = seq.to_string();
            let mut headers = vec![
                (key::TYPE, self.kind),
                (key::MESSAGE_ID, self.message_id),
                (key::SUM, &sum),
                (key::SEQ, &seq_text),
                (key::TRACE_ID, self.trace_id),
            ];
            headers.extend_from_slice(self.further_headers);
            let head = FrameHead {
                seq_id: self.seq_id.wrapping_add(seq as u64),
                log_id: self.log_id,
                service: self.service,
                method: METHOD_DATA,
                headers: &headers,
            };
            let part = &payload[part];
            head.write(out, part.len(), |out| out.extend_from_slice(part));
        }
    }
}

/// The pieces of a payload by `seq`. An empty payload is one empty piece.
#[must_use]
pub fn cut(len: usize, size_bytes: usize) -> Vec<Range<usize>> {
    let size = size_bytes.max(1);
    let count = len.div_ceil(size).max(1);
    (0..count)
        .map(|seq| seq * size..((seq + 1) * size).min(len))
        .collect()
}

#[cfg(test)]
mod tests {
    use longwire_wire::frame::{FrameView, Part};

    use super::*;
    use crate::websocket::read_server_messages;

    #[test]
    fn fragments_join_to_the_payload() {
        let payload: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        let mut out = Vec::new();
        let push = DataFrames {
            service: 7,
            seq_id: 40,
            log_id: 7_300_000_000_000_000_001,
            kind: "event",
            message_id: "m",
            trace_id: "t",
            further_headers: &[("longwire-redelivered", "1")],
            fragment_bytes: 400,
        };
        push.write(&mut out, &payload);
        let mut joined = Vec::new();
        for (seq, message) in read_server_messages(&out).into_iter().enumerate() {
            let frame = FrameView::parse(message).expect("a frame");
            assert_eq!(frame.service(), 7);
            assert_eq!(frame.seq_id(), 40 + seq as u64);
            assert_eq!(frame.message_id(), Some("m"));
            assert_eq!(frame.trace_id(), Some("t"));
            assert_eq!(frame.header("longwire-redelivered"), Some("1"));
            let wanted = Part::Fragment {
                sum: 3,
                seq: seq as u16,
            };
            assert_eq!(frame.part(), Ok(wanted));
            joined.extend_from_slice(&frame.payload().expect("a payload"));
        }
        assert_eq!(joined, payload);
    }

    #[test]
    fn a_payload_that_fits_is_one_frame() {
        let mut out = Vec::new();
        let push = DataFrames {
            service: 1,
            seq_id: 1,
            log_id: 1,
            kind: "card",
            message_id: "m",
            trace_id: "t",
            further_headers: &[],
            fragment_bytes: 400,
        };
        push.write(&mut out, b"{}");
        let messages = read_server_messages(&out);
        let [message] = messages.as_slice() else {
            panic!("{} frames", messages.len())
        };
        let frame = FrameView::parse(message.clone()).expect("a frame");
        assert_eq!(frame.part(), Ok(Part::Whole));
        assert_eq!(frame.header("type"), Some("card"));
    }

    #[test]
    fn pieces_cover_the_payload() {
        assert_eq!(cut(7, 3), vec![0..3, 3..6, 6..7]);
        assert_eq!(cut(6, 3), vec![0..3, 3..6]);
        assert_eq!(cut(0, 3), vec![0..0]);
    }
}
