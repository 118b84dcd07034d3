//! What operators change of an installation, with the rules that are the same for every engine. Each change has a revision of
//! its own.

use longwire_installation::{
    BaseUrl, Desired, InstallationId, Mode, Name, NewSecretUse, Origin, PresentSecret, Revision,
    TakeBack,
};
use secrecy::{ExposeSecret, SecretString};

use super::candidate::{CandidateState, SecretCandidate};
use super::secret::{Column, apply, open_candidate, open_secret, seal};
use super::{FieldChange, FileStanding, InstallationRecord, InstallationTable};
use crate::cause::{Cause, Failure};
use crate::clock::now_ms;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// What is to be changed of an installation. Which bot it is stays: another bot is another installation. Not printable: it may
/// hold credentials in clear.
#[derive(Default)]
pub struct InstallationChange {
    /// The revision that whoever asks has seen; the change is refused if the installation has another one by now. `None` to
    /// change whatever is there.
    pub expected: Option<Revision>,
    /// Another name, unique in the database.
    pub name: Option<Name>,
    /// Another app secret.
    pub app_secret: Option<NewAppSecret>,
    /// Another address of the platform.
    pub base_url: FieldChange<BaseUrl>,
    /// A proxy of its own.
    pub proxy: FieldChange<SecretString>,
    /// By which road its events come.
    pub mode: Option<Mode>,
    /// What shows a callback to be genuine.
    pub verification_token: FieldChange<SecretString>,
    /// What callbacks are decrypted and signed with.
    pub encrypt_key: FieldChange<SecretString>,
    /// Whether it takes its connection back when another client took it.
    pub take_back: FieldChange<TakeBack>,
}

/// Another app secret. It is used at once, or waits as a candidate: [`NewSecretUse`] decides.
pub struct NewAppSecret {
    /// The secret.
    pub secret: SecretString,
    /// How the bot fares with the one it has.
    pub present: PresentSecret,
}

/// Changes what is said, and nothing else. What is the same as before is no change.
pub(crate) fn change(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    id: InstallationId,
    change: InstallationChange,
) -> Result<InstallationRecord, WriteError> {
    let former = changeable(table, id)?;
    if change.expected.is_some_and(|seen| seen != former.revision) {
        let found = former.revision;
        return Err(WriteError::Outdated { found });
    }
    let mut record = former.clone();
    let mut differs = false;
    if let Some(name) = change.name
        && name != record.name
    {
        if table.find(name.as_str())?.is_some() {
            let name = name.to_string();
            return Err(WriteError::NameTaken { name });
        }
        record.name = name;
        differs = true;
    }
    let mode = change.mode.unwrap_or(record.mode);
    // A connection lives on only where there is one before and after.
    let connecting = if record.mode.connects() {
        mode
    } else {
        record.mode
    };
    differs |= record.mode != mode;
    record.mode = mode;
    differs |= set(&mut record.take_back, change.take_back);
    let is_elsewhere = set(&mut record.base_url, change.base_url);

    let public_id = record.public_id;
    let sealed = &mut record.sealed;
    let token = &mut sealed.verification_token;
    differs |= apply(
        keys,
        &public_id,
        Column::VerificationToken,
        token,
        &change.verification_token,
    )?;
    let key = &mut sealed.encrypt_key;
    differs |= apply(
        keys,
        &public_id,
        Column::EncryptKey,
        key,
        &change.encrypt_key,
    )?;
    let has_new_proxy = apply(
        keys,
        &public_id,
        Column::Proxy,
        &mut sealed.proxy,
        &change.proxy,
    )?;

    let standing = Standing {
        connecting,
        is_elsewhere,
    };
    let secret = match &change.app_secret {
        Some(new) => new_secret(keys, &record, new, &standing)?,
        None => SecretStep::Nothing,
    };
    let has_new_secret = matches!(secret, SecretStep::AtOnce);
    if !differs && !is_elsewhere && !has_new_proxy && matches!(secret, SecretStep::Nothing) {
        return Ok(former);
    }
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    if has_new_proxy {
        record.proxy_revision = record.revision;
    }
    if let Some(new) = &change.app_secret {
        secret.take(keys, &mut record, &new.secret)?;
    }
    if is_elsewhere || has_new_proxy || has_new_secret {
        table.claim(id)?;
    }
    table.write(&record)?;
    written(table, id)
}

/// What a new secret may rely on.
struct Standing {
    /// The mode by which there is a connection before and after the change, or is none.
    connecting: Mode,
    /// Whether the bot is looked for at another address from now on. The old secret was for the former one.
    is_elsewhere: bool,
}

/// What is done about a new secret.
enum SecretStep {
    /// It is there already.
    Nothing,
    /// It is the secret that the bot has. A candidate for another one is forgotten.
    GoBack,
    /// It is the secret from now on.
    AtOnce,
    /// It waits.
    Wait,
}

fn new_secret(
    keys: &KeyRing,
    record: &InstallationRecord,
    new: &NewAppSecret,
    standing: &Standing,
) -> Result<SecretStep, WriteError> {
    let is_new = |kept: &SecretString| kept.expose_secret() == new.secret.expose_secret();
    if is_new(&open_secret(keys, record)?) {
        return Ok(match record.candidate {
            Some(_) => SecretStep::GoBack,
            None => SecretStep::Nothing,
        });
    }
    let used = NewSecretUse::decide(record.desired, standing.connecting, new.present);
    if used == NewSecretUse::AtOnce || standing.is_elsewhere {
        return Ok(SecretStep::AtOnce);
    }
    let waits = open_candidate(keys, record)?;
    Ok(match waits.as_ref().is_some_and(is_new) {
        true => SecretStep::Nothing,
        false => SecretStep::Wait,
    })
}

impl SecretStep {
    /// Does it to a record that has the revision of the change already.
    fn take(
        self,
        keys: &KeyRing,
        record: &mut InstallationRecord,
        secret: &SecretString,
    ) -> Result<(), WriteError> {
        match self {
            Self::Nothing => {}
            Self::GoBack => record.candidate = None,
            Self::AtOnce => {
                record.sealed.secret = seal(keys, &record.public_id, Column::Secret, secret)?;
                record.secret_revision = record.revision;
                record.candidate = None;
            }
            Self::Wait => {
                record.candidate = Some(Box::new(SecretCandidate {
                    revision: record.revision,
                    since_ms: record.updated_ms,
                    state: CandidateState::Waiting,
                    sealed: Some(seal(keys, &record.public_id, Column::Secret, secret)?),
                }));
            }
        }
        Ok(())
    }
}

/// Makes the change; whether anything is another value now.
fn set<T: PartialEq>(field: &mut Option<T>, change: FieldChange<T>) -> bool {
    let new = match change {
        FieldChange::Keep => return false,
        FieldChange::Clear => None,
        FieldChange::Set(value) => Some(value),
    };
    let differs = *field != new;
    *field = new;
    differs
}

/// One that is there, and that the configuration file does not declare.
pub(super) fn changeable(
    table: &mut dyn InstallationTable,
    id: InstallationId,
) -> Result<InstallationRecord, WriteError> {
    let record = table.of_id(id)?;
    let record = record.ok_or(WriteError::UnknownInstallation { id })?;
    match record.origin {
        Origin::File => Err(WriteError::DeclaredByFile {
            name: record.name.to_string(),
        }),
        Origin::Cli | Origin::Api => Ok(record),
    }
}

/// What was just written.
pub(super) fn written(
    table: &mut dyn InstallationTable,
    id: InstallationId,
) -> Result<InstallationRecord, WriteError> {
    table
        .of_id(id)?
        .ok_or_else(|| Failure::new(Cause::Other, "a row is gone that was written just now").into())
}

/// How it stands to the configuration file after an operator started or stopped it. What the file declares is held against
/// the file; one that left it and is started is an operator's like any other.
fn standing_after(record: &InstallationRecord, desired: Desired) -> Option<FileStanding> {
    match (record.origin, record.standing) {
        (Origin::File, standing) => {
            let declared = standing.and_then(FileStanding::declared);
            let declared = declared.unwrap_or(record.desired);
            // Whoever stops it twice has it held since the first time.
            let held = standing.filter(|_| record.desired == desired);
            let since_ms = held.map_or_else(now_ms, FileStanding::since_ms);
            (declared != desired).then_some(FileStanding::Held { declared, since_ms })
        }
        (Origin::Cli | Origin::Api, standing) => standing.filter(|_| desired == Desired::Stop),
    }
}

/// An operator starts or stops an installation. Who starts it wants the bot, whoever else has it.
pub(crate) fn set_desired(
    table: &mut dyn InstallationTable,
    id: InstallationId,
    desired: Desired,
) -> Result<(), WriteError> {
    let record = table.of_id(id)?;
    let record = record.ok_or(WriteError::UnknownInstallation { id })?;
    if desired == Desired::Run {
        let same = table.same_bot_wanted(id)?;
        if let Some((name, other)) = same {
            return Err(WriteError::SameBot { name, other });
        }
        table.claim(id)?;
    }
    let revision = table.next_revision()?;
    table.write_standing(id, standing_after(&record, desired))?;
    if table.write_desired(id, desired, revision)? {
        Ok(())
    } else {
        Err(WriteError::UnknownInstallation { id })
    }
}
