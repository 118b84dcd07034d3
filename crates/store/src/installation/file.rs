//! The installations that the configuration file declares.

use std::collections::{HashMap, HashSet};

use longwire_installation::{Desired, Origin};
use secrecy::{ExposeSecret, SecretString};

use super::add::insert;
use super::change::written;
use super::secret::{Column, apply, open_secret, seal};
use super::{FieldChange, InstallationRecord, InstallationTable, NewInstallation};
use crate::clock::now_ms;
use crate::seal::KeyRing;
use crate::write_error::WriteError;

/// Makes the ones of the configuration file what the file says: adds, changes, and stops those it no longer names. Those are
/// the operator's from then on, to be changed and removed.
pub(crate) fn put_from_file(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    declared: &[NewInstallation],
) -> Result<Vec<InstallationRecord>, WriteError> {
    let mut names = HashSet::new();
    if let Some(twice) = declared.iter().find(|new| !names.insert(new.name.as_str())) {
        return Err(WriteError::NameTaken {
            name: twice.name.to_string(),
        });
    }
    let mut kept = HashMap::new();
    for former in table.all()? {
        if names.contains(former.name.as_str()) {
            kept.insert(former.name.clone(), former);
        } else if former.origin == Origin::File {
            release(table, former)?;
        }
    }
    declared
        .iter()
        .map(|new| match kept.get(&new.name) {
            Some(former) => change(table, keys, former, new),
            None => insert(table, keys, new),
        })
        .collect()
}

/// The file no longer names it.
fn release(
    table: &mut dyn InstallationTable,
    mut record: InstallationRecord,
) -> Result<(), WriteError> {
    record.origin = Origin::Cli;
    record.desired = Desired::Stop;
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    table.write(&record)?;
    Ok(())
}

/// Writes what differs, and nothing at all when nothing does.
fn change(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    former: &InstallationRecord,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    let mut record = former.clone();
    let id = record.public_id;
    // An empty one cannot be read at the moment. That is no new access: what is kept stays, and so does what is known of
    // who has the bot.
    let has_new_secret = !is_unknown(&new.app_secret)
        && open_secret(keys, former)?.expose_secret() != new.app_secret.expose_secret();
    let sealed = &mut record.sealed;
    let put = |column, sealed, secret: &Option<SecretString>| {
        apply(keys, &id, column, sealed, &declared(secret.as_ref()))
    };
    let has_new_proxy = put(Column::Proxy, &mut sealed.proxy, &new.proxy)?;
    let token = &mut sealed.verification_token;
    let has_new_token = put(Column::VerificationToken, token, &new.verification_token)?;
    let key = &mut sealed.encrypt_key;
    let has_new_key = put(Column::EncryptKey, key, &new.encrypt_key)?;
    let same_access = !has_new_secret
        && !has_new_proxy
        && former.bot() == new.bot()
        && former.base_url == new.base_url;
    let same_rest = !has_new_token
        && !has_new_key
        && former.candidate.is_none()
        && former.mode == new.mode
        && former.take_back == new.take_back
        && former.space == new.space
        && former.desired == new.desired
        && former.origin == new.origin;
    if same_access && same_rest {
        return Ok(former.clone());
    }
    if !same_access {
        table.claim(former.id)?;
    }
    record.revision = table.next_revision()?;
    record.updated_ms = now_ms();
    if has_new_secret {
        record.sealed.secret = seal(keys, &id, Column::Secret, &new.app_secret)?;
        record.secret_revision = record.revision;
    }
    if has_new_proxy {
        record.proxy_revision = record.revision;
    }
    record.platform = new.platform;
    record.app_id = new.app_id.clone();
    record.base_url = new.base_url.clone();
    record.mode = new.mode;
    record.take_back = new.take_back;
    record.desired = new.desired;
    record.origin = new.origin;
    record.space = new.space.clone();
    // What the file says is the secret, whatever else was tried before.
    record.candidate = None;
    table.write(&record)?;
    written(table, former.id)
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
