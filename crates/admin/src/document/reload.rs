//! What came of reading the configuration file again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// `POST /reload`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReloadDocument {
    /// Whether it was applied, or only compared.
    pub applied: bool,
    /// The configuration file, as the server was given it.
    pub file: String,
    /// Bots that the file declares, and did not before.
    pub added: Vec<ReloadedBot>,
    /// Bots of which the file says another thing than before.
    pub changed: Vec<ReloadedBot>,
    /// Bots that the file does not declare any more. They are stopped.
    pub removed: Vec<ReloadedBot>,
    /// Bots that cannot be connected as the file says.
    pub refused: Vec<RefusedBot>,
    /// Bots of which nothing is different. Their connections were not touched.
    pub unchanged: usize,
    /// The settings that are not about a bot.
    pub settings: ReloadedSettings,
}

/// A bot of which something is different.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReloadedBot {
    /// The operator's name for it.
    pub name: String,
    /// Public id, `ins_…`; `null` of one that would be added.
    pub id: Option<String>,
    /// Whether it was there before the file declared it: added by an operator, or declared once before.
    pub was_there: bool,
    /// The keys whose value is another one. A secret may be another one although its reference is the same.
    pub keys: Vec<Cow<'static, str>>,
}

/// A bot that cannot be connected as the file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusedBot {
    /// The operator's name for it.
    pub name: String,
    /// A stable name for the reason.
    pub reason: Cow<'static, str>,
    /// The reason in words.
    pub reason_text: String,
    /// What to do about it.
    pub next_step: Cow<'static, str>,
    /// Whether it goes on with the secret that it had.
    pub keeps_serving: bool,
}

/// Settings whose values are other ones than those that the server runs with, as `section.key`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ReloadedSettings {
    /// They hold from now on.
    pub applied: Vec<String>,
    /// They take effect at the next start.
    pub at_next_start: Vec<String>,
}

impl ReloadDocument {
    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let bots = [&self.added, &self.changed, &self.removed];
        bots.iter().all(|bots| bots.is_empty())
            && self.refused.is_empty()
            && self.settings.applied.is_empty()
            && self.settings.at_next_start.is_empty()
    }
}
