//! The limit on open files, which is a limit on connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit in force, and the one it may be raised to; `None` means unlimited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFiles {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

/// Open files of a gateway besides its connections: the store, the listeners, and calls to the platform under way.
const SPARE: u64 = 512;

/// Says so when so many installations need more open files than are allowed.
pub(crate) fn suffice_for(installations: u64) {
    let needed = installations + SPARE;
    if let Some(allowed) = limit().soft
        && allowed < needed
    {
        tracing::warn!(
            needed,
            allowed,
            installations,
            "too few open files are allowed, and every connection is one: not all will connect; raise LimitNOFILE"
        );
    }
}

/// What the process has now.
pub(crate) fn limit() -> OpenFiles {
    let limit = getrlimit(Resource::Nofile);
    OpenFiles {
        soft: limit.current,
        hard: limit.maximum,
    }
}

/// Raises the soft limit to the hard one. Shells hand out 1,024, for the sake of programs that still use
/// `select`; nothing here does.
pub(crate) fn raise() -> OpenFiles {
    let before = limit();
    if before.soft != before.hard {
        let wanted = Rlimit {
            current: before.hard,
            maximum: before.hard,
        };
        if let Err(error) = setrlimit(Resource::Nofile, wanted) {
            tracing::warn!(%error, soft = ?before.soft, "the limit on open files cannot be raised");
        }
    }
    limit()
}
