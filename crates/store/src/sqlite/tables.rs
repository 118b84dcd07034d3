//! The tables of a writing transaction, which the connection lends one by one.

use diesel::SqliteConnection;

use crate::engine::Tables;
use crate::installation::InstallationTable;

impl Tables for SqliteConnection {
    fn installations(&mut self) -> &mut dyn InstallationTable {
        self
    }
}
