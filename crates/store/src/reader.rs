//! A handle to the reading side of a store.

use std::ops::Deref;
use std::sync::Arc;

use crate::engine::ReadEngine;
use crate::open::{OpenError, database_path};
use crate::settings::StoreSettings;
use crate::sqlite;

/// Reads a database, beside the process that writes to it or without any: the queries are [`ReadEngine`]'s. Takes no lock,
/// needs no key, and changes nothing. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<dyn ReadEngine>);

impl Reader {
    /// Opens the database for reading; it must exist.
    pub fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        let path = database_path(&settings.url)?;
        sqlite::open_readers(&path, settings.reader_connections).map(Self)
    }
}

impl Deref for Reader {
    type Target = dyn ReadEngine;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
