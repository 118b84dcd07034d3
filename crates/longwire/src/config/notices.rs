//! `[notices]`: operational events as messages in a chat.

use longwire_installation::Name;
use serde::{Deserialize, Deserializer};

use super::installation::name;

/// `[notices]`: operational events as messages in a chat, through one of the bots. Off without a chat.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NoticesSection {
    /// The bot that says them.
    #[serde(deserialize_with = "some_name")]
    pub(crate) installation: Option<Name>,
    /// Where: on Feishu and Lark `oc_…`, on WeCom the id of a group or of a user who has written to the bot.
    pub(crate) chat: Option<String>,
    /// In which language.
    pub(crate) language: NoticeLanguage,
}

fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Name>, D::Error> {
    name(deserializer).map(Some)
}

/// The language of notices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NoticeLanguage {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

impl NoticesSection {
    /// Through which bot and in which chat, if there are to be notices.
    pub(crate) fn target(&self) -> Option<(&Name, &str)> {
        self.installation.as_ref().zip(self.chat.as_deref())
    }
}
