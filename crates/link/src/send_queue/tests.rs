use super::*;

const MS: Duration = Duration::from_millis(1);

fn limits() -> SendLimits {
    SendLimits {
        messages: 4,
        under_way: 2,
        ..SendLimits::default()
    }
}

/// A queue, and its time.
struct Bench {
    queue: SendQueue<&'static str>,
    now: Instant,
}

impl Bench {
    fn with(messages: &[(&str, &'static str)]) -> Self {
        let (mut queue, now) = (SendQueue::new(limits()), Instant::now());
        for (chat, message) in messages {
            queue.offer(chat, *message, now).expect("there is room");
        }
        Self { queue, now }
    }

    fn send(&mut self) -> Option<Sending<&'static str>> {
        self.queue.poll_send(self.now)
    }

    fn sends(&mut self, message: &str) -> Sending<&'static str> {
        let sending = self.send().expect("something is ready");
        assert_eq!(sending.message, message);
        sending
    }

    fn is(&mut self, sending: Sending<&'static str>, outcome: SendOutcome) -> Option<&'static str> {
        self.queue.handle_outcome(sending, outcome, self.now)
    }

    /// Lets time pass until the queue asks to be polled; returns how long.
    fn wait(&mut self) -> Duration {
        let due = self.queue.poll_timeout().expect("something waits");
        let waited = due.saturating_duration_since(self.now);
        self.now = self.now.max(due);
        waited
    }
}

#[test]
fn one_per_chat_is_under_way_and_the_chats_pause() {
    let mut bench = Bench::with(&[("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1")]);
    let a1 = bench.sends("a1");
    let b1 = bench.sends("b1");
    assert!(bench.send().is_none(), "two under way are the limit");
    assert_eq!(bench.is(b1, SendOutcome::Over), Some("b1"));
    let c1 = bench.sends("c1");
    assert_eq!(bench.is(c1, SendOutcome::Over), Some("c1"));
    assert!(bench.send().is_none(), "a2 waits for a1");
    assert_eq!(bench.is(a1, SendOutcome::Over), Some("a1"));
    assert!(bench.send().is_none(), "and for the pause of its chat");
    assert_eq!(bench.wait(), 250 * MS);
    let a2 = bench.sends("a2");
    assert_eq!(bench.is(a2, SendOutcome::Over), Some("a2"));
    assert!(bench.queue.is_empty());
    assert_eq!(bench.queue.poll_timeout(), None);
}

#[test]
fn a_full_queue_gives_the_message_back() {
    let mut bench = Bench::with(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]);
    assert_eq!(bench.queue.offer("d", "5", bench.now), Err("5"));
    let first = bench.sends("1");
    assert_eq!(bench.queue.offer("d", "5", bench.now), Err("5"));
    bench.is(first, SendOutcome::Over);
    assert_eq!(bench.queue.offer("d", "5", bench.now), Ok(()));
}

#[test]
fn what_failed_is_tried_again_first_and_at_last_given_up() {
    let mut bench = Bench::with(&[("a", "a1"), ("a", "a2")]);
    for pause in [500, 1_000] {
        let a1 = bench.sends("a1");
        assert_eq!(bench.is(a1, SendOutcome::Again), None);
        assert!(bench.send().is_none());
        assert_eq!(bench.wait(), pause * MS);
    }
    let a1 = bench.sends("a1");
    assert_eq!(bench.is(a1, SendOutcome::Again), Some("a1"));
    bench.wait();
    bench.sends("a2");
}

#[test]
fn a_limited_chat_waits_alone_and_spends_no_tries() {
    let mut bench = Bench::with(&[("a", "a1"), ("b", "b1")]);
    let mut waited = Duration::ZERO;
    let a1 = bench.sends("a1");
    assert_eq!(bench.is(a1, SendOutcome::ChatLimited), None);
    let b1 = bench.sends("b1");
    bench.is(b1, SendOutcome::Over);
    for _ in 0..5 {
        waited += bench.wait();
        let a1 = bench.sends("a1");
        assert_eq!(bench.is(a1, SendOutcome::ChatLimited), None);
    }
    assert!(waited > 10_000 * MS, "{waited:?}");
}

#[test]
fn a_limited_app_waits_as_the_platform_says() {
    let mut bench = Bench::with(&[("a", "a1"), ("b", "b1")]);
    let a1 = bench.sends("a1");
    let limited = SendOutcome::AppLimited {
        retry_after: Some(3_000 * MS),
    };
    assert_eq!(bench.is(a1, limited), None);
    assert!(bench.send().is_none(), "b1 waits too");
    assert_eq!(bench.wait(), 3_000 * MS);
    let a1 = bench.sends("a1");
    let for_ever = SendOutcome::AppLimited {
        retry_after: Some(Duration::MAX),
    };
    let given_up = bench.is(a1, for_ever);
    assert_eq!(given_up, Some("a1"), "that is longer than its patience");
    assert!(bench.send().is_none());
    bench.wait();
    assert_eq!(bench.queue.poll_expired(bench.now), Some("b1"));
    assert!(bench.queue.is_empty());
    // No number silences the bot for longer than a message waits.
    bench.queue.offer("c", "c1", bench.now).expect("room");
    assert!(bench.wait() <= limits().patience);
    bench.sends("c1");
}

#[test]
fn what_waits_too_long_behind_another_expires() {
    let mut bench = Bench::with(&[("a", "a1"), ("a", "a2")]);
    let a1 = bench.sends("a1");
    assert_eq!(bench.wait(), limits().patience);
    assert_eq!(bench.queue.poll_expired(bench.now), Some("a2"));
    assert_eq!(bench.queue.poll_expired(bench.now), None);
    assert_eq!(bench.is(a1, SendOutcome::Again), Some("a1"), "it is as old");
}

#[test]
fn what_waits_can_be_given_up_at_once() {
    let mut bench = Bench::with(&[("a", "a1"), ("a", "a2"), ("b", "b1")]);
    let a1 = bench.sends("a1");
    assert_eq!(bench.queue.take_waiting(), ["a2", "b1"]);
    assert_eq!((bench.queue.waiting(), bench.queue.under_way()), (0, 1));
    assert_eq!(bench.is(a1, SendOutcome::Over), Some("a1"));
    assert!(bench.queue.is_empty());
}
