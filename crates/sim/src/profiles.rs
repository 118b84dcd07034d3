//! What the platform knows of bots, people and chats. Everybody whom nobody described exists all the same, with invented
//! values.

use serde::{Deserialize, Serialize};

/// A bot as its app's console has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BotProfile {
    /// Its name.
    pub name: String,
    /// `ou_…`, which mentions carry; `None` keeps the invented one.
    pub open_id: Option<String>,
    /// 2 is enabled; 1 disabled by the tenant; 0, 3, 4, 5 and 6 are other reasons not to work.
    pub activate_status: u8,
    /// What `event/v1/connection` says; `None` is the number of live connections.
    pub online_instances: Option<u32>,
}

impl Default for BotProfile {
    fn default() -> Self {
        Self {
            name: "Simulated bot".to_owned(),
            open_id: None,
            activate_status: 2,
            online_instances: None,
        }
    }
}

/// A person as the tenant has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonProfile {
    /// The name; `None` invents one.
    pub name: Option<String>,
    /// The English name.
    pub en_name: Option<String>,
    /// `on_…`; `None` is the open id with this prefix.
    pub union_id: Option<String>,
    /// Whether the apps may know and write to this person.
    pub reach: Reach,
}

/// Whether a person is in the range of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The app may know and write to them.
    #[default]
    Within,
    /// Lookups get code 41050, messages code 230013.
    Outside,
}

/// A chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatProfile {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: ChatMode,
    /// How many people are in it.
    pub people: u32,
    /// The apps whose bots are in it; `None` for all. The messages of others are refused with code 230002.
    pub apps: Option<Vec<String>>,
}

impl Default for ChatProfile {
    fn default() -> Self {
        Self {
            name: "Simulated group".to_owned(),
            mode: ChatMode::Group,
            people: 3,
            apps: None,
        }
    }
}

/// The kind of a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatMode {
    /// A group.
    #[default]
    Group,
    /// A group whose messages are topics: every reply is in a thread.
    Topic,
    /// One person and the bot.
    P2p,
}

impl ChatMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Topic => "topic",
            Self::P2p => "p2p",
        }
    }
}
