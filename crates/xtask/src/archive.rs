//! Archives whose bytes depend on nothing but their entries and one time.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    File(Vec<u8>),
    Directory,
}

/// An entry of a package. It belongs to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Relative, without a `.` in front or a `/` at the end.
    pub(crate) path: String,
    /// The permission bits.
    pub(crate) mode: u32,
    pub(crate) content: Content,
}

impl Entry {
    /// A file that everybody reads.
    pub(crate) fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            content: Content::File(bytes.into()),
        }
    }

    /// A file that everybody runs.
    pub(crate) fn program(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            mode: 0o755,
            ..Self::file(path, bytes)
        }
    }

    /// A directory with this mode.
    pub(crate) fn directory(path: impl Into<String>, mode: u32) -> Self {
        Self {
            path: path.into(),
            mode,
            content: Content::Directory,
        }
    }
}

/// How hard to compress. A package that is only tried needs no small one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effort {
    Fast,
    Best,
}

impl Effort {
    pub(crate) fn level(self) -> u32 {
        match self {
            Self::Fast => 1,
            Self::Best => 9,
        }
    }
}

/// A tar archive of the entries, sorted by their path, with `prefix` in front of each path.
pub(crate) fn tar(entries: &[Entry], prefix: &str, epoch: u64) -> io::Result<Vec<u8>> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    let mut archive = tar::Builder::new(Vec::new());
    for entry in sorted {
        let mut header = tar::Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_username("root")?;
        header.set_groupname("root")?;
        header.set_mtime(epoch);
        let (path, bytes) = match &entry.content {
            Content::File(bytes) => {
                header.set_entry_type(tar::EntryType::Regular);
                (format!("{prefix}{}", entry.path), bytes.as_slice())
            }
            Content::Directory => {
                header.set_entry_type(tar::EntryType::Directory);
                (format!("{prefix}{}/", entry.path), &[][..])
            }
        };
        header.set_size(bytes.len() as u64);
        // `append_data` would drop the `./` that dpkg wants in front.
        if path.len() <= 100 {
            let name = &mut header.as_gnu_mut().expect("a GNU header").name;
            name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, bytes)?;
        } else {
            archive.append_data(&mut header, &path, bytes)?;
        }
    }
    archive.into_inner()
}

/// `bytes`, compressed by gzip without a name and a time.
pub(crate) fn gzip(bytes: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let level = Compression::new(effort.level());
    let mut writer = GzBuilder::new().write(Vec::new(), level);
    writer.write_all(bytes)?;
    writer.finish()
}

/// The archive that a Debian package is (`ar`, in its common form).
pub(crate) fn ar(members: &[(&str, &[u8])], epoch: u64) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        let header = format!(
            "{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            "100644",
            bytes.len()
        );
        archive.extend(header.as_bytes());
        archive.extend(*bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn equal_entries_make_equal_bytes_in_any_order() {
        let one = Entry::program("bin/longwire", *b"program");
        let other = Entry::directory("state", 0o700);
        let long = Entry::file(format!("{}/text", "d".repeat(120)), *b"text");
        let archive = |entries: &[Entry]| {
            gzip(
                &tar(entries, "./", 1_700_000_000).expect("a vector takes everything"),
                Effort::Best,
            )
            .expect("a vector takes everything")
        };
        let first = archive(&[one.clone(), other.clone(), long.clone()]);
        assert_eq!(first, archive(&[long, other, one]));

        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(first.as_slice())
            .read_to_end(&mut plain)
            .expect("it unpacks");
        let mut archive = tar::Archive::new(plain.as_slice());
        let found: Vec<_> = archive
            .entries()
            .expect("entries")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let header = entry.header();
                assert_eq!(header.mtime().expect("a time"), 1_700_000_000);
                assert_eq!(
                    (
                        header.uid().expect("a user"),
                        header.gid().expect("a group")
                    ),
                    (0, 0)
                );
                let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                (path, header.mode().expect("a mode"), entry.size())
            })
            .collect();
        let long = format!("./{}/text", "d".repeat(120));
        assert_eq!(
            found,
            [
                ("./bin/longwire".to_owned(), 0o755, 7),
                (long, 0o644, 4),
                ("./state/".to_owned(), 0o700, 0)
            ]
        );
    }

    #[test]
    fn a_member_of_ar_begins_at_an_even_place() {
        let archive = ar(&[("one", b"odd"), ("two", b"even")], 5);
        assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 4);
        assert_eq!(&archive[8..24], b"one             ");
        assert_eq!(&archive[8 + 60..8 + 60 + 4], b"odd\n");
        assert_eq!(&archive[8 + 60 + 4..8 + 60 + 8], b"two ");
    }
}
