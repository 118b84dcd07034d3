//! What operators change of installations: the rules, which are the same for every engine. Each change has a revision of its
//! own.

use std::collections::{HashMap, HashSet};

use longwire_installation::{BotIdentity, Desired, InstallationId, Origin, PublicId, Revision};
use secrecy::{ExposeSecret, SecretString};

use super::secret::{open_proxy, open_secret, place};
use crate::cause::{Cause, Failure};
use crate::installation::{InstallationRecord, NewInstallation};
use crate::seal::{KeyRing, SealError};
use crate::write_error::WriteError;

/// The installations within a transaction of the engine that keeps them.
pub(crate) trait InstallationTable {
    /// All of them, oldest first.
    fn all(&mut self) -> Result<Vec<InstallationRecord>, Failure>;

    /// The one with this public id or name.
    fn find(&mut self, id_or_name: &str) -> Result<Option<InstallationRecord>, Failure>;

    /// The name of one that is to be connected as this bot.
    fn wanted_as(&mut self, bot: BotIdentity<'_>) -> Result<Option<String>, Failure>;

    /// The name of this one and of another that is to be connected as the same bot.
    fn same_bot_wanted(&mut self, id: InstallationId) -> Result<Option<(String, String)>, Failure>;

    /// The number of the change that is about to be made.
    fn next_revision(&mut self) -> Result<Revision, Failure>;

    /// Writes a new row.
    fn insert(
        &mut self,
        public_id: &PublicId,
        new: &NewInstallation,
        sealed: Sealed,
        revision: Revision,
    ) -> Result<(), Failure>;

    /// Writes over what an operator sets.
    fn update(
        &mut self,
        id: InstallationId,
        new: &NewInstallation,
        sealed: Sealed,
        revision: Revision,
    ) -> Result<(), Failure>;

    /// Writes whether one is to be connected; `false` if there is no such row.
    fn write_desired(
        &mut self,
        id: InstallationId,
        desired: Desired,
        revision: Revision,
    ) -> Result<bool, Failure>;

    /// An operator has decided that the bot is this installation's: it is displaced no longer.
    fn claim(&mut self, id: InstallationId) -> Result<(), Failure>;
}

/// The secrets of an installation as a row has them.
pub(crate) struct Sealed {
    pub(crate) secret: String,
    pub(crate) proxy: Option<String>,
}

/// Adds one whose name is free, and whose bot nobody else is to be.
pub(crate) fn add(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    if table.find(new.name.as_str())?.is_some() {
        return Err(WriteError::NameTaken {
            name: new.name.to_string(),
        });
    }
    if new.desired == Desired::Run
        && let Some(other) = table.wanted_as(new.bot())?
    {
        return Err(WriteError::SameBot {
            name: new.name.to_string(),
            other,
        });
    }
    insert(table, keys, new)
}

/// Writes a new row.
fn insert(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    let public_id = PublicId::new(uuid::Uuid::now_v7());
    let secret = keys.seal(&new.app_secret, place(&public_id, "secret"))?;
    let proxy = seal_proxy(keys, &public_id, new)?;
    let revision = table.next_revision()?;
    table.insert(&public_id, new, Sealed { secret, proxy }, revision)?;
    written(table, new)
}

/// What was just written.
fn written(
    table: &mut dyn InstallationTable,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    table
        .find(new.name.as_str())?
        .ok_or_else(|| Failure::new(Cause::Other, "a row is gone that was written just now").into())
}

fn seal_proxy(
    keys: &KeyRing,
    id: &PublicId,
    new: &NewInstallation,
) -> Result<Option<String>, SealError> {
    let proxy = new.proxy.as_ref();
    proxy
        .map(|proxy| keys.seal(proxy, place(id, "proxy")))
        .transpose()
}

/// Makes the ones of the configuration file what the file says: adds, changes, and stops those it
/// no longer names.
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
        } else if former.origin == Origin::File && former.desired != Desired::Stop {
            set_desired(table, former.id, Desired::Stop)?;
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

/// An operator starts or stops an installation. Who starts it wants the bot, whoever else has it.
pub(crate) fn set_desired(
    table: &mut dyn InstallationTable,
    id: InstallationId,
    desired: Desired,
) -> Result<(), WriteError> {
    if id == InstallationId::NONE {
        return Err(WriteError::UnknownInstallation { id });
    }
    if desired == Desired::Run {
        let same = table.same_bot_wanted(id)?;
        if let Some((name, other)) = same {
            return Err(WriteError::SameBot { name, other });
        }
        table.claim(id)?;
    }
    let revision = table.next_revision()?;
    if table.write_desired(id, desired, revision)? {
        Ok(())
    } else {
        Err(WriteError::UnknownInstallation { id })
    }
}

/// Writes what differs, and nothing at all when nothing does.
fn change(
    table: &mut dyn InstallationTable,
    keys: &KeyRing,
    former: &InstallationRecord,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    // An empty one cannot be read at the moment. That is no new access: what is kept stays, and so does what is known of
    // who has the bot.
    let is_unknown = |secret: &SecretString| secret.expose_secret().is_empty();
    let same_secret = is_unknown(&new.app_secret)
        || open_secret(keys, former)?.expose_secret() == new.app_secret.expose_secret();
    let former_proxy = open_proxy(keys, former)?;
    let same_proxy = new.proxy.as_ref().is_some_and(is_unknown)
        || former_proxy.as_ref().map(SecretString::expose_secret)
            == new.proxy.as_ref().map(SecretString::expose_secret);
    let same_access =
        same_secret && same_proxy && former.bot() == new.bot() && former.base_url == new.base_url;
    let same_rest = former.take_back == new.take_back
        && former.space == new.space
        && former.desired == new.desired
        && former.origin == new.origin;
    if same_access && same_rest {
        return Ok(former.clone());
    }
    if !same_access {
        table.claim(former.id)?;
    }
    let id = &former.public_id;
    let secret = if same_secret {
        former.sealed_secret.clone()
    } else {
        keys.seal(&new.app_secret, place(id, "secret"))?
    };
    let proxy = if same_proxy {
        former.sealed_proxy.clone()
    } else {
        seal_proxy(keys, id, new)?
    };
    let revision = table.next_revision()?;
    table.update(former.id, new, Sealed { secret, proxy }, revision)?;
    written(table, new)
}
