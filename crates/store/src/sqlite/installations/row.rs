//! The rows of table `installation`, read and written.

use diesel::prelude::*;
use longwire_access::Space;
use longwire_installation::{
    BaseUrl, Desired, InstallationId, Mode, Name, Origin, Platform, PublicId, Revision, TakeBack,
};

use crate::installation::{
    CandidateState, FileStanding, InstallationRecord, Sealed, SecretCandidate,
};
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
    mode: String,
    verification_token: Option<String>,
    encrypt_key: Option<String>,
    secret_revision: i64,
    proxy_revision: i64,
    #[diesel(embed)]
    candidate: CandidateColumns,
    removed_ms: Option<i64>,
    former_name: Option<String>,
}

/// What a row says of a candidate for its secret: all of it, or nothing.
#[derive(Queryable, Selectable)]
#[diesel(table_name = installation)]
pub(super) struct CandidateColumns {
    candidate_secret: Option<String>,
    candidate_revision: Option<i64>,
    candidate_state: Option<String>,
    candidate_reason: Option<String>,
    candidate_since_ms: Option<i64>,
}

/// A row as it is written: all of it but its number, and who has its bot.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = installation, treat_none_as_default_value = false, treat_none_as_null = true)]
pub(super) struct InstallationColumns<'a> {
    public_id: &'a [u8],
    name: String,
    platform: &'a str,
    app_id: &'a str,
    secret: &'a str,
    base_url: Option<&'a str>,
    proxy: Option<&'a str>,
    desired: &'a str,
    origin: &'a str,
    created_ms: i64,
    updated_ms: i64,
    take_back_after_ms: Option<i64>,
    take_back_per_day: Option<i32>,
    revision: i64,
    space: &'a str,
    mode: &'a str,
    verification_token: Option<&'a str>,
    encrypt_key: Option<&'a str>,
    secret_revision: i64,
    proxy_revision: i64,
    candidate_secret: Option<&'a str>,
    candidate_revision: Option<i64>,
    candidate_state: Option<&'a str>,
    candidate_reason: Option<&'a str>,
    candidate_since_ms: Option<i64>,
    removed_ms: Option<i64>,
    former_name: Option<&'a str>,
}

impl<'a> InstallationColumns<'a> {
    pub(super) fn of(record: &'a InstallationRecord) -> Self {
        let per_day = |take_back: TakeBack| {
            i32::try_from(take_back.per_day()).expect("a take-back is bounded far below 2^31")
        };
        let (name, former_name) = match record.removed_ms {
            None => (record.name.to_string(), None),
            // No other row has it, and nobody can choose it.
            Some(_) => (record.public_id.to_string(), Some(record.name.as_str())),
        };
        let candidate = record.candidate.as_deref();
        Self {
            public_id: record.public_id.as_bytes(),
            name,
            platform: record.platform.label(),
            app_id: &record.app_id,
            secret: &record.sealed.secret,
            base_url: record.base_url.as_ref().map(BaseUrl::as_str),
            proxy: record.sealed.proxy.as_deref(),
            desired: record.desired.label(),
            origin: record.origin.label(),
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
            take_back_after_ms: record.take_back.map(TakeBack::after_ms),
            take_back_per_day: record.take_back.map(per_day),
            revision: record.revision.0,
            space: record.space.as_str(),
            mode: record.mode.label(),
            verification_token: record.sealed.verification_token.as_deref(),
            encrypt_key: record.sealed.encrypt_key.as_deref(),
            secret_revision: record.secret_revision.0,
            proxy_revision: record.proxy_revision.0,
            candidate_secret: candidate.and_then(|candidate| candidate.sealed.as_deref()),
            candidate_revision: candidate.map(|candidate| candidate.revision.0),
            candidate_state: candidate.map(|candidate| candidate.state.label()),
            candidate_reason: candidate.and_then(|candidate| candidate.state.reason()),
            candidate_since_ms: candidate.map(|candidate| candidate.since_ms),
            removed_ms: record.removed_ms,
            former_name,
        }
    }
}

impl InstallationRow {
    /// The installation, whose bot was taken back at these times, and which stands so to the configuration file.
    pub(super) fn with(
        self,
        taken_back_ms: Vec<i64>,
        standing: Option<FileStanding>,
    ) -> QueryResult<InstallationRecord> {
        let row = self;
        Ok(InstallationRecord {
            id: InstallationId(row.id),
            public_id: PublicId::from_bytes(
                row.public_id
                    .try_into()
                    .map_err(|_| foreign("a public id of another length"))?,
            ),
            name: Name::from_row(row.former_name.unwrap_or(row.name)),
            platform: Platform::parse(&row.platform)
                .ok_or_else(|| foreign("an unknown platform"))?,
            app_id: row.app_id,
            base_url: row.base_url.map(BaseUrl::from_row),
            mode: Mode::parse(&row.mode).ok_or_else(|| foreign("an unknown mode"))?,
            take_back: TakeBack::of_columns(row.take_back_after_ms, row.take_back_per_day)
                .map_err(foreign)?,
            desired: Desired::parse(&row.desired)
                .ok_or_else(|| foreign("an unknown desired state"))?,
            origin: Origin::parse(&row.origin).ok_or_else(|| foreign("an unknown origin"))?,
            standing,
            space: Space::from_row(row.space),
            displaced_ms: row.displaced_ms,
            taken_back_ms: taken_back_ms.into(),
            claims: row.claims.cast_unsigned(),
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            revision: Revision(row.revision),
            candidate: row.candidate.read()?,
            removed_ms: row.removed_ms,
            sealed: Sealed {
                secret: row.secret.into(),
                proxy: row.proxy.map(Into::into),
                verification_token: row.verification_token.map(Into::into),
                encrypt_key: row.encrypt_key.map(Into::into),
            },
            secret_revision: Revision(row.secret_revision),
            proxy_revision: Revision(row.proxy_revision),
        })
    }
}

impl CandidateColumns {
    fn read(self) -> QueryResult<Option<Box<SecretCandidate>>> {
        let Some(label) = self.candidate_state else {
            return Ok(None);
        };
        let half = || foreign("half a candidate");
        let state = CandidateState::of_row(&label, self.candidate_reason)
            .ok_or_else(|| foreign("an unknown state of a candidate"))?;
        Ok(Some(Box::new(SecretCandidate {
            revision: Revision(self.candidate_revision.ok_or_else(half)?),
            since_ms: self.candidate_since_ms.ok_or_else(half)?,
            state,
            sealed: self.candidate_secret.map(Into::into),
        })))
    }
}

fn foreign(what: &str) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(what.into())
}
