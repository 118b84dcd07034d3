//! Metrics of the process and its connections.

use std::collections::BTreeMap;
use std::fmt;

use longwire_fleet::InstallationView;

use super::Snapshot;
use super::families::Families;

/// Counts installations by platform and state.
pub(super) fn by_state(
    installations: &[InstallationView],
) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut counts = BTreeMap::new();
    for installation in installations {
        *counts
            .entry((installation.platform, installation.state))
            .or_default() += 1;
    }
    counts
}

pub(super) fn write(snapshot: &Snapshot, families: &mut Families<'_>) -> fmt::Result {
    let overview = &snapshot.overview;
    families.gauges_by(
        "build",
        "The running version; always 1",
        ["version"],
        [([snapshot.version], 1.0)],
    )?;
    families.gauge(
        "draining",
        "1 while the process is about to end",
        f64::from(overview.draining),
    )?;
    let states = snapshot.connections.iter();
    families.gauges_by(
        "connections",
        "Installations by platform and state of their connection",
        ["platform", "state"],
        states.map(|(&(platform, state), &count)| ([platform, state], count as f64)),
    )?;
    let limit = &overview.connection_limit;
    families.gauge(
        "connections_limit",
        "Connections that the limit on open files allows; absent without one",
        limit.limit.map(|limit| limit as f64),
    )?;
    families.gauge(
        "connections_held",
        "Of them, those that are open, being opened, or kept for a bot that is about to be connected again",
        limit.held as f64,
    )?;
    families.gauge(
        "waiting_for_open_files",
        "Installations that are not connected because too many files are open",
        limit.waiting as f64,
    )?;
    count(snapshot, families)
}

/// What was counted of connections since the start.
fn count(snapshot: &Snapshot, families: &mut Families<'_>) -> fmt::Result {
    let connections = &snapshot.overview.connections;
    families.counters(&[
        (
            "connection_attempts",
            "Connection attempts begun",
            connections.attempts,
        ),
        (
            "connections_opened",
            "Connections that opened",
            connections.opened,
        ),
        (
            "connections_lost",
            "Connections that ended after they had opened",
            connections.lost,
        ),
        (
            "reconnects",
            "Connections that replaced an earlier one",
            connections.reconnects,
        ),
        (
            "connections_renewed",
            "Connections that replaced an earlier one with a new secret or address, once they were proved",
            connections.renewed,
        ),
        (
            "renewals_failed",
            "New secrets or addresses that the platform did not take, so that the earlier connection went on",
            connections.renewals_failed,
        ),
        (
            "connections_silent",
            "Connections found half-open",
            connections.silent,
        ),
        (
            "connections_left_unread",
            "Connections that ended with input unread, where the platform sends it no second time",
            connections.left_unread,
        ),
        ("panics", "Actors that panicked", connections.panics),
        (
            "log_lines_dropped",
            "Lines of the log that were lost: whoever reads it was too slow, or it could not be written",
            snapshot.log_lines_dropped,
        ),
    ])
}
