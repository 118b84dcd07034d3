//! The kinds of actors that a fleet has.

use longwire_actor::ActorKind;

/// The actors of a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FleetActor {
    /// Compares wanted installations with running ones; one per process.
    Supervisor,
    /// Keeps the writer thread of the store alive; one per process.
    Dispatch,
    /// One bot.
    Installation,
    /// One of the actors of a connection.
    Connection(ConnectionActor),
    /// The outgoing messages of one bot.
    Sender,
}

/// The actors of one connection, children of its installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionActor {
    /// Its bytes.
    Socket,
    /// Its heartbeat.
    Pinger,
    /// Its split pushes.
    Assembler,
}

pub(crate) const SUPERVISOR: ActorKind = ActorKind {
    label: "supervisor",
    parent: None,
    // Three messages per installation at most: its permit, its end, its start.
    capacity: 65_536,
};

pub(crate) const DISPATCH: ActorKind = ActorKind {
    label: "dispatch",
    parent: Some("supervisor"),
    capacity: 16,
};

pub(crate) const INSTALLATION: ActorKind = ActorKind {
    label: "installation",
    parent: Some("supervisor"),
    capacity: 16,
};

/// One `Recorded` per group in flight, and a group holds one event at least: the window's events come on top.
pub(crate) const SOCKET: ActorKind = ActorKind {
    label: "socket",
    parent: Some("installation"),
    capacity: 16,
};

pub(crate) const PINGER: ActorKind = ActorKind {
    label: "pinger",
    parent: Some("installation"),
    capacity: 16,
};

pub(crate) const ASSEMBLER: ActorKind = ActorKind {
    label: "assembler",
    parent: Some("installation"),
    capacity: 256,
};

/// The orders that it may have, and the end.
pub(crate) const SENDER: ActorKind = ActorKind {
    label: "sender",
    parent: Some("installation"),
    capacity: 128,
};

impl FleetActor {
    /// Every kind, in the order of the tree.
    pub const ALL: [Self; 7] = [
        Self::Supervisor,
        Self::Dispatch,
        Self::Installation,
        Self::Connection(ConnectionActor::Socket),
        Self::Connection(ConnectionActor::Pinger),
        Self::Connection(ConnectionActor::Assembler),
        Self::Sender,
    ];

    /// Stable label.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.kind().label
    }

    pub(crate) fn kind(self) -> &'static ActorKind {
        match self {
            Self::Supervisor => &SUPERVISOR,
            Self::Dispatch => &DISPATCH,
            Self::Installation => &INSTALLATION,
            Self::Connection(actor) => actor.kind(),
            Self::Sender => &SENDER,
        }
    }

    /// The actor with that label.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|actor| actor.label() == label)
    }
}

impl ConnectionActor {
    pub(crate) fn kind(self) -> &'static ActorKind {
        match self {
            Self::Socket => &SOCKET,
            Self::Pinger => &PINGER,
            Self::Assembler => &ASSEMBLER,
        }
    }
}
