//! How the endpoints of applications share their part of the sockets.
//!
//! An endpoint that does not answer holds each of its sockets until its posts time out, and would soon hold all of them. So an
//! endpoint takes a further socket only while more are free than it has: one alone has half of them at most, two have a third
//! each, and some are always free. An endpoint without a socket waits for its first one, behind those that waited before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Semaphore;

use super::{SocketPart, SocketPermit};

/// The sockets of one endpoint.
#[derive(Debug)]
pub(crate) struct EndpointSockets {
    part: SocketPart,
    held: Arc<AtomicUsize>,
}

/// One socket of an endpoint that is open, or for which the endpoint waits.
#[derive(Debug)]
pub(super) struct EndpointHold(Arc<AtomicUsize>);

impl Drop for EndpointHold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl EndpointSockets {
    pub(super) fn new(part: SocketPart) -> Self {
        Self {
            part,
            held: Arc::default(),
        }
    }

    /// A permit for one more socket. If it is the endpoint's first, this waits until one is free. `None` if it would be more
    /// than the endpoint's share, or if there are no sockets at all.
    pub(crate) async fn permit(&self) -> Option<SocketPermit> {
        let (hold, before) = self.hold();
        if before > 0 || self.part.most == 0 {
            return self.further(hold, before);
        }
        let permit = Arc::clone(&self.part.permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        Some(SocketPermit::of_endpoint(permit, hold))
    }

    /// A permit for an attempt beside others of one dial. Never waits.
    pub(crate) fn beside(&self) -> Option<SocketPermit> {
        let (hold, before) = self.hold();
        self.further(hold, before)
    }

    /// Whether the socket that was opened last may be kept for the next post: at least half of all are free beside it.
    pub(crate) fn may_keep(&self) -> bool {
        self.part.permits.available_permits() * 2 >= self.part.most
    }

    /// Counts one more socket, and returns how many there were.
    fn hold(&self) -> (EndpointHold, usize) {
        let before = self.held.fetch_add(1, Relaxed);
        (EndpointHold(Arc::clone(&self.held)), before)
    }

    fn further(&self, hold: EndpointHold, before: usize) -> Option<SocketPermit> {
        let permits: &Arc<Semaphore> = &self.part.permits;
        if permits.available_permits() <= before {
            return None;
        }
        let permit = Arc::clone(permits).try_acquire_owned().ok()?;
        Some(SocketPermit::of_endpoint(permit, hold))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::SocketBudget;
    use super::*;

    fn all_of(endpoint: &EndpointSockets) -> Vec<SocketPermit> {
        let more = || endpoint.permit().now_or_never().flatten();
        std::iter::from_fn(more).collect()
    }

    #[test]
    fn an_endpoint_leaves_as_many_as_it_has() {
        // Ten are for calls, and five of them for webhooks.
        let budget = SocketBudget::new(80);
        let (first, second, third) = (budget.endpoint(), budget.endpoint(), budget.endpoint());
        let of_first = all_of(&first);
        assert_eq!(of_first.len(), 3);
        assert!(first.beside().is_none());
        let of_second = all_of(&second);
        assert_eq!(of_second.len(), 1);
        assert_eq!(all_of(&third).len(), 1);
        drop(of_first);
        assert!(second.beside().is_some());
        drop(of_second);
        assert_eq!(all_of(&second).len(), 3, "all were given back");
        let others: Vec<_> = std::iter::from_fn(|| budget.call()).collect();
        assert_eq!(others.len(), 5, "calls have theirs");
    }

    #[test]
    fn the_first_socket_goes_to_whoever_waits_longest() {
        let budget = SocketBudget::new(16);
        let (first, second) = (budget.endpoint(), budget.endpoint());
        let had = all_of(&first);
        assert_eq!(had.len(), 1, "the only one");
        let mut waiting = Box::pin(second.permit());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(second.permit().now_or_never().flatten().is_none());
        drop(had);
        assert!(first.permit().now_or_never().is_none(), "it was not first");
        let got = waiting.as_mut().now_or_never().flatten();
        assert!(got.is_some());
        assert!(second.permit().now_or_never().flatten().is_none());
    }

    #[test]
    fn who_stops_waiting_holds_nothing() {
        let budget = SocketBudget::new(16);
        let (first, second) = (budget.endpoint(), budget.endpoint());
        let had = all_of(&first);
        assert!(second.permit().now_or_never().is_none());
        drop(had);
        assert_eq!(all_of(&second).len(), 1);
    }
}
