//! The installations that the configuration file declares, compared with those that the store has.

use std::collections::{HashMap, HashSet};

use longwire_installation::{Desired, Name, Origin, Platform, TakeBack};
use secrecy::{ExposeSecret, SecretString};

use super::add::insert;
use super::change::written;
use super::secret::{Column, apply, open_secret, seal};
use super::{FieldChange, FileStanding, InstallationRecord, InstallationTable, NewInstallation};
use crate::clock::now_ms;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// What is done with the installations that a configuration file declares.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Declare {
    /// They are all that the file declares: adds, changes, and stops those that it no longer names.
    WholeFile,
    /// They are some of them: adds and changes these, and leaves the others alone.
    Part,
    /// They are all of them, and nothing is written: what [`WholeFile`](Self::WholeFile) would do.
    Compare,
}

/// What became of the installations of a configuration file, or would.
pub struct DeclarationChanges {
    /// The declared ones, in the order of the file.
    pub declared: Vec<DeclaredInstallation>,
    /// Those that the file no longer names. They are stopped, and the operator's from then on.
    pub left: Vec<InstallationRecord>,
}

/// One that the file declares.
pub struct DeclaredInstallation {
    /// What it is now. `None` if it would be added, and nothing is written.
    pub record: Option<InstallationRecord>,
    /// What is different from before.
    pub change: DeclarationChange,
}

/// What is different of an installation that the file declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclarationChange {
    /// There was none.
    Added,
    /// It was there, and the file did not declare it: an operator added it, or it had left the file.
    TakenOver(Vec<DeclaredKey>),
    /// These are different.
    Changed(Vec<DeclaredKey>),
    /// Nothing is.
    Same,
}

/// A key of an `[[installation]]`, whose value is another one than the store has.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum DeclaredKey {
    /// The same bot has another name.
    Name,
    /// Another platform, and so another bot.
    Platform,
    /// Another app or bot.
    Id,
    /// The secret itself; where it is found may be the same as before.
    Secret,
    /// Where the platform is reached.
    BaseUrl,
    /// The way out.
    Proxy,
    /// By which road events come.
    Mode,
    /// What shows a callback to be genuine.
    VerificationToken,
    /// What callbacks are decrypted with.
    EncryptKey,
    /// How soon it takes its connection back.
    TakeBackAfter,
    /// How often.
    TakeBackPerDay,
    /// Whether it is to be connected.
    Enabled,
}

impl DeclaredKey {
    /// The key as the file of a bot of this platform has it.
    #[must_use]
    pub fn label(self, platform: Platform) -> &'static str {
        let is_wecom = platform == Platform::Wecom;
        match self {
            Self::Name => "name",
            Self::Platform => "platform",
            Self::Id if is_wecom => "bot_id",
            Self::Id => "app_id",
            Self::Secret if is_wecom => "secret",
            Self::Secret => "app_secret",
            Self::BaseUrl => "base_url",
            Self::Proxy => "proxy",
            Self::Mode => "mode",
            Self::VerificationToken => "verification_token",
            Self::EncryptKey => "encrypt_key",
            Self::TakeBackAfter => "take_back_after",
            Self::TakeBackPerDay => "take_back_per_day",
            Self::Enabled => "enabled",
        }
    }
}

/// Makes the ones of the configuration file what the file says, or tells what that would be.
pub(crate) fn declare(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    declared: &[NewInstallation],
    how: Declare,
) -> Result<DeclarationChanges, WriteError> {
    let mut names = HashSet::new();
    if let Some(twice) = declared.iter().find(|new| !names.insert(new.name.as_str())) {
        return Err(WriteError::NameTaken {
            name: twice.name.to_string(),
        });
    }
    let mut kept = HashMap::new();
    let mut unnamed = Vec::new();
    for former in table.all()? {
        if names.contains(former.name.as_str()) {
            kept.insert(former.name.clone(), former);
        } else if former.origin == Origin::File {
            unnamed.push(former);
        }
    }
    let mut changes = Vec::with_capacity(declared.len());
    for new in declared {
        let former = former_of(new, &mut kept, &mut unnamed);
        changes.push(match former {
            Some(former) => change(table, keys, former, new, how)?,
            None => DeclaredInstallation {
                record: match how {
                    Declare::Compare => None,
                    Declare::WholeFile | Declare::Part => Some(insert(table, keys, new)?),
                },
                change: DeclarationChange::Added,
            },
        });
    }
    let left = match how {
        Declare::Part => Vec::new(),
        Declare::Compare => unnamed,
        Declare::WholeFile => {
            let released = unnamed.into_iter().map(|former| release(table, former));
            released.collect::<Result<_, _>>()?
        }
    };
    Ok(DeclarationChanges {
        declared: changes,
        left,
    })
}

/// The row of a declared installation: the one of its name. Without one, that of the same bot if the file no longer names it:
/// then the bot was given another name.
fn former_of(
    new: &NewInstallation,
    kept: &mut HashMap<Name, InstallationRecord>,
    unnamed: &mut Vec<InstallationRecord>,
) -> Option<InstallationRecord> {
    let named = kept.remove(&new.name);
    named.or_else(|| {
        let renamed = unnamed.iter().position(|one| one.bot() == new.bot())?;
        Some(unnamed.remove(renamed))
    })
}

/// The file no longer names it.
fn release(
    table: &mut dyn InstallationTable,
    mut record: InstallationRecord,
) -> Result<InstallationRecord, WriteError> {
    record.origin = Origin::Cli;
    record.desired = Desired::Stop;
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    let since_ms = record.updated_ms;
    record.standing = Some(FileStanding::Left { since_ms });
    table.write(&record)?;
    Ok(record)
}

/// Writes what differs, and nothing at all when nothing does.
fn change(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    former: InstallationRecord,
    new: &NewInstallation,
    how: Declare,
) -> Result<DeclaredInstallation, WriteError> {
    let Differing {
        mut record,
        keys: differing,
        has_new_secret,
    } = differing(keys, &former, new)?;
    let has_new_proxy = differing.contains(&DeclaredKey::Proxy);
    let is_declared_already = former.origin == new.origin && former.space == new.space;
    let has_no_candidate = former.candidate.is_none();
    if differing.is_empty() && is_declared_already && has_no_candidate {
        let change = DeclarationChange::Same;
        let record = Some(former);
        return Ok(DeclaredInstallation { record, change });
    }
    let changes_access = has_new_secret
        || has_new_proxy
        || former.bot() != new.bot()
        || former.base_url != new.base_url;
    let change = match former.origin {
        Origin::File => DeclarationChange::Changed(differing),
        Origin::Cli | Origin::Api => DeclarationChange::TakenOver(differing),
    };
    if how == Declare::Compare {
        let record = Some(former);
        return Ok(DeclaredInstallation { record, change });
    }
    if changes_access {
        table.claim(former.id)?;
    }
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    if has_new_secret {
        let id = record.public_id;
        record.sealed.secret = seal(keys, &id, Column::Secret, &new.app_secret)?;
        record.secret_revision = record.revision;
    }
    if has_new_proxy {
        record.proxy_revision = record.revision;
    }
    // What the file says is the secret, whatever else was tried before.
    record.candidate = None;
    table.write(&record)?;
    let record = Some(written(table, former.id)?);
    Ok(DeclaredInstallation { record, change })
}

/// A record as the file says it, but for its app secret, and the keys in which it differs from the former one.
struct Differing {
    record: InstallationRecord,
    keys: Vec<DeclaredKey>,
    has_new_secret: bool,
}

fn differing(
    ring: &KeyRing,
    former: &InstallationRecord,
    new: &NewInstallation,
) -> Result<Differing, WriteError> {
    let mut record = former.clone();
    let id = record.public_id;
    // An empty one cannot be read at the moment. That is no new access: what is kept stays, and so does what is known of
    // who has the bot.
    let has_new_secret = !is_unknown(&new.app_secret)
        && open_secret(ring, former)?.expose_secret() != new.app_secret.expose_secret();
    let sealed = &mut record.sealed;
    let put = |column, sealed, secret: &Option<SecretString>| {
        apply(ring, &id, column, sealed, &declared(secret.as_ref()))
    };
    let has_new_proxy = put(Column::Proxy, &mut sealed.proxy, &new.proxy)?;
    let token = &mut sealed.verification_token;
    let has_new_token = put(Column::VerificationToken, token, &new.verification_token)?;
    let key = &mut sealed.encrypt_key;
    let has_new_key = put(Column::EncryptKey, key, &new.encrypt_key)?;
    let after = |take_back: Option<TakeBack>| take_back.map(TakeBack::after_ms);
    let per_day = |take_back: Option<TakeBack>| take_back.map(TakeBack::per_day);
    let (desired, standing) = wish(former, new.desired);
    let differs = [
        (DeclaredKey::Name, former.name != new.name),
        (DeclaredKey::Platform, former.platform != new.platform),
        (DeclaredKey::Id, former.app_id != new.app_id),
        (DeclaredKey::Secret, has_new_secret),
        (DeclaredKey::BaseUrl, former.base_url != new.base_url),
        (DeclaredKey::Proxy, has_new_proxy),
        (DeclaredKey::Mode, former.mode != new.mode),
        (DeclaredKey::VerificationToken, has_new_token),
        (DeclaredKey::EncryptKey, has_new_key),
        (
            DeclaredKey::TakeBackAfter,
            after(former.take_back) != after(new.take_back),
        ),
        (
            DeclaredKey::TakeBackPerDay,
            per_day(former.take_back) != per_day(new.take_back),
        ),
        (
            DeclaredKey::Enabled,
            (former.desired, former.standing) != (desired, standing),
        ),
    ];
    let differs = differs.into_iter().filter(|(_, differs)| *differs);
    record.name = new.name.clone();
    record.platform = new.platform;
    record.app_id = new.app_id.clone();
    record.base_url = new.base_url.clone();
    record.mode = new.mode;
    record.take_back = new.take_back;
    record.desired = desired;
    record.standing = standing;
    record.origin = new.origin;
    record.space = new.space.clone();
    Ok(Differing {
        record,
        keys: differs.map(|(key, _)| key).collect(),
        has_new_secret,
    })
}

/// What is wanted of a declared one: what the file says, unless an operator decided otherwise and the file says the same as
/// then.
fn wish(former: &InstallationRecord, declared: Desired) -> (Desired, Option<FileStanding>) {
    match former.standing {
        Some(FileStanding::Held { declared: then, .. })
            if former.origin == Origin::File && then == declared =>
        {
            (former.desired, former.standing)
        }
        _ => (declared, None),
    }
}

/// What the file says of a secret that may be missing.
fn declared(secret: Option<&SecretString>) -> FieldChange<SecretString> {
    match secret {
        None => FieldChange::Clear,
        Some(secret) if is_unknown(secret) => FieldChange::Keep,
        Some(secret) => FieldChange::Set(secret.clone()),
    }
}

fn is_unknown(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}
