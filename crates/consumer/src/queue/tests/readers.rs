//! Several readers of one consumer: claims, chats, and readers that are gone.

use super::*;

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
