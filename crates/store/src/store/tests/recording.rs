//! Events, repeats, receipts, and the bound of the queue.

use super::*;

#[test]
fn repeats_are_told_by_key_within_an_installation() {
    let bench = Bench::running();
    assert_eq!(bench.ask(with_message(event(1, 1), 9)), recorded(1, 1));
    assert_eq!(
        bench.ask(with_message(event(2, 1), 9)),
        repeat(2, 1, Tier::EventId)
    );
    // The same message under another event id.
    assert_eq!(
        bench.ask(with_message(event(3, 2), 9)),
        repeat(3, 1, Tier::Message)
    );
    // A reaction to it has no message key, and is news.
    assert_eq!(bench.ask(event(4, 3)), recorded(4, 2));

    let other = bench
        .store
        .add_installation(installation("other"))
        .expect("added")
        .id;
    let mut group = bench.group(vec![with_message(event(5, 1), 9)]);
    group.installation = other;
    bench.store.writer().submit(group).expect("room");
    assert_eq!(bench.hear(), recorded(5, 3));

    let first = &bench
        .store
        .reader()
        .events(everything())
        .expect("readable")
        .events[0];
    assert_eq!((first.repeats, first.last_repeat_ms), (2, Some(1_000)));
    let figures = bench.store.figures();
    assert_eq!(
        (
            figures.rows,
            figures.repeats_event_id,
            figures.repeats_message
        ),
        (3, 1, 1)
    );
}

#[test]
fn a_repeat_within_one_group_is_told_too() {
    let bench = Bench::running();
    bench.submit(vec![event(1, 1), event(2, 1)]);
    let of = Seq(1);
    let expected = vec![
        (1, RecordOutcome::Recorded(of)),
        (
            2,
            RecordOutcome::Repeat {
                of,
                tier: Tier::EventId,
            },
        ),
    ];
    assert_eq!(bench.hear(), Heard::Recorded(expected));
}

#[test]
fn a_restart_keeps_what_was_recorded() {
    let mut bench = Bench::running();
    let mut unparsed = event(1, 1);
    unparsed.event_type = None;
    unparsed.payload = Bytes::from_static(b"\xff\x00 no json");
    assert_eq!(bench.ask(unparsed), recorded(1, 1));
    bench.stop();
    let directory = std::mem::replace(
        &mut bench.directory,
        tempfile::tempdir().expect("a directory"),
    );
    drop(bench);

    let store = Store::open(&settings(directory.path())).expect("opens again");
    let thread = store.run_writer(|_| ()).expect("a thread");
    let (recorder, heard) = mpsc::channel();
    let bot = store
        .reader()
        .installation("bot")
        .expect("readable")
        .expect("kept")
        .id;
    let group = Group {
        installation: bot,
        platform: Some(Platform::Feishu),
        events: vec![event(7, 1), event(8, 2)],
        reply: Arc::new(Recorder(recorder)),
    };
    store.writer().submit(group).expect("room");
    let expected = vec![
        (
            7,
            RecordOutcome::Repeat {
                of: Seq(1),
                tier: Tier::EventId,
            },
        ),
        (8, RecordOutcome::Recorded(Seq(2))),
    ];
    assert_eq!(heard.recv_timeout(DEADLINE), Ok(Heard::Recorded(expected)));
    let kept = store
        .reader()
        .events(everything())
        .expect("readable")
        .events;
    assert_eq!(
        (kept[0].event_type.as_deref(), &kept[0].payload[..]),
        (None, &b"\xff\x00 no json"[..])
    );
    store.stop_writer();
    thread.join().expect("no panic");
}

#[test]
fn a_receipt_leaves_after_the_commit() {
    /// Looks for the row with a connection of its own while it holds the receipt.
    struct Witness(Reader, mpsc::Sender<Option<Seq>>);
    impl GroupReply for Witness {
        fn recorded(&self, _: Vec<Receipt>) {
            let _ = self.1.send(self.0.last_seq().expect("readable"));
        }
        fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
            panic!("{cause}");
        }
    }
    let bench = Bench::running();
    let reader = Reader::open(&settings(bench.directory.path())).expect("opens beside");
    let (send, seen) = mpsc::channel();
    let mut group = bench.group(vec![event(1, 1)]);
    group.reply = Arc::new(Witness(reader, send));
    bench.store.writer().submit(group).expect("room");
    assert_eq!(seen.recv_timeout(DEADLINE), Ok(Some(Seq(1))));
}

#[test]
fn a_full_queue_gives_the_group_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&StoreSettings {
        channel_events: 2,
        ..settings(directory.path())
    })
    .expect("opens");
    let bot = store
        .add_installation(installation("bot"))
        .expect("added")
        .id;
    let (recorder, heard) = mpsc::channel();
    let reply = Arc::new(Recorder(recorder));
    let group = |events| Group {
        installation: bot,
        platform: Some(Platform::Feishu),
        events,
        reply: reply.clone(),
    };
    store
        .writer()
        .submit(group(vec![event(1, 1), event(2, 2)]))
        .expect("room");
    let Err(Rejected { group: back, why }) = store.writer().submit(group(vec![event(3, 3)])) else {
        panic!("taken beyond the bound")
    };
    assert_eq!((back.events.len(), why), (1, Refusal::Full));
    assert_eq!(store.figures().queue_events, 2);

    let thread = store.run_writer(|_| ()).expect("a thread");
    assert!(
        matches!(heard.recv_timeout(DEADLINE), Ok(Heard::Recorded(receipts)) if receipts.len() == 2)
    );
    // The room is freed after the answer, so a moment may pass.
    let until = Instant::now() + DEADLINE;
    let mut again = back;
    while let Err(rejected) = store.writer().submit(again) {
        assert!(Instant::now() < until, "no room came back");
        again = rejected.group;
    }
    assert!(matches!(
        heard.recv_timeout(DEADLINE),
        Ok(Heard::Recorded(_))
    ));
    store.stop_writer();
    thread.join().expect("no panic");
    let Err(rejected) = store.writer().submit(group(vec![event(4, 4)])) else {
        panic!("taken after the end")
    };
    assert_eq!(rejected.why, Refusal::Stopped);
    drop(rejected);
    assert_eq!(
        heard.recv_timeout(DEADLINE),
        Ok(Heard::NotRecorded(vec![4], Cause::WriterGone))
    );
}

#[test]
fn one_bad_event_takes_no_other_with_it() {
    let mut bench = Bench::still();
    let mut stranger = bench.group(vec![event(1, 1), event(2, 2)]);
    stranger.installation = InstallationId(404);
    bench.store.writer().submit(stranger).expect("room");
    bench.submit(vec![event(3, 3)]);
    bench.run();
    assert_eq!(bench.hear(), Heard::NotRecorded(vec![1, 2], Cause::Poison));
    assert_eq!(bench.hear(), recorded(3, 1));
    assert_eq!(bench.store.health(), Health::Ok);
    assert_eq!(bench.store.figures().poisoned, 2);
}

#[test]
fn the_newest_event_cannot_be_deleted() {
    let bench = Bench::running();
    bench.submit(vec![event(1, 1), event(2, 2)]);
    assert!(is_recorded(&bench.hear()));
    let mut other =
        SqliteConnection::establish(&bench.database().display().to_string()).expect("connects");
    other
        .batch_execute("DELETE FROM event WHERE seq < 2")
        .expect("the older goes");
    assert!(other.batch_execute("DELETE FROM event").is_err());
    assert_eq!(bench.ask(event(3, 3)), recorded(3, 3));
}
