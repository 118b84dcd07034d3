//! Why an upload failed: at which step, for which reason, and what to do about it.

use crate::request::RequestError;
use longwire_link::UploadStep;
use longwire_wire::wecom::code;
use std::io;

/// The platform does not have the file.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// A step had no answer: [`RequestError`] says why.
    #[error("{step}: {error}")]
    Unanswered {
        /// Which step.
        step: UploadStep,
        /// Why.
        error: RequestError,
    },
    /// The platform refused a step.
    #[error("{step}: the platform refused it ({}) at try {tries}: {message}", named(*code))]
    Refused {
        /// Which step.
        step: UploadStep,
        /// How often it was sent.
        tries: u8,
        /// Its code, if it named one.
        code: Option<i64>,
        /// Its words.
        message: String,
    },
    /// The platform agreed, and left out what the next step needs.
    #[error("{step}: the platform's answer names no id")]
    Unreadable {
        /// Which step.
        step: UploadStep,
    },
    /// The file could not be read any more.
    #[error("{step}: the file could not be read: {source}")]
    File {
        /// Which step.
        step: UploadStep,
        /// The system's words.
        source: io::Error,
    },
    /// Half an hour has passed; the platform has forgotten it.
    #[error("it took longer than the half hour for which the platform remembers an upload")]
    Expired,
}

impl UploadError {
    /// A stable name for programs.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unanswered { error, .. }
                if *error != RequestError::Displaced && self.is_connections_end() =>
            {
                "connection_lost"
            }
            Self::Unanswered { error, .. } => error.label(),
            Self::Refused {
                code: Some(code::RATE_LIMITED),
                ..
            } => "rate_limited",
            Self::Refused { .. } => "upload_refused",
            Self::Unreadable { .. } => "unreadable_answer",
            Self::File { .. } => "file_unreadable",
            Self::Expired => "upload_expired",
        }
    }

    /// What to do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unanswered { error, .. } => match error {
                RequestError::Displaced
                | RequestError::UnknownInstallation
                | RequestError::NoRequests
                | RequestError::MessageRate { .. }
                | RequestError::Full => error.advice(),
                RequestError::TimedOut => {
                    "upload it again; on a slow line, make timing.upload_ack longer"
                }
                RequestError::NoReqId
                | RequestError::Body(_)
                | RequestError::NotConnected { .. }
                | RequestError::NotSubscribed
                | RequestError::ConnectionLost
                | RequestError::NotSent
                | RequestError::SpentReqId => {
                    "the upload ended with its connection: upload it again once the bot is live"
                }
            },
            Self::Refused {
                code: Some(code::RATE_LIMITED),
                ..
            } => "a bot may upload 30 files a minute and 1000 an hour: upload it again later",
            Self::Refused {
                code: Some(code::INVALID_PARAMETER),
                ..
            } => {
                "the platform does not take this file as this type: see which formats it has for it"
            }
            Self::Refused { .. } => "the platform's words say why; upload it again if it may pass",
            Self::Unreadable { .. } | Self::File { .. } | Self::Expired => "upload it again",
        }
    }

    /// The step that failed, unless it was time.
    #[must_use]
    pub fn step(&self) -> Option<UploadStep> {
        match *self {
            Self::Unanswered { step, .. }
            | Self::Refused { step, .. }
            | Self::Unreadable { step }
            | Self::File { step, .. } => Some(step),
            Self::Expired => None,
        }
    }

    /// Whether the connection ended with the upload under way, however the step heard of it.
    #[must_use]
    pub fn is_connections_end(&self) -> bool {
        let Self::Unanswered { step, error } = self else {
            return false;
        };
        let has_begun = *step != UploadStep::Init;
        match error {
            RequestError::ConnectionLost | RequestError::NotSubscribed | RequestError::NotSent => {
                true
            }
            RequestError::NotConnected { .. } | RequestError::Displaced => has_begun,
            RequestError::UnknownInstallation
            | RequestError::NoRequests
            | RequestError::NoReqId
            | RequestError::Body(_)
            | RequestError::TimedOut
            | RequestError::SpentReqId
            | RequestError::MessageRate { .. }
            | RequestError::Full => false,
        }
    }
}

fn named(code: Option<i64>) -> String {
    code.map_or_else(
        || "without a code".to_owned(),
        |code| format!("code {code}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_ends_the_connection_under_way_has_one_name() {
        let check = |step, error, label| {
            assert_eq!(UploadError::Unanswered { step, error }.label(), label);
        };
        let chunk = UploadStep::Chunk(3);
        let backing_off = RequestError::NotConnected {
            state: "backing_off",
        };
        check(UploadStep::Init, backing_off, "not_connected");
        check(UploadStep::Init, RequestError::Displaced, "displaced");
        check(
            UploadStep::Init,
            RequestError::NotSubscribed,
            "connection_lost",
        );
        check(chunk, backing_off, "connection_lost");
        check(chunk, RequestError::NotSent, "connection_lost");
        check(chunk, RequestError::ConnectionLost, "connection_lost");
        check(chunk, RequestError::Displaced, "displaced");
        check(chunk, RequestError::TimedOut, "timed_out");
        check(chunk, RequestError::Full, "full");
    }

    #[test]
    fn a_refusal_says_which_step_which_code_and_whose_words() {
        let error = UploadError::Refused {
            step: UploadStep::Chunk(3),
            tries: 3,
            code: Some(-1),
            message: "system error".to_owned(),
        };
        let text = error.to_string();
        assert_eq!(
            text,
            "chunk 3: the platform refused it (code -1) at try 3: system error"
        );
    }
}
