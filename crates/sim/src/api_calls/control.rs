//! The commands that see and arrange what the Open API knows.

use std::time::{Duration, Instant};

use crate::control::Control;
use crate::open_api::{FileKind, StoredFile};
use crate::profiles::{BotProfile, ChatProfile, PersonProfile};
use crate::state::PlatformState;
use crate::transcript::Transcript;

impl Control {
    /// What a person sees in a chat. Messages of generated traffic are not in it, and pushed ones of more than 64 KiB.
    pub fn transcript(&self, chat: &str) -> Transcript {
        self.shared.state().open_api.messages.transcript(chat)
    }

    /// The direct chat of a person with the bot of an app.
    pub fn direct_chat(&self, app: &str, person: &str) -> String {
        let state = self.shared.state();
        state.open_api.directory.direct_chat(app, person)
    }

    /// The open id of an app's bot: that of mentions, and of `bot/v3/info`.
    pub fn bot_open_id(&self, app: &str) -> String {
        self.shared.state().open_api.directory.bot_open_id(app)
    }

    /// Describes the bot of an app.
    pub fn describe_bot(&self, app: &str, profile: BotProfile) {
        let mut state = self.shared.state();
        state.open_api.directory.describe_bot(app, profile);
    }

    /// Describes a person.
    pub fn describe_person(&self, open_id: &str, profile: PersonProfile) {
        let mut state = self.shared.state();
        state.open_api.directory.describe_person(open_id, profile);
    }

    /// Describes a chat.
    pub fn describe_chat(&self, chat: &str, profile: ChatProfile) {
        let mut state = self.shared.state();
        state.open_api.directory.describe_chat(chat, profile);
    }

    /// Puts the clock of tokens, messages, cards and budgets forward, so that they grow old at once.
    pub fn pass_time(&self, by: Duration) {
        self.shared.state().open_api.pass_time(by);
    }

    /// Keeps an image or file as if this app had put it up. Returns its key.
    pub fn put_file(&self, app: &str, file_type: &str, name: &str, bytes: Vec<u8>) -> String {
        let kind = match file_type {
            "image" => FileKind::Image,
            other => FileKind::File(other.to_owned()),
        };
        self.shared.state().keep_file(StoredFile {
            app: Some(app.to_owned()),
            name: name.to_owned(),
            kind,
            content_type: "application/octet-stream",
            bytes: bytes.into(),
        })
    }
}

impl PlatformState {
    /// A person recalls a message.
    pub(crate) fn person_recalls(&mut self, message_id: &str, now: Instant) {
        let now = self.open_api.now(now);
        let now_ms = self.moment(now).unix_ms;
        if let Some(message) = self.standing_mut(message_id, now) {
            message.recalled_ms = Some(now_ms);
        }
    }
}
