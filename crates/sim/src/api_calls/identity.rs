//! The calls in which an app asks about itself, and about the platform.

use serde_json::json;

use super::answers::{ApiReply, done, refusal, success};
use crate::open_api::Caller;
use crate::state::PlatformState;

impl PlatformState {
    /// The app's bot. The member is `bot` at top level, and not `data`.
    pub(super) fn bot_info(&self, caller: &Caller) -> ApiReply {
        let bot = self.open_api.directory.bot(&caller.app);
        success(json!({
            "code": 0,
            "msg": "ok",
            "bot": {
                "activate_status": bot.activate_status,
                "app_name": bot.name,
                "avatar_url": "https://example.com/a.png",
                "ip_white_list": [],
                "open_id": self.open_api.directory.bot_open_id(&caller.app),
            },
        }))
    }

    /// An undocumented call; this is what its client reads.
    pub(super) fn openclaw_ping(&self, caller: &Caller) -> ApiReply {
        let bot = self.open_api.directory.bot(&caller.app);
        done(json!({ "pingBotInfo": {
            "botID": self.open_api.directory.bot_open_id(&caller.app), "botName": bot.name,
        } }))
    }

    pub(super) fn application(&self, caller: &Caller, app: &str) -> ApiReply {
        if app != caller.app && app != "me" {
            return refusal(400, 210_508, "The app has no permission to read this app.");
        }
        let bot = self.open_api.directory.bot(&caller.app);
        done(json!({ "app": {
            "app_id": caller.app,
            "app_name": bot.name,
            "avatar_url": "https://example.com/a.png",
            "creator_id": self.settings.person,
            "owner": { "type": 2, "owner_id": self.settings.person },
            "description": "",
            "primary_language": "en_us",
            "scene_type": 0,
            "status": 1,
        } }))
    }

    /// How many connections the app has.
    pub(super) fn connection_count(&self, caller: &Caller) -> ApiReply {
        let described = self.open_api.directory.bot(&caller.app).online_instances;
        let live = self.known_app(&caller.app);
        let live = live.map_or(0, |app| self.apps[app].live.len() as u64);
        let count = described.map_or(live, u64::from);
        done(json!({ "online_instance_cnt": count }))
    }

    pub(super) fn outbound_ips(&self) -> ApiReply {
        done(json!({ "ip_list": ["192.0.2.1", "192.0.2.2"], "has_more": false }))
    }

    pub(super) fn chat_get(&self, caller: &Caller, chat: &str) -> ApiReply {
        if !self.open_api.directory.is_in_chat(&caller.app, chat) {
            return refusal(400, 232_011, "Operator can NOT be out of the chat.");
        }
        let profile = self.open_api.directory.chat(chat);
        let bots = profile.apps.map_or(1, |apps| apps.len());
        done(json!({
            "name": profile.name,
            "chat_mode": profile.mode.as_str(),
            "chat_type": "private",
            "external": false,
            "tenant_key": crate::message::tenant_key(),
            "user_count": profile.people.to_string(),
            "bot_count": bots.to_string(),
            "chat_status": "normal",
        }))
    }
}
