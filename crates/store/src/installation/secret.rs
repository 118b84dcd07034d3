//! The secrets of an installation: sealed before they are written, opened for use.

use longwire_installation::PublicId;
use secrecy::{ExposeSecret as _, SecretString};

use super::InstallationRecord;
use super::field_change::FieldChange;
use crate::seal::{KeyRing, Place, SealError};

/// What callbacks of the platform are checked and decrypted with, in clear.
pub struct CallbackSecrets {
    /// *Verification Token* in the console, if it is known.
    pub verification_token: Option<SecretString>,
    /// *Encrypt Key* in the console, if the app has one.
    pub encrypt_key: Option<SecretString>,
}

/// The secrets of an installation as a row has them.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) secret: Box<str>,
    pub(crate) proxy: Option<Box<str>>,
    pub(crate) verification_token: Option<Box<str>>,
    pub(crate) encrypt_key: Option<Box<str>>,
}

/// Which secret of an installation a sealed text is.
#[derive(Copy, Clone)]
pub(super) enum Column {
    /// The app's secret. A candidate has the same place, because one becomes the other.
    Secret,
    Proxy,
    VerificationToken,
    EncryptKey,
}

/// Seals a secret of the installation with this public id.
pub(super) fn seal(
    keys: &KeyRing,
    id: &PublicId,
    column: Column,
    secret: &SecretString,
) -> Result<Box<str>, SealError> {
    Ok(keys.seal(secret, place(id, column))?.into())
}

/// Seals one that may be missing.
pub(super) fn seal_some(
    keys: &KeyRing,
    id: &PublicId,
    column: Column,
    secret: Option<&SecretString>,
) -> Result<Option<Box<str>>, SealError> {
    secret
        .map(|secret| seal(keys, id, column, secret))
        .transpose()
}

/// Makes the change of a secret that may be missing; whether it is another one now. The same secret is not sealed again.
pub(super) fn apply(
    keys: &KeyRing,
    id: &PublicId,
    column: Column,
    sealed: &mut Option<Box<str>>,
    change: &FieldChange<SecretString>,
) -> Result<bool, SealError> {
    let new = match change {
        FieldChange::Keep => return Ok(false),
        FieldChange::Clear => None,
        FieldChange::Set(new) => Some(new),
    };
    let former = sealed
        .as_deref()
        .map(|sealed| keys.open(sealed, place(id, column)))
        .transpose()?;
    let former = former.as_ref().map(SecretString::expose_secret);
    if former == new.map(SecretString::expose_secret) {
        return Ok(false);
    }
    *sealed = seal_some(keys, id, column, new)?;
    Ok(true)
}

/// The app secret in clear.
pub(crate) fn open_secret(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<SecretString, SealError> {
    open(keys, record, Column::Secret, &record.sealed.secret)
}

/// The proxy in clear, if the installation has one of its own.
pub(crate) fn open_proxy(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<Option<SecretString>, SealError> {
    open_some(keys, record, Column::Proxy, record.sealed.proxy.as_deref())
}

/// What callbacks are checked with, in clear.
pub(crate) fn open_callback_secrets(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<CallbackSecrets, SealError> {
    let Sealed {
        verification_token,
        encrypt_key,
        ..
    } = &record.sealed;
    let token = verification_token.as_deref();
    Ok(CallbackSecrets {
        verification_token: open_some(keys, record, Column::VerificationToken, token)?,
        encrypt_key: open_some(keys, record, Column::EncryptKey, encrypt_key.as_deref())?,
    })
}

/// The candidate for the app secret in clear, if there is one that was not refused.
pub(crate) fn open_candidate(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<Option<SecretString>, SealError> {
    let candidate = record.candidate.as_deref();
    let sealed = candidate.and_then(|candidate| candidate.sealed.as_deref());
    open_some(keys, record, Column::Secret, sealed)
}

/// Opens every secret of an installation. How many there are.
pub(crate) fn open_all(keys: &KeyRing, record: &InstallationRecord) -> Result<usize, SealError> {
    // What a row keeps of its secrets is told by what is sealed again of it.
    reseal(keys, &mut record.clone())
}

/// Seals every secret of an installation again, with the newest key. How many there were.
pub(crate) fn reseal(keys: &KeyRing, record: &mut InstallationRecord) -> Result<usize, SealError> {
    let id = record.public_id;
    let Sealed {
        secret,
        proxy,
        verification_token,
        encrypt_key,
    } = &mut record.sealed;
    let candidate = record.candidate.as_deref_mut();
    let candidate = candidate.and_then(|candidate| candidate.sealed.as_mut());
    let all = [
        (Column::Secret, Some(secret)),
        (Column::Proxy, proxy.as_mut()),
        (Column::VerificationToken, verification_token.as_mut()),
        (Column::EncryptKey, encrypt_key.as_mut()),
        (Column::Secret, candidate),
    ];
    let mut count = 0;
    for (column, sealed) in all {
        if let Some(sealed) = sealed {
            let place = place(&id, column);
            *sealed = keys.seal(&keys.open(sealed, place)?, place)?.into();
            count += 1;
        }
    }
    Ok(count)
}

fn open(
    keys: &KeyRing,
    record: &InstallationRecord,
    column: Column,
    sealed: &str,
) -> Result<SecretString, SealError> {
    keys.open(sealed, place(&record.public_id, column))
}

fn open_some(
    keys: &KeyRing,
    record: &InstallationRecord,
    column: Column,
    sealed: Option<&str>,
) -> Result<Option<SecretString>, SealError> {
    sealed
        .map(|sealed| open(keys, record, column, sealed))
        .transpose()
}

/// A secret belongs to the public id, which is known before the row is.
fn place(id: &PublicId, column: Column) -> Place<'_> {
    Place {
        table: "installation",
        row: id.as_bytes(),
        column: match column {
            Column::Secret => "secret",
            Column::Proxy => "proxy",
            Column::VerificationToken => "verification_token",
            Column::EncryptKey => "encrypt_key",
        },
    }
}

#[cfg(test)]
impl InstallationRecord {
    /// Its sealed secrets.
    pub(crate) fn sealed(&self) -> impl Iterator<Item = &str> {
        let Sealed {
            secret,
            proxy,
            verification_token,
            encrypt_key,
        } = &self.sealed;
        let candidate = self.candidate.as_deref();
        let candidate = candidate.and_then(|candidate| candidate.sealed.as_deref());
        std::iter::once(&**secret)
            .chain(proxy.as_deref())
            .chain(verification_token.as_deref())
            .chain(encrypt_key.as_deref())
            .chain(candidate)
    }
}
