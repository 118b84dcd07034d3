//! Installations into rows and back; secrets are sealed on the way in and stay sealed on the way
//! out.

use std::collections::{HashMap, HashSet};

use diesel::SqliteConnection;
use diesel::prelude::*;
use secrecy::{ExposeSecret, SecretString};

use super::schema::{installation, taken_back};
use crate::clock::now_ms;
use crate::seal::{KeyRing, Place, key_id};
use crate::{Displacement, InstallationRecord, NewInstallation, SealError, WriteError};
use longwire_installation::{
    BaseUrl, BotIdentity, Desired, InstallationId, Name, Origin, Platform, PublicId, TakeBack,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = installation)]
struct InstallationRow {
    id: i64,
    public_id: Vec<u8>,
    name: String,
    platform: String,
    app_id: String,
    secret: String,
    base_url: Option<String>,
    proxy: Option<String>,
    desired: String,
    origin: String,
    created_ms: i64,
    updated_ms: i64,
    take_back_after_ms: Option<i64>,
    take_back_per_day: Option<i32>,
    displaced_ms: Option<i64>,
    claims: i64,
}

/// All installations, oldest first.
pub(crate) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<InstallationRecord>> {
    let rows: Vec<InstallationRow> = installation::table
        .order(installation::id)
        .select(InstallationRow::as_select())
        .load(connection)?;
    let times: Vec<(i64, i64)> = taken_back::table
        .order((taken_back::installation_id, taken_back::at_ms))
        .load(connection)?;
    let mut taken_back: HashMap<i64, Vec<i64>> = HashMap::new();
    for (installation, at_ms) in times {
        taken_back.entry(installation).or_default().push(at_ms);
    }
    rows.into_iter()
        .map(|row| {
            let times = taken_back.remove(&row.id).unwrap_or_default();
            row.with(times)
        })
        .collect()
}

/// The one with this public id or name.
pub(crate) fn find(
    connection: &mut SqliteConnection,
    id_or_name: &str,
) -> QueryResult<Option<InstallationRecord>> {
    let rows = installation::table.select(InstallationRow::as_select());
    let row: QueryResult<InstallationRow> = match id_or_name.parse::<PublicId>() {
        Ok(id) => rows
            .filter(installation::public_id.eq(id.as_bytes().to_vec()))
            .first(connection),
        Err(_) => rows
            .filter(installation::name.eq(id_or_name))
            .first(connection),
    };
    let Some(row) = row.optional()? else {
        return Ok(None);
    };
    let times = taken_back::table
        .filter(taken_back::installation_id.eq(row.id))
        .order(taken_back::at_ms)
        .select(taken_back::at_ms)
        .load(connection)?;
    row.with(times).map(Some)
}

/// How many are to be connected.
pub(crate) fn count_wanted(connection: &mut SqliteConnection) -> QueryResult<u64> {
    let count: i64 = installation::table
        .filter(installation::desired.eq(Desired::Run.label()))
        .count()
        .get_result(connection)?;
    Ok(count.cast_unsigned())
}

/// How many secrets each key has sealed.
pub(crate) fn sealed_with(connection: &mut SqliteConnection) -> QueryResult<Vec<(String, usize)>> {
    let rows: Vec<(String, Option<String>)> = installation::table
        .select((installation::secret, installation::proxy))
        .load(connection)?;
    let mut keys: Vec<(String, usize)> = Vec::new();
    for sealed in rows
        .iter()
        .flat_map(|(secret, proxy)| std::iter::once(secret).chain(proxy))
    {
        let id = key_id(sealed).unwrap_or_default();
        match keys.iter_mut().find(|(known, _)| known == id) {
            Some((_, count)) => *count += 1,
            None => keys.push((id.to_owned(), 1)),
        }
    }
    Ok(keys)
}

/// Adds one whose name is free, and whose bot nobody else is to be.
pub(crate) fn add(
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
    let now = now_ms();
    let proxy = new
        .proxy
        .as_ref()
        .map(|proxy| keys.seal(proxy, place(&public_id, "proxy")))
        .transpose()?;
    diesel::insert_into(installation::table)
        .values((
            installation::public_id.eq(public_id.as_bytes().to_vec()),
            installation::name.eq(new.name.as_str()),
            installation::platform.eq(new.platform.label()),
            installation::app_id.eq(&new.app_id),
            installation::secret.eq(keys.seal(&new.app_secret, place(&public_id, "secret"))?),
            installation::base_url.eq(new.base_url.as_ref().map(BaseUrl::as_str)),
            installation::proxy.eq(proxy),
            installation::desired.eq(new.desired.label()),
            installation::origin.eq(new.origin.label()),
            installation::created_ms.eq(now),
            installation::updated_ms.eq(now),
            installation::take_back_after_ms.eq(new.take_back.map(TakeBack::after_ms)),
            installation::take_back_per_day.eq(new.take_back.map(per_day)),
        ))
        .execute(connection)?;
    find(connection, new.name.as_str())?.ok_or_else(|| diesel::result::Error::NotFound.into())
}

/// Makes the ones of the configuration file what the file says: adds, changes, and stops those it
/// no longer names.
pub(crate) fn put_from_file(
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
pub(crate) fn set_desired(
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
    let changed = diesel::update(installation::table.find(id.0))
        .set((
            installation::desired.eq(desired.label()),
            installation::updated_ms.eq(now_ms()),
        ))
        .execute(connection)?;
    if changed == 0 {
        Err(WriteError::UnknownInstallation { id })
    } else {
        Ok(())
    }
}

/// An operator has decided that the bot is this installation's.
fn claim(connection: &mut SqliteConnection, id: InstallationId) -> QueryResult<()> {
    diesel::update(installation::table.find(id.0))
        .set((
            installation::displaced_ms.eq(None::<i64>),
            installation::claims.eq(installation::claims + 1),
        ))
        .execute(connection)
        .map(drop)
}

/// Keeps who has the bot, within the caller's transaction. One of an unknown installation is left out.
pub(crate) fn keep_displacement(
    connection: &mut SqliteConnection,
    displacement: &Displacement,
) -> QueryResult<()> {
    let id = displacement.installation.0;
    let claims: Option<i64> = installation::table
        .find(id)
        .select(installation::claims)
        .first(connection)
        .optional()?;
    let Some(claims) = claims else {
        return Ok(());
    };
    if claims.cast_unsigned() == displacement.claims {
        diesel::update(installation::table.find(id))
            .set(installation::displaced_ms.eq(displacement.displaced_ms))
            .execute(connection)?;
    }
    diesel::delete(taken_back::table.filter(taken_back::installation_id.eq(id)))
        .execute(connection)?;
    for at_ms in &displacement.taken_back_ms {
        // Two at once are one: a clock that was set may give a time twice.
        diesel::replace_into(taken_back::table)
            .values((
                taken_back::installation_id.eq(id),
                taken_back::at_ms.eq(at_ms),
            ))
            .execute(connection)?;
    }
    Ok(())
}

pub(crate) fn open_secret(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<SecretString, SealError> {
    keys.open(&record.sealed_secret, place(&record.public_id, "secret"))
}

pub(crate) fn open_proxy(
    keys: &KeyRing,
    record: &InstallationRecord,
) -> Result<Option<SecretString>, SealError> {
    let sealed = record.sealed_proxy.as_deref();
    sealed
        .map(|sealed| keys.open(sealed, place(&record.public_id, "proxy")))
        .transpose()
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
        new.proxy
            .as_ref()
            .map(|proxy| keys.seal(proxy, place(id, "proxy")))
            .transpose()?
    };
    diesel::update(installation::table.find(former.id.0))
        .set((
            installation::platform.eq(new.platform.label()),
            installation::app_id.eq(&new.app_id),
            installation::secret.eq(secret),
            installation::base_url.eq(new.base_url.as_ref().map(BaseUrl::as_str)),
            installation::proxy.eq(proxy),
            installation::desired.eq(new.desired.label()),
            installation::origin.eq(new.origin.label()),
            installation::updated_ms.eq(now_ms()),
            installation::take_back_after_ms.eq(new.take_back.map(TakeBack::after_ms)),
            installation::take_back_per_day.eq(new.take_back.map(per_day)),
        ))
        .execute(connection)?;
    find(connection, new.name.as_str())?.ok_or_else(|| diesel::result::Error::NotFound.into())
}

/// SQLite's integers are signed.
fn per_day(take_back: TakeBack) -> i32 {
    i32::try_from(take_back.per_day()).expect("a take-back is bounded far below 2^31")
}

/// A secret belongs to the public id, which is known before the row is.
fn place<'a>(id: &'a PublicId, column: &'a str) -> Place<'a> {
    Place {
        table: "installation",
        row: id.as_bytes(),
        column,
    }
}

impl InstallationRow {
    /// The installation, which was taken back at these times.
    fn with(self, taken_back_ms: Vec<i64>) -> QueryResult<InstallationRecord> {
        let row = self;
        let foreign = |what: &str| diesel::result::Error::DeserializationError(what.into());
        Ok(InstallationRecord {
            id: InstallationId(row.id),
            public_id: PublicId::from_bytes(
                row.public_id
                    .try_into()
                    .map_err(|_| foreign("a public id of another length"))?,
            ),
            name: Name::from_row(row.name),
            platform: Platform::parse(&row.platform)
                .ok_or_else(|| foreign("an unknown platform"))?,
            app_id: row.app_id,
            base_url: row.base_url.map(BaseUrl::from_row),
            has_proxy: row.proxy.is_some(),
            take_back: TakeBack::of_columns(row.take_back_after_ms, row.take_back_per_day)
                .map_err(foreign)?,
            desired: Desired::parse(&row.desired)
                .ok_or_else(|| foreign("an unknown desired state"))?,
            origin: Origin::parse(&row.origin).ok_or_else(|| foreign("an unknown origin"))?,
            displaced_ms: row.displaced_ms,
            taken_back_ms: taken_back_ms.into(),
            claims: row.claims.cast_unsigned(),
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            sealed_secret: row.secret,
            sealed_proxy: row.proxy,
        })
    }
}
