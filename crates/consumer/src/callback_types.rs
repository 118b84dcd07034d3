//! The types of events that wait for an application's answer, and which of them a consumer claims.

use std::collections::BTreeSet;

use longwire_installation::{Platform, PublicId};

use longwire_wire::callback::OLD_CARD_TYPE;

use crate::ConsumerDefinition;

/// The types of events of a platform whose answer may be an application's.
///
/// Feishu and Lark: a click on a card, the preview of a link, and a click on an old card. WeCom: a click on a card and the first visit of a chat.
#[must_use]
pub fn callback_types(platform: Platform) -> &'static [&'static str] {
    match platform {
        Platform::Feishu | Platform::Lark => {
            &["card.action.trigger", "url.preview.get", OLD_CARD_TYPE]
        }
        Platform::Wecom => &["event.template_card_event", "event.enter_chat"],
    }
}

impl ConsumerDefinition {
    /// Which of [`callback_types`] of this installation the consumer is asked about, as far as the installation and the type
    /// tell: a condition on a chat, a sender or the content may still let single events pass by.
    pub fn claimed_callbacks(
        &self,
        installation: PublicId,
        platform: Platform,
    ) -> impl Iterator<Item = &'static str> {
        let concerns = self.claims_cards && self.filter.concerns(installation, platform);
        let types = callback_types(platform).iter().copied();
        types.filter(move |event_type| concerns && self.filter.takes_type(platform, event_type))
    }
}

/// Which of [`callback_types`] of this installation one of these consumers claims. The caller leaves out those of other spaces
/// and those that are paused.
#[must_use]
pub fn claimed_callbacks<'a>(
    consumers: impl IntoIterator<Item = &'a ConsumerDefinition>,
    installation: PublicId,
    platform: Platform,
) -> Vec<&'static str> {
    let mut claimed = BTreeSet::new();
    for consumer in consumers {
        claimed.extend(consumer.claimed_callbacks(installation, platform));
    }
    // In their order, not that of the alphabet.
    let types = callback_types(platform).iter().copied();
    types.filter(|one| claimed.contains(one)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claimed(filter: Value, claims_cards: bool, platform: Platform) -> Vec<&'static str> {
        let definition = json!({
            "name": "cards", "road": {"kind": "pull"}, "filter": filter, "claims_cards": claims_cards,
        });
        let definition = ConsumerDefinition::parse(&definition).expect("a definition");
        let bot = PublicId::from_bytes([1; 16]);
        definition.claimed_callbacks(bot, platform).collect()
    }

    /// S224: a consumer claims the types that its filter lets pass, and none unless it says so.
    #[test]
    fn a_consumer_claims_what_its_filter_lets_pass() {
        let other = PublicId::from_bytes([2; 16]).to_string();
        for (filter, claims, platform, types) in [
            (
                json!({}),
                true,
                Platform::Feishu,
                &[
                    "card.action.trigger",
                    "url.preview.get",
                    "card.action.trigger_v1",
                ][..],
            ),
            (json!({}), false, Platform::Feishu, &[]),
            (
                json!({"types": ["feishu.card.*"]}),
                true,
                Platform::Lark,
                &["card.action.trigger", "card.action.trigger_v1"],
            ),
            (
                json!({"types": ["feishu.im.*"]}),
                true,
                Platform::Feishu,
                &[],
            ),
            (
                json!({"installations": [other]}),
                true,
                Platform::Feishu,
                &[],
            ),
            (json!({"platforms": ["wecom"]}), true, Platform::Feishu, &[]),
            (
                json!({"types": ["wecom.event.enter_chat"]}),
                true,
                Platform::Wecom,
                &["event.enter_chat"],
            ),
        ] {
            let found = claimed(filter.clone(), claims, platform);
            assert_eq!(found, types, "{filter} {claims} {platform}");
        }
    }

    #[test]
    fn consumers_claim_each_type_once() {
        let consumer = |types: &[&str]| {
            let definition = json!({"name": "a", "road": {"kind": "pull"},
                "filter": {"types": types}, "claims_cards": true});
            ConsumerDefinition::parse(&definition).expect("a definition")
        };
        let bot = PublicId::from_bytes([1; 16]);
        let clicks = consumer(&["feishu.card.action.trigger"]);
        let all = [consumer(&["feishu.url.*"]), clicks.clone(), clicks];
        let of =
            |consumers: &[ConsumerDefinition]| claimed_callbacks(consumers, bot, Platform::Feishu);
        assert_eq!(of(&[]), Vec::<&str>::new());
        assert_eq!(of(&all), ["card.action.trigger", "url.preview.get"]);
        assert_eq!(of(&all[1..]), ["card.action.trigger"]);
    }
}
