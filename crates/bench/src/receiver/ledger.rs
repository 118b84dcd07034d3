//! What an application received.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

use longwire_sim::{Latencies, Latency, WallClock};
use serde::{Deserialize, Serialize};

use super::envelope::ReceivedEvent;

/// Events of a log that a ledger has room for; a larger number is no event of a run.
const MAX_SEQ: u64 = 1 << 27;
/// `evt_` and 26 letters.
const ID_BYTES: usize = 30;

/// Counts of an application, or of several together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceivedCounts {
    /// Webhooks that were answered with 2xx, and reads of other roads.
    pub(crate) deliveries: u64,
    /// Bytes of their bodies.
    pub(crate) body_bytes: u64,
    /// Of them, those that were answered with a reply.
    pub(crate) replies: u64,
    /// Webhooks that were answered otherwise, or not.
    pub(crate) refused: u64,
    /// Events of the taken deliveries, each counted once.
    pub(crate) distinct: u64,
    /// Events that had been received before.
    pub(crate) repeats: u64,
    /// Of these, those without `redelivered`.
    pub(crate) unlabelled: u64,
    /// Repeats under another id than the first time, and ids that differ between header and body.
    pub(crate) other_id: u64,
    /// First deliveries after that of a later event of the same chat.
    pub(crate) out_of_order: u64,
    /// The first of these: its number, and that of the later event before it.
    pub(crate) first_out_of_order: Option<(u64, u64)>,
    /// Webhooks whose signature does not fit, where it is verified.
    pub(crate) unverified: u64,
    /// Bodies that hold no event.
    pub(crate) malformed: u64,
    /// From the platform's push to the first delivery.
    pub(crate) latency: Latency,
}

impl ReceivedCounts {
    /// What must not be, together.
    pub(crate) fn wrongs(&self) -> u64 {
        self.unlabelled + self.other_id + self.out_of_order + self.unverified + self.malformed
    }
}

/// The ledger of one application.
pub(super) struct ReceivedLedger {
    counts: ReceivedCounts,
    latencies: Latencies,
    clock: WallClock,
    /// By the event's number.
    events: Vec<ReceivedOnce>,
    /// The number of the latest first delivery, by a hash of installation and chat.
    chats: HashMap<u64, u64>,
    hasher: RandomState,
}

/// How an event was received.
#[derive(Clone, Copy)]
struct ReceivedOnce {
    times: u32,
    /// Whether a delivery of it was answered with 2xx.
    is_taken: bool,
    id: [u8; ID_BYTES],
}

impl ReceivedLedger {
    pub(super) fn new() -> Self {
        Self {
            counts: ReceivedCounts::default(),
            latencies: Latencies::default(),
            clock: WallClock::now(),
            events: Vec::new(),
            chats: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// The counts so far.
    pub(super) fn counts(&self) -> ReceivedCounts {
        ReceivedCounts {
            latency: self.latencies.summary(),
            ..self.counts.clone()
        }
    }

    /// The numbers of all events that were taken.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let received = self.events.iter().enumerate();
        received
            .filter(|(_, event)| event.is_taken)
            .map(|(seq, _)| seq as u64)
            .collect()
    }

    /// A delivery was taken.
    pub(super) fn delivery(&mut self, body_bytes: usize) {
        self.counts.deliveries += 1;
        self.counts.body_bytes += body_bytes as u64;
    }

    /// A delivery was answered with a reply, if it had a text.
    pub(super) fn replied(&mut self, has_text: bool) {
        self.counts.replies += u64::from(has_text);
    }

    /// A delivery was answered with another status than 2xx, or not.
    pub(super) fn refused(&mut self) {
        self.counts.refused += 1;
    }

    /// A delivery had no event.
    pub(super) fn malformed(&mut self) {
        self.counts.malformed += 1;
    }

    /// A signature does not fit.
    pub(super) fn unverified(&mut self) {
        self.counts.unverified += 1;
    }

    /// The header names another event than the body.
    pub(super) fn other_id(&mut self) {
        self.counts.other_id += 1;
    }

    /// An event of a delivery. Of a refused one the application had the event, so that the next delivery is a repeat.
    pub(super) fn event(&mut self, event: &ReceivedEvent<'_>, is_taken: bool, at: Instant) {
        let id: Result<[u8; ID_BYTES], _> = event.id.as_bytes().try_into();
        let (Ok(id), Ok(seq)) = (id, usize::try_from(event.seq)) else {
            return self.malformed();
        };
        if event.seq >= MAX_SEQ {
            return self.malformed();
        }
        if self.events.len() <= seq {
            let never = ReceivedOnce {
                times: 0,
                is_taken: false,
                id: [0; ID_BYTES],
            };
            self.events.resize((seq + 1).next_power_of_two(), never);
        }
        let known = &mut self.events[seq];
        known.times = known.times.saturating_add(1);
        self.counts.distinct += u64::from(is_taken && !known.is_taken);
        known.is_taken |= is_taken;
        if known.times > 1 {
            self.counts.repeats += 1;
            self.counts.unlabelled += u64::from(!event.redelivered);
            self.counts.other_id += u64::from(known.id != id);
            return;
        }
        known.id = id;
        if let Some(chat) = &event.subject {
            let chat = self.hasher.hash_one((&event.installationid, chat));
            let latest = self.chats.entry(chat).or_insert(event.seq);
            if event.seq < *latest {
                self.counts.out_of_order += 1;
                let first = &mut self.counts.first_out_of_order;
                first.get_or_insert((event.seq, *latest));
            }
            *latest = event.seq.max(*latest);
        }
        if let Some(pushed_us) = event.pushed_at_us() {
            let late_us = self.clock.unix_us(at).saturating_sub(pushed_us);
            self.latencies.record(Duration::from_micros(late_us));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::envelope::events;
    use super::*;

    fn envelope(seq: u64, chat: &str, redelivered: bool) -> Value {
        let mut envelope = json!({
            "specversion": "1.0",
            "id": format!("evt_{seq:026}"),
            "subject": chat,
            "installationid": "ins_1",
            "seq": seq,
            "data": { "kind": "message", "message": { "text": "a \"text\"" }, "raw": [1, {}] },
        });
        if redelivered {
            envelope["redelivered"] = json!(true);
        }
        envelope
    }

    fn received(bodies: &[Value]) -> ReceivedLedger {
        let mut ledger = ReceivedLedger::new();
        for body in bodies {
            let body = body.to_string();
            for event in events(body.as_bytes()).expect("envelopes") {
                ledger.event(&event, true, Instant::now());
            }
        }
        ledger
    }

    #[test]
    fn a_repeat_has_to_be_labelled() {
        let ledger = received(&[
            envelope(1, "a", false),
            envelope(1, "a", true),
            envelope(2, "a", true),
            envelope(2, "a", false),
        ]);
        let counts = ledger.counts();
        assert_eq!((counts.distinct, counts.repeats), (2, 2));
        assert_eq!((counts.unlabelled, counts.wrongs()), (1, 1));
        assert_eq!(ledger.seqs(), [1, 2]);
    }

    #[test]
    fn the_first_deliveries_of_a_chat_have_an_order() {
        let good = received(&[
            envelope(2, "a", false),
            envelope(1, "b", false),
            envelope(3, "a", false),
            envelope(2, "a", true),
        ]);
        assert_eq!(good.counts().wrongs(), 0);
        let bad = received(&[envelope(2, "a", false), envelope(1, "a", false)]);
        assert_eq!(bad.counts().out_of_order, 1);
    }

    #[test]
    fn a_repeat_has_the_same_id() {
        let mut other = envelope(1, "a", true);
        other["id"] = json!(format!("evt_{:026}", 7));
        let counts = received(&[envelope(1, "a", false), other]).counts();
        assert_eq!(counts.other_id, 1);
        let mut short = envelope(1, "a", false);
        short["id"] = json!("evt_1");
        assert_eq!(received(&[short]).counts().malformed, 1);
    }

    #[test]
    fn a_batch_is_its_events() {
        let batch = json!([envelope(1, "a", false), envelope(2, "a", false)]);
        assert_eq!(received(&[batch]).counts().distinct, 2);
    }
}
