//! What the log says of a reload: a line for each bot of which something is different, and one about all of it.

use std::collections::BTreeMap;

use longwire_admin::ReloadRefusal;
use longwire_admin::document::{ReloadDocument, ReloadedBot};
use longwire_fleet::ConfigFault;
use longwire_installation::InstallationId;

/// Tells what was applied.
pub(super) fn log(document: &ReloadDocument) {
    for bot in &document.added {
        log_bot(bot, "declared in the configuration file");
    }
    for bot in &document.changed {
        log_bot(bot, "changed in the configuration file");
    }
    for bot in &document.removed {
        log_bot(
            bot,
            "not declared in the configuration file any more; stopped",
        );
    }
    log_refused(document);
    let settings = &document.settings;
    tracing::info!(
        file = document.file,
        added = document.added.len(),
        changed = document.changed.len(),
        removed = document.removed.len(),
        refused = document.refused.len(),
        unchanged = document.unchanged,
        settings = settings.applied.join(" "),
        at_next_start = settings.at_next_start.join(" "),
        "configuration read again",
    );
}

fn log_bot(bot: &ReloadedBot, what: &str) {
    tracing::info!(
        name = bot.name,
        installation = bot.id,
        keys = bot.keys.join(" "),
        "{what}"
    );
}

/// Those that go on with the secret that they had. Of the others their state is logged.
fn log_refused(document: &ReloadDocument) {
    for bot in document.refused.iter().filter(|bot| bot.keeps_serving) {
        tracing::warn!(
            name = bot.name,
            reason = bot.reason_text,
            next_step = %bot.next_step,
            "its new secret cannot be read; it goes on with the one that it has"
        );
    }
}

/// Tells why nothing was applied.
pub(super) fn log_refusal(refusal: &ReloadRefusal) {
    match refusal {
        ReloadRefusal::Mistake(text) => tracing::error!(
            mistake = text,
            "the configuration file is not taken over: nothing was changed, and the gateway goes on"
        ),
        ReloadRefusal::Store(error) => {
            tracing::error!(error, "the configuration file cannot be taken over");
        }
        ReloadRefusal::Draining => {
            tracing::info!("draining: the configuration is not read again");
        }
    }
}

/// Tells what came of reading some bots' secrets again.
pub(super) fn log_read_again(
    document: &ReloadDocument,
    before: &BTreeMap<InstallationId, ConfigFault>,
    after: &BTreeMap<InstallationId, ConfigFault>,
    ids: &[InstallationId],
) {
    for bot in &document.changed {
        log_bot(bot, "its secret was read again");
    }
    log_refused(document);
    let healed = ids.iter();
    let healed = healed.filter(|id| before.contains_key(id) && !after.contains_key(id));
    let healed = healed.count();
    if healed > 0 {
        tracing::info!(
            bots = healed,
            "what they lacked is there now; they are connected"
        );
    }
}
