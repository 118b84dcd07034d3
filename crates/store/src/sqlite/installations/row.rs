//! The rows of table `installation`, read and written.

use diesel::prelude::*;
use longwire_access::Space;
use longwire_installation::{
    BaseUrl, Desired, InstallationId, Name, Origin, Platform, PublicId, Revision, TakeBack,
};

use crate::clock::now_ms;
use crate::installation::{InstallationRecord, NewInstallation};
use crate::sqlite::schema::installation;

/// A row as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = installation)]
pub(super) struct InstallationRow {
    pub(super) id: i64,
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
    revision: i64,
    space: String,
}

/// A row that is added. Its public id and name stay as long as it does.
#[derive(Insertable)]
#[diesel(table_name = installation, treat_none_as_default_value = false)]
pub(super) struct NewRow<'a> {
    pub(super) public_id: &'a [u8],
    pub(super) name: &'a str,
    pub(super) created_ms: i64,
    #[diesel(embed)]
    pub(super) settings: Settings<'a>,
}

/// What an operator sets, as it is added and as it is changed.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = installation, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct Settings<'a> {
    platform: &'a str,
    app_id: &'a str,
    secret: String,
    base_url: Option<&'a str>,
    proxy: Option<String>,
    desired: &'a str,
    origin: &'a str,
    updated_ms: i64,
    take_back_after_ms: Option<i64>,
    take_back_per_day: Option<i32>,
    revision: i64,
    space: &'a str,
}

impl<'a> Settings<'a> {
    /// The settings of `new`, whose secrets are sealed, as a change that is made now.
    pub(super) fn new(
        new: &'a NewInstallation,
        secret: String,
        proxy: Option<String>,
        Revision(revision): Revision,
    ) -> Self {
        let per_day = |take_back: TakeBack| {
            i32::try_from(take_back.per_day()).expect("a take-back is bounded far below 2^31")
        };
        Self {
            platform: new.platform.label(),
            app_id: &new.app_id,
            secret,
            base_url: new.base_url.as_ref().map(BaseUrl::as_str),
            proxy,
            desired: new.desired.label(),
            origin: new.origin.label(),
            updated_ms: now_ms(),
            take_back_after_ms: new.take_back.map(TakeBack::after_ms),
            take_back_per_day: new.take_back.map(per_day),
            revision,
            space: new.space.as_str(),
        }
    }
}

impl InstallationRow {
    /// The installation, whose bot was taken back at these times.
    pub(super) fn with(self, taken_back_ms: Vec<i64>) -> QueryResult<InstallationRecord> {
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
            space: Space::from_row(row.space),
            displaced_ms: row.displaced_ms,
            taken_back_ms: taken_back_ms.into(),
            claims: row.claims.cast_unsigned(),
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            revision: Revision(row.revision),
            sealed_secret: row.secret,
            sealed_proxy: row.proxy,
        })
    }
}
