//! Which budgets a call takes from, as the platform publishes them.
//!
//! Sources: the platform's page on rates (`uUzN04SN3QjL1cDN`), `im-v1/message/create` and the overview of streaming cards.

use std::sync::Arc;
use std::time::Duration;

use longwire_installation::PublicId;

use super::window::Limit;

/// What has a budget of its own. Each is one bot's, so that nobody takes from a bot that is not theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BudgetKey {
    pub(crate) bot: PublicId,
    pub(crate) of: BudgetOf,
}

impl BudgetKey {
    /// Whether it is the call's own, whatever it is about.
    pub(super) fn is_api(&self) -> bool {
        matches!(self.of, BudgetOf::Api(_))
    }
}

/// What calls share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum BudgetOf {
    /// One call of the Open API: method and template of its path.
    Api(Arc<str>),
    /// Messages to one chat or person.
    Chat(Arc<str>),
    /// Changes of one message.
    Message(Arc<str>),
    /// Operations on one card entity.
    Card(Arc<str>),
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl BudgetOf {
    /// What it may spend.
    pub(crate) fn limits(&self) -> &'static [Limit] {
        const fn most(most: u16, within: Duration) -> Limit {
            Limit { most, within }
        }
        match self {
            Self::Api(template) if &**template == "POST contact/v3/users/basic_batch" => {
                const { &[most(5, SECOND)] }
            }
            // Tier 4, that of messages and cards. Calls of lower tiers are slowed down by the platform's answers.
            Self::Api(_) => const { &[most(50, SECOND), most(1_000, MINUTE)] },
            // Of a group all its bots share five, of which one bot cannot know.
            Self::Chat(_) | Self::Message(_) => const { &[most(5, SECOND)] },
            Self::Card(_) => const { &[most(10, SECOND)] },
        }
    }
}

/// What is known of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallShape<'a> {
    pub(crate) bot: PublicId,
    pub(crate) method: &'a str,
    pub(crate) template: &'a str,
    /// The parts of the path.
    pub(crate) segments: &'a [&'a str],
    /// `receive_id` of the body.
    pub(crate) receiver: Option<&'a str>,
    /// The chat of the message that the path names, if it is known.
    pub(crate) chat_of_message: Option<&'a str>,
}

impl CallShape<'_> {
    /// The budget of the call itself.
    pub(crate) fn api(&self) -> BudgetKey {
        self.key(BudgetOf::Api(
            format!("{} {}", self.method, self.template).into(),
        ))
    }

    /// The chat or person that hears of it, if somebody does.
    pub(crate) fn chat(&self) -> Option<BudgetKey> {
        let chat = match (self.method, self.segments) {
            ("POST", ["im", "v1", "messages", message, "reply"]) => {
                self.chat_of_message.unwrap_or(message)
            }
            ("POST", ["im", "v1", "messages"] | ["im", "v1", "messages", _, "forward"]) => {
                self.receiver?
            }
            _ => return None,
        };
        Some(self.key(BudgetOf::Chat(chat.into())))
    }

    /// The message or card that it changes, if it does.
    fn changed(&self) -> Option<BudgetKey> {
        let of = match (self.method, self.segments) {
            ("PATCH" | "PUT", ["im", "v1", "messages", message]) => {
                BudgetOf::Message((*message).into())
            }
            ("PATCH" | "PUT" | "POST" | "DELETE", ["cardkit", "v1", "cards", card, ..]) => {
                BudgetOf::Card((*card).into())
            }
            _ => return None,
        };
        Some(self.key(of))
    }

    /// All that it takes from.
    pub(crate) fn needs(&self) -> Vec<BudgetKey> {
        let own = [Some(self.api()), self.chat(), self.changed()];
        own.into_iter().flatten().collect()
    }

    fn key(&self, of: BudgetOf) -> BudgetKey {
        BudgetKey { bot: self.bot, of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calls_take_from() {
        let bot = PublicId::from_bytes([1; 16]);
        let needs = |method, path: &str, receiver, chat_of_message| {
            let segments: Vec<&str> = path.split('/').collect();
            let shape = CallShape {
                bot,
                method,
                template: "t",
                segments: &segments,
                receiver,
                chat_of_message,
            };
            let needs = shape.needs().into_iter().map(|key| key.of);
            needs.skip(1).collect::<Vec<_>>()
        };
        let chat = |chat: &str| vec![BudgetOf::Chat(chat.into())];
        assert_eq!(
            needs("POST", "im/v1/messages", Some("oc_1"), None),
            chat("oc_1")
        );
        assert_eq!(needs("POST", "im/v1/messages", None, None), []);
        assert_eq!(needs("GET", "im/v1/messages", Some("oc_1"), None), []);
        let reply = "im/v1/messages/om_1/reply";
        assert_eq!(needs("POST", reply, None, None), chat("om_1"));
        assert_eq!(needs("POST", reply, None, Some("oc_1")), chat("oc_1"));
        assert_eq!(
            needs("PATCH", "im/v1/messages/om_1", None, Some("oc_1")),
            [BudgetOf::Message("om_1".into())]
        );
        assert_eq!(
            needs("PUT", "cardkit/v1/cards/7/elements/a/content", None, None),
            [BudgetOf::Card("7".into())]
        );
        assert_eq!(needs("POST", "cardkit/v1/cards", None, None), []);
    }
}
