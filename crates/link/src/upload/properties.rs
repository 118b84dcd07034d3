//! Uploads against a platform that does anything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Input {
    /// The outcome of one of the steps under way.
    Outcome(prop::sample::Index, StepOutcome),
    /// The outcome of any step, under way or not.
    Stray(UploadStep, StepOutcome),
    Pass(u64),
    Fire,
}

fn outcome() -> impl Strategy<Value = StepOutcome> {
    prop_oneof![
        12 => Just(StepOutcome::Done),
        2 => prop::option::of(prop_oneof![Just(-1), Just(40_058), any::<i64>()])
            .prop_map(StepOutcome::Refused),
        2 => Just(StepOutcome::TimedOut),
        1 => Just(StepOutcome::QueueFull),
        1 => Just(StepOutcome::Gone),
    ]
}

fn step() -> impl Strategy<Value = UploadStep> {
    prop_oneof![
        Just(UploadStep::Init),
        any::<u64>().prop_map(UploadStep::Chunk),
        Just(UploadStep::Finish),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        12 => (any::<prop::sample::Index>(), outcome()).prop_map(|(at, what)| Input::Outcome(at, what)),
        1 => (step(), outcome()).prop_map(|(step, what)| Input::Stray(step, what)),
        3 => (0_u64..2_000).prop_map(Input::Pass),
        4 => Just(Input::Fire),
    ]
}

/// Checks what holds of every upload.
#[derive(Default)]
struct Witness {
    chunks: u64,
    under_way: BTreeSet<Step>,
    sent: BTreeMap<Step, u8>,
    done: BTreeSet<Step>,
    end: Option<UploadEnd>,
}

/// The place of a step in an upload.
type Step = (u8, u64);

fn key(step: UploadStep) -> Step {
    match step {
        UploadStep::Init => (0, 0),
        UploadStep::Chunk(index) => (1, index),
        UploadStep::Finish => (2, 0),
    }
}

fn unkey(step: Step) -> UploadStep {
    match step {
        (0, _) => UploadStep::Init,
        (1, index) => UploadStep::Chunk(index),
        _ => UploadStep::Finish,
    }
}

impl Witness {
    fn drain(&mut self, upload: &mut Upload) -> Result<(), TestCaseError> {
        while let Some(action) = upload.poll_action() {
            prop_assert_eq!(self.end, None, "{:?} follows the end", action);
            match action {
                UploadAction::Send(step) => self.sends(step)?,
                UploadAction::End(end) => self.ends(end)?,
            }
        }
        prop_assert_eq!(self.end.is_some(), upload.poll_timeout().is_none());
        Ok(())
    }

    fn sends(&mut self, step: UploadStep) -> Result<(), TestCaseError> {
        prop_assert!(self.under_way.insert(key(step)), "{step:?} is under way");
        prop_assert!(!self.done.contains(&key(step)), "{step:?} is done");
        let tries = self.sent.entry(key(step)).or_default();
        *tries += 1;
        prop_assert!(*tries <= UPLOAD_TRIES);
        match step {
            UploadStep::Init => {}
            UploadStep::Chunk(index) => {
                prop_assert!(self.done.contains(&(0, 0)) && index < self.chunks);
                prop_assert!(self.under_way.len() <= most_at_once(self.chunks));
            }
            UploadStep::Finish => {
                prop_assert_eq!(self.done.len() as u64, 1 + self.chunks);
            }
        }
        Ok(())
    }

    fn ends(&mut self, end: UploadEnd) -> Result<(), TestCaseError> {
        match end {
            UploadEnd::Done => prop_assert_eq!(self.done.len() as u64, 2 + self.chunks),
            UploadEnd::Failed { step, tries } => {
                prop_assert_eq!(self.sent.get(&key(step)), Some(&tries));
            }
            UploadEnd::Expired => {}
        }
        self.end = Some(end);
        Ok(())
    }
}

proptest! {
    /// Steps come in the platform's order, a few at once, each at most three times, and are followed by one end.
    #[test]
    fn whatever_comes_an_upload_ends_once(
        chunks in 1_u64..=20,
        inputs in prop::collection::vec(input(), 0..200),
    ) {
        let mut now = Instant::now();
        let mut upload = Upload::new(chunks, now);
        let mut witness = Witness { chunks, ..Witness::default() };
        witness.drain(&mut upload)?;
        for input in inputs {
            match input {
                Input::Outcome(at, outcome) if !witness.under_way.is_empty() => {
                    let all: Vec<_> = witness.under_way.iter().copied().collect();
                    let step = *at.get(&all);
                    witness.under_way.remove(&step);
                    if outcome == StepOutcome::Done && witness.end.is_none() {
                        witness.done.insert(step);
                    }
                    upload.handle_outcome(unkey(step), outcome, now);
                }
                Input::Outcome(..) => {}
                Input::Stray(step, outcome) => {
                    if !witness.under_way.contains(&key(step)) {
                        upload.handle_outcome(step, outcome, now);
                    }
                }
                Input::Pass(ms) => now += Duration::from_millis(ms),
                Input::Fire => {
                    now = upload.poll_timeout().map_or(now, |due| now.max(due));
                    upload.handle_timeout(now);
                    prop_assert!(upload.poll_timeout().is_none_or(|due| due > now), "a busy loop");
                }
            }
            witness.drain(&mut upload)?;
        }
        // No answer comes any more, so the upload ends by time.
        while let Some(due) = upload.poll_timeout() {
            now = now.max(due);
            upload.handle_timeout(now);
            witness.drain(&mut upload)?;
        }
        prop_assert!(witness.end.is_some());
    }
}
