//! What systemd is told (`Type=notify`). Without systemd all of it does nothing.

use std::time::Duration;

use longwire_fleet::{Fleet, Inspection};
use sd_notify::NotifyState;

/// Installations are being connected, and the listeners answer.
pub(crate) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// One line for `systemctl status`.
pub(crate) fn status(status: &str) {
    notify(&[NotifyState::Status(status)]);
}

/// The process is on its way out.
pub(crate) fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}

/// How often the watchdog wants to hear, if it was asked for.
pub(crate) fn watchdog_period() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Tells the watchdog that we live, if the supervisor and the dispatch actor answer. A timer alone would prove
/// nothing but a working timer.
pub(crate) async fn feed_watchdog(fleet: &Fleet) {
    for path in ["/fleet", "/fleet/dispatch"] {
        if !matches!(fleet.inspect(path).await, Inspection::Answered { .. }) {
            tracing::warn!(path, "no answer; the watchdog is not fed");
            return;
        }
    }
    notify(&[NotifyState::Watchdog]);
}
