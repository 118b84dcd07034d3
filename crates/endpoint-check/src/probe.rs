//! The posts of a check, and what came of each.

use std::time::Duration;

use longwire_egress::endpoint::{ConnectionUse, PostAnswer, PostError};

/// One post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Signed as a delivery is. The first one.
    Signed,
    /// The same again, with the same id.
    Repeat,
    /// Signed with another secret.
    WrongSignature,
    /// Without a signature.
    NoSignature,
    /// Signed an hour ago.
    OldTimestamp,
    /// Signed, to measure the time.
    Timed,
}

/// Those that follow a good answer to [`Probe::Signed`], in their order.
pub(crate) const FURTHER: [Probe; 9] = [
    Probe::Repeat,
    Probe::WrongSignature,
    Probe::NoSignature,
    Probe::OldTimestamp,
    Probe::Timed,
    Probe::Timed,
    Probe::Timed,
    Probe::Timed,
    Probe::Timed,
];

/// What came of a post.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) probe: Probe,
    pub(crate) result: Result<Answered, PostError>,
    pub(crate) took: Duration,
}

/// What matters of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) body_is_whole: bool,
    pub(crate) connection: ConnectionUse,
}

impl Answered {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl From<PostAnswer> for Answered {
    fn from(answer: PostAnswer) -> Self {
        Self {
            status: answer.status,
            location: answer.header("location").map(str::to_owned),
            body: answer.body().to_vec(),
            body_is_whole: answer.body_is_whole,
            connection: answer.connection,
        }
    }
}
