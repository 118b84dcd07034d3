//! Which of the store's files somebody other than their owner may use.
//!
//! Payloads are the messages of people, and whoever may write to the lock or the directory can have a second gateway
//! started on the store. The files are made for their owner alone; a copy that was put in place, or a restored backup, may not be.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::directory::beside;
use crate::open::database_path;
use crate::settings::StoreSettings;
use crate::sqlite::file::DatabaseFile;

/// What others may do with a file: any of the permissions of its group and of everybody.
const OTHERS: u32 = 0o077;
/// Everybody may write, and so, in a directory, delete.
const EVERYBODY_WRITES: u32 = 0o002;
/// In a directory with this bit a user can delete only files of their own.
const STICKY: u32 = 0o1000;

/// A file of the store that others may use, or its directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Exposed {
    /// The file.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

impl Exposed {
    /// What an operator does about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "take it from the others: `chmod go-rwx` on a file, `chmod o-w` on a directory. For readers there is the HTTP interface"
    }
}

impl StoreSettings {
    /// Where the text of the store's first token lies, beside the database. Whoever starts a server makes it; the store never
    /// looks into it. `None` where the database is no file.
    #[must_use]
    pub fn token_file(&self) -> Option<PathBuf> {
        let path = database_path(&self.url).ok()?;
        Some(beside(&path, ".token"))
    }

    /// Where a gateway that makes its own certificates keeps the key of their authority, beside the database. The store never
    /// looks into it. `None` where the database is no file.
    #[must_use]
    pub fn authority_file(&self) -> Option<PathBuf> {
        let path = database_path(&self.url).ok()?;
        Some(beside(&path, ".ca"))
    }

    /// Where a running server can be asked to hand over to a new process, beside the database. The store never looks at it. `None`
    /// where the database is no file.
    #[must_use]
    pub fn takeover_socket(&self) -> Option<PathBuf> {
        let path = database_path(&self.url).ok()?;
        Some(beside(&path, ".takeover"))
    }

    /// The files of the store that are there and that others may use.
    #[must_use]
    pub fn exposed(&self) -> Vec<Exposed> {
        let Ok(path) = database_path(&self.url) else {
            return Vec::new();
        };
        let key = self.key_file_for(&path);
        let file = DatabaseFile::new(path.clone());
        let token = beside(&path, ".token");
        let authority = beside(&path, ".ca");
        let files = [
            &file.path, &file.wal, &file.shm, &file.lock, &key, &token, &authority,
        ];
        let mut exposed: Vec<Exposed> = files
            .into_iter()
            .filter_map(|path| mode(path.to_owned()))
            .filter(|found| found.mode & OTHERS != 0)
            .collect();
        let directory = path
            .parent()
            .and_then(|directory| mode(directory.to_owned()));
        exposed.extend(
            directory.filter(|found| found.mode & (EVERYBODY_WRITES | STICKY) == EVERYBODY_WRITES),
        );
        exposed
    }
}

fn mode(path: PathBuf) -> Option<Exposed> {
    let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o7777;
    Some(Exposed { path, mode })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;
    use crate::store::Store;

    #[test]
    fn what_others_may_use_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = StoreSettings::at(directory.path().join("x.db").display().to_string());
        assert_eq!(settings.exposed(), []);
        let _store = Store::open(&settings).expect("opens");
        let token = settings.token_file().expect("a file has neighbours");
        let authority = settings.authority_file().expect("a file has neighbours");
        for beside in [token, authority] {
            fs::write(&beside, "").expect("written");
            fs::set_permissions(&beside, Permissions::from_mode(0o600)).expect("chmod");
        }
        assert_eq!(settings.exposed(), [], "they are made for their owner");
        for (name, mode) in [
            ("x.db", 0o640),
            ("x.db-wal", 0o604),
            ("x.db-shm", 0o602),
            ("x.db.lock", 0o620),
            ("x.db.key", 0o601),
            ("x.db.token", 0o644),
            ("x.db.ca", 0o640),
            ("", 0o777),
        ] {
            let path = directory.path().join(name);
            let before = fs::metadata(&path).expect("there").permissions();
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            let found = settings.exposed();
            let found: Vec<_> = found
                .iter()
                .map(|one| (one.path.as_path(), one.mode))
                .collect();
            assert_eq!(found, [(path.as_path(), mode)]);
            fs::set_permissions(&path, before).expect("chmod");
        }
        fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).expect("chmod");
        assert_eq!(settings.exposed(), [], "nobody else can delete there");
    }
}
