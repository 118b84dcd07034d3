//! Why something could not be recorded, and what to do about it: its cause, and the database's own words.

use std::fmt;

/// The reason behind a refused record. One table of labels and advice for the log, the page and
/// the metrics.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub enum Cause {
    /// The disk, its quota, or the database's own page limit is used up.
    DiskFull,
    /// Another process has held the write lock for longer than we wait.
    Locked,
    /// The database file, or one that belongs to it, was deleted or replaced under us.
    Gone,
    /// The store's lock is no longer ours, because its file was deleted or replaced under us; another process may have it.
    Held,
    /// Another program cut the write-ahead log short.
    Truncated,
    /// The file or its file system takes no writes.
    ReadOnly,
    /// The file is damaged, or no database of ours.
    Corrupt,
    /// The disk answered with an error.
    Io,
    /// The disk does not answer at all: a commit has been running for seconds.
    Stalled,
    /// This event alone was refused by a rule of the schema; its neighbours were recorded.
    Poison,
    /// The writer thread ended, or the store was closed, before the event was written.
    WriterGone,
    /// None of the above; the detail has the database's words.
    Other,
}

impl Cause {
    /// All of them.
    const ALL: [Self; 12] = [
        Self::DiskFull,
        Self::Locked,
        Self::Gone,
        Self::Held,
        Self::Truncated,
        Self::ReadOnly,
        Self::Corrupt,
        Self::Io,
        Self::Stalled,
        Self::Poison,
        Self::WriterGone,
        Self::Other,
    ];

    /// The cause of this [`label`](Self::label).
    pub(crate) fn parse(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.label() == label)
    }

    /// A stable word for counters and JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Locked => "locked",
            Self::Gone => "gone",
            Self::Held => "held",
            Self::Truncated => "truncated",
            Self::ReadOnly => "read_only",
            Self::Corrupt => "corrupt",
            Self::Io => "io",
            Self::Stalled => "stalled",
            Self::Poison => "poison",
            Self::WriterGone => "writer_gone",
            Self::Other => "other",
        }
    }

    /// Whether the database gave no reason that says more than that it failed.
    pub(crate) fn is_unexplained(self) -> bool {
        match self {
            Self::Io | Self::Other => true,
            Self::DiskFull
            | Self::Locked
            | Self::Gone
            | Self::Held
            | Self::Truncated
            | Self::ReadOnly
            | Self::Corrupt
            | Self::Stalled
            | Self::Poison
            | Self::WriterGone => false,
        }
    }

    /// What an operator does about it. Feishu and Lark push again what was not recorded; WeCom's events wait in memory.
    pub fn advice(self) -> &'static str {
        match self {
            Self::DiskFull => {
                "free space where the database lies; recording resumes by itself within a second"
            }
            Self::Locked => {
                "another program holds the database's write lock; end it, and recording resumes by itself"
            }
            Self::Gone => {
                "the database file was deleted or replaced; put it or a backup of it back, with its -wal file if there is \
                 one, and recording resumes by itself. An empty log is not created in its place, because it would \
                 not recognize the platform's repeats: if the file cannot be had again, restart, and a new log begins"
            }
            Self::Held => {
                "the lock file was deleted, and another gateway may have been started on this store: end one of the two. This \
                 one records nothing while the other runs, and goes on by itself when it has ended"
            }
            Self::Truncated => {
                "a program cut the file that ends in -wal: stop it, and let nothing but longwire write to the store's \
                 files. Events that were in the part it cut off are lost, and the log says how many; recording resumes \
                 by itself once nobody else has the database open"
            }
            Self::ReadOnly => {
                "make the database file, its directory and its file system writable; recording resumes by itself"
            }
            Self::Corrupt => {
                "the database file is damaged; keep a copy, and put a backup in its place, without the old -wal file"
            }
            Self::Io => {
                "the disk reports errors; look at the kernel log. Recording resumes by itself if they pass"
            }
            Self::Stalled => {
                "the disk takes no writes and does not say why: look at the kernel log, at what else writes there, and \
                 at a frozen or remote file system. Recording resumes by itself when it answers"
            }
            Self::Poison => {
                "the event breaks a rule of the schema, most often because its installation was removed"
            }
            Self::WriterGone => {
                "the writer thread ended; it is started again by itself. Feishu and Lark repeat what it did not record, \
                 WeCom's events are kept and recorded then"
            }
            Self::Other => "the detail has the database's own words",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DiskFull => "the disk is full",
            Self::Locked => "the database is locked by another process",
            Self::Gone => "the database file was deleted or replaced",
            Self::Held => "the store's lock is no longer ours",
            Self::Truncated => "the write-ahead log was cut short",
            Self::ReadOnly => "the database cannot be written to",
            Self::Corrupt => "the database file is damaged",
            Self::Io => "the disk reports an error",
            Self::Stalled => "the disk does not answer",
            Self::Poison => "the event breaks a rule of the schema",
            Self::WriterGone => "the writer thread ended",
            Self::Other => "the database refused",
        })
    }
}

/// Why a transaction did not become a record.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}: {detail}")]
pub struct Failure {
    /// What kind of trouble it is.
    pub cause: Cause,
    /// The database's own words.
    pub detail: String,
}

impl Failure {
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            cause,
            detail: detail.into(),
        }
    }
}
