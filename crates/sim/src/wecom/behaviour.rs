//! Scripted answers: how the platform behaves at the next upgrade, download or command.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::script::{Script, Scripted};
use crate::serde_forms::millis;

/// One scripted answer. In JSON the name in snake case, with its fields inside: `"upgrade_hang"`,
/// `{"answer": {"to": "subscribe", "with": {"code": 45009}}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Back to nominal: forget the bot's scripts, or without a bot all scripts.
    Nominal,
    /// The upgrade request is read and never answered. An upgrade does not name its bot, so a script for upgrades applies
    /// to all bots.
    UpgradeHang,
    /// The connection is reset instead of an answer to the upgrade.
    UpgradeReset,
    /// The upgrade is refused with this HTTP status.
    UpgradeRefuse {
        /// HTTP status.
        http: u16,
    },
    /// 101, and at once the end of the connection without a close frame.
    UpgradeThenDrop,
    /// 101 with a wrong `Sec-WebSocket-Accept`.
    UpgradeWrongAccept,
    /// A request for media is answered with this HTTP status. Such a request does not name its bot either.
    MediaHttp {
        /// HTTP status.
        status: u16,
    },
    /// A command is answered differently.
    Answer {
        /// The kind of command.
        to: CommandKind,
        /// The answer.
        with: ScriptedAnswer,
    },
}

/// Commands of clients, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandKind {
    /// Every command.
    Any,
    /// `aibot_subscribe`.
    Subscribe,
    /// `ping`.
    Ping,
    /// `aibot_respond_msg`.
    Respond,
    /// `aibot_respond_welcome_msg`.
    Welcome,
    /// `aibot_respond_update_msg`.
    Update,
    /// `aibot_send_msg`.
    Send,
    /// `aibot_upload_media_init`.
    UploadInit,
    /// `aibot_upload_media_chunk`.
    UploadChunk,
    /// `aibot_upload_media_finish`.
    UploadFinish,
}

impl CommandKind {
    pub(crate) fn of(cmd: &str) -> Option<Self> {
        Some(match cmd {
            "aibot_subscribe" => Self::Subscribe,
            "ping" => Self::Ping,
            "aibot_respond_msg" => Self::Respond,
            "aibot_respond_welcome_msg" => Self::Welcome,
            "aibot_respond_update_msg" => Self::Update,
            "aibot_send_msg" => Self::Send,
            "aibot_upload_media_init" => Self::UploadInit,
            "aibot_upload_media_chunk" => Self::UploadChunk,
            "aibot_upload_media_finish" => Self::UploadFinish,
            _ => return None,
        })
    }
}

/// How a scripted command is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptedAnswer {
    /// Not carried out, not answered.
    Ignore,
    /// Carried out, not answered.
    Silence,
    /// Carried out, answered late by this much (milliseconds in JSON).
    Late(#[serde(with = "millis")] Duration),
    /// Carried out, answered twice.
    Twice,
    /// Carried out, answered under a `req_id` that no command had.
    Foreign,
    /// Not carried out, answered with this code.
    Code(i64),
    /// Not carried out, answered with this text, in which `{req_id}` stands for the command's.
    Raw(String),
    /// Carried out; the connection is reset before the answer.
    DropBefore,
    /// Carried out and answered; then the connection ends.
    DropAfter,
}

impl Behaviour {
    /// Commands of this kind are answered like this.
    pub fn answer(to: CommandKind, with: ScriptedAnswer) -> Self {
        Self::Answer { to, with }
    }

    /// Use this `times` times, then remove it.
    pub fn times(self, times: u32) -> Script<Self> {
        Script::from(self).times(times)
    }

    /// Use this after `after` occasions have passed.
    pub fn after(self, after: u32) -> Script<Self> {
        Script::from(self).after(after)
    }
}

/// An occasion for which a behaviour can be scripted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    Upgrade,
    Media,
    Command(CommandKind),
}

impl Scripted for Behaviour {
    type Occasion = Occasion;

    fn is_nominal(&self) -> bool {
        *self == Self::Nominal
    }

    fn fits(&self, occasion: Occasion) -> bool {
        match (self, occasion) {
            (Self::Nominal, _) => false,
            (Self::Answer { to, .. }, Occasion::Command(asked)) => {
                *to == CommandKind::Any || *to == asked
            }
            (Self::Answer { .. }, _) => false,
            (Self::MediaHttp { .. }, occasion) => occasion == Occasion::Media,
            (_, occasion) => occasion == Occasion::Upgrade,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_form_is_short() {
        let text = r#"{"behaviour":{"answer":{"to":"subscribe","with":{"code":45009}}},"times":3}"#;
        let script: Script<Behaviour> = serde_json::from_str(text).expect("valid script");
        let wanted =
            Behaviour::answer(CommandKind::Subscribe, ScriptedAnswer::Code(45009)).times(3);
        assert_eq!(script, wanted);
    }

    #[test]
    fn an_answer_fits_its_command_and_any_fits_all() {
        let fits = |to, asked| {
            Behaviour::answer(to, ScriptedAnswer::Silence).fits(Occasion::Command(asked))
        };
        assert!(fits(CommandKind::Send, CommandKind::Send));
        assert!(fits(CommandKind::Any, CommandKind::Ping));
        assert!(!fits(CommandKind::Send, CommandKind::Ping));
        assert!(
            !Behaviour::answer(CommandKind::Any, ScriptedAnswer::Silence).fits(Occasion::Upgrade)
        );
        assert!(Behaviour::UpgradeHang.fits(Occasion::Upgrade));
    }
}
