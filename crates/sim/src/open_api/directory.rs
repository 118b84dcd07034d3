//! What is known of bots, people and chats.

use std::collections::HashMap;

use crate::ids::{hex32, scramble};
use crate::profiles::{BotProfile, ChatMode, ChatProfile, PersonProfile, Reach};

/// Most direct chats that are remembered from messages of people. Others have the invented chat.
const DIRECT_CHATS_KEPT: usize = 100_000;

/// Profiles, and who sits in which direct chat.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    bots: HashMap<String, BotProfile>,
    people: HashMap<String, PersonProfile>,
    chats: HashMap<String, ChatProfile>,
    /// By app and person, the chat of a person's direct message.
    direct: HashMap<(String, String), String>,
}

impl Directory {
    pub(crate) fn describe_bot(&mut self, app: &str, profile: BotProfile) {
        self.bots.insert(app.to_owned(), profile);
    }

    pub(crate) fn describe_person(&mut self, open_id: &str, profile: PersonProfile) {
        self.people.insert(open_id.to_owned(), profile);
    }

    pub(crate) fn describe_chat(&mut self, chat: &str, profile: ChatProfile) {
        self.chats.insert(chat.to_owned(), profile);
    }

    /// The bot of an app.
    pub(crate) fn bot(&self, app: &str) -> BotProfile {
        self.bots.get(app).cloned().unwrap_or_default()
    }

    /// The open id of an app's bot.
    pub(crate) fn bot_open_id(&self, app: &str) -> String {
        let described = self.bots.get(app).and_then(|bot| bot.open_id.clone());
        described.unwrap_or_else(|| format!("ou_{}", digits_of("bot", app)))
    }

    pub(crate) fn person(&self, open_id: &str) -> PersonProfile {
        self.people.get(open_id).cloned().unwrap_or_default()
    }

    pub(crate) fn is_in_reach(&self, open_id: &str) -> bool {
        self.person(open_id).reach == Reach::Within
    }

    /// The name of a person or bot.
    pub(crate) fn name_of(&self, open_id: &str) -> String {
        let of_bot = self
            .bots
            .iter()
            .find(|(app, _)| self.bot_open_id(app) == open_id);
        let described = of_bot.map(|(_, bot)| bot.name.clone());
        let described = described.or_else(|| self.people.get(open_id)?.name.clone());
        described.unwrap_or_else(|| {
            let digits = open_id.len().saturating_sub(4);
            let last = open_id.get(digits..).unwrap_or_default();
            format!("Person {last}")
        })
    }

    pub(crate) fn union_id(&self, open_id: &str) -> String {
        let described = self
            .people
            .get(open_id)
            .and_then(|person| person.union_id.clone());
        described.unwrap_or_else(|| open_id.replacen("ou_", "on_", 1))
    }

    pub(crate) fn chat(&self, chat: &str) -> ChatProfile {
        self.chats.get(chat).cloned().unwrap_or_else(|| {
            let is_direct = self.direct.values().any(|direct| direct == chat);
            ChatProfile {
                mode: if is_direct {
                    ChatMode::P2p
                } else {
                    ChatMode::Group
                },
                ..ChatProfile::default()
            }
        })
    }

    pub(crate) fn is_topic_chat(&self, chat: &str) -> bool {
        let chat = self.chats.get(chat);
        chat.is_some_and(|chat| chat.mode == ChatMode::Topic)
    }

    /// Whether the bot of this app is in the chat.
    pub(crate) fn is_in_chat(&self, app: &str, chat: &str) -> bool {
        let apps = self.chats.get(chat).and_then(|chat| chat.apps.as_ref());
        apps.is_none_or(|apps| apps.iter().any(|of| of == app))
    }

    /// A person wrote to the bot in this direct chat.
    pub(crate) fn meets(&mut self, app: &str, person: &str, chat: &str) {
        let key = (app.to_owned(), person.to_owned());
        if self.direct.len() < DIRECT_CHATS_KEPT || self.direct.contains_key(&key) {
            self.direct.insert(key, chat.to_owned());
        }
    }

    /// The direct chat of a person with the bot of an app.
    pub(crate) fn direct_chat(&self, app: &str, person: &str) -> String {
        let known = self.direct.get(&(app.to_owned(), person.to_owned()));
        known.cloned().unwrap_or_else(|| {
            // The people of made-up traffic have chats with their own digits.
            match person.strip_prefix("ou_").filter(|id| id.len() == 32) {
                Some(digits) => format!("oc_{digits}"),
                None => format!("oc_{}", digits_of("chat", person)),
            }
        })
    }

    /// The open id of a receiver that is named by another id.
    pub(crate) fn open_id_of(&self, id_type: &str, id: &str) -> String {
        match id_type {
            "union_id" => {
                let mut people = self.people.iter();
                let found = people.find(|(_, person)| person.union_id.as_deref() == Some(id));
                found.map_or_else(
                    || id.replacen("on_", "ou_", 1),
                    |(open_id, _)| open_id.clone(),
                )
            }
            "open_id" => id.to_owned(),
            _ => format!("ou_{}", digits_of(id_type, id)),
        }
    }
}

/// 32 hex digits that always belong to the same text.
fn digits_of(kind: &str, text: &str) -> String {
    let bytes = kind.bytes().chain([b':']).chain(text.bytes());
    let hash = bytes.fold(0x0b07, |hash, byte| scramble(hash ^ u64::from(byte)));
    hex32(hash, scramble(hash ^ 1))
}
