//! An app that asks the platform something: where it calls, and as whom.

use std::time::Duration;

use longwire_egress::{Egress, HttpLimits};
use secrecy::SecretString;
use url::Url;

use super::MAX_ANSWER_BYTES;

/// The app's secret could not be read. The text says why, without the secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the secret of the app cannot be read: {0}")]
pub struct NoSecretError(pub String);

/// An app that calls.
#[derive(Clone, Copy)]
pub struct CallingApp<'a> {
    /// The way out.
    pub egress: &'a Egress,
    /// The platform's base URL, or that of a private deployment.
    pub base: &'a Url,
    /// `cli_…`.
    pub app_id: &'a str,
    /// Reads the app's secret. Called only when a token has to be asked for.
    pub open_secret: &'a dyn Fn() -> Result<SecretString, NoSecretError>,
    /// Limit of one HTTP call, from the lookup of the name to the last byte of the answer.
    pub deadline: Duration,
}

impl CallingApp<'_> {
    pub(super) fn limits(&self) -> HttpLimits {
        HttpLimits {
            deadline: self.deadline,
            max_body: MAX_ANSWER_BYTES,
        }
    }
}
