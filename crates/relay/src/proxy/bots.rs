//! Which bots there are.

use std::sync::Arc;

use longwire_access::Grant;
use longwire_fleet::Fleet;
use longwire_installation::{Desired, Platform, PublicId};
use longwire_store::InstallationRecord;

/// Knows the bots of a process.
pub trait BotsOfApps: Send + Sync + 'static {
    /// Those of the platform's app of this id, in the order they were added.
    fn of_app(&self, app_id: &str) -> Vec<Arc<InstallationRecord>>;
    /// One of them.
    fn bot(&self, id: PublicId) -> Option<Arc<InstallationRecord>>;
}

impl BotsOfApps for Fleet {
    fn of_app(&self, app_id: &str) -> Vec<Arc<InstallationRecord>> {
        self.records_of_app(app_id)
    }

    fn bot(&self, id: PublicId) -> Option<Arc<InstallationRecord>> {
        self.record(self.installation_id(&id.to_string())?)
    }
}

/// The bot that an app's id means to the holder of this token: the first of theirs that is to be connected, else the first.
pub(crate) fn of_app(
    bots: &dyn BotsOfApps,
    grant: &Grant,
    app_id: &str,
) -> Option<Arc<InstallationRecord>> {
    first(bots.of_app(app_id), grant)
}

/// The bot of a token that is narrowed to one.
pub(crate) fn only(bots: &dyn BotsOfApps, grant: &Grant) -> Option<Arc<InstallationRecord>> {
    match grant.installations.as_deref() {
        Some([one]) => first(bots.bot(*one).into_iter().collect(), grant),
        Some(_) | None => None,
    }
}

fn first(mut bots: Vec<Arc<InstallationRecord>>, grant: &Grant) -> Option<Arc<InstallationRecord>> {
    bots.retain(|bot| has_open_api(bot) && grant.sees(&bot.space, bot.public_id));
    let wanted = bots.iter().position(|bot| bot.desired == Desired::Run);
    (!bots.is_empty()).then(|| bots.swap_remove(wanted.unwrap_or(0)))
}

/// Whether its platform has an Open API of this kind.
pub(crate) fn has_open_api(bot: &InstallationRecord) -> bool {
    match bot.platform {
        Platform::Feishu | Platform::Lark => true,
        Platform::Wecom => false,
    }
}
