//! The audit: who changed what, and what came of it.

use std::fmt;
use std::str::FromStr;

use crate::serial::as_text;
use crate::{Grant, Space, TokenId, TokenName};

/// The longest subject that is kept, in bytes. Names have 64; a longer one is no name.
const MAX_SUBJECT_BYTES: usize = 128;

/// A change that somebody asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// An installation was to be added.
    InstallationAdd,
    /// An installation was to be connected.
    InstallationStart,
    /// An installation was to be disconnected.
    InstallationStop,
    /// An installation was to be changed.
    InstallationChange,
    /// An installation was to be removed.
    InstallationRemove,
    /// A new secret of an installation was to be tried.
    InstallationTry,
    /// An installation was to be tried at once.
    InstallationRetry,
    /// The configuration file was to be read again.
    ConfigurationReload,
    /// The sealing key was to be renewed.
    KeysRotate,
    /// A platform was asked something through a bot.
    MessageSend,
    /// A file was sent to a platform.
    FileUpload,
    /// A fault was provoked.
    FaultInject,
    /// A token was to be made.
    TokenCreate,
    /// A token was to be revoked.
    TokenRevoke,
    /// A consumer was to be added.
    ConsumerAdd,
    /// A consumer's definition was to be changed.
    ConsumerChange,
    /// A consumer was to be paused.
    ConsumerPause,
    /// A consumer was to go on.
    ConsumerResume,
    /// A consumer's position was to be moved.
    ConsumerSeek,
    /// A consumer's webhook was to have another secret.
    ConsumerRotate,
    /// A consumer was to be removed.
    ConsumerRemove,
    /// Events were to be delivered again.
    EventReplay,
    /// An event that never happened was to be posted to a webhook.
    EventSimulate,
    /// A person was to be asked to authorize a bot's app.
    UserAuthorizationBegin,
    /// A person's authorization was to be forgotten.
    UserAuthorizationRemove,
    /// A person's token was asked for.
    UserTokenGive,
    /// Something was changed at a platform by an application's own call, which was passed on.
    RelayCall,
    /// What is kept of an installation's events was to be changed.
    RetentionChange,
    /// What names a person was to be erased.
    PersonErase,
}

/// The text is no action's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no change is called so")]
pub struct AuditActionError;

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 29] = [
        Self::InstallationAdd,
        Self::InstallationStart,
        Self::InstallationStop,
        Self::InstallationChange,
        Self::InstallationRemove,
        Self::InstallationTry,
        Self::InstallationRetry,
        Self::ConfigurationReload,
        Self::KeysRotate,
        Self::MessageSend,
        Self::FileUpload,
        Self::FaultInject,
        Self::TokenCreate,
        Self::TokenRevoke,
        Self::ConsumerAdd,
        Self::ConsumerChange,
        Self::ConsumerPause,
        Self::ConsumerResume,
        Self::ConsumerSeek,
        Self::ConsumerRotate,
        Self::ConsumerRemove,
        Self::EventReplay,
        Self::EventSimulate,
        Self::UserAuthorizationBegin,
        Self::UserAuthorizationRemove,
        Self::UserTokenGive,
        Self::RelayCall,
        Self::RetentionChange,
        Self::PersonErase,
    ];

    /// Its stable name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::InstallationAdd => "installation.add",
            Self::InstallationStart => "installation.start",
            Self::InstallationStop => "installation.stop",
            Self::InstallationChange => "installation.change",
            Self::InstallationRemove => "installation.remove",
            Self::InstallationTry => "installation.try",
            Self::InstallationRetry => "installation.retry",
            Self::ConfigurationReload => "configuration.reload",
            Self::KeysRotate => "keys.rotate",
            Self::MessageSend => "message.send",
            Self::FileUpload => "file.upload",
            Self::FaultInject => "fault.inject",
            Self::TokenCreate => "token.create",
            Self::TokenRevoke => "token.revoke",
            Self::ConsumerAdd => "consumer.add",
            Self::ConsumerChange => "consumer.change",
            Self::ConsumerPause => "consumer.pause",
            Self::ConsumerResume => "consumer.resume",
            Self::ConsumerSeek => "consumer.seek",
            Self::ConsumerRotate => "consumer.rotate",
            Self::ConsumerRemove => "consumer.remove",
            Self::EventReplay => "event.replay",
            Self::EventSimulate => "event.simulate",
            Self::UserAuthorizationBegin => "user_authorization.begin",
            Self::UserAuthorizationRemove => "user_authorization.remove",
            Self::UserTokenGive => "user_token.give",
            Self::RelayCall => "relay.call",
            Self::RetentionChange => "retention.change",
            Self::PersonErase => "person.erase",
        }
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for AuditAction {
    type Err = AuditActionError;

    fn from_str(text: &str) -> Result<Self, AuditActionError> {
        let mut all = Self::ALL.into_iter();
        all.find(|action| action.label() == text)
            .ok_or(AuditActionError)
    }
}

as_text!(AuditAction);

/// What came of a change: `done`, or the stable code of the problem that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuditResult(Box<str>);

impl AuditResult {
    const DONE: &str = "done";

    /// The change was made.
    #[must_use]
    pub fn done() -> Self {
        Self(Self::DONE.into())
    }

    /// It was refused or failed, with the code of the problem that was answered. Where the code says that nothing is known,
    /// the change may have been made.
    #[must_use]
    pub fn problem(code: &str) -> Self {
        Self(code.into())
    }

    /// The result in a row of a database.
    #[must_use]
    pub fn from_row(text: String) -> Self {
        Self(text.into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A change that is to be kept in the audit. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it was made or answered, in milliseconds since 1970.
    pub at_ms: i64,
    /// The token that was used; `None` for a command that had the store for itself.
    pub token: Option<TokenId>,
    /// What the token was called then; `cli` for such a command.
    pub name: TokenName,
    /// Whose the token is.
    pub space: Space,
    /// What was asked for.
    pub action: AuditAction,
    /// Of what: a public id, or the name that was asked for, cut to 128 bytes.
    pub subject: Box<str>,
    /// What came of it.
    pub result: AuditResult,
}

impl AuditEntry {
    /// The entry of something that the holder of a token asked for.
    #[must_use]
    pub fn by(
        grant: &Grant,
        action: AuditAction,
        subject: &str,
        result: AuditResult,
        at_ms: i64,
    ) -> Self {
        Self {
            at_ms,
            token: Some(grant.token),
            name: grant.name.clone(),
            space: grant.space.clone(),
            action,
            subject: cut(subject).into(),
            result,
        }
    }
}

/// The beginning of a subject, which a caller may have made as long as a path.
fn cut(subject: &str) -> &str {
    let mut end = subject.len().min(MAX_SUBJECT_BYTES);
    while !subject.is_char_boundary(end) {
        end -= 1;
    }
    &subject[..end]
}

/// An entry of the audit as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place: rises with each entry.
    pub id: i64,
    /// What happened.
    pub entry: AuditEntry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        assert_eq!(cut("support"), "support");
        let long = "客".repeat(100);
        assert_eq!(cut(&long).len(), 126);
    }

    #[test]
    fn actions_have_one_name_each() {
        for action in AuditAction::ALL {
            assert_eq!(action.label().parse::<AuditAction>(), Ok(action));
        }
        assert_eq!("installation".parse::<AuditAction>(), Err(AuditActionError));
    }
}
