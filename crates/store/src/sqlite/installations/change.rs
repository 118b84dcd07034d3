//! What operators change of installations. Each change has a revision of its own.

use std::collections::{HashMap, HashSet};

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::{BotIdentity, Desired, InstallationId, Origin, PublicId, Revision};
use secrecy::{ExposeSecret, SecretString};

use super::displacement::claim;
use super::row::{NewRow, Settings};
use super::secret::{open_proxy, open_secret, place};
use super::{all, find};
use crate::clock::now_ms;
use crate::engine::InstallationTable;
use crate::seal::KeyRing;
use crate::sqlite::schema::{installation, store};
use crate::{InstallationRecord, NewInstallation, SealError, WriteError};

impl InstallationTable for SqliteConnection {
    fn add(
        &mut self,
        keys: &KeyRing,
        new: &NewInstallation,
    ) -> Result<InstallationRecord, WriteError> {
        add(self, keys, new)
    }

    fn put_from_file(
        &mut self,
        keys: &KeyRing,
        declared: &[NewInstallation],
    ) -> Result<Vec<InstallationRecord>, WriteError> {
        put_from_file(self, keys, declared)
    }

    fn set_desired(&mut self, id: InstallationId, desired: Desired) -> Result<(), WriteError> {
        set_desired(self, id, desired)
    }
}

/// The number of the change that is about to be made, in the caller's transaction.
fn next_revision(connection: &mut SqliteConnection) -> QueryResult<Revision> {
    diesel::update(store::table)
        .set(store::revision.eq(store::revision + 1))
        .returning(store::revision)
        .get_result(connection)
        .map(Revision)
}

/// Adds one whose name is free, and whose bot nobody else is to be.
fn add(
    connection: &mut SqliteConnection,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    if find(connection, new.name.as_str())?.is_some() {
        return Err(WriteError::NameTaken {
            name: new.name.to_string(),
        });
    }
    if new.desired == Desired::Run
        && let Some(other) = wanted_as(connection, new.bot())?
    {
        return Err(WriteError::SameBot {
            name: new.name.to_string(),
            other,
        });
    }
    insert(connection, keys, new)
}

/// The name of one that is to be connected as this bot.
fn wanted_as(
    connection: &mut SqliteConnection,
    bot: BotIdentity<'_>,
) -> QueryResult<Option<String>> {
    installation::table
        .filter(installation::desired.eq(Desired::Run.label()))
        .filter(installation::platform.eq(bot.platform.label()))
        .filter(installation::app_id.eq(bot.app_id))
        .order(installation::id)
        .select(installation::name)
        .first(connection)
        .optional()
}

/// Writes a new row.
fn insert(
    connection: &mut SqliteConnection,
    keys: &KeyRing,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    let public_id = PublicId::new(uuid::Uuid::now_v7());
    let secret = keys.seal(&new.app_secret, place(&public_id, "secret"))?;
    let proxy = seal_proxy(keys, &public_id, new)?;
    let revision = next_revision(connection)?;
    diesel::insert_into(installation::table)
        .values(NewRow {
            public_id: public_id.as_bytes(),
            name: new.name.as_str(),
            created_ms: now_ms(),
            settings: Settings::new(new, secret, proxy, revision),
        })
        .execute(connection)?;
    written(connection, new)
}

/// What was just written.
fn written(
    connection: &mut SqliteConnection,
    new: &NewInstallation,
) -> Result<InstallationRecord, WriteError> {
    find(connection, new.name.as_str())?.ok_or_else(|| diesel::result::Error::NotFound.into())
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
fn put_from_file(
    connection: &mut SqliteConnection,
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
    for former in all(connection)? {
        if names.contains(former.name.as_str()) {
            kept.insert(former.name.clone(), former);
        } else if former.origin == Origin::File && former.desired != Desired::Stop {
            set_desired(connection, former.id, Desired::Stop)?;
        }
    }
    declared
        .iter()
        .map(|new| match kept.get(&new.name) {
            Some(former) => change(connection, keys, former, new),
            None => insert(connection, keys, new),
        })
        .collect()
}

/// The name of this one and of another that is to be connected as the same bot.
fn same_bot_wanted(
    connection: &mut SqliteConnection,
    id: InstallationId,
) -> QueryResult<Option<(String, String)>> {
    let other = diesel::alias!(installation as other);
    installation::table
        .inner_join(
            other.on(other
                .field(installation::platform)
                .eq(installation::platform)
                .and(other.field(installation::app_id).eq(installation::app_id))
                .and(other.field(installation::id).ne(installation::id))
                .and(other.field(installation::desired).eq(Desired::Run.label()))),
        )
        .filter(installation::id.eq(id.0))
        .select((installation::name, other.field(installation::name)))
        .first(connection)
        .optional()
}

/// An operator starts or stops an installation. Who starts it wants the bot, whoever else has it.
fn set_desired(
    connection: &mut SqliteConnection,
    id: InstallationId,
    desired: Desired,
) -> Result<(), WriteError> {
    if desired == Desired::Run {
        let same = same_bot_wanted(connection, id)?;
        if let Some((name, other)) = same {
            return Err(WriteError::SameBot { name, other });
        }
        claim(connection, id)?;
    }
    let Revision(revision) = next_revision(connection)?;
    let changed = diesel::update(installation::table.find(id.0))
        .set((
            installation::desired.eq(desired.label()),
            installation::updated_ms.eq(now_ms()),
            installation::revision.eq(revision),
        ))
        .execute(connection)?;
    if changed == 0 {
        Err(WriteError::UnknownInstallation { id })
    } else {
        Ok(())
    }
}

/// Writes what differs, and nothing at all when nothing does.
fn change(
    connection: &mut SqliteConnection,
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
        && former.desired == new.desired
        && former.origin == new.origin;
    if same_access && same_rest {
        return Ok(former.clone());
    }
    if !same_access {
        claim(connection, former.id)?;
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
    let revision = next_revision(connection)?;
    diesel::update(installation::table.find(former.id.0))
        .set(Settings::new(new, secret, proxy, revision))
        .execute(connection)?;
    written(connection, new)
}
