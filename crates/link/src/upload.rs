//! The steps of one upload: which is sent next, which is repeated, and when the upload ends.
//!
//! ```text
//! new ─▶ Init ─▶ chunks, a few at once ─▶ Finish ─▶ End(Done)
//!          │        │    ▲                    │
//!          │        └────┘ waits, again       │
//!          └────────┴─────────┬───────────────┘
//!                             ▼
//!                       End(Failed | Expired)
//! ```
//!
//! A step is a request with an id of its own. [`Requests`](crate::Requests) measures how long it is unanswered
//! ([`RequestLimits::upload_ack`](crate::RequestLimits)), from when its frame leaves. This machine decides what follows. The
//! platform forgets an upload after half an hour, so every upload ends by then.
//!
//! A step is repeated if a second one does no harm: if the platform refused it for a temporary reason, if it was never sent,
//! or if it is an unanswered chunk, because a chunk that comes twice counts once. An unanswered init ends the upload, and
//! nothing is lost. An unanswered finish ends it too, and the platform may have the file.
//!
//! The machine never sees the file, the upload's id or the platform's texts; its owner keeps them.

mod step;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use longwire_wire::wecom::{code, limit};

pub use step::{StepOutcome, UploadAction, UploadEnd, UploadStep};

/// How often a step is sent at most, as in the official Node SDK 1.0.7.
pub const UPLOAD_TRIES: u8 = 3;

/// The delay after the first and the second failure of a step, as in the same SDK.
const RETRY_DELAYS: [Duration; UPLOAD_TRIES as usize - 1] =
    [Duration::from_millis(500), Duration::from_secs(1)];

/// One upload.
#[derive(Debug)]
pub struct Upload {
    stage: Stage,
    chunks: Vec<Progress>,
    most_at_once: usize,
    due: Instant,
    actions: VecDeque<UploadAction>,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Stage {
    Init(Progress),
    Chunks,
    Finish(Progress),
    Over,
}

/// The progress of one step.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Progress {
    Unsent,
    Sent { tries: u8 },
    Waiting { tries: u8, until: Instant },
    Done,
}

/// How many chunks are under way at once, as in the official Node SDK. With more of them the platform answers "system
/// error".
fn most_at_once(chunks: u64) -> usize {
    match chunks {
        0..=4 => 4,
        5..=10 => 3,
        _ => 2,
    }
}

impl Upload {
    /// An upload of so many chunks ([`UploadPlan::chunk_count`](longwire_wire::wecom::media::UploadPlan::chunk_count)).
    #[must_use]
    pub fn new(chunks: u64, now: Instant) -> Self {
        let mut upload = Self {
            stage: Stage::Init(Progress::Unsent),
            chunks: (0..chunks).map(|_| Progress::Unsent).collect(),
            most_at_once: most_at_once(chunks),
            due: now + limit::UPLOAD,
            actions: VecDeque::new(),
        };
        upload.proceed(now);
        upload
    }

    /// The next action, if any.
    pub fn poll_action(&mut self) -> Option<UploadAction> {
        self.actions.pop_front()
    }

    /// A step has this outcome. News of a step that is not under way changes nothing.
    pub fn handle_outcome(&mut self, step: UploadStep, outcome: StepOutcome, now: Instant) {
        let Some(progress) = self.progress(step) else {
            return;
        };
        let Progress::Sent { tries } = *progress else {
            return;
        };
        if outcome == StepOutcome::Done {
            *progress = Progress::Done;
        } else if let Some(delay) = RETRY_DELAYS.get(usize::from(tries) - 1)
            && is_worth_repeating(step, outcome)
        {
            *progress = Progress::Waiting {
                tries,
                until: now + *delay,
            };
        } else {
            return self.end(UploadEnd::Failed { step, tries });
        }
        self.proceed(now);
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. An early call changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stage != Stage::Over && self.due <= now {
            return self.end(UploadEnd::Expired);
        }
        self.proceed(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout). `None` after the end.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let wait_end = |progress: &Progress| match *progress {
            Progress::Waiting { until, .. } => Some(until),
            Progress::Unsent | Progress::Sent { .. } | Progress::Done => None,
        };
        let wait_end = match &self.stage {
            Stage::Over => return None,
            Stage::Init(progress) | Stage::Finish(progress) => wait_end(progress),
            Stage::Chunks => self.chunks.iter().filter_map(wait_end).min(),
        };
        Some(wait_end.map_or(self.due, |end| end.min(self.due)))
    }

    /// The progress of a step of the current stage.
    fn progress(&mut self, step: UploadStep) -> Option<&mut Progress> {
        match (&mut self.stage, step) {
            (Stage::Init(progress), UploadStep::Init)
            | (Stage::Finish(progress), UploadStep::Finish) => Some(progress),
            (Stage::Chunks, UploadStep::Chunk(index)) => {
                self.chunks.get_mut(usize::try_from(index).ok()?)
            }
            (Stage::Init(_) | Stage::Chunks | Stage::Finish(_) | Stage::Over, _) => None,
        }
    }

    /// Sends the steps that are due.
    fn proceed(&mut self, now: Instant) {
        if self.stage == Stage::Init(Progress::Done) {
            self.stage = Stage::Chunks;
        }
        if self.stage == Stage::Chunks && self.chunks.iter().all(|one| *one == Progress::Done) {
            self.stage = Stage::Finish(Progress::Unsent);
        }
        match &mut self.stage {
            Stage::Init(progress) => send(UploadStep::Init, progress, now, &mut self.actions),
            Stage::Chunks => self.send_chunks(now),
            Stage::Finish(Progress::Done) => self.end(UploadEnd::Done),
            Stage::Finish(progress) => send(UploadStep::Finish, progress, now, &mut self.actions),
            Stage::Over => {}
        }
    }

    fn send_chunks(&mut self, now: Instant) {
        // A chunk that waits still counts: an overloaded platform must not get another one instead.
        let begun =
            |one: &&Progress| matches!(one, Progress::Sent { .. } | Progress::Waiting { .. });
        let mut at_once = self.chunks.iter().filter(begun).count();
        for (index, progress) in (0..).zip(&mut self.chunks) {
            match progress {
                Progress::Unsent if at_once == self.most_at_once => {}
                Progress::Unsent => {
                    at_once += 1;
                    send(UploadStep::Chunk(index), progress, now, &mut self.actions);
                }
                Progress::Sent { .. } | Progress::Waiting { .. } | Progress::Done => {
                    send(UploadStep::Chunk(index), progress, now, &mut self.actions);
                }
            }
        }
    }

    fn end(&mut self, end: UploadEnd) {
        self.stage = Stage::Over;
        // Steps that were not taken yet are obsolete.
        self.actions.clear();
        self.actions.push_back(UploadAction::End(end));
    }
}

/// Sends a step if it is due.
fn send(
    step: UploadStep,
    progress: &mut Progress,
    now: Instant,
    actions: &mut VecDeque<UploadAction>,
) {
    let tries = match *progress {
        Progress::Unsent => 0,
        Progress::Waiting { tries, until } if until <= now => tries,
        Progress::Waiting { .. } | Progress::Sent { .. } | Progress::Done => return,
    };
    *progress = Progress::Sent { tries: tries + 1 };
    actions.push_back(UploadAction::Send(step));
}

fn is_worth_repeating(step: UploadStep, outcome: StepOutcome) -> bool {
    match outcome {
        StepOutcome::QueueFull => true,
        StepOutcome::Refused(code) => code.is_none_or(code::may_pass),
        StepOutcome::TimedOut => matches!(step, UploadStep::Chunk(_)),
        StepOutcome::Done | StepOutcome::Gone => false,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
