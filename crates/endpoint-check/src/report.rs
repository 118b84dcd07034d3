//! What a check found.

use serde::Serialize;

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckedAspect {
    /// Whether a signed sample is answered with 2xx, or with 410 where that is expected.
    Answer,
    /// Whether certificate and name are good, or the text is plain.
    Tls,
    /// Whether a signature by another secret is refused.
    WrongSignature,
    /// Whether a sample without signature is refused.
    NoSignature,
    /// Whether a good signature of an hour ago is refused.
    OldTimestamp,
    /// Whether the same id is taken twice.
    Repeat,
    /// How long an answer takes.
    Time,
    /// Whether connections are kept open.
    KeepAlive,
    /// Whether the answer holds a reply to the chat.
    Reply,
    /// Whether the addresses that are dialled are checked.
    Address,
}

impl CheckedAspect {
    /// A word or two for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Tls => "tls",
            Self::WrongSignature => "wrong signature",
            Self::NoSignature => "no signature",
            Self::OldTimestamp => "old timestamp",
            Self::Repeat => "repeat",
            Self::Time => "time to answer",
            Self::KeepAlive => "keep-alive",
            Self::Reply => "reply",
            Self::Address => "address",
        }
    }
}

/// What follows from a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingGrade {
    /// It is as it should be.
    Good,
    /// Deliveries work, and something could be better.
    Advice,
    /// Deliveries do not work, or are not safe.
    Bad,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckRow {
    /// What was looked at.
    pub aspect: CheckedAspect,
    /// What follows.
    pub verdict: FindingGrade,
    /// What was found. It may hold text of the endpoint.
    pub finding: String,
    /// What to do about it.
    pub fix: Option<&'static str>,
}

/// All findings, in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// The findings.
    pub rows: Vec<CheckRow>,
}

impl CheckReport {
    /// Whether nothing is [`FindingGrade::Bad`].
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.verdict != FindingGrade::Bad)
    }

    pub(crate) fn good(&mut self, aspect: CheckedAspect, finding: impl Into<String>) {
        self.add(aspect, FindingGrade::Good, finding.into(), None);
    }

    pub(crate) fn advise(
        &mut self,
        aspect: CheckedAspect,
        finding: impl Into<String>,
        fix: &'static str,
    ) {
        self.add(aspect, FindingGrade::Advice, finding.into(), Some(fix));
    }

    pub(crate) fn bad(
        &mut self,
        aspect: CheckedAspect,
        finding: impl Into<String>,
        fix: &'static str,
    ) {
        self.add(aspect, FindingGrade::Bad, finding.into(), Some(fix));
    }

    fn add(
        &mut self,
        aspect: CheckedAspect,
        verdict: FindingGrade,
        finding: String,
        fix: Option<&'static str>,
    ) {
        self.rows.push(CheckRow {
            aspect,
            verdict,
            finding,
            fix,
        });
    }
}
