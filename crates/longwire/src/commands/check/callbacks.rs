//! Which types of callbacks consumers claim, and of which bots nobody would answer a click.

use std::collections::BTreeMap;

use longwire_api::CallbackBot;
use longwire_consumer::{ConsumerDefinition, claimed_callbacks};
use longwire_installation::{Desired, Platform};
use longwire_store::{ConsumerRecord, ConsumerState, InstallationRecord};

use super::findings::Findings;
use crate::config::Config;

/// Names of bots in one line.
const NAMES: usize = 3;

/// One line for all bots whose consumers claim the same types.
pub(super) fn tell(
    config: &Config,
    records: &[InstallationRecord],
    consumers: &[ConsumerRecord],
    findings: &mut Findings,
) {
    let definitions: Vec<_> = consumers.iter().filter_map(claimer).collect();
    let mut bots: BTreeMap<Vec<&'static str>, Vec<&str>> = BTreeMap::new();
    for record in records.iter().filter(|one| one.desired == Desired::Run) {
        let claimed = claimed_of(record, &definitions);
        if !claimed.is_empty() || record.mode.takes_callbacks() {
            bots.entry(claimed).or_default().push(record.name.as_str());
        }
    }
    for (claimed, names) in bots {
        let what = format!("callbacks of {}", listed(&names));
        match claimed.as_slice() {
            [] => findings.note(
                what,
                "no consumer claims them; whoever clicks sees the default answer".to_owned(),
                "set claims_cards of a consumer, if cards of the bot can be clicked",
            ),
            claimed => findings.good(what, format!("consumers claim {}", claimed.join(", "))),
        }
    }
    callback_server(config, records, &definitions, findings);
}

/// Whether `/callback` serves a bot, and somebody answers.
fn callback_server(
    config: &Config,
    records: &[InstallationRecord],
    definitions: &[(&ConsumerRecord, ConsumerDefinition)],
    findings: &mut Findings,
) {
    let what = "compat.lark_callback_server";
    let pushed = records
        .iter()
        .filter(|record| matches!(record.platform, Platform::Feishu | Platform::Lark));
    let served: Vec<_> = match config.compat.settings().lark_callback {
        None => return,
        Some(CallbackBot::Only) => pushed.filter(|one| one.mode.takes_callbacks()).collect(),
        Some(CallbackBot::Named(name)) => pushed.filter(|one| one.name == name).collect(),
    };
    match served.as_slice() {
        [bot] if claimed_of(bot, definitions).is_empty() => findings.bad(
            what,
            format!(
                "/callback serves {}, and no consumer claims its callbacks",
                bot.name
            ),
            "set claims_cards of a consumer, or whoever clicks sees the default answer",
        ),
        [bot] => findings.good(what, format!("/callback serves {}", bot.name)),
        [] => findings.bad(
            what,
            "/callback serves no bot of the store".to_owned(),
            "name a bot there, or set the mode of one to webhook or both",
        ),
        several => {
            let names: Vec<_> = several.iter().map(|bot| bot.name.as_str()).collect();
            findings.bad(
                what,
                format!("several bots have callbacks: {}", listed(&names)),
                "name the one there that /callback serves",
            );
        }
    }
}

/// What a consumer wants that claims callbacks now.
fn claimer(record: &ConsumerRecord) -> Option<(&ConsumerRecord, ConsumerDefinition)> {
    let definition = serde_json::from_str(&record.definition).ok()?;
    // One of a newer version may not be read; the server says so.
    let definition = ConsumerDefinition::parse(&definition).ok()?;
    let claims = definition.claims_cards && record.state == ConsumerState::Active;
    claims.then_some((record, definition))
}

/// The types of a bot's callbacks that consumers of its space claim.
fn claimed_of(
    bot: &InstallationRecord,
    definitions: &[(&ConsumerRecord, ConsumerDefinition)],
) -> Vec<&'static str> {
    let of_space = definitions.iter();
    let of_space = of_space.filter(|(consumer, _)| consumer.space == bot.space);
    let of_space = of_space.map(|(_, definition)| definition);
    claimed_callbacks(of_space, bot.public_id, bot.platform)
}

/// Some of the names, and how many more there are.
fn listed(names: &[&str]) -> String {
    let some = names[..names.len().min(NAMES)].join(", ");
    match names.len().saturating_sub(NAMES) {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_a_number() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b, c");
        assert_eq!(listed(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
