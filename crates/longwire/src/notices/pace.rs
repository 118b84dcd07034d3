//! How often notices about one subject are sent: at most once a minute, and then the newest.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How far apart notices about one subject are. A bot that comes and goes is told of as often as a person looks.
pub(super) const APART: Duration = Duration::from_secs(60);

/// Most subjects that are remembered; a chat with more notices a minute is not read.
const MAX_SUBJECTS: usize = 256;

/// Decides when a notice is sent.
#[derive(Debug)]
pub(super) struct NoticePace<T> {
    subjects: BTreeMap<String, Subject<T>>,
    came: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Subject<T> {
    not_before: Instant,
    /// The newest notice, which was not sent yet, and which notice of all it was.
    waiting: Option<(u64, T)>,
}

impl<T> NoticePace<T> {
    pub(super) fn new() -> Self {
        Self {
            subjects: BTreeMap::new(),
            came: 0,
            dropped: 0,
        }
    }

    /// One more notice. It replaces one about the same subject that waits.
    pub(super) fn offer(&mut self, subject: String, notice: T, now: Instant) {
        self.subjects
            .retain(|_, known| known.waiting.is_some() || known.not_before > now);
        if self.subjects.len() >= MAX_SUBJECTS && !self.subjects.contains_key(&subject) {
            self.dropped += 1;
            return;
        }
        self.came += 1;
        let known = self.subjects.entry(subject).or_insert(Subject {
            not_before: now,
            waiting: None,
        });
        known.waiting = Some((self.came, notice));
    }

    /// The notice to send now, those that came first before others.
    pub(super) fn poll(&mut self, now: Instant) -> Option<T> {
        let due = self.subjects.values_mut();
        let due = due.filter(|known| known.waiting.is_some() && known.not_before <= now);
        let next = due.min_by_key(|known| known.waiting.as_ref().map(|(came, _)| *came))?;
        next.not_before = now + APART;
        next.waiting.take().map(|(_, notice)| notice)
    }

    /// When the next one is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let waiting = self.subjects.values();
        let waiting = waiting.filter(|known| known.waiting.is_some());
        waiting.map(|known| known.not_before).min()
    }

    /// How many were dropped because of too many subjects, since this was asked last.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_told_once_a_minute_and_then_the_newest() {
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut pace = NoticePace::new();
        pace.offer("a".to_owned(), "a displaced", after(0));
        pace.offer("b".to_owned(), "b refused", after(0));
        assert_eq!(pace.poll(after(0)), Some("a displaced"));
        assert_eq!(pace.poll(after(0)), Some("b refused"));
        for notice in ["a live", "a displaced again", "a live again"] {
            pace.offer("a".to_owned(), notice, after(10));
        }
        assert_eq!(pace.poll(after(59)), None);
        assert_eq!(pace.poll_timeout(), Some(after(60)));
        assert_eq!(pace.poll(after(60)), Some("a live again"));
        assert_eq!((pace.poll(after(600)), pace.poll_timeout()), (None, None));
    }

    #[test]
    fn subjects_are_bounded_and_forgotten() {
        let begun = Instant::now();
        let mut pace = NoticePace::new();
        for subject in 0..1_000 {
            pace.offer(subject.to_string(), subject, begun);
        }
        let sent: Vec<i32> = std::iter::from_fn(|| pace.poll(begun)).collect();
        assert!(sent.iter().copied().eq(0..256), "in their order: {sent:?}");
        assert_eq!(pace.take_dropped(), 1_000 - 256);
        pace.offer("new".to_owned(), 1_000, begun + APART);
        assert_eq!(pace.subjects.len(), 1);
    }
}
