//! The end of a store in order: one file is left.

use std::mem;
use std::path::PathBuf;

use super::Store;
use super::slot::WriterSlot;
use crate::engine::LastFiles;

/// What a store leaves on the disk at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedStore {
    /// One file that has everything: a copy of it is a copy of the store.
    OneFile,
    /// The database and this write-ahead log, because another program has them open. Neither is whole without the other.
    WithWal(PathBuf),
    /// Nobody knows: the writer has not ended, or the database was in trouble. The next start finds out.
    InDoubt,
}

impl Store {
    /// Closes the database for good, after the writer thread has ended: has all of the write-ahead log in it, and removes
    /// that log if nobody else has it open. Blocks.
    ///
    /// Afterwards nothing may be asked of this store.
    pub fn close(&self) -> ClosedStore {
        let taken = mem::replace(&mut *self.open.slot(), WriterSlot::Changing);
        let mut state = match taken {
            WriterSlot::Free(state) => state,
            taken @ (WriterSlot::Taken(_) | WriterSlot::Lent { .. } | WriterSlot::Changing) => {
                *self.open.slot() = taken;
                return ClosedStore::InDoubt;
            }
        };
        match state.engine.end() {
            LastFiles::One => ClosedStore::OneFile,
            LastFiles::WithWal(path) => ClosedStore::WithWal(path),
            LastFiles::InDoubt => ClosedStore::InDoubt,
        }
    }
}
