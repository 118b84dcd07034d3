//! The order of one upload's steps: what is sent next, what is repeated, and when it is over.
//!
//! ```text
//! new ─▶ Init ─▶ chunks, a few at once ─▶ Finish ─▶ End(Done)
//!          │        │    ▲                    │
//!          │        └────┘ rests, again       │
//!          └────────┴─────────┬───────────────┘
//!                             ▼
//!                       End(Failed | Expired)
//! ```
//!
//! A step is a request under an id of its own, so how long one may be unanswered is
//! [`Requests`](crate::Requests)' to tell ([`RequestLimits::upload_ack`](crate::RequestLimits)): its clock begins when
//! the frame leaves. Here it is decided what that means. The platform forgets an upload after half an hour, so an
//! upload ends by then whatever comes.
//!
//! What is repeated is what cannot do harm twice: a step the platform refused for a reason that passes, one that was
//! never sent, and a chunk that was not answered, because a chunk that comes twice counts once. An unanswered init is
//! told at once instead, as nothing is lost with it; an unanswered finish may have been carried out, and the upload is
//! then unknown.
//!
//! It never sees the file, the upload's id or the platform's words; whoever carries out the actions keeps them.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use longwire_wire::wecom::{code, limit};

/// How often a step is sent at most, as by the official Node SDK 1.0.7.
pub const UPLOAD_TRIES: u8 = 3;

/// How long a step rests after its first failure and its second; the same SDK's.
const RESTS: [Duration; UPLOAD_TRIES as usize - 1] =
    [Duration::from_millis(500), Duration::from_secs(1)];

/// One request of an upload.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum UploadStep {
    /// Says what comes; the answer names the upload.
    Init,
    /// A part of the file, counted from 0.
    Chunk(u64),
    /// Has the parts put together; the answer names the file.
    Finish,
}

impl UploadStep {
    /// A stable name for programs.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Chunk(_) => "chunk",
            Self::Finish => "finish",
        }
    }
}

/// For people: which step, a chunk with its number.
impl fmt::Display for UploadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init | Self::Finish => f.write_str(self.label()),
            Self::Chunk(index) => write!(f, "chunk {index}"),
        }
    }
}

/// What came of a step that was sent.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum StepOutcome {
    /// The platform did it.
    Done,
    /// It did not, and said so with this code.
    Refused(Option<i64>),
    /// It said nothing in time.
    TimedOut,
    /// Nothing was sent, for want of room.
    Crowded,
    /// Nothing more can come of this upload: its connection is gone, or its file.
    Hopeless,
}

/// What is to be done.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UploadAction {
    /// Send this, and tell what came of it.
    Send(UploadStep),
    /// It is over; nothing follows, and answers that still come change nothing.
    End(UploadEnd),
}

/// How an upload ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UploadEnd {
    /// The platform has the file.
    Done,
    /// This step failed, at its last try.
    Failed {
        /// Which.
        step: UploadStep,
        /// How often it was sent, 1 at least.
        tries: u8,
    },
    /// It took longer than the platform remembers it.
    Expired,
}

/// One upload under way.
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

/// How far one step has come.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Progress {
    Unsent,
    Sent { tries: u8 },
    Resting { tries: u8, until: Instant },
    Done,
}

/// How many chunks are under way at once: many of them make the platform answer "system error", as the official Node
/// SDK says, whose ladder this is.
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

    /// What is to be done next, if anything.
    pub fn poll_action(&mut self) -> Option<UploadAction> {
        self.actions.pop_front()
    }

    /// This came of a step. News of one that is not under way changes nothing.
    pub fn handle_outcome(&mut self, step: UploadStep, outcome: StepOutcome, now: Instant) {
        let Some(progress) = self.progress(step) else {
            return;
        };
        let Progress::Sent { tries } = *progress else {
            return;
        };
        if outcome == StepOutcome::Done {
            *progress = Progress::Done;
        } else if let Some(rest) = RESTS.get(usize::from(tries) - 1)
            && is_worth_repeating(step, outcome)
        {
            *progress = Progress::Resting {
                tries,
                until: now + *rest,
            };
        } else {
            return self.end(UploadEnd::Failed { step, tries });
        }
        self.proceed(now);
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come; harmless when early.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stage != Stage::Over && self.due <= now {
            return self.end(UploadEnd::Expired);
        }
        self.proceed(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when it is over.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let resting = |progress: &Progress| match *progress {
            Progress::Resting { until, .. } => Some(until),
            Progress::Unsent | Progress::Sent { .. } | Progress::Done => None,
        };
        let rested = match &self.stage {
            Stage::Over => return None,
            Stage::Init(progress) | Stage::Finish(progress) => resting(progress),
            Stage::Chunks => self.chunks.iter().filter_map(resting).min(),
        };
        Some(rested.map_or(self.due, |rested| rested.min(self.due)))
    }

    /// A step of the stage it is in.
    fn progress(&mut self, step: UploadStep) -> Option<&mut Progress> {
        match (&mut self.stage, step) {
            (Stage::Init(progress), UploadStep::Init)
            | (Stage::Finish(progress), UploadStep::Finish) => Some(progress),
            (Stage::Chunks, UploadStep::Chunk(index)) => {
                self.chunks.get_mut(usize::try_from(index).ok()?)
            }
            _ => None,
        }
    }

    /// Sends what may be sent now.
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
        // One that rests keeps its place: a platform that is pressed hard is not to get another instead.
        let begun =
            |one: &&Progress| matches!(one, Progress::Sent { .. } | Progress::Resting { .. });
        let mut at_once = self.chunks.iter().filter(begun).count();
        for (index, progress) in (0..).zip(&mut self.chunks) {
            match progress {
                Progress::Unsent if at_once == self.most_at_once => {}
                Progress::Unsent => {
                    at_once += 1;
                    send(UploadStep::Chunk(index), progress, now, &mut self.actions);
                }
                Progress::Sent { .. } | Progress::Resting { .. } | Progress::Done => {
                    send(UploadStep::Chunk(index), progress, now, &mut self.actions);
                }
            }
        }
    }

    fn end(&mut self, end: UploadEnd) {
        self.stage = Stage::Over;
        // What was to be sent would find nobody.
        self.actions.clear();
        self.actions.push_back(UploadAction::End(end));
    }
}

/// Sends a step that is to be sent by now.
fn send(
    step: UploadStep,
    progress: &mut Progress,
    now: Instant,
    actions: &mut VecDeque<UploadAction>,
) {
    let tries = match *progress {
        Progress::Unsent => 0,
        Progress::Resting { tries, until } if until <= now => tries,
        Progress::Resting { .. } | Progress::Sent { .. } | Progress::Done => return,
    };
    *progress = Progress::Sent { tries: tries + 1 };
    actions.push_back(UploadAction::Send(step));
}

fn is_worth_repeating(step: UploadStep, outcome: StepOutcome) -> bool {
    match outcome {
        StepOutcome::Crowded => true,
        StepOutcome::Refused(code) => code.is_none_or(code::may_pass),
        StepOutcome::TimedOut => matches!(step, UploadStep::Chunk(_)),
        StepOutcome::Done | StepOutcome::Hopeless => false,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
