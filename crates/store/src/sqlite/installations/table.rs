//! The table `installation` within a writing transaction.

use diesel::SqliteConnection;
use diesel::prelude::*;
use longwire_installation::{BotIdentity, Desired, InstallationId, Revision};

use super::row::InstallationColumns;
use crate::cause::Failure;
use crate::clock::now_ms;
use crate::installation::{FileStanding, InstallationRecord, InstallationTable};
use crate::sqlite::schema::installation;
use crate::sqlite::tables::next_revision;

impl InstallationTable for SqliteConnection {
    fn all(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        Ok(super::changed_after(self, Revision::NONE)?)
    }

    fn every(&mut self) -> Result<Vec<InstallationRecord>, Failure> {
        Ok(super::every(self)?)
    }

    fn of_id(&mut self, id: InstallationId) -> Result<Option<InstallationRecord>, Failure> {
        Ok(super::of_id(self, id)?)
    }

    fn find(&mut self, id_or_name: &str) -> Result<Option<InstallationRecord>, Failure> {
        Ok(super::find(self, id_or_name)?)
    }

    fn wanted_as(&mut self, bot: BotIdentity<'_>) -> Result<Option<String>, Failure> {
        let name = installation::table
            .filter(installation::desired.eq(Desired::Run.label()))
            .filter(installation::platform.eq(bot.platform.label()))
            .filter(installation::app_id.eq(bot.app_id))
            .order(installation::id)
            .select(installation::name)
            .first(self)
            .optional()?;
        Ok(name)
    }

    fn same_bot_wanted(&mut self, id: InstallationId) -> Result<Option<(String, String)>, Failure> {
        let other = diesel::alias!(installation as other);
        let names = installation::table
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
            .first(self)
            .optional()?;
        Ok(names)
    }

    fn next_revision(&mut self) -> Result<Revision, Failure> {
        next_revision(self)
    }

    fn insert(&mut self, record: &InstallationRecord) -> Result<InstallationId, Failure> {
        let id = diesel::insert_into(installation::table)
            .values(InstallationColumns::of(record))
            .returning(installation::id)
            .get_result(self)?;
        Ok(InstallationId(id))
    }

    fn write(&mut self, record: &InstallationRecord) -> Result<(), Failure> {
        diesel::update(installation::table.find(record.id.0))
            .set(InstallationColumns::of(record))
            .execute(self)?;
        self.write_standing(record.id, record.standing)
    }

    fn write_standing(
        &mut self,
        id: InstallationId,
        standing: Option<FileStanding>,
    ) -> Result<(), Failure> {
        Ok(super::standing::keep(self, id, standing)?)
    }

    fn write_desired(
        &mut self,
        id: InstallationId,
        desired: Desired,
        Revision(revision): Revision,
    ) -> Result<bool, Failure> {
        let changed = diesel::update(installation::table.find(id.0))
            .set((
                installation::desired.eq(desired.label()),
                installation::updated_ms.eq(now_ms()),
                installation::revision.eq(revision),
            ))
            .execute(self)?;
        Ok(changed > 0)
    }

    fn claim(&mut self, id: InstallationId) -> Result<(), Failure> {
        diesel::update(installation::table.find(id.0))
            .set((
                installation::displaced_ms.eq(None::<i64>),
                installation::claims.eq(installation::claims + 1),
            ))
            .execute(self)?;
        Ok(())
    }
}
