//! The steps of an upload, their outcomes, and how an upload ends.

use std::fmt;

/// One request of an upload.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum UploadStep {
    /// Announces the file. The answer has the id of the upload.
    Init,
    /// Sends a part of the file, counted from 0.
    Chunk(u64),
    /// Has the platform join the parts. The answer has the id of the file.
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

/// For people: the step, a chunk with its number.
impl fmt::Display for UploadStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init | Self::Finish => f.write_str(self.label()),
            Self::Chunk(index) => write!(f, "chunk {index}"),
        }
    }
}

/// The outcome of a step.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum StepOutcome {
    /// The platform accepted it.
    Done,
    /// The platform refused it with this code.
    Refused(Option<i64>),
    /// The platform did not answer in time.
    TimedOut,
    /// It was not sent, because the queue of requests was full.
    QueueFull,
    /// The connection or the file is gone, so the upload cannot succeed.
    Gone,
}

/// What is to be done.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UploadAction {
    /// Send this step, and report its outcome.
    Send(UploadStep),
    /// The upload has ended. This is the last action. Later outcomes change nothing.
    End(UploadEnd),
}

/// How an upload ended.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum UploadEnd {
    /// The platform has the file.
    Done,
    /// This step failed at its last try.
    Failed {
        /// The step.
        step: UploadStep,
        /// How often it was sent, at least once.
        tries: u8,
    },
    /// The platform has forgotten the upload.
    Expired,
}
