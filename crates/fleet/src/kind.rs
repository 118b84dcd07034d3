//! The kinds of actors.

/// Kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ActorKind {
    /// Compares wanted installations with running ones; one per process.
    Supervisor,
    /// Owns the writer thread of the store; one per process.
    Dispatch,
    /// One bot.
    Installation,
    /// One connection's bytes.
    Socket,
    /// One connection's heartbeat.
    Pinger,
    /// One connection's split pushes.
    Assembler,
}

impl ActorKind {
    /// Every kind, in the order of the tree.
    pub const ALL: [Self; 6] = [
        Self::Supervisor,
        Self::Dispatch,
        Self::Installation,
        Self::Socket,
        Self::Pinger,
        Self::Assembler,
    ];

    /// Stable label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Dispatch => "dispatch",
            Self::Installation => "installation",
            Self::Socket => "socket",
            Self::Pinger => "pinger",
            Self::Assembler => "assembler",
        }
    }

    /// The kind of that label.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }

    /// What its construction bounds the mailbox to; a warning is due well before.
    pub(crate) fn capacity(self, window_events: u64) -> u64 {
        match self {
            // Three messages per installation at most: its turn, its end, its start.
            Self::Supervisor => 65_536,
            Self::Dispatch | Self::Installation | Self::Pinger => 16,
            // One `Recorded` per group in flight, and a group holds one event at least.
            Self::Socket => window_events + 16,
            Self::Assembler => 256,
        }
    }
}
