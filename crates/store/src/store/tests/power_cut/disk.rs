//! A disk as a power cut leaves it, made from the record of what a process did to its files.
//!
//! What was synced is there. Of what was written later each sector may be there or not, whatever was written after it; a
//! name is certain once its folder was synced. File systems promise more than that; nothing here relies on it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// One change, in the order in which the process made it (`recorder.c`).
pub(super) enum Deed {
    Made {
        file: u64,
        path: PathBuf,
    },
    Written {
        file: u64,
        offset: usize,
        bytes: Vec<u8>,
    },
    Cut {
        file: u64,
        bytes: usize,
    },
    Synced {
        file: u64,
    },
    FolderSynced(PathBuf),
    Removed(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    FolderMade(PathBuf),
}

impl Deed {
    /// Every deed of a record. Inodes that the file system gave to a second file have a number of their own.
    pub(super) fn read_all(mut record: &[u8]) -> Vec<Self> {
        let mut deeds = Vec::new();
        let mut files: BTreeMap<u64, u64> = BTreeMap::new();
        while !record.is_empty() {
            let (head, rest) = record.split_at(21);
            let number =
                |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes"));
            let (inode, value) = (number(1), number(9));
            let size = u32::from_le_bytes(head[17..21].try_into().expect("four bytes")) as usize;
            let (text, rest) = rest.split_at(size);
            record = rest;
            let path = |bytes: &[u8]| PathBuf::from(String::from_utf8_lossy(bytes).into_owned());
            if head[0] == 1 {
                files.insert(inode, deeds.len() as u64);
            }
            let file = files.get(&inode).copied().unwrap_or(u64::MAX);
            let value = usize::try_from(value).expect("a size in memory");
            deeds.push(match head[0] {
                1 => Self::Made {
                    file,
                    path: path(text),
                },
                2 => Self::Written {
                    file,
                    offset: value,
                    bytes: text.to_vec(),
                },
                3 => Self::Cut { file, bytes: value },
                4 => Self::Synced { file },
                5 => Self::FolderSynced(path(text)),
                6 => Self::Removed(path(text)),
                7 => {
                    let end = text.iter().position(|byte| *byte == 0).expect("two paths");
                    Self::Renamed {
                        from: path(&text[..end]),
                        to: path(&text[end + 1..]),
                    }
                }
                8 => Self::FolderMade(path(text)),
                kind => panic!("the record has no kind {kind}"),
            });
        }
        deeds
    }
}

/// Which of the changes that were not synced a power cut leaves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Luck {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// Of each file the last one alone: later sectors are there and earlier ones are not.
    LastAlone,
    /// Sectors and names by the toss of a coin, which this number fixes.
    Torn(u64),
}

impl Luck {
    fn leaves(self, is_last: bool, coins: &mut Coins) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::LastAlone => is_last,
            Self::Torn(_) => coins.toss(),
        }
    }
}

/// Coins that fall the same way for the same number (a linear congruential generator's high bits).
struct Coins(u64);

impl Coins {
    fn toss(&mut self) -> bool {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 63 == 1
    }
}

/// A change of a file's bytes that no sync has made certain.
#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes: new } => put(bytes, *offset, new),
            Self::Cut(length) => bytes.resize(*length, 0),
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(new);
}

#[derive(Default)]
struct File {
    certain: Vec<u8>,
    uncertain: Vec<Change>,
}

/// A change of names that no sync of their folder has made certain.
enum Naming {
    File(PathBuf, u64),
    Folder(PathBuf),
    Removed(PathBuf),
    Renamed(PathBuf, PathBuf),
}

impl Naming {
    fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(path, _)
            | Self::Folder(path)
            | Self::Removed(path)
            | Self::Renamed(_, path) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Named>) {
        match self {
            Self::File(path, file) => drop(names.insert(path.clone(), Named::File(*file))),
            Self::Folder(path) => drop(names.insert(path.clone(), Named::Folder)),
            Self::Removed(path) => drop(names.remove(path)),
            Self::Renamed(from, to) => {
                if let Some(named) = names.remove(from) {
                    names.insert(to.clone(), named);
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Named {
    File(u64),
    Folder,
}

/// The disk after some of the deeds.
#[derive(Default)]
pub(super) struct Disk {
    files: BTreeMap<u64, File>,
    names: BTreeMap<PathBuf, Named>,
    uncertain_names: Vec<Naming>,
}

impl Disk {
    pub(super) fn apply(&mut self, deed: &Deed) {
        match deed {
            Deed::Made { file, path } => {
                self.files.insert(*file, File::default());
                self.uncertain_names.push(Naming::File(path.clone(), *file));
            }
            Deed::Written {
                file,
                offset,
                bytes,
            } => {
                let change = Change::Write {
                    offset: *offset,
                    bytes: bytes.clone(),
                };
                self.file(*file).uncertain.push(change);
            }
            Deed::Cut { file, bytes } => self.file(*file).uncertain.push(Change::Cut(*bytes)),
            Deed::Synced { file } => {
                let File { certain, uncertain } = self.file(*file);
                for change in uncertain.drain(..) {
                    change.apply(certain);
                }
            }
            Deed::FolderSynced(folder) => {
                let all = std::mem::take(&mut self.uncertain_names);
                for naming in all {
                    if naming.folder() == Some(folder) {
                        naming.apply(&mut self.names);
                    } else {
                        self.uncertain_names.push(naming);
                    }
                }
            }
            Deed::Removed(path) => self.uncertain_names.push(Naming::Removed(path.clone())),
            Deed::Renamed { from, to } => {
                self.uncertain_names
                    .push(Naming::Renamed(from.clone(), to.clone()));
            }
            Deed::FolderMade(path) => self.uncertain_names.push(Naming::Folder(path.clone())),
        }
    }

    fn file(&mut self, file: u64) -> &mut File {
        self.files
            .get_mut(&file)
            .expect("a file is made before it is changed")
    }

    /// Lays out, below `target`, what was below `source` when the power went.
    pub(super) fn after_power_cut(&self, luck: Luck, source: &Path, target: &Path) {
        let mut coins = Coins(match luck {
            Luck::Torn(seed) => seed,
            _ => 0,
        });
        let mut names = self.names.clone();
        for (at, naming) in self.uncertain_names.iter().enumerate() {
            if luck.leaves(at + 1 == self.uncertain_names.len(), &mut coins) {
                naming.apply(&mut names);
            }
        }
        // In the order of paths, so a folder comes before what is in it.
        for (path, named) in &names {
            let path = target.join(
                path.strip_prefix(source)
                    .expect("below the folder that is watched"),
            );
            // What lies in a folder whose own name is not there is not there either.
            if !path.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match named {
                Named::Folder => fs::create_dir(&path).expect("a folder"),
                Named::File(file) => {
                    let bytes = self.files[file].after_power_cut(luck, &mut coins);
                    write_private(&path, &bytes).expect("a file");
                }
            }
        }
    }
}

/// All files of a store are their owner's alone.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let options = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    options?.write_all(bytes)
}

impl File {
    fn after_power_cut(&self, luck: Luck, coins: &mut Coins) -> Vec<u8> {
        let mut bytes = self.certain.clone();
        for (at, change) in self.uncertain.iter().enumerate() {
            let is_last = at + 1 == self.uncertain.len();
            match change {
                Change::Write { offset, bytes: new } => {
                    let mut from = 0;
                    while from < new.len() {
                        // Sectors lie where the disk has them, not where a write begins.
                        let to = new
                            .len()
                            .min(from + SECTOR_BYTES - (offset + from) % SECTOR_BYTES);
                        if luck.leaves(is_last, coins) {
                            put(&mut bytes, offset + from, &new[from..to]);
                        }
                        from = to;
                    }
                }
                Change::Cut(_) if luck.leaves(is_last, coins) => change.apply(&mut bytes),
                Change::Cut(_) => {}
            }
        }
        bytes
    }
}
