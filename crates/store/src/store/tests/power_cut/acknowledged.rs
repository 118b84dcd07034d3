//! What was acknowledged before the power went, and whether a store still has it.

use super::*;

/// What was acknowledged before the power went.
#[derive(Default)]
pub(super) struct Acknowledged {
    pub(super) events: BTreeMap<u32, i64>,
    bots: Vec<String>,
    stopped: Vec<String>,
    consumer: bool,
    /// The newest position that was told durable.
    pub(super) position: Option<u32>,
}

impl Acknowledged {
    pub(super) fn hear(&mut self, said: &[u8]) {
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
                ["consumer", _] => self.consumer = true,
                ["position", done] => {
                    let done = done.parse().expect("a number");
                    assert!(self.position < Some(done), "positions rise");
                    self.position = Some(done);
                }
                ["stopped", name] => self.stopped.push(name.to_owned()),
                _ => panic!("`{line}` was said"),
            }
        }
    }
}

/// Opens what a power cut left and holds it against what was acknowledged; what is wrong, if anything.
pub(super) fn judge(store: &Path, acknowledged: &Acknowledged) -> Result<(), String> {
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
    judge_position(&store, acknowledged)?;
    push_again(&store, &bots, &known)
}

/// The consumer is there if that was said. Its position is the one that was told durable or a later one, and whole.
fn judge_position(store: &Store, acknowledged: &Acknowledged) -> Result<(), String> {
    let consumers = store.reader().consumers();
    let consumers = consumers.map_err(|error| error.to_string())?;
    let Some(consumer) = consumers.first() else {
        return match acknowledged.consumer {
            true => Err("the consumer is missing".to_owned()),
            false => Ok(()),
        };
    };
    store
        .open_webhook_secrets(consumer)
        .map_err(|error| format!("the consumer's secret is lost: {error}"))?;
    let kept = store.reader().position(consumer.id);
    let kept = kept.map_err(|error| error.to_string())?;
    let kept = kept.ok_or("the consumer has no position")?;
    let done = u32::try_from(kept.floor.0).map_err(|error| error.to_string())?;
    if done < acknowledged.position.unwrap_or(0) {
        return Err(format!(
            "position {:?} was told durable, and {done} is there",
            acknowledged.position
        ));
    }
    if kept != position_at(done) {
        return Err(format!("position {done} is not whole"));
    }
    Ok(())
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
                platform: Some(Platform::Feishu),
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
