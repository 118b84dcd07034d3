//! The limit on open files, which is a limit on connections.

use longwire_egress::SocketBudget;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::RelaySection;
use crate::listeners;

/// Open files that the process needs besides its listeners' clients, programs' connections and its arbiters: standard streams, the log, the
/// listeners, the store with its readers, eight uploads, the threads of the listeners. A gateway that does nothing has
/// 35.
const OWN: u64 = 80;

/// Open files of one arbiter: what it waits for events with, and up to four lookups of names under way.
const PER_ARBITER: u64 = 8;

/// What the process may open; `None` means without limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) soft: Option<u64>,
    pub(crate) hard: Option<u64>,
}

/// What this process has now.
pub(crate) fn limits() -> Limits {
    let limit = getrlimit(Resource::Nofile);
    Limits {
        soft: limit.current,
        hard: limit.maximum,
    }
}

/// Raises the soft limit to the hard one. Shells hand out 1,024, for the sake of programs that still use
/// `select`; nothing here does.
pub(crate) fn raise() -> Limits {
    let before = limits();
    if before.soft != before.hard {
        let wanted = Rlimit {
            current: before.hard,
            maximum: before.hard,
        };
        if let Err(error) = setrlimit(Resource::Nofile, wanted) {
            tracing::warn!(%error, soft = ?before.soft, "the limit on open files cannot be raised");
        }
    }
    limits()
}

/// How a gateway shares its open files out: so many are kept for itself, and sockets to the platforms have the rest.
///
/// Without that, bots that connect take the last one, and then no probe is accepted and the store cannot be opened again.
#[derive(Debug, Clone)]
pub(crate) struct OpenFiles {
    /// `None` means without limit.
    limit: Option<u64>,
    arbiters: u64,
    relay: RelaySection,
}

impl OpenFiles {
    /// Of a gateway in this process, with the limit in force now.
    pub(crate) fn of_process(arbiters: usize, relay: &RelaySection) -> Self {
        Self::new(limits().soft, arbiters, relay)
    }

    /// Of a gateway with this limit.
    pub(crate) fn new(limit: Option<u64>, arbiters: usize, relay: &RelaySection) -> Self {
        Self {
            limit,
            arbiters: arbiters as u64,
            relay: relay.clone(),
        }
    }

    /// What the process may open; `None` is any number.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Open files that are kept for the process itself.
    fn reserve(&self) -> u64 {
        let clients = listeners::connections(self.limit) as u64;
        let relayed = self.relay.limits(self.limit).open_files() as u64;
        clients + relayed + OWN + PER_ARBITER * self.arbiters
    }

    /// Of the rest, what sockets may take.
    pub(crate) fn sockets(&self) -> SocketBudget {
        match self.limit {
            Some(limit) => {
                let sockets = limit.saturating_sub(self.reserve());
                SocketBudget::new(usize::try_from(sockets).unwrap_or(usize::MAX))
            }
            None => SocketBudget::unlimited(),
        }
    }

    /// Connections that may be open at once; `None` means any number.
    pub(crate) fn connections(&self) -> Option<u64> {
        let most = self.sockets().most_connections();
        most.map(|most| most as u64)
    }

    /// The least limit with which so many installations can all be connected.
    pub(crate) fn needed(&self, installations: u64) -> u64 {
        let suffices = |limit| {
            let limit = Some(limit);
            let relay = self.relay.clone();
            let connections = Self {
                limit,
                relay,
                ..*self
            }
            .connections();
            connections.is_none_or(|connections| connections >= installations)
        };
        // One socket in eight is for calls. The reserve grows with the limit, and by less than it.
        let unlimited = Self {
            limit: None,
            relay: self.relay.clone(),
            ..*self
        };
        let (mut least, mut most) = (
            installations,
            unlimited.reserve() + (installations * 8).div_ceil(7),
        );
        while least < most {
            let middle = u64::midpoint(least, most);
            if suffices(middle) {
                most = middle;
            } else {
                least = middle + 1;
            }
        }
        least
    }

    /// Says so in the log when so many installations cannot all be connected.
    pub(crate) fn tell(&self, installations: u64) {
        if let (Some(allowed), Some(connections)) = (self.limit, self.connections())
            && connections < installations
        {
            tracing::warn!(
                allowed,
                needed = self.needed(installations),
                installations,
                connections,
                "too few open files are allowed, and every connection is one: not all will connect; raise LimitNOFILE"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_suffices_and_no_less_does() {
        for installations in [1, 7, 100, 832, 5_000, 10_000] {
            let needed = OpenFiles::new(None, 2, &RelaySection::default()).needed(installations);
            let connections =
                |limit| OpenFiles::new(Some(limit), 2, &RelaySection::default()).connections();
            assert!(
                connections(needed) >= Some(installations),
                "{installations}"
            );
            assert!(
                connections(needed - 2) < Some(installations),
                "{installations}"
            );
        }
    }

    #[test]
    fn the_reserve_is_kept_whatever_the_limit() {
        let open_files = |limit| OpenFiles::new(limit, 2, &RelaySection::default());
        assert_eq!(open_files(Some(0)).connections(), Some(0));
        assert_eq!(open_files(Some(192)).connections(), Some(0));
        assert_eq!(open_files(Some(256)).connections(), Some(40));
        assert_eq!(open_files(Some(1_024)).connections(), Some(665));
        assert_eq!(open_files(None).connections(), None);
    }
}
