//! Which installations of a list are wanted.

use longwire_fleet::{InstallationView, STATE_LABELS};
use longwire_installation::Platform;

use crate::query::QueryReader;

/// The parameters `state`, `platform` and `not_live` of a list of installations.
#[derive(Debug, Default)]
pub struct InstallationFilter {
    /// Empty for any.
    states: Vec<&'static str>,
    /// Empty for any.
    platforms: Vec<&'static str>,
    /// Leaves out those that are connected, need no connection, or are not wanted.
    missing_alone: bool,
}

impl InstallationFilter {
    /// Reads the parameters. A value that none has is a mistake of the query, which lists those that there are.
    pub fn read(query: &mut QueryReader<'_>) -> Self {
        let platforms: Vec<_> = Platform::ALL.iter().map(|one| one.label()).collect();
        Self {
            states: query.choices("state", &STATE_LABELS),
            platforms: query.choices("platform", &platforms),
            missing_alone: query.flag("not_live"),
        }
    }

    /// Whether an installation is one of those that are wanted.
    #[must_use]
    pub fn matches(&self, view: &InstallationView) -> bool {
        let is_in = |wanted: &[&str], value| wanted.is_empty() || wanted.contains(&value);
        is_in(&self.states, view.state)
            && is_in(&self.platforms, view.platform)
            && (!self.missing_alone || view.is_missing())
    }
}
