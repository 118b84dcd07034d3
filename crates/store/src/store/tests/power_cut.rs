//! What is on the disk when the power goes: nothing that was acknowledged is missing, and repeats are recognized.
//!
//! A process of its own opens a store, records events and says what was acknowledged, while a library in front of the C
//! library's (`recorder.c`) writes down every change of a file, every sync and every acknowledgement in one order. From each
//! point in this record disks are made as a power cut leaves them: only what was synced, or with any part of what was written
//! later. Each is opened, read, compared, and offered every event once more.

mod disk;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Command;

use super::*;
use disk::{Deed, Disk, Luck};

/// Where the process that is recorded keeps its store. Set for that process alone.
const DIRECTORY: &str = "POWER_CUT_DIRECTORY";

/// The file that the record goes to.
const RECORD: &str = "POWER_CUT_LOG";

/// Where acknowledgements are said, beside the store: whoever reads them has them, whatever the disk keeps.
const SAID: &str = "said";

const BOTS: [&str; 2] = ["even", "odd"];

/// Enough, at 15 KB each, for the write-ahead log to be moved into the database twice in each life.
const EVENTS: u32 = 900;

/// Disks that one run opens, about. Setting LONGWIRE_POWER_CUTS makes it another number.
const DISKS: usize = 300;

/// The event that is pushed as the `number`th: the same each time.
fn pushed(number: u32) -> NewEvent {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&number.to_be_bytes());
    let mut event = event(number, 0);
    event.identity = Identity {
        event: EventKey(key),
        message: number.is_multiple_of(3).then(|| {
            key[15] = 1;
            EventKey(key)
        }),
    };
    event.event_id = Some(ByteString::from(format!("event-{number}")));
    let length = 200 + (number as usize * 7_919) % 30_000;
    let byte = u8::try_from(number % 251).expect("below 256");
    event.payload = Bytes::from(vec![byte; length]);
    event
}

fn bot_of(number: u32) -> usize {
    (number % 2) as usize
}

/// Says what is acknowledged, in the moment it is.
struct Said {
    file: Mutex<fs::File>,
    answered: mpsc::Sender<usize>,
}

impl Said {
    fn say(&self, text: &str) {
        let mut file = self.file.lock().expect("nobody panicked");
        file.write_all(text.as_bytes()).expect("said");
    }
}

impl GroupReply for Said {
    fn recorded(&self, receipts: Vec<Receipt>) {
        let mut text = String::new();
        for receipt in &receipts {
            let (RecordOutcome::Recorded(seq) | RecordOutcome::Repeat { of: seq, .. }) =
                receipt.outcome();
            writeln!(text, "event {} {}", receipt.ticket(), seq.0)
                .expect("a String takes every write");
        }
        self.say(&text);
        let _ = self.answered.send(receipts.len());
    }

    fn not_recorded(&self, tickets: Vec<u32>, cause: Cause) {
        panic!("events {tickets:?} were not recorded: {cause:?}");
    }
}

/// Two lives of a store. Run by `a_power_cut_takes_nothing_that_was_acknowledged` in a process of its own.
#[test]
#[ignore = "it is the process that is recorded"]
fn the_recorded_process() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let file = fs::File::create(directory.join(SAID)).expect("a file");
    let (answered, answers) = mpsc::channel();
    let said = Arc::new(Said {
        file: Mutex::new(file),
        answered,
    });
    for life in 0..2 {
        let store = Store::open(&settings(&directory.join("store"))).expect("opens");
        let mut bots = Vec::new();
        for name in BOTS {
            if life == 0 {
                bots.push(
                    store
                        .add_installation(installation(name))
                        .expect("added")
                        .id,
                );
                said.say(&format!("bot {name}\n"));
            } else {
                bots.push(
                    store
                        .reader()
                        .installation(name)
                        .expect("readable")
                        .expect("there")
                        .id,
                );
            }
        }
        let thread = store.run_writer(|_| ()).expect("a thread");
        push(
            &store,
            &bots,
            &said,
            &answers,
            life * EVENTS / 2..(life + 1) * EVENTS / 2,
        );
        store
            .set_desired(bots[life as usize], Desired::Stop)
            .expect("durable");
        said.say(&format!("stopped {}\n", BOTS[life as usize]));
        store.stop_writer();
        thread.join().expect("no panic");
    }
}

/// Bursts of one to five events, up to four of them unanswered, some of them with a repeat of an earlier event.
fn push(
    store: &Store,
    bots: &[InstallationId],
    said: &Arc<Said>,
    answers: &mpsc::Receiver<usize>,
    numbers: std::ops::Range<u32>,
) {
    let mut next = numbers.start;
    let mut burst = 1;
    while next < numbers.end {
        let mut unanswered = 0;
        for _ in 0..=burst % 4 {
            let mut numbers: Vec<u32> = (next..numbers.end.min(next + 1 + burst % 5)).collect();
            next += numbers.len() as u32;
            if burst.is_multiple_of(3) {
                numbers.push(next / 2);
            }
            burst += 1;
            for (bot, &installation) in bots.iter().enumerate() {
                let events: Vec<_> = numbers
                    .iter()
                    .filter(|number| bot_of(**number) == bot)
                    .map(|number| pushed(*number))
                    .collect();
                if events.is_empty() {
                    continue;
                }
                unanswered += events.len();
                let reply = Arc::clone(said) as Arc<dyn GroupReply>;
                store
                    .writer()
                    .submit(Group {
                        installation,
                        events,
                        reply,
                    })
                    .expect("room");
            }
        }
        while unanswered > 0 {
            unanswered -= answers.recv_timeout(DEADLINE).expect("an answer");
        }
    }
}

/// What was acknowledged before the power went.
#[derive(Default)]
struct Acknowledged {
    events: BTreeMap<u32, i64>,
    bots: Vec<String>,
    stopped: Vec<String>,
}

impl Acknowledged {
    fn hear(&mut self, said: &[u8]) {
        for line in std::str::from_utf8(said).expect("text").lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["event", number, seq] => {
                    let (number, seq) = (
                        number.parse().expect("a number"),
                        seq.parse().expect("a number"),
                    );
                    let before = self.events.insert(number, seq);
                    assert!(
                        before.is_none_or(|before| before == seq),
                        "event {number} has two places"
                    );
                }
                ["bot", name] => self.bots.push(name.to_owned()),
                ["stopped", name] => self.stopped.push(name.to_owned()),
                _ => panic!("`{line}` was said"),
            }
        }
    }
}

/// Opens what a power cut left and holds it against what was acknowledged; what is wrong, if anything.
fn judge(store: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
    let store =
        Store::open(&settings(store)).map_err(|error| format!("it does not open: {error:?}"))?;
    let mut bots = Vec::new();
    for name in BOTS {
        let found = store
            .reader()
            .installation(name)
            .map_err(|error| error.to_string())?;
        match found {
            Some(record) => {
                store
                    .open_secret(&record)
                    .map_err(|error| format!("{name}'s secret is lost: {error}"))?;
                if acknowledged.stopped.iter().any(|stopped| stopped == name)
                    && record.desired != Desired::Stop
                {
                    return Err(format!("{name} was stopped, and is to run"));
                }
                bots.push(record.id);
            }
            None if acknowledged.bots.iter().any(|bot| bot == name) => {
                return Err(format!("{name} is missing"));
            }
            None => bots.push(
                store
                    .add_installation(installation(name))
                    .map_err(|error| error.to_string())?
                    .id,
            ),
        }
    }
    let known = recorded_numbers(&store, &bots)?;
    for (number, seq) in &acknowledged.events {
        if known.get(number) != Some(seq) {
            return Err(format!(
                "event {number} was acknowledged at {seq}, and is at {:?}",
                known.get(number)
            ));
        }
    }
    push_again(&store, &bots, &known)
}

/// The events that the log holds, by their number. Of each bot there are the first ones, in their order, whole.
fn recorded_numbers(store: &Store, bots: &[InstallationId]) -> Result<BTreeMap<u32, i64>, String> {
    let page = store
        .reader()
        .events(EventQuery {
            limit: 2 * EVENTS as usize,
            ..everything()
        })
        .map_err(|error| error.to_string())?;
    assert!(!page.more, "all of the log was read");
    let mut known = BTreeMap::new();
    let mut due = [0, 1];
    for row in page.events {
        let bot = bots
            .iter()
            .position(|bot| *bot == row.installation)
            .ok_or("a stranger's event")?;
        let expected = pushed(due[bot]);
        if row.event_key != expected.identity.event || row.payload != expected.payload {
            return Err(format!(
                "at {} there should be event {}",
                row.seq.0, due[bot]
            ));
        }
        known.insert(due[bot], row.seq.0);
        due[bot] += 2;
    }
    Ok(known)
}

/// The platform pushes everything again: what is there is a repeat, what is not is news.
fn push_again(
    store: &Store,
    bots: &[InstallationId],
    known: &BTreeMap<u32, i64>,
) -> Result<(), String> {
    let (recorder, heard) = mpsc::channel();
    let recorder = Arc::new(Recorder(recorder));
    let thread = store.run_writer(|_| ()).expect("a thread");
    let newest = known.keys().max().map_or(10, |newest| newest + 10);
    let mut groups = 0;
    for (bot, &installation) in bots.iter().enumerate() {
        let numbers = (0..newest).filter(|number| bot_of(*number) == bot);
        let events = numbers.map(pushed).collect();
        store
            .writer()
            .submit(Group {
                installation,
                events,
                reply: recorder.clone(),
            })
            .expect("room");
        groups += 1;
    }
    let mut wrong = Ok(());
    for _ in 0..groups {
        match heard.recv_timeout(DEADLINE).expect("an answer") {
            Heard::Recorded(outcomes) => {
                for (number, outcome) in outcomes {
                    let is_right = match (outcome, known.get(&number)) {
                        (RecordOutcome::Repeat { of, .. }, Some(seq)) => of.0 == *seq,
                        (RecordOutcome::Recorded(_), None) => true,
                        _ => false,
                    };
                    if !is_right {
                        wrong = Err(format!(
                            "event {number} at {:?} was pushed again: {outcome:?}",
                            known.get(&number)
                        ));
                    }
                }
            }
            Heard::NotRecorded(_, cause) => wrong = Err(format!("not recorded: {cause:?}")),
        }
    }
    store.stop_writer();
    thread.join().expect("no panic");
    wrong
}

/// Memory that passes for a disk, where there is some: what is judged is the order of writes, and nothing is timed.
fn room() -> TempDir {
    let builder = || tempfile::Builder::new();
    builder()
        .tempdir_in("/dev/shm")
        .or_else(|_| builder().tempdir())
        .expect("a directory")
}

/// Runs the process and reads what it did.
fn record(room: &Path) -> (PathBuf, Vec<Deed>) {
    let library = room.join("recorder.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/tests/power_cut/recorder.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status();
    assert!(
        compiled
            .expect("a C compiler, which the build needs too")
            .success()
    );
    let directory = room.join("recorded");
    fs::create_dir(&directory).expect("a directory");
    let path = room.join("record");
    let ended = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "store::tests::power_cut::the_recorded_process",
            "--ignored",
        ])
        .env("LD_PRELOAD", &library)
        .env(DIRECTORY, &directory)
        .env(RECORD, &path)
        .output()
        .expect("it starts");
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
    (
        directory,
        Deed::read_all(&fs::read(path).expect("a record")),
    )
}

/// Walks through the record and judges disks made at its points; the worst that was found, point by point.
struct Walk<'a> {
    source: &'a Path,
    deeds: &'a [Deed],
    /// Whether the disk keeps what it was told to sync.
    honest: bool,
}

impl Walk<'_> {
    fn faults(&self, points: impl Fn(usize, &Deed) -> Vec<Luck>) -> (usize, Vec<String>) {
        let (mut disk, mut acknowledged) = (Disk::default(), Acknowledged::default());
        let (mut judged, mut faults) = (0, Vec::new());
        let said = self.source.join(SAID);
        let mut said_file = None;
        for (at, deed) in self.deeds.iter().enumerate() {
            for luck in points(at, deed) {
                let target = room();
                disk.after_power_cut(luck, self.source, target.path());
                judged += 1;
                if let Err(fault) = judge(&target.path().join("store"), &acknowledged) {
                    faults.push(format!(
                        "before deed {at} of {}, {luck:?}: {fault}",
                        self.deeds.len()
                    ));
                }
            }
            match deed {
                Deed::Made { file, path } if *path == said => said_file = Some(*file),
                Deed::Written { file, bytes, .. } if Some(*file) == said_file => {
                    acknowledged.hear(bytes)
                }
                Deed::Synced { .. } if !self.honest => {}
                deed => disk.apply(deed),
            }
        }
        assert_eq!(
            acknowledged.events.len(),
            EVENTS as usize,
            "the process was recorded to its end"
        );
        (judged, faults)
    }
}

#[test]
fn a_power_cut_takes_nothing_that_was_acknowledged() {
    let room = room();
    let (source, deeds) = record(room.path());
    let disks = std::env::var("LONGWIRE_POWER_CUTS")
        .map_or(DISKS, |text| text.parse().expect("a number of disks"));
    let syncs = deeds
        .iter()
        .filter(|deed| matches!(deed, Deed::Synced { .. } | Deed::FolderSynced(_)))
        .count();
    let checkpoints = deeds.iter().filter(|deed| matches!(deed, Deed::Written { offset: 0, bytes, .. } if bytes.starts_with(b"SQLite format 3\0"))).count();
    assert!(
        checkpoints > 3,
        "the log was moved into the database {checkpoints} times"
    );
    // At every sync what was certain changes, so each of them is a point; between them, as many as there is time for.
    let pace = (2 * deeds.len())
        .div_ceil(disks.saturating_sub(2 * syncs).max(1))
        .max(1);
    let walk = Walk {
        source: &source,
        deeds: &deeds,
        honest: true,
    };
    let (judged, faults) = walk.faults(|at, deed| {
        let seed = at as u64;
        let mut lucks = Vec::new();
        if matches!(deed, Deed::Synced { .. } | Deed::FolderSynced(_)) {
            lucks.extend([Luck::Nothing, Luck::Torn(seed)]);
        }
        if at.is_multiple_of(pace) {
            lucks.extend([Luck::LastAlone, Luck::Torn(seed + 1), Luck::Everything]);
        }
        lucks
    });
    println!("{} deeds, {syncs} syncs, {judged} disks", deeds.len());
    assert!(
        faults.is_empty(),
        "{} of {judged} disks:\n{}",
        faults.len(),
        faults.join("\n")
    );

    // A disk that keeps nothing of what it was told to sync loses events, and that is noticed.
    let liar = Walk {
        honest: false,
        ..walk
    };
    let last = deeds.len() - 1;
    let (_, faults) = liar.faults(|at, _| {
        if at == last {
            vec![Luck::Nothing]
        } else {
            Vec::new()
        }
    });
    assert_eq!(faults.len(), 1, "what was not synced was not missed");
}
