//! Lives of a queue, one after the other. `tests/promises` has them in any order.

mod connections;
mod failing;
mod gaps;
mod readers;

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use longwire_installation::InstallationId;

use super::*;
use crate::delivery::{Delivery, DeliveryFailure, ReadEvent};
use crate::news::{ReadScope, SavePace};
use crate::order_key::ChatKey;
use crate::policy::{AgeRule, GatherPolicy, GiveUp, MaxAge};

const REFUSED: DeliveryFailure = DeliveryFailure::Refused;

fn status(code: u16) -> DeliveryFailure {
    DeliveryFailure::Status {
        code,
        retry_after: None,
    }
}

struct Play {
    queue: ConsumerQueue<i64>,
    now: Moment,
    start: Moment,
    head: i64,
}

impl Play {
    fn new(receivers: Receivers, policy: DeliveryPolicy) -> Self {
        Self::at(receivers, policy, Position::behind(Seq(0)), 0)
    }

    fn at(receivers: Receivers, policy: DeliveryPolicy, position: Position, head: i64) -> Self {
        let now = Moment {
            instant: Instant::now(),
            unix_ms: 1_800_000_000_000,
        };
        let read = position.reached.0;
        let settings = QueueSettings::new(receivers);
        Self {
            queue: ConsumerQueue::new(settings, policy, position, Seq(head), 7, now),
            now,
            start: now,
            head: read,
        }
    }

    /// An event of `chat` is recorded and read, and what it needs is on disk.
    fn event(&mut self, chat: &str, urgent: Urgent) -> i64 {
        let installation = InstallationId(1);
        let after = Seq(self.head);
        self.head += 1;
        let event = ReadEvent {
            seq: Seq(self.head),
            installation,
            chat: Some(ChatKey::new(installation, chat)),
            urgent,
            recorded_ms: self.now.unix_ms,
            size_bytes: 100,
            payload: self.head,
        };
        self.queue
            .handle_page(ReadScope::Ahead, after, [event], Seq(self.head), self.now);
        self.save();
        self.head
    }

    fn message(&mut self, chat: &str) -> i64 {
        self.event(chat, Urgent::No)
    }

    fn save(&mut self) {
        while let Some(save) = self.queue.poll_save(self.now) {
            self.queue.handle_saved(save.number);
        }
    }

    fn send(&mut self) -> Option<Delivery<i64>> {
        self.queue.poll_delivery(self.now)
    }

    /// All that is sent now, by numbers.
    fn all(&mut self) -> Vec<i64> {
        let mut sent = Vec::new();
        while let Some(delivery) = self.send() {
            sent.extend(delivery.events.iter().map(|event| event.seq.0));
        }
        sent
    }

    /// The next event is sent and fails, as soon as it may be; after how many seconds since the start?
    fn fail_next(&mut self, failure: DeliveryFailure) -> (i64, u64) {
        let delivery = self.next();
        let at = self.now.instant - self.start.instant;
        self.queue.handle_failed(delivery.id, failure, self.now);
        (delivery.events[0].seq.0, at.as_secs())
    }

    /// Serves what the queue wants of a log whose `last` event is the only one of its chat.
    fn read_one_chat_and_another(&mut self, last: i64) {
        let installation = InstallationId(1);
        let event = |seq: i64| ReadEvent {
            seq: Seq(seq),
            installation,
            chat: Some(ChatKey::new(
                installation,
                if seq < last { "a" } else { "b" },
            )),
            urgent: Urgent::No,
            recorded_ms: 1_800_000_000_000,
            size_bytes: 100,
            payload: seq,
        };
        while let Some(want) = self.queue.poll_want(Seq(last)) {
            let limit = i64::try_from(want.limit).expect("it is small");
            let until = want.until.map_or(last, |until| until.0);
            let until = until.min(want.after.0 + limit);
            let events = (want.after.0 + 1..=until).map(event);
            self.queue
                .handle_page(want.scope, want.after, events, Seq(until), self.now);
        }
    }

    fn next(&mut self) -> Delivery<i64> {
        for _ in 0..100 {
            if let Some(delivery) = self.send() {
                return delivery;
            }
            let due = self.queue.poll_timeout(self.now).expect("something waits");
            let delay = due.saturating_duration_since(self.now.instant);
            self.now = self.now.after(delay.max(Duration::from_millis(1)));
            self.save();
        }
        panic!("nothing is sent: {:?}", self.queue);
    }

    /// Nothing can be sent now, and the owner is not told to look again at once.
    fn nothing_is_due(&mut self) {
        assert!(self.send().is_none());
        while self.queue.poll_save(self.now).is_some() {}
        let due = self.queue.poll_timeout(self.now);
        assert!(due.is_none_or(|due| due > self.now.instant), "{due:?}");
    }

    fn news(&mut self) -> Vec<ConsumerNews> {
        std::iter::from_fn(|| self.queue.poll_news()).collect()
    }
}

#[test]
fn a_chat_waits_for_its_oldest_event_and_others_pass_by() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "a", "b"] {
        play.message(chat);
    }
    let click = play.event("a", Urgent::Click);
    let first = play.send().expect("the click goes first");
    assert_eq!(first.events[0].seq.0, click);
    let second = play.send().expect("the first of a");
    assert_eq!((second.events[0].seq.0, play.all()), (1, vec![3]));
    play.queue.handle_done(second.id, play.now);
    assert_eq!(play.all(), [2]);
}

#[test]
fn an_event_that_a_page_tells_twice_is_sent_once() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    let event = |seq| ReadEvent {
        seq: Seq(seq),
        installation: InstallationId(1),
        chat: None,
        urgent: Urgent::No,
        recorded_ms: 1_800_000_000_000,
        size_bytes: 100,
        payload: seq,
    };
    let page = [event(1), event(1), event(2), event(1)];
    play.queue
        .handle_page(ReadScope::Ahead, Seq(0), page, Seq(2), play.now);
    play.save();
    for seq in [1, 2] {
        let delivery = play.next();
        let sent: Vec<i64> = delivery.events.iter().map(|event| event.seq.0).collect();
        assert_eq!(sent, [seq]);
        play.queue.handle_done(delivery.id, play.now);
    }
    assert!(play.send().is_none());
    assert_eq!(play.queue.floor(), Seq(2));
}

/// The owner sets a timer to what the queue says, and would run without a pause.
#[test]
fn nothing_is_due_that_is_not_reserved() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "c"] {
        play.message(chat);
    }
    for _ in 0..6 {
        play.fail_next(status(500));
    }
    // It came since, and the disk does not take the position that reserves it.
    let after = Seq(play.head);
    let event = ReadEvent {
        seq: Seq(play.head + 5_000),
        installation: InstallationId(1),
        chat: None,
        urgent: Urgent::No,
        recorded_ms: play.now.unix_ms,
        size_bytes: 100,
        payload: 0,
    };
    let reached = event.seq;
    play.queue
        .handle_page(ReadScope::Ahead, after, [event], reached, play.now);
    play.now = play.now.after(Duration::from_secs(6));
    play.nothing_is_due();
}

#[test]
fn nothing_is_due_while_too_much_is_under_way() {
    let policy = DeliveryPolicy::default();
    let mut play = Play::new(Receivers::Endpoint, policy.clone());
    for chat in ["a", "b", "c"] {
        play.message(chat);
    }
    let sent: Vec<_> = std::iter::from_fn(|| play.send()).collect();
    let narrow = DeliveryPolicy {
        concurrency: NonZeroU16::MIN,
        ..policy
    };
    play.queue.handle_policy(narrow, play.now);
    play.queue.handle_failed(sent[0].id, REFUSED, play.now);
    play.now = play.now.after(Duration::from_secs(3));
    play.nothing_is_due();
}

#[test]
fn what_waits_for_a_lookup_takes_no_place_of_others() {
    let policy = DeliveryPolicy {
        concurrency: NonZeroU16::MIN,
        ..DeliveryPolicy::default()
    };
    let mut play = Play::new(Receivers::Endpoint, policy.clone());
    for chat in ["a", "a", "b", "c"] {
        play.message(chat);
    }
    let first = play.send().expect("there is room");
    assert!(play.send().is_none(), "one at a time");
    play.queue.handle_set_aside(1);
    let second = play.send().expect("another chat passes by");
    assert_ne!(first.events[0].seq, second.events[0].seq);
    assert!(play.send().is_none());
    // A change of the policy keeps what waits.
    play.queue.handle_policy(policy, play.now);
    assert!(play.send().is_none());
    play.queue.handle_set_aside(0);
    play.queue.handle_done(second.id, play.now);
    assert!(play.send().is_none(), "the first one is under way still");
    play.queue.handle_done(first.id, play.now);
    assert!(play.send().is_some());
}

/// A consumer that lags has always something to send, and reads when a page of room is free.
#[test]
fn a_consumer_that_lags_reads_pages() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    let head = Seq(100_000);
    let (mut pages, mut done) = (0, 0);
    while done < 10_000 {
        if let Some(want) = play.queue.poll_want(head) {
            pages += 1;
            for _ in 0..want.limit {
                play.message("a");
            }
        }
        let delivery = play.send().expect("there is enough");
        play.queue.handle_done(delivery.id, play.now);
        done += 1;
    }
    assert!(pages <= 4 + done / 256, "{pages}");
    // What cannot be sent is no reason to wait.
    play.all();
    while play.queue.poll_want(head).is_some() && play.queue.held_events() < 1_024 {
        play.message("b");
    }
    assert!(play.queue.held_events() >= 1_000);
}

#[test]
fn after_a_crash_little_is_labelled() {
    let mut position = Position::behind(Seq(1_000));
    position.reserved = Seq(1_500);
    let mut play = Play::at(
        Receivers::Endpoint,
        DeliveryPolicy::default(),
        position,
        1_000_000,
    );
    for (until, labelled) in [(1_500, true), (3_000, false)] {
        while play.head < until {
            play.message("a");
            let delivery = play.next();
            assert_eq!(delivery.events[0].redelivered, labelled, "{until}");
            play.queue.handle_done(delivery.id, play.now);
        }
    }
}

/// Whoever stops in order labels only what was under way.
#[test]
fn after_a_stop_only_what_was_under_way_is_labelled() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "b"] {
        play.message(chat);
    }
    let first = play.next();
    play.next();
    play.queue.handle_done(first.id, play.now);
    let position = play.queue.final_save(play.now).position;
    let mut play = Play::at(Receivers::Endpoint, DeliveryPolicy::default(), position, 3);
    let want = play.queue.poll_want(Seq(3)).expect("two are not done");
    assert_eq!((want.scope, want.after), (ReadScope::Unfinished, Seq(1)));
    play.head = 1;
    let installation = InstallationId(1);
    let chat = Some(ChatKey::new(installation, "b"));
    let events = [2, 3].map(|seq| ReadEvent {
        seq: Seq(seq),
        installation,
        chat,
        urgent: Urgent::No,
        recorded_ms: play.now.unix_ms,
        size_bytes: 1,
        payload: seq,
    });
    play.queue
        .handle_page(want.scope, want.after, events, Seq(3), play.now);
    play.save();
    for labelled in [true, false] {
        let delivery = play.next();
        assert_eq!(delivery.events[0].redelivered, labelled);
        play.queue.handle_done(delivery.id, play.now);
    }
}

#[test]
fn rapid_messages_arrive_as_one_batch_and_clicks_do_not_wait() {
    let gather = Some(GatherPolicy {
        quiet: Duration::from_millis(300),
        max: Duration::from_secs(1),
    });
    let policy = DeliveryPolicy {
        gather,
        ..DeliveryPolicy::default()
    };
    let mut play = Play::new(Receivers::Endpoint, policy);
    for _ in 0..7 {
        play.message("a");
        play.now = play.now.after(Duration::from_millis(200));
    }
    let click = play.event("a", Urgent::Click);
    let first = play.send().expect("a click does not wait");
    assert_eq!((first.events[0].seq.0, first.is_batch), (click, false));
    // The first batch was full after a second.
    let batch = play.send().expect("it is complete");
    let seqs = |batch: &Delivery<i64>| {
        batch
            .events
            .iter()
            .map(|event| event.seq.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (seqs(&batch), batch.is_batch),
        (vec![1, 2, 3, 4, 5, 6], true)
    );
    play.queue.handle_failed(batch.id, status(500), play.now);
    play.message("a");
    let again = play.next();
    assert_eq!(seqs(&again), seqs(&batch), "a batch stays what it was");
    play.queue.handle_done(again.id, play.now);
    // The click between them makes no difference.
    assert_eq!(seqs(&play.next()), [7, 9]);
}

/// A batch is complete by the times of its events, and after its longest wait whatever the clock shows.
#[test]
fn a_clock_that_is_set_back_holds_no_batch() {
    let gather = GatherPolicy {
        quiet: Duration::from_millis(300),
        max: Duration::from_secs(2),
    };
    let policy = DeliveryPolicy {
        gather: Some(gather),
        ..DeliveryPolicy::default()
    };
    let mut play = Play::new(Receivers::Endpoint, policy);
    play.message("a");
    play.now.unix_ms -= 3_600_000;
    let before = play.now.instant;
    assert_eq!(play.next().events.len(), 1);
    assert!(play.now.instant - before <= gather.max);
}

#[test]
fn old_events_are_labelled_or_skipped_as_the_consumer_wants() {
    for (then, expected) in [
        (AgeRule::Deliver, Some(false)),
        (AgeRule::Label, Some(true)),
        (AgeRule::Skip, None),
    ] {
        let after = Duration::from_secs(60);
        let policy = DeliveryPolicy {
            max_age: Some(MaxAge { after, then }),
            ..DeliveryPolicy::default()
        };
        let mut play = Play::new(Receivers::Endpoint, policy);
        let seq = Seq(play.message("a"));
        play.now = play.now.after(Duration::from_secs(61));
        let stale = play.send().map(|delivery| delivery.events[0].is_stale);
        assert_eq!(stale, expected, "{then:?}");
        let skipped = play.news().contains(&ConsumerNews::Skipped { seq });
        assert_eq!(skipped, expected.is_none());
    }
}

/// By a clock that was set back, the next event may be older than the one that is skipped.
#[test]
fn an_event_that_is_skipped_leaves_no_timer_behind() {
    let policy = DeliveryPolicy {
        max_age: Some(MaxAge {
            after: Duration::from_secs(1),
            then: AgeRule::Skip,
        }),
        ..DeliveryPolicy::default()
    };
    let mut play = Play::new(Receivers::Endpoint, policy);
    play.message("a");
    play.fail_next(status(500));
    play.now.unix_ms -= 3_000_000;
    let under_way = play.message("b");
    assert_eq!(play.all(), [under_way]);
    play.now.unix_ms += 3_000_000;
    play.now = play.now.after(Duration::from_secs(100));
    play.nothing_is_due();
    assert_eq!(play.queue.held_events(), 1, "the other one was skipped");
}

#[test]
fn an_owner_is_told_that_a_consumer_lags() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let mut told = Vec::new();
    for _ in 0..40 {
        play.fail_next(DeliveryFailure::Unreachable);
        told.extend(play.news().into_iter().filter_map(|news| match news {
            ConsumerNews::Lagging { percent, .. } => Some(percent),
            _ => None,
        }));
    }
    assert_eq!(told, [50, 75, 100]);
    let delivery = play.next();
    play.queue.handle_done(delivery.id, play.now);
    assert!(play.news().contains(&ConsumerNews::CaughtUp));
}

#[test]
fn what_is_sent_again_after_a_seek_is_labelled() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for _ in 0..3 {
        play.message("a");
        let delivery = play.next();
        assert!(!delivery.events[0].redelivered);
        play.queue.handle_done(delivery.id, play.now);
    }
    play.queue.handle_seek(Seq(1));
    play.head = 1;
    for expected in [(2, true), (3, true), (4, false)] {
        play.message("a");
        let delivery = play.next();
        let event = &delivery.events[0];
        assert_eq!((event.seq.0, event.redelivered), expected);
        play.queue.handle_done(delivery.id, play.now);
    }
}

#[test]
fn what_somebody_waits_for_is_saved_at_once_and_together() {
    let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
    let first = play.message("a");
    let second = play.message("b");
    let deadline = play.now.instant + Duration::from_secs(30);
    for _ in [first, second] {
        let claim = play.queue.poll_claim(ReaderId::ANYBODY, deadline, play.now);
        assert!(claim.is_some());
    }
    play.save();
    assert_eq!(play.queue.handle_acked(&[Seq(first)], play.now), 1);
    assert!(
        play.queue.poll_save(play.now).is_none(),
        "progress alone waits"
    );
    play.queue.handle_save_awaited();
    let save = play.queue.poll_save(play.now).expect("it is due");
    assert_eq!(save.pace, SavePace::Prompt);
    // What comes while it is written rides in the next one.
    assert_eq!(play.queue.handle_acked(&[Seq(second)], play.now), 1);
    play.queue.handle_save_awaited();
    assert!(play.queue.poll_save(play.now).is_none());
    play.queue.handle_saved(save.number);
    let save = play.queue.poll_save(play.now).expect("it is due");
    assert_eq!(save.position.floor(), Seq(second));
    play.queue.handle_saved(save.number);
    assert!(play.queue.poll_save(play.now).is_none());
}
