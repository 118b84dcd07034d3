//! The newest events of the log in memory: an unbroken stretch up to its end, bounded in events and bytes.
//!
//! Payloads are shared with whoever recorded them. A payload is a part of what one read of a connection brought, and keeps
//! all of that in memory; so the recorded events of a group are copied if they are few bytes, and the bound holds.

use std::collections::VecDeque;

use bytes::Bytes;
use bytestring::ByteString;

use crate::event_record::{EventPage, EventQuery, EventRecord};
use crate::group::EventOwner;
use crate::receipt::{EventOutcome, RecordOutcome};
use longwire_wire::event::{NewEvent, Seq};

/// Some tenths of a second at the writer's full speed: a follower that is woken after each commit lags less.
const EVENTS: usize = 4_096;

/// What they may hold, payloads and fields together.
const BYTES: usize = 4 << 20;

/// What one read of a connection brings at most. Of a group whose recorded events fill less than half of it, these are
/// copied. So a shared read is no more than twice what is counted for it.
const READ_BYTES: usize = 64 << 10;

/// The events.
#[derive(Debug)]
pub(crate) struct RecentEvents {
    /// In the order of their numbers.
    events: VecDeque<EventRecord>,
    /// All events behind this one are here; `None` while there is no such stretch.
    begins_after: Option<Seq>,
    held_bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl Default for RecentEvents {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            begins_after: None,
            held_bytes: 0,
            max_events: EVENTS,
            max_bytes: BYTES,
        }
    }
}

impl RecentEvents {
    /// Takes in the events of a committed batch, with what became of each.
    pub(crate) fn extend<'a>(
        &mut self,
        batch: impl Iterator<Item = ((EventOwner, NewEvent), &'a EventOutcome)>,
    ) {
        for ((owner, event), outcome) in batch {
            match outcome {
                EventOutcome::Recorded(RecordOutcome::Recorded(seq)) => {
                    self.push(EventRecord::new(*seq, owner, event));
                }
                EventOutcome::Recorded(RecordOutcome::Repeat { of, .. }) => {
                    self.count_repeat(*of, event.received_ms);
                }
                EventOutcome::Poison(_) => {}
            }
        }
    }

    fn push(&mut self, event: EventRecord) {
        let before = Seq(event.seq.0 - 1);
        let last = self.events.back().map(|last| last.seq);
        if last.or(self.begins_after) != Some(before) {
            // Numbers were left out, or nothing was here: what lies between is for the database to say.
            self.clear();
            self.begins_after = Some(before);
        }
        self.held_bytes += event.held_bytes();
        self.events.push_back(event);
        while self.events.len() > self.max_events || self.held_bytes > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.held_bytes -= oldest.held_bytes();
            self.begins_after = Some(oldest.seq);
        }
    }

    fn count_repeat(&mut self, of: Seq, at_ms: i64) {
        let index = self.events.partition_point(|event| event.seq < of);
        if let Some(event) = self.events.get_mut(index)
            && event.seq == of
        {
            event.repeats += 1;
            event.last_repeat_ms = Some(at_ms);
        }
    }

    /// Forgets all of them, and gives their memory back.
    pub(crate) fn clear(&mut self) {
        self.events = VecDeque::new();
        self.begins_after = None;
        self.held_bytes = 0;
    }

    /// What the database would answer; `None` if it begins before the events that are here.
    pub(crate) fn page(&self, query: &EventQuery) -> Option<EventPage> {
        // The first event of a log has the number 1.
        let after = query.after.unwrap_or(Seq(0));
        self.begins_after.filter(|&begin| after >= begin)?;
        let behind = self
            .events
            .partition_point(|event| Some(event.seq) <= query.after);
        Some(EventPage::of(self.events.range(behind..), query))
    }

    #[cfg(test)]
    pub(crate) fn limit(&mut self, events: usize, bytes: usize) {
        (self.max_events, self.max_bytes) = (events, bytes);
    }
}

/// Brings the recorded events of a group into a form that keeps little but themselves in memory. Repeats and refused events
/// are not kept, so their bytes say nothing.
pub(crate) fn keep_only(events: &mut [NewEvent], outcomes: &[EventOutcome]) {
    let is_recorded = |outcome: &EventOutcome| match outcome {
        EventOutcome::Recorded(RecordOutcome::Recorded(_)) => true,
        EventOutcome::Recorded(RecordOutcome::Repeat { .. }) | EventOutcome::Poison(_) => false,
    };
    let payload_bytes: usize = std::iter::zip(&*events, outcomes)
        .filter(|(_, outcome)| is_recorded(outcome))
        .map(|(event, _)| event.payload.len())
        .sum();
    if payload_bytes < READ_BYTES / 2 {
        for (event, outcome) in events.iter_mut().zip(outcomes) {
            if is_recorded(outcome) {
                copy(event);
            }
        }
    }
}

/// Copies the payload and the texts, which are parts of it, into memory of their own.
fn copy(event: &mut NewEvent) {
    event.payload = Bytes::copy_from_slice(&event.payload);
    for text in [
        &mut event.event_id,
        &mut event.event_type,
        &mut event.chat,
        &mut event.trace_id,
    ] {
        *text = text.as_deref().map(ByteString::from);
    }
}

#[cfg(test)]
mod tests {
    use longwire_installation::{InstallationId, Platform};
    use longwire_wire::event::Source;
    use longwire_wire::identity::{Identity, Tier};

    use super::*;

    fn event(payload_bytes: usize) -> NewEvent {
        let payload = Bytes::from(vec![b'x'; payload_bytes]);
        NewEvent {
            ticket: 0,
            identity: Identity::unparsed(None, &payload),
            event_id: Some(ByteString::from_static("id")),
            event_type: None,
            chat: None,
            source: Source::LongConnection,
            received_ms: 7,
            created_ms: None,
            trace_id: None,
            payload,
        }
    }

    fn recorded(seq: i64) -> EventOutcome {
        EventOutcome::Recorded(RecordOutcome::Recorded(Seq(seq)))
    }

    fn take(recent: &mut RecentEvents, outcome: EventOutcome, payload_bytes: usize) {
        let owner = EventOwner {
            installation: InstallationId(1),
            platform: Some(Platform::Feishu),
        };
        let event = (owner, event(payload_bytes));
        recent.extend(std::iter::once((event, &outcome)));
    }

    /// The numbers of the page behind this one.
    fn behind(recent: &RecentEvents, after: Option<i64>) -> Option<Vec<i64>> {
        let page = recent.page(&EventQuery {
            after: after.map(Seq),
            installations: None,
            limit: 10,
        })?;
        Some(page.events.iter().map(|event| event.seq.0).collect())
    }

    #[test]
    fn it_holds_an_unbroken_stretch() {
        let mut recent = RecentEvents::default();
        assert_eq!(behind(&recent, None), None);
        take(&mut recent, recorded(5), 1);
        take(&mut recent, recorded(6), 1);
        assert_eq!(behind(&recent, Some(3)), None, "it does not know of 4");
        assert_eq!(behind(&recent, Some(4)), Some(vec![5, 6]));
        assert_eq!(behind(&recent, Some(6)), Some(vec![]));
        take(&mut recent, recorded(9), 1);
        assert_eq!(behind(&recent, Some(6)), None, "nor of 7");
        assert_eq!(behind(&recent, Some(8)), Some(vec![9]));
    }

    #[test]
    fn it_is_bounded_in_events_and_in_bytes() {
        let mut recent = RecentEvents::default();
        recent.limit(3, 10_000);
        (1..=5).for_each(|seq| take(&mut recent, recorded(seq), 1));
        assert_eq!(behind(&recent, Some(1)), None);
        assert_eq!(behind(&recent, Some(2)), Some(vec![3, 4, 5]));
        take(&mut recent, recorded(6), 9_000);
        assert_eq!(behind(&recent, Some(5)), Some(vec![6]));
        take(&mut recent, recorded(7), 20_000);
        assert_eq!(behind(&recent, Some(6)), None, "it is too large by itself");
        assert_eq!(behind(&recent, Some(7)), Some(vec![]));
        assert_eq!(recent.held_bytes, 0);
    }

    #[test]
    fn a_repeat_is_counted_at_its_event() {
        let mut recent = RecentEvents::default();
        take(&mut recent, recorded(1), 1);
        let of = Seq(1);
        let tier = Tier::EventId;
        for of in [of, Seq(0), Seq(2)] {
            let repeat = EventOutcome::Recorded(RecordOutcome::Repeat { of, tier });
            take(&mut recent, repeat, 1);
        }
        assert_eq!(recent.events[0].repeats, 1);
        assert_eq!(recent.events[0].last_repeat_ms, Some(7));
    }

    #[test]
    fn a_large_group_is_shared_and_a_small_one_copied() {
        for (payload_bytes, is_shared) in [(READ_BYTES / 2, true), (100, false)] {
            let given = event(payload_bytes);
            let mut kept = [given.clone()];
            keep_only(&mut kept, &[recorded(1)]);
            assert_eq!(kept[0].payload, given.payload);
            let is_same = kept[0].payload.as_ptr() == given.payload.as_ptr();
            assert_eq!(is_same, is_shared);
        }
    }

    #[test]
    fn a_small_new_event_is_copied_out_of_a_read_full_of_repeats() {
        let repeat = EventOutcome::Recorded(RecordOutcome::Repeat {
            of: Seq(1),
            tier: Tier::EventId,
        });
        let refused = EventOutcome::Poison(String::new());
        for large in [repeat, refused] {
            let given = [event(60 << 10), event(200)];
            let mut kept = given.clone();
            keep_only(&mut kept, &[large, recorded(2)]);
            assert_eq!(kept[1].payload, given[1].payload);
            assert_ne!(kept[1].payload.as_ptr(), given[1].payload.as_ptr());
            // It is not kept, so a copy of it would be for nothing.
            assert_eq!(kept[0].payload.as_ptr(), given[0].payload.as_ptr());
        }
    }
}
