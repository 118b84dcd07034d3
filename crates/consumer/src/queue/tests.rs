//! Lives of a queue, one after the other. `tests/promises` has them in any order.

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

#[test]
fn an_event_that_fails_is_tried_at_chat_speed() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(play.fail_next(status(500)).1);
        let other = play.message("b");
        let delivery = play.next();
        assert_eq!(delivery.events[0].seq.0, other, "others go on");
        play.queue.handle_done(delivery.id, play.now);
    }
    let delays: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (delay, least) in delays.iter().zip([1, 2, 4, 8]) {
        assert!((least..=least + 1).contains(delay), "{delays:?}");
    }
    assert_eq!(play.queue.state(), QueueState::Active);
}

/// An application that restarts for 20 s costs at most 2 s more, and nothing is lost or out of order.
#[test]
fn a_refused_connection_is_probed_each_second() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "a"] {
        play.message(chat);
    }
    let (mut times, mut second) = (Vec::new(), 0);
    while second < 20 {
        second = play.fail_next(REFUSED).1;
        times.push(second);
    }
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] <= 2),
        "{times:?}"
    );
    assert_eq!(play.news()[0], ConsumerNews::Paused { cause: REFUSED });
    let probe = play.next();
    assert!(probe.is_probe && play.all().is_empty(), "one at a time");
    let last = play.start.instant + Duration::from_secs(second + 1);
    assert!(play.now.instant <= last + Duration::from_millis(1_100));
    play.queue.handle_done(probe.id, play.now);
    assert!(matches!(play.news()[..], [ConsumerNews::Resumed { .. }]));
    assert_eq!(play.all().len(), 1, "the rest is sent at once");
    assert!(
        play.queue
            .open
            .values()
            .all(|event| event.tried.failures == 0)
    );
}

/// The probes of the first minute do not count as patience: whoever comes back in the second one waits seconds, not minutes.
#[test]
fn an_application_that_starts_slowly_is_found_soon() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let (mut last, mut longest) = (0, 0);
    while last < 120 {
        let (_, second) = play.fail_next(REFUSED);
        longest = longest.max(second - last);
        last = second;
    }
    assert!((16..=34).contains(&longest), "{longest}");
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
fn an_outage_of_hours_is_probed_every_five_minutes_at_least() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    let (mut last, mut longest) = (0, 0);
    while last < 7_200 {
        let (_, second) = play.fail_next(DeliveryFailure::Unreachable);
        longest = longest.max(second - last);
        last = second;
    }
    assert!((300..=331).contains(&longest), "{longest}");
}

#[test]
fn three_chats_that_fail_are_the_endpoint() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    for chat in ["a", "b", "c", "d"] {
        play.message(chat);
    }
    for _ in 0..3 {
        let delivery = play.send().expect("it is active");
        play.queue.handle_failed(delivery.id, status(500), play.now);
    }
    assert!(matches!(play.queue.state(), QueueState::Failing { .. }));
    assert_eq!(play.send().map(|delivery| delivery.id), None);
    // The fourth chat was not tried. One that comes later does not wait for the next probe but for 5 s.
    assert_eq!(play.fail_next(status(500)).0, 4);
    for _ in 0..12 {
        play.fail_next(status(500));
    }
    let fresh = play.message("e");
    let before = play.now.instant;
    let probe = play.next();
    assert_eq!(probe.events[0].seq.0, fresh);
    assert!(play.now.instant <= before + Duration::from_secs(5));
    play.queue.handle_done(probe.id, play.now);
    assert_eq!(play.queue.state(), QueueState::Active);
}

#[test]
fn retry_after_is_obeyed_within_an_hour() {
    for (seconds, expected) in [(30, 30), (1_000_000, 3_600)] {
        let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
        play.message("a");
        let failure = DeliveryFailure::Status {
            code: 429,
            retry_after: Some(Duration::from_secs(seconds)),
        };
        play.fail_next(failure);
        assert_eq!(play.fail_next(failure).1, expected);
    }
}

#[test]
fn an_endpoint_that_is_gone_is_left_alone_until_an_operator_resumes() {
    let mut play = Play::new(Receivers::Endpoint, DeliveryPolicy::default());
    play.message("a");
    play.fail_next(status(410));
    assert_eq!(play.news(), [ConsumerNews::Stopped]);
    assert_eq!(play.queue.state(), QueueState::Stopped);
    play.now = play.now.after(Duration::from_secs(86_400));
    assert_eq!(play.all(), [] as [i64; 0]);
    play.queue.handle_resumed();
    assert_eq!(play.all(), [1]);
}

#[test]
fn nothing_is_given_up_but_by_policy() {
    let attempts = NonZeroU32::new(3);
    let give_up = GiveUp {
        attempts,
        age: None,
    };
    let mut play = Play::new(
        Receivers::Endpoint,
        DeliveryPolicy {
            give_up,
            ..DeliveryPolicy::default()
        },
    );
    let bad = play.message("a");
    let next = play.message("a");
    for _ in 0..3 {
        assert_eq!(play.fail_next(status(400)).0, bad);
    }
    let seq = Seq(bad);
    let failure = status(400);
    assert!(play.news().contains(&ConsumerNews::GaveUp {
        seq,
        attempts: 3,
        failure
    }));
    assert_eq!(play.next().events[0].seq.0, next);
    // A connection that fails is nobody's event.
    let mut play = Play::new(play.queue.settings.receivers, play.queue.policy.clone());
    play.message("a");
    for _ in 0..50 {
        play.fail_next(REFUSED);
    }
    assert_eq!(play.queue.held_events(), 1);
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
fn a_claim_that_ends_goes_to_another_reader_and_its_late_answer_counts() {
    let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
    let seq = Seq(play.message("a"));
    let deadline = play.now.instant + Duration::from_secs(30);
    let reader = ReaderId::ANYBODY;
    let claim = play.queue.poll_claim(reader, deadline, play.now);
    assert!(claim.is_some_and(|delivery| !delivery.events[0].redelivered));
    assert!(play.queue.poll_claim(reader, deadline, play.now).is_none());
    play.now = play.now.after(Duration::from_secs(30));
    let later = play.now.instant + Duration::from_secs(30);
    let again = play.queue.poll_claim(reader, later, play.now);
    assert!(again.is_some_and(|delivery| delivery.events[0].redelivered));
    assert_eq!(play.queue.handle_acked(&[seq], play.now), 1);
    assert_eq!(play.queue.handle_acked(&[seq], play.now), 0);
    assert_eq!((play.queue.in_flight(), play.queue.floor()), (0, seq));
    // What nobody was given nobody can acknowledge.
    let next = Seq(play.message("a"));
    assert_eq!(play.queue.handle_acked(&[next], play.now), 0);
}

/// Another reader may be waiting by then, and asks for nothing meanwhile.
#[test]
fn the_chats_of_a_pull_reader_that_is_gone_are_offered_at_once() {
    let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
    play.message("a");
    let (first, second) = (ReaderId(2), ReaderId(3));
    let deadline = play.now.instant + Duration::from_secs(30);
    assert!(play.queue.poll_claim(first, deadline, play.now).is_some());
    play.now = play.now.after(Duration::from_secs(45));
    let deadline = play.now.instant + Duration::from_secs(30);
    let claim = |play: &mut Play| play.queue.poll_claim(second, deadline, play.now);
    assert!(claim(&mut play).is_none(), "its reader may come back");
    play.save();
    let due = play.queue.poll_timeout(play.now).expect("it is gone then");
    assert_eq!(due, play.start.instant + Duration::from_secs(60));
    play.now = play.now.after(due - play.now.instant);
    assert!(claim(&mut play).is_some());
}

#[test]
fn readers_share_the_chats_and_a_chat_stays_with_its_reader() {
    let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
    let readers = [ReaderId(10), ReaderId(11)];
    for reader in readers {
        play.queue.handle_reader(reader, 4);
    }
    let mut of = HashMap::new();
    for round in 0..5 {
        for chat in ["a", "b", "c", "d"] {
            play.message(chat);
            let delivery = play.send().expect("a reader has room");
            let owner = *of.entry(chat).or_insert(delivery.reader);
            assert_eq!(delivery.reader, owner, "{round}");
            if round > 0 {
                play.queue.handle_done(delivery.id, play.now);
            } else {
                play.queue.handle_acked(&[delivery.events[0].seq], play.now);
            }
        }
    }
    let gone = of["a"];
    play.message("a");
    let had = play.send().expect("a reader has room");
    play.queue.handle_reader_gone(gone, play.now);
    let moved = play.send().expect("another reader has room");
    assert_ne!(moved.reader, gone);
    assert_eq!(moved.events[0].seq, had.events[0].seq);
    assert!(moved.events[0].redelivered);
}

/// A stream is in order by itself: the application has all of a chat without acknowledging each.
#[test]
fn a_stream_reader_has_several_events_of_one_chat() {
    let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
    let (first, second) = (ReaderId(10), ReaderId(11));
    play.queue.handle_reader(first, 4);
    for _ in 0..6 {
        play.message("a");
    }
    assert_eq!(play.all(), [1, 2, 3, 4], "its window");
    play.queue.handle_reader(second, 4);
    assert_eq!(play.all(), [] as [i64; 0], "the chat stays with its reader");
    assert_eq!(play.queue.handle_acked(&[Seq(1)], play.now), 1);
    assert_eq!(play.all(), [5]);
    // What it gives back goes again before the chat goes on.
    play.queue.handle_nacked(&[Seq(3)], None, play.now);
    play.nothing_is_due();
    let again = play.next();
    assert_eq!((again.events[0].seq, again.reader), (Seq(3), first));
    assert!(again.events[0].redelivered);
    assert_eq!(play.queue.handle_acked(&[Seq(4)], play.now), 1);
    play.queue.handle_reader_gone(first, play.now);
    for (seq, redelivered) in [(2, true), (3, true), (5, true), (6, false)] {
        let delivery = play.send().expect("the other reader has room");
        let event = &delivery.events[0];
        assert_eq!((event.seq.0, event.redelivered), (seq, redelivered));
        assert_eq!(delivery.reader, second);
    }
}

/// The reader holds half of the window, and no more: another one gets the other chats.
#[test]
fn a_busy_chat_of_a_silent_stream_reader_stops_no_other() {
    for (window_events, window_bytes) in [(16, 4_096), (1_024, 1_600)] {
        let mut play = Play::new(Receivers::Readers, DeliveryPolicy::default());
        let settings = &mut play.queue.settings;
        settings.window_events = NonZeroUsize::new(window_events).expect("it is not zero");
        settings.window_bytes = window_bytes;
        play.queue.handle_reader(ReaderId(10), 256);
        let mut sent = Vec::new();
        for _ in 0..20 {
            play.read_one_chat_and_another(40);
            play.save();
            sent.extend(play.all());
            play.queue.handle_reader(ReaderId(11), 256);
        }
        assert!(sent.contains(&40), "{sent:?}");
        assert!(sent.contains(&8) && !sent.contains(&20), "{sent:?}");
    }
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
