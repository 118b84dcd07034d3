//! A store beside a running one, both on one real database.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::JoinHandle;

use ::bytes::Bytes;
use bytestring::ByteString;
use longwire_installation::{InstallationId, Platform};
use longwire_wire::event::{NewEvent, Seq, Source};
use longwire_wire::identity::{EventKey, Identity, Tier};
use std::sync::Arc;
use std::time::Duration;

use super::bytes::{Answer, decode_answer, decode_batch, encode_answer, encode_batch};
use super::{Forward, ForwardError};
use crate::cause::{Cause, Failure};
use crate::group::{EventOwner, Group, GroupReply};
use crate::receipt::{EventOutcome, Receipt, RecordOutcome};
use crate::settings::StoreSettings;
use crate::store::Store;
use crate::store::tests::installation;
use crate::timeline::{TimelineEntry, TimelineKind};
use crate::write_error::WriteError;

/// Longer than any wait that succeeds.
const DEADLINE: Duration = Duration::from_secs(20);

/// Calls the other store, as long as that is said to live.
struct Call {
    store: Store,
    lives: Arc<AtomicBool>,
}

impl Forward for Call {
    fn forward(&mut self, batch: &[u8]) -> Result<Vec<u8>, ForwardError> {
        match self.lives.load(SeqCst) {
            true => Ok(self.store.record_forwarded(batch)),
            false => Err(ForwardError::Gone),
        }
    }
}

/// What a group heard.
#[derive(Debug, PartialEq)]
enum Heard {
    Recorded(Vec<(u32, RecordOutcome)>),
    NotRecorded(Cause),
}

struct Recorder(mpsc::Sender<Heard>);

impl GroupReply for Recorder {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let outcomes = receipts.iter().map(|one| (one.ticket(), one.outcome()));
        let _ = self.0.send(Heard::Recorded(outcomes.collect()));
    }

    fn not_recorded(&self, _: Vec<u32>, cause: Cause) {
        let _ = self.0.send(Heard::NotRecorded(cause));
    }
}

fn event(ticket: u32, key: u8) -> NewEvent {
    NewEvent {
        ticket,
        identity: Identity {
            event: EventKey([key; 16]),
            message: key.is_multiple_of(2).then_some(EventKey([key | 0x80; 16])),
        },
        event_id: Some(ByteString::from(format!("evt-{key}"))),
        event_type: Some(ByteString::from_static("im.message.receive_v1")),
        chat: None,
        source: Source::LongConnection,
        received_ms: 1_700_000_000_000 + i64::from(key),
        created_ms: Some(1_700_000_000_000),
        trace_id: None,
        payload: Bytes::from(vec![key; 100]),
    }
}

/// Records one group and waits for its answer.
fn record(store: &Store, events: Vec<NewEvent>) -> Heard {
    let (heard, hears) = mpsc::channel();
    let group = Group {
        installation: InstallationId(1),
        platform: Some(Platform::Feishu),
        events,
        reply: Arc::new(Recorder(heard)),
    };
    store.writer().submit(group).expect("there is room");
    hears.recv_timeout(DEADLINE).expect("it is answered")
}

fn recorded(seq: i64) -> RecordOutcome {
    RecordOutcome::Recorded(Seq(seq))
}

fn repeat(of: i64) -> RecordOutcome {
    RecordOutcome::Repeat {
        of: Seq(of),
        tier: Tier::EventId,
    }
}

struct Two {
    settings: StoreSettings,
    first: Store,
    first_thread: JoinHandle<()>,
    second: Store,
    second_thread: JoinHandle<()>,
    lives: Arc<AtomicBool>,
    _directory: tempfile::TempDir,
}

impl Two {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = StoreSettings::at(directory.path().join("log.db").display().to_string());
        let first = Store::open(&settings).expect("opens");
        first.add_installation(installation("bot")).expect("added");
        let first_thread = first.run_writer(|_| ()).expect("a thread");
        let lives = Arc::new(AtomicBool::new(true));
        let call = Call {
            store: first.clone(),
            lives: Arc::clone(&lives),
        };
        let second = Store::open_beside(&settings, Box::new(call)).expect("opens beside");
        let second_thread = second.run_writer(|_| ()).expect("a thread");
        Self {
            settings,
            first,
            first_thread,
            second,
            second_thread,
            lives,
            _directory: directory,
        }
    }

    /// The first store closes its database, as its process does when it ends.
    fn end_first(&mut self) {
        self.lives.store(false, SeqCst);
        self.first.stop_writer();
        let other = std::mem::replace(&mut self.first, self.second.clone());
        let thread = std::mem::replace(&mut self.first_thread, std::thread::spawn(|| ()));
        thread.join().expect("it has ended");
        drop(other);
    }

    fn end(self) {
        self.second.stop_writer();
        self.second_thread.join().expect("it has ended");
    }
}

#[test]
fn both_stores_record_into_one_log_and_know_each_others_repeats() {
    let two = Two::start();
    assert_eq!(
        record(&two.first, vec![event(1, 1)]),
        Heard::Recorded(vec![(1, recorded(1))])
    );
    assert_eq!(
        record(&two.second, vec![event(7, 2), event(8, 1), event(9, 3)]),
        Heard::Recorded(vec![(7, recorded(2)), (8, repeat(1)), (9, recorded(3))])
    );
    assert_eq!(
        record(&two.first, vec![event(2, 2), event(3, 4)]),
        Heard::Recorded(vec![(2, repeat(2)), (3, recorded(4))])
    );
    let kept = two.second.reader().event(Seq(2)).expect("readable");
    assert_eq!(
        kept.expect("it is there").event_id.as_deref(),
        Some("evt-2")
    );
    two.first.stop_writer();
    two.end();
}

#[test]
fn the_second_store_goes_on_when_the_first_has_let_go() {
    let mut two = Two::start();
    record(&two.first, vec![event(1, 1)]);
    record(&two.second, vec![event(1, 2)]);
    two.end_first();
    two.second.take_over(DEADLINE).expect("the lock is free");
    assert_eq!(
        record(&two.second, vec![event(5, 1), event(6, 2), event(7, 3)]),
        Heard::Recorded(vec![(5, repeat(1)), (6, repeat(2)), (7, recorded(3))])
    );
    two.second.take_over(DEADLINE).expect("it is open already");
    assert!(matches!(
        Store::open(&two.settings),
        Err(crate::open::OpenError::Held { .. })
    ));
    two.end();
}

#[test]
fn a_batch_that_finds_the_first_store_gone_is_recorded_here() {
    let mut two = Two::start();
    record(&two.second, vec![event(1, 1)]);
    two.end_first();
    // Nobody has called `take_over`: the process that had the store was killed.
    assert_eq!(
        record(&two.second, vec![event(2, 1), event(3, 2)]),
        Heard::Recorded(vec![(2, repeat(1)), (3, recorded(2))])
    );
    two.end();
}

#[test]
fn a_first_store_that_stops_hands_the_batch_back() {
    let two = Two::start();
    // Its lock stays.
    two.first.stop_writer();
    assert_eq!(
        record(&two.second, vec![event(1, 1)]),
        Heard::NotRecorded(Cause::Held)
    );
    two.end();
}

#[test]
fn small_writes_wait_and_changes_are_refused_until_the_database_is_here() {
    let mut two = Two::start();
    two.second.writer().note(TimelineEntry {
        installation: InstallationId(1),
        at_ms: 1,
        generation: 1,
        kind: TimelineKind::Opened,
        detail: "waits".to_owned(),
    });
    record(&two.second, vec![event(1, 1)]);
    let refused = two.second.add_installation(installation("other"));
    assert!(
        matches!(refused, Err(WriteError::TakingOver)),
        "{refused:?}"
    );
    let notes = |two: &Two| {
        let timeline = two.second.reader().timeline(InstallationId(1), 10);
        timeline.expect("readable").len()
    };
    assert_eq!(notes(&two), 0);
    two.end_first();
    two.second.take_over(DEADLINE).expect("the lock is free");
    record(&two.second, vec![event(1, 2)]);
    assert_eq!(notes(&two), 1);
    two.second
        .add_installation(installation("other"))
        .expect("it is ours");
    two.end();
}

#[test]
fn batches_and_answers_come_back_as_they_were() {
    let owner = EventOwner {
        installation: InstallationId(9),
        platform: Some(Platform::Wecom),
    };
    let nobody = EventOwner {
        installation: InstallationId::NONE,
        platform: None,
    };
    let events = [vec![event(50, 1), event(60, 2)], vec![event(70, 3)]];
    let bytes = encode_batch([(owner, &*events[0]), (nobody, &*events[1])].into_iter());
    let back = decode_batch(&bytes).expect("they are ours");
    let owners: Vec<EventOwner> = back.iter().map(|(owner, _)| *owner).collect();
    assert_eq!(owners, [owner, nobody]);
    let tickets = back.iter().flat_map(|(_, events)| events);
    assert_eq!(
        tickets.map(|event| event.ticket).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    for (before, after) in events
        .iter()
        .flatten()
        .zip(back.iter().flat_map(|(_, it)| it))
    {
        let after = NewEvent {
            ticket: before.ticket,
            ..after.clone()
        };
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }
    let answer = Answer::Recorded(vec![
        EventOutcome::Recorded(recorded(4)),
        EventOutcome::Recorded(repeat(2)),
        EventOutcome::Poison("a rule".to_owned()),
    ]);
    let bytes = encode_answer(&answer);
    let back = decode_answer(&bytes, 3).expect("it is ours");
    assert_eq!(format!("{answer:?}"), format!("{back:?}"));
    assert!(decode_answer(&bytes, 2).is_err(), "an outcome too many");
    let failed = Answer::Failed(Failure::new(Cause::DiskFull, "no space"));
    let back = decode_answer(&encode_answer(&failed), 3);
    assert_eq!(format!("{failed:?}"), format!("{:?}", back.expect("ours")));
}

#[test]
fn cut_and_altered_bytes_are_refused_or_mean_something_whole() {
    let owner = EventOwner {
        installation: InstallationId(1),
        platform: Some(Platform::Feishu),
    };
    let events = [event(1, 1), event(2, 2)];
    let bytes = encode_batch([(owner, &events[..])].into_iter());
    for end in 1..bytes.len() {
        assert!(decode_batch(&bytes[..end]).is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 0x55;
        if let Ok(groups) = decode_batch(&altered) {
            let tickets = groups.iter().flat_map(|(_, events)| events);
            for (number, event) in tickets.enumerate() {
                assert_eq!(event.ticket as usize, number);
            }
        }
    }
    let two = Two::start();
    let answer = two.first.record_forwarded(b"\xff\xff no batch");
    assert!(matches!(decode_answer(&answer, 0), Ok(Answer::Failed(_))));
    assert_eq!(two.first.reader().last_seq().expect("readable"), None);
    two.first.stop_writer();
    two.end();
}
