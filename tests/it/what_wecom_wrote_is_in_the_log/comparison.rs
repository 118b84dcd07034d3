//! Compares what the platform wrote with the log.

use std::collections::HashSet;

use longwire_sim::wecom::Control;
use longwire_tests::{Gateway, wait_until};

/// The number of messages that are missing at the end of each connection. Asserts that none is missing before that, that
/// none is there twice, and that the log has the connections one after the other.
#[track_caller]
pub(super) fn missing(control: &Control, gateway: &Gateway) -> Vec<usize> {
    let written = control.written(None);
    let pushed: HashSet<String> = written
        .iter()
        .flat_map(|of| of.msgids.iter().cloned())
        .collect();
    let log: Vec<String> = gateway
        .events()
        .into_iter()
        .filter_map(|event| event.event_id)
        .map(String::from)
        .filter(|id| pushed.contains(id))
        .collect();
    let mut rest = &log[..];
    let missing = written
        .iter()
        .map(|of| {
            let same = rest.iter().zip(&of.msgids);
            let same = same.take_while(|(got, sent)| got == sent).count();
            rest = &rest[same..];
            of.msgids.len() - same
        })
        .collect();
    assert!(
        rest.is_empty(),
        "a gap or another order: of {} events in the log, those from {:?} on do not follow; missing {missing:?}",
        log.len(),
        rest.first(),
    );
    missing
}

/// Stops the traffic and waits until nothing is missing of the newest connection. Returns the numbers of the others.
#[track_caller]
pub(super) fn settle(control: &Control, gateway: &Gateway) -> Vec<usize> {
    control.stop_traffic();
    wait_until("everything written is recorded", || {
        let ledger = control.ledger();
        let missing = missing(control, gateway);
        match missing.split_last() {
            Some((0, others)) if ledger.unwritten == 0 => Ok(others.to_vec()),
            other => Err(format!("{other:?}, {ledger:?}")),
        }
    })
}
