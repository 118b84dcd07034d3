//! What a consumer is: its JSON form as the API takes and shows it, and every mistake in it.

mod fault;
mod filter;
mod members;
mod policy;
mod relayed;
mod road;
mod show;
mod start;
mod text;

use longwire_installation::{Name, PublicId};
use serde_json::Value;

use crate::envelope::Detail;
use crate::expand::{Expand, Expansions};
use crate::filter::EventFilter;
use crate::policy::DeliveryPolicy;

pub use self::fault::{DefinitionFault, DefinitionFaults, FaultCode};
pub use self::members::{Member, Members};
pub use self::road::{RelayRoad, Road, StreamAck, WebhookHeaders, WebhookRoad};
pub use self::start::StartFrom;
pub use self::text::{duration_text, parse_duration};

/// A consumer as its owner defined it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerDefinition {
    /// Its name, unique in its space.
    pub name: Name,
    /// How it receives events.
    pub road: Road,
    /// Which events it wants. All, by default.
    pub filter: EventFilter,
    /// How it wants them.
    pub policy: DeliveryPolicy,
    /// Where it begins. Not used after its creation.
    pub from: StartFrom,
    /// How much of an event it receives.
    pub detail: Detail,
    /// What is looked up at the platform for it. A thin envelope has nothing of it.
    pub expand: Expansions,
    /// Whether its answers go to clicks on cards.
    pub claims_cards: bool,
    /// Where its owner is told that it is behind, if anywhere.
    pub notices: Option<OwnerNotices>,
}

/// A chat in which a consumer's owner is told that it is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerNotices {
    /// The bot that says it.
    pub installation: PublicId,
    /// The chat, by the platform's id.
    pub chat: Box<str>,
}

impl ConsumerDefinition {
    /// Reads a definition. Only `name` and `road` have to be there.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with the place, a code, and what would be right. Unknown members are mistakes.
    pub fn parse(json: &Value) -> Result<Self, DefinitionFaults> {
        let mut faults = Vec::new();
        let read = Self::read(json, &mut faults);
        match read {
            Some(definition) if faults.is_empty() => Ok(definition),
            Some(_) | None => Err(DefinitionFaults::new(faults)),
        }
    }

    fn read(json: &Value, faults: &mut Vec<DefinitionFault>) -> Option<Self> {
        let mut members = Members::of(json, "", faults)?;
        let name = members.required("name", |value, faults| value.parsed::<Name>(faults));
        let road = members.required("road", road::read);
        let mut filter = members.optional("filter", filter::read).unwrap_or_default();
        let mut policy = members.optional("policy", policy::read).unwrap_or_default();
        let from = members.optional("from", start::read).unwrap_or_default();
        let thin = members.optional("thin", |value, faults| value.bool(faults));
        let expand = members.optional("expand", read_expand).unwrap_or_default();
        if thin == Some(true) && !expand.is_empty() {
            let detail = "a thin envelope has no text and no name: leave out `expand`, or `thin`";
            members.fault("expand", FaultCode::Conflict, detail);
        }
        let claims_cards = members.optional("claims_cards", |value, faults| value.bool(faults));
        let notices = members.optional("notices", read_notices);
        if let Some(Road::Relay(road)) = &road {
            relayed::narrow(road, &mut filter, &mut policy, &mut members);
            if thin == Some(true) || !expand.is_empty() {
                let member = if expand.is_empty() { "thin" } else { "expand" };
                members.fault(member, FaultCode::Conflict, relayed::NO_ENVELOPE);
            }
        }
        members.refuse_others();
        Some(Self {
            name: name?,
            road: road?,
            filter,
            policy,
            from,
            detail: if thin.unwrap_or(false) {
                Detail::Thin
            } else {
                Detail::Whole
            },
            expand,
            claims_cards: claims_cards.unwrap_or(false),
            notices,
        })
    }

    /// The definition as JSON, which [`parse`](Self::parse) reads: what the store keeps and the API shows. It has the values of
    /// headers of a webhook in it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        show::definition(self)
    }
}

fn read_expand(
    value: members::Member<'_>,
    faults: &mut Vec<DefinitionFault>,
) -> Option<Expansions> {
    let word = |value: Member<'_>, faults: &mut _| value.word(&Expand::WORDS, faults);
    let words = value.list(Expand::ALL.len(), word, faults)?;
    Some(words.into_iter().collect())
}

fn read_notices(
    value: members::Member<'_>,
    faults: &mut Vec<DefinitionFault>,
) -> Option<OwnerNotices> {
    let mut members = value.members(faults)?;
    let installation = members.required("installation", |value, faults| value.parsed(faults));
    let chat = members.required("chat", |value, faults| value.short_text(faults));
    members.refuse_others();
    Some(OwnerNotices {
        installation: installation?,
        chat: chat?.into(),
    })
}

#[cfg(test)]
mod tests;
