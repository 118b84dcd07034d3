//! The process that is recorded: two lives of a store that records events and says what is acknowledged.

use std::fmt::Write as _;
use std::io::Write as _;

use super::*;
use crate::ids::ConsumerId;
use crate::lane::Urgency;
use crate::store::tests::consumers::consumer;

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
        let consumer = if life == 0 {
            let added = store.add_consumer(consumer(CONSUMER)).expect("added");
            said.say(&format!("consumer {}\n", added.id));
            added.id
        } else {
            store.reader().consumers().expect("readable")[0].id
        };
        let thread = store.run_writer(|_| ()).expect("a thread");
        push(
            &store,
            &bots,
            consumer,
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
    consumer: ConsumerId,
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
                        platform: Some(Platform::Feishu),
                        events,
                        reply,
                    })
                    .expect("room");
            }
        }
        while unanswered > 0 {
            unanswered -= answers.recv_timeout(DEADLINE).expect("an answer");
        }
        keep_position(store, consumer, said, next);
    }
}

/// Keeps how far the consumer has come, now and then by itself, and says so as soon as that is durable.
fn keep_position(store: &Store, consumer: ConsumerId, said: &Arc<Said>, done: u32) {
    let urgency = match done % 2 {
        0 => Urgency::Lazy,
        _ => Urgency::Prompt,
    };
    let said = Arc::clone(said);
    let kept = move || said.say(&format!("position {done}\n"));
    let writer = store.writer();
    writer.keep_position(consumer, position_at(done), urgency, kept);
}
