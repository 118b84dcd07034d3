//! Installations: a page of them, and one with what happened to it. Their shape is [`InstallationDocument`]'s.

use std::borrow::Cow;

use longwire_api::{InstallationDocument, Timestamp};
use longwire_store::TimelineRecord;
use serde::{Deserialize, Serialize};

/// `GET /installations/{installation}`: the members of the installation, and one more.
#[derive(Debug, Serialize, Deserialize)]
pub struct InstallationDetail {
    /// The installation.
    #[serde(flatten)]
    pub installation: InstallationDocument,
    /// Newest first.
    pub timeline: Vec<TimelineDocument>,
}

/// One entry of a timeline.
#[derive(Debug, Serialize, Deserialize)]
pub struct TimelineDocument {
    /// When it happened.
    pub at: Timestamp,
    /// The connection it is about.
    pub generation: u64,
    /// What happened.
    pub kind: Cow<'static, str>,
    /// The same, for people.
    pub detail: String,
}

impl From<&TimelineRecord> for TimelineDocument {
    fn from(TimelineRecord { entry, .. }: &TimelineRecord) -> Self {
        Self {
            at: Timestamp::of_ms(entry.at_ms),
            generation: entry.generation,
            kind: entry.kind.label().into(),
            detail: entry.detail.clone(),
        }
    }
}
