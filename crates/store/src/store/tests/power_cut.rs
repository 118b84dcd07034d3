//! What is on the disk when the power goes: nothing that was acknowledged is missing, and repeats are recognized.
//!
//! A process of its own opens a store, records events and says what was acknowledged, while a library in front of the C
//! library's (`recorder.c`) writes down every change of a file, every sync and every acknowledgement in one order. From each
//! point in this record disks are made as a power cut leaves them: only what was synced, or with any part of what was written
//! later. Each is opened, read, compared, and offered every event once more.

mod acknowledged;
mod disk;
mod process;

use std::collections::BTreeMap;
use std::process::Command;

use super::*;
use crate::consumer::SavedPosition;
use acknowledged::{Acknowledged, judge};
use disk::{Deed, Disk, Luck};

/// Where the process that is recorded keeps its store. Set for that process alone.
const DIRECTORY: &str = "POWER_CUT_DIRECTORY";

/// The file that the record goes to.
const RECORD: &str = "POWER_CUT_LOG";

/// Where acknowledgements are said, beside the store: whoever reads them has them, whatever the disk keeps.
const SAID: &str = "said";

/// The consumer whose position is kept beside the events.
const CONSUMER: &str = "orders";

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

/// The position of a consumer that is done with so many events. It has some pages, as after many were done out of order.
fn position_at(done: u32) -> SavedPosition {
    let byte = u8::try_from(done % 251).expect("below 256");
    SavedPosition {
        floor: Seq(i64::from(done)),
        state: Bytes::from(vec![byte; (done as usize * 97) % 3_000]),
    }
}

fn bot_of(number: u32) -> usize {
    (number % 2) as usize
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
            "store::tests::power_cut::process::the_recorded_process",
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
        assert!(
            acknowledged.position > Some(EVENTS / 2),
            "positions were kept"
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
    let is_checkpoint = |deed: &&Deed| {
        matches!(deed, Deed::Written { offset: 0, bytes, .. }
            if bytes.starts_with(b"SQLite format 3\0"))
    };
    let checkpoints = deeds.iter().filter(is_checkpoint).count();
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
