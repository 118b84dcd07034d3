//! A file that holds a secret: for its owner alone, made once, and never seen half written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file that must not exist yet. It gets its name when it is whole and on the disk.
///
/// # Errors
/// The file exists (`AlreadyExists`), or the operating system refuses it.
pub(crate) fn save_new(bytes: &[u8], path: &Path) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    // Two processes that make it at once write a draft each.
    draft.push(format!(".new-{}", std::process::id()));
    let draft = PathBuf::from(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // Fails if somebody made one meanwhile, where a rename would replace it.
    let named = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    named?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
