//! Bots that wait because this process may open no more files.
//!
//! Every connection is an open file. The budget of the way out (`longwire_egress::SocketBudget`) leaves the process those
//! that it needs itself; a bot that finds none left waits, as in any other backoff, while those that are connected stay
//! so. Thousands may wait at once and try again every minute, so the log has one line when the first one waits and one
//! when none does any more.

use crate::view::ConnectionLimitView;
use longwire_egress::{SocketBudget, SocketPermit};
use longwire_link::Setback;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The connections that may be open, and how many bots wait for one.
pub(crate) struct OpenFiles {
    sockets: SocketBudget,
    waiting: AtomicU64,
}

/// One bot that waits. Dropping it ends that.
pub(crate) struct WaitsForFile(Arc<OpenFiles>);

impl OpenFiles {
    pub(crate) fn new(sockets: SocketBudget) -> Arc<Self> {
        Arc::new(Self {
            sockets,
            waiting: AtomicU64::new(0),
        })
    }

    /// Permission for one connection, if any is left.
    pub(crate) fn permit(&self) -> Option<SocketPermit> {
        self.sockets.connection()
    }

    /// Whether any is left.
    pub(crate) fn has_permit(&self) -> bool {
        self.sockets.has_connection()
    }

    /// One bot more waits.
    pub(crate) fn wait(self: &Arc<Self>) -> WaitsForFile {
        if self.waiting.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(
                connections = self.sockets.connections(),
                limit = self.sockets.most_connections(),
                next_step = Setback::TooManyOpenFiles.next_step(),
                "too many files are open: bots that are not connected wait, and those that are stay so"
            );
        }
        WaitsForFile(Arc::clone(self))
    }

    pub(crate) fn view(&self) -> ConnectionLimitView {
        ConnectionLimitView {
            limit: self.sockets.most_connections().map(|most| most as u64),
            held: self.sockets.connections() as u64,
            waiting: self.waiting.load(Relaxed),
        }
    }
}

impl Drop for WaitsForFile {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, Relaxed) == 1 {
            tracing::info!("no bot waits for open files any more");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_are_counted_until_they_do_not() {
        let open_files = OpenFiles::new(SocketBudget::new(2));
        let permit = open_files.permit();
        let (first, second) = (open_files.wait(), open_files.wait());
        let view = open_files.view();
        assert_eq!((view.limit, view.held, view.waiting), (Some(1), 1, 2));
        assert!(!open_files.has_permit());
        drop((first, permit));
        let view = open_files.view();
        assert_eq!((view.held, view.waiting), (0, 1));
        drop(second);
        assert_eq!(open_files.view().waiting, 0);
        assert!(open_files.has_permit());
    }
}
