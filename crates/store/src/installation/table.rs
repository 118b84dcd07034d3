//! The installations within a transaction of the engine that keeps them.

use longwire_installation::{BotIdentity, Desired, InstallationId, Revision};

use super::{FileStanding, InstallationRecord};
use crate::cause::Failure;

/// The installations within a transaction of the engine that keeps them. One that was removed is found by
/// [`every`](Self::every) alone.
pub(crate) trait InstallationTable {
    /// All of them, oldest first.
    fn all(&mut self) -> Result<Vec<InstallationRecord>, Failure>;

    /// All that there ever were, oldest first.
    fn every(&mut self) -> Result<Vec<InstallationRecord>, Failure>;

    /// The one with this public id or name.
    fn find(&mut self, id_or_name: &str) -> Result<Option<InstallationRecord>, Failure>;

    /// The one in this row.
    fn of_id(&mut self, id: InstallationId) -> Result<Option<InstallationRecord>, Failure>;

    /// The name of one that is to be connected as this bot.
    fn wanted_as(&mut self, bot: BotIdentity<'_>) -> Result<Option<String>, Failure>;

    /// The name of this one and of another that is to be connected as the same bot.
    fn same_bot_wanted(&mut self, id: InstallationId) -> Result<Option<(String, String)>, Failure>;

    /// The number of the change that is about to be made.
    fn next_revision(&mut self) -> Result<Revision, Failure>;

    /// Writes a new row; its number is given by the database, whatever the record says.
    fn insert(&mut self, record: &InstallationRecord) -> Result<InstallationId, Failure>;

    /// Writes over all of the row of this record but who has its bot, which [`claim`](Self::claim) changes.
    fn write(&mut self, record: &InstallationRecord) -> Result<(), Failure>;

    /// Writes how one stands to the configuration file. [`write`](Self::write) writes it too.
    fn write_standing(
        &mut self,
        id: InstallationId,
        standing: Option<FileStanding>,
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
