//! Uploads, step by step in virtual time.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// An upload and its time.
struct Run {
    upload: Upload,
    now: Instant,
}

impl Run {
    fn new(chunks: u64) -> Self {
        let now = Instant::now();
        Self {
            upload: Upload::new(chunks, now),
            now,
        }
    }

    /// An upload whose init is done.
    fn begun(chunks: u64) -> Self {
        let mut run = Self::new(chunks);
        run.expect(&[UploadAction::Send(UploadStep::Init)]);
        run.tell(UploadStep::Init, StepOutcome::Done);
        run
    }

    fn tell(&mut self, step: UploadStep, outcome: StepOutcome) {
        self.upload.handle_outcome(step, outcome, self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.upload.handle_timeout(self.now);
    }

    #[track_caller]
    fn expect(&mut self, wanted: &[UploadAction]) {
        let mut found = Vec::new();
        while let Some(action) = self.upload.poll_action() {
            found.push(action);
        }
        assert_eq!(found, wanted);
    }

    #[track_caller]
    fn expect_chunks(&mut self, wanted: &[u64]) {
        let sent = |index: &u64| UploadAction::Send(UploadStep::Chunk(*index));
        self.expect(&wanted.iter().map(sent).collect::<Vec<_>>());
    }

    #[track_caller]
    fn expect_failed(&mut self, step: UploadStep, tries: u8) {
        self.expect(&[UploadAction::End(UploadEnd::Failed { step, tries })]);
        assert_eq!(self.upload.poll_timeout(), None);
    }
}

#[test]
fn chunks_follow_the_init_a_few_at_once_and_the_finish_follows_them_all() {
    let mut run = Run::begun(6);
    run.expect_chunks(&[0, 1, 2]);
    run.tell(UploadStep::Chunk(1), StepOutcome::Done);
    run.expect_chunks(&[3]);
    run.tell(UploadStep::Chunk(0), StepOutcome::Done);
    run.tell(UploadStep::Chunk(2), StepOutcome::Done);
    run.expect_chunks(&[4, 5]);
    for index in [5, 3, 4] {
        run.expect(&[]);
        run.tell(UploadStep::Chunk(index), StepOutcome::Done);
    }
    run.expect(&[UploadAction::Send(UploadStep::Finish)]);
    run.tell(UploadStep::Finish, StepOutcome::Done);
    run.expect(&[UploadAction::End(UploadEnd::Done)]);
    assert_eq!(run.upload.poll_timeout(), None);
}

#[test]
fn the_more_chunks_the_fewer_at_once() {
    for (chunks, at_once) in [(1, 1), (4, 4), (5, 3), (10, 3), (11, 2), (100, 2)] {
        let mut run = Run::begun(chunks);
        run.expect_chunks(&(0..at_once).collect::<Vec<_>>());
    }
}

/// Perhaps only its answer was lost. The platform counts a chunk that comes twice once.
#[test]
fn a_chunk_without_an_answer_is_sent_again_after_a_delay_and_three_times_at_most() {
    let mut run = Run::begun(1);
    for delay in RETRY_DELAYS {
        run.expect_chunks(&[0]);
        run.tell(UploadStep::Chunk(0), StepOutcome::TimedOut);
        assert_eq!(run.upload.poll_timeout(), Some(run.now + delay));
        run.pass(delay - MS);
        run.expect(&[]);
        run.pass(MS);
    }
    run.expect_chunks(&[0]);
    run.tell(UploadStep::Chunk(0), StepOutcome::TimedOut);
    run.expect_failed(UploadStep::Chunk(0), 3);
}

#[test]
fn a_chunk_that_rests_keeps_its_place() {
    let mut run = Run::begun(20);
    run.expect_chunks(&[0, 1]);
    run.tell(UploadStep::Chunk(0), StepOutcome::Refused(Some(-1)));
    run.expect(&[]);
    run.tell(UploadStep::Chunk(1), StepOutcome::Done);
    run.expect_chunks(&[2]);
    run.pass(RETRY_DELAYS[0]);
    run.expect_chunks(&[0]);
}

#[test]
fn what_is_repeated_and_what_is_not() {
    let check = |step, outcome, is_repeated: bool| {
        let mut run = match step {
            UploadStep::Init => Run::new(1),
            UploadStep::Chunk(_) | UploadStep::Finish => Run::begun(1),
        };
        if step == UploadStep::Finish {
            run.tell(UploadStep::Chunk(0), StepOutcome::Done);
        }
        while run.upload.poll_action().is_some() {}
        run.tell(step, outcome);
        if !is_repeated {
            return run.expect_failed(step, 1);
        }
        run.expect(&[]);
        run.pass(RETRY_DELAYS[0]);
        run.expect(&[UploadAction::Send(step)]);
    };
    let (init, chunk, finish) = (UploadStep::Init, UploadStep::Chunk(0), UploadStep::Finish);
    for step in [init, chunk, finish] {
        // "system error", and no code at all.
        check(step, StepOutcome::Refused(Some(-1)), true);
        check(step, StepOutcome::Refused(None), true);
        check(step, StepOutcome::QueueFull, true);
        check(
            step,
            StepOutcome::Refused(Some(code::INVALID_PARAMETER)),
            false,
        );
        check(step, StepOutcome::Refused(Some(code::RATE_LIMITED)), false);
        check(step, StepOutcome::Gone, false);
        check(step, StepOutcome::TimedOut, step == chunk);
    }
}

#[test]
fn news_of_what_is_not_under_way_changes_nothing() {
    let mut run = Run::begun(2);
    run.expect_chunks(&[0, 1]);
    for step in [UploadStep::Init, UploadStep::Finish, UploadStep::Chunk(2)] {
        run.tell(step, StepOutcome::Gone);
    }
    run.tell(UploadStep::Chunk(0), StepOutcome::Done);
    run.tell(UploadStep::Chunk(0), StepOutcome::Gone);
    run.expect(&[]);
    run.tell(UploadStep::Chunk(1), StepOutcome::Gone);
    run.expect_failed(UploadStep::Chunk(1), 1);
    run.tell(UploadStep::Chunk(1), StepOutcome::Done);
    run.pass(limit::UPLOAD);
    run.expect(&[]);
}

/// The platform forgets an upload by then.
#[test]
fn half_an_hour_is_the_end() {
    let mut run = Run::begun(1);
    run.expect_chunks(&[0]);
    assert_eq!(run.upload.poll_timeout(), Some(run.now + limit::UPLOAD));
    run.pass(limit::UPLOAD - MS);
    run.expect(&[]);
    run.pass(MS);
    run.expect(&[UploadAction::End(UploadEnd::Expired)]);
    assert_eq!(run.upload.poll_timeout(), None);
}
