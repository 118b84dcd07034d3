//! What the platform said of a bot before it was kept: as a part of the answer that adds the bot, and as a problem.

use longwire_fleet::{ProbeError, Probed};
use longwire_installation::Platform;
use longwire_listener::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::document::InstallationDocument;
use crate::problem_code::ProblemCode;

/// What the platform said of the bot before it was kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = InstallationProbe)]
pub struct ProbeDocument {
    /// `proven`, `at_connection_limit` (proven, and other programs hold as many connections as the platform allows), `reached`
    /// (WeCom: id and secret were not tried) or `skipped`.
    pub outcome: String,
    /// The platform that was named, where the app lives on another one and is kept so.
    pub moved_from: Option<String>,
    /// The same for people.
    pub detail: String,
}

impl ProbeDocument {
    /// Of a bot for which this platform was named.
    #[must_use]
    pub fn of(named: Platform, probed: Probed) -> Self {
        let moved_from = (probed.platform != named).then(|| named.label().to_owned());
        Self {
            outcome: probed.proof.label().to_owned(),
            moved_from,
            detail: probed.told(named),
        }
    }
}

/// A bot that was added.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AddedInstallation {
    /// The bot, as everywhere.
    #[serde(flatten)]
    pub installation: InstallationDocument,
    /// What the platform said of it.
    pub probe: ProbeDocument,
}

/// A problem that says why a bot was not kept, for the routes that add one.
#[must_use]
pub fn probe_problem(error: &ProbeError) -> Problem {
    let code = match error {
        ProbeError::Refused { .. } => ProblemCode::BotRefused,
        ProbeError::Unanswered { .. } => ProblemCode::BotNotProbed,
    };
    code.problem(format!("{error}; nothing was kept"))
        .with("reason", error.setback().label())
        .with("next_step", error.next_step())
}
