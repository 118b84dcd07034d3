//! An installation as it is handed to the store and read from it.

mod add;
mod candidate;
mod change;
mod field_change;
mod file;
mod file_standing;
mod remove;
mod secret;
mod table;

use std::fmt;

use longwire_access::Space;
use longwire_installation::{
    BaseUrl, BotIdentity, Desired, InstallationId, Mode, Name, Origin, Platform, PublicId,
    Revision, TakeBack,
};
use secrecy::SecretString;
use url::Url;

pub(crate) use self::add::add;
pub use self::candidate::{CandidateState, SecretCandidate};
pub(crate) use self::candidate::{drop_candidate, promote_candidate};
pub use self::change::{InstallationChange, NewAppSecret};
pub(crate) use self::change::{change, set_desired};
pub use self::field_change::FieldChange;
pub(crate) use self::file::declare;
pub use self::file::{
    DeclarationChange, DeclarationChanges, Declare, DeclaredInstallation, DeclaredKey,
};
pub use self::file_standing::FileStanding;
pub(crate) use self::remove::remove;
pub use self::secret::CallbackSecrets;
pub(crate) use self::secret::{
    Sealed, open_all, open_callback_secrets, open_candidate, open_proxy, open_secret, reseal,
};
pub(crate) use self::table::InstallationTable;

/// An installation to be written. Not printable: it holds credentials in clear.
pub struct NewInstallation {
    /// The operator's name for it, unique in the database.
    pub name: Name,
    /// Where the app lives.
    pub platform: Platform,
    /// The app's id, `cli_…`; of a WeCom bot, its bot id.
    pub app_id: String,
    /// The app's secret; of a WeCom bot, the bot's. Empty if it cannot be read at the moment: then the stored one stays.
    pub app_secret: SecretString,
    /// Another address of the platform, for a private deployment or the simulator.
    pub base_url: Option<BaseUrl>,
    /// The proxy of this installation alone; it may hold credentials. Empty if it cannot be read at the moment.
    pub proxy: Option<SecretString>,
    /// By which road its events come.
    pub mode: Mode,
    /// The text that shows a callback of the platform to be genuine, if it is known: *Verification Token* in the console. Empty
    /// if it cannot be read at the moment: then the stored one stays.
    pub verification_token: Option<SecretString>,
    /// What callbacks are decrypted and signed with, if the app has one: *Encrypt Key* in the console. Empty as above.
    pub encrypt_key: Option<SecretString>,
    /// Whether it takes its connection back when another client took it; `None` is never. Of WeCom bots only.
    pub take_back: Option<TakeBack>,
    /// Whether it is to be connected.
    pub desired: Desired,
    /// Who declared it.
    pub origin: Origin,
    /// Who owns it.
    pub space: Space,
}

/// An installation as it is stored. Its secrets stay sealed: [`Store::open_secret`](crate::Store::open_secret).
#[derive(Clone)]
pub struct InstallationRecord {
    /// Its row.
    pub id: InstallationId,
    /// Its public id, which never changes.
    pub public_id: PublicId,
    /// The operator's name for it.
    pub name: Name,
    /// Where the app lives.
    pub platform: Platform,
    /// The app's id, `cli_…`; of a WeCom bot, its bot id.
    pub app_id: String,
    /// Another address of the platform.
    pub base_url: Option<BaseUrl>,
    /// By which road its events come.
    pub mode: Mode,
    /// Whether it takes its connection back when another client took it; `None` is never.
    pub take_back: Option<TakeBack>,
    /// Whether it is to be connected.
    pub desired: Desired,
    /// Who declared it.
    pub origin: Origin,
    /// How it stands to the configuration file, where that is not plain from `origin` and `desired`.
    pub standing: Option<FileStanding>,
    /// Who owns it.
    pub space: Space,
    /// Since when another client has the bot, in milliseconds since 1970. Cleared when an operator starts the
    /// installation or its access changes.
    pub displaced_ms: Option<i64>,
    /// When the bot was taken back automatically, in milliseconds since 1970, oldest first; of the last 24 hours.
    pub taken_back_ms: Box<[i64]>,
    /// How often an operator claimed the bot for this installation: started it, or changed its access. A displacement
    /// that was seen before the latest claim no longer counts.
    pub claims: u64,
    /// When it was added, in milliseconds since 1970.
    pub created_ms: i64,
    /// When anything of it last changed, in milliseconds since 1970: for people. What is newer, `revision` tells.
    pub updated_ms: i64,
    /// Its latest change.
    pub revision: Revision,
    /// A new secret that waits until the platform has taken it, or that the platform refused.
    pub candidate: Option<Box<SecretCandidate>>,
    /// When it was removed, in milliseconds since 1970. Only [`every_installation`](crate::ReadEngine::every_installation)
    /// shows one that was.
    pub removed_ms: Option<i64>,
    pub(crate) sealed: Sealed,
    /// The change with which its secret was set.
    pub(crate) secret_revision: Revision,
    /// The change with which its proxy was set, or taken away.
    pub(crate) proxy_revision: Revision,
}

impl NewInstallation {
    /// Which bot it is.
    #[must_use]
    pub fn bot(&self) -> BotIdentity<'_> {
        BotIdentity {
            platform: self.platform,
            app_id: &self.app_id,
        }
    }
}

impl InstallationRecord {
    /// Which bot it is.
    #[must_use]
    pub fn bot(&self) -> BotIdentity<'_> {
        BotIdentity {
            platform: self.platform,
            app_id: &self.app_id,
        }
    }

    /// Where its platform is reached. Fails only where an older version kept a text that is no URL.
    pub fn resolved_base_url(&self) -> Result<Url, url::ParseError> {
        BaseUrl::resolve(self.base_url.as_ref(), self.platform)
    }

    /// Whether it has a proxy of its own: [`Store::open_proxy`](crate::Store::open_proxy).
    #[must_use]
    pub fn has_proxy(&self) -> bool {
        self.sealed.proxy.is_some()
    }

    /// Whether it has a verification token: [`Store::open_callback_secrets`](crate::Store::open_callback_secrets).
    #[must_use]
    pub fn has_verification_token(&self) -> bool {
        self.sealed.verification_token.is_some()
    }

    /// Whether it has an encrypt key: [`Store::open_callback_secrets`](crate::Store::open_callback_secrets).
    #[must_use]
    pub fn has_encrypt_key(&self) -> bool {
        self.sealed.encrypt_key.is_some()
    }

    /// Whether a connection made with one is as good as one made with the other: same app, same secret, same way out. That a
    /// secret was sealed again with another key makes no difference.
    #[must_use]
    pub fn has_same_access(&self, other: &Self) -> bool {
        self.bot() == other.bot()
            && self.base_url == other.base_url
            && self.secret_revision == other.secret_revision
            && self.proxy_revision == other.proxy_revision
    }

    /// The same installation as it will be when its candidate is promoted; `None` without a candidate that waits. It has the
    /// [same access](Self::has_same_access) as the record that [`promote_candidate`](crate::Store::promote_candidate) makes,
    /// so a connection that proved the candidate is the connection of that record.
    #[must_use]
    pub fn with_candidate(&self) -> Option<Self> {
        let candidate = self.candidate.as_deref()?;
        let sealed = candidate.sealed.clone()?;
        let mut promoted = self.clone();
        promoted.sealed.secret = sealed;
        promoted.secret_revision = candidate.revision;
        promoted.candidate = None;
        Some(promoted)
    }
}

impl fmt::Debug for InstallationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallationRecord")
            .field("public_id", &self.public_id)
            .field("name", &self.name)
            .field("app_id", &self.app_id)
            .field("desired", &self.desired)
            .finish_non_exhaustive()
    }
}
