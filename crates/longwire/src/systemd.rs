//! What systemd is told (`Type=notify`). Without systemd all of it does nothing.
//!
//! A thread tells it: the socket has room for a few messages, and where nobody takes them, whoever sends one more waits.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use longwire_fleet::{Fleet, Inspection, WantedCounts};
use sd_notify::NotifyState;

/// Messages that may wait for systemd. More of them are as good as none: the next one replaces what they say.
const WAITING: usize = 16;

/// A message to systemd.
enum Notice {
    Ready(&'static str),
    Reloading,
    Status(String),
    Stopping(&'static str),
    Watchdog,
}

/// What `systemctl status` shows: of the bots that are wanted, since those that are stopped are nobody's trouble.
pub(crate) fn status_line(counts: WantedCounts, recorded: u64) -> String {
    let WantedCounts {
        wanted, webhook, ..
    } = counts;
    let connected = counts.live + webhook;
    let by_webhook = match webhook {
        0 => String::new(),
        some => format!(", {some} of them by webhook"),
    };
    format!("{connected} of {wanted} wanted bots live{by_webhook}; {recorded} events recorded")
}

/// Installations are being connected, and the listeners answer.
pub(crate) fn ready(status: &'static str) {
    notify(Notice::Ready(status));
}

/// The configuration is being read again, until [`ready`] is told (`Type=notify-reload`).
pub(crate) fn reloading() {
    notify(Notice::Reloading);
}

/// One line for `systemctl status`.
pub(crate) fn status(status: String) {
    notify(Notice::Status(status));
}

/// The process is on its way out.
pub(crate) fn stopping(status: &'static str) {
    notify(Notice::Stopping(status));
}

/// Another process is the service from now on. It says itself when it is ready.
///
/// Returns when systemd has it or `limit` is over: this process ends next, and systemd must not take that for the end of the
/// service.
pub(crate) fn main_process_is(pid: u32, limit: Duration) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let (told, hears) = sync_channel(1);
    let thread = std::thread::Builder::new().name("longwire-systemd".to_owned());
    let spawned = thread.spawn(move || {
        let _ = told.send(sd_notify::notify(&[NotifyState::MainPid(pid)]));
    });
    if spawned.is_err() || !matches!(hears.recv_timeout(limit), Ok(Ok(()))) {
        tracing::warn!(pid, "systemd was not told of the new main process");
    }
}

fn notify(notice: Notice) {
    static THREAD: OnceLock<Option<SyncSender<Notice>>> = OnceLock::new();
    let thread = THREAD.get_or_init(|| {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (sender, notices) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("longwire-systemd".to_owned());
        // Without a thread to spare systemd hears nothing, and its own deadlines say what follows.
        thread.spawn(move || tell(&notices)).ok()?;
        Some(sender)
    });
    if let Some(thread) = thread
        && thread.try_send(notice).is_err()
    {
        tracing::debug!("systemd takes no messages");
    }
}

fn tell(notices: &Receiver<Notice>) {
    for notice in notices {
        let told = match &notice {
            Notice::Ready(status) => {
                sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)])
            }
            // With the time at which it begins: a reload that was asked for later has not begun yet.
            Notice::Reloading => NotifyState::monotonic_usec_now().and_then(|now| {
                let status = NotifyState::Status("reading the configuration again");
                sd_notify::notify(&[NotifyState::Reloading, now, status])
            }),
            Notice::Status(status) => sd_notify::notify(&[NotifyState::Status(status)]),
            Notice::Stopping(status) => {
                sd_notify::notify(&[NotifyState::Stopping, NotifyState::Status(status)])
            }
            Notice::Watchdog => sd_notify::notify(&[NotifyState::Watchdog]),
        };
        if let Err(error) = told {
            tracing::debug!(%error, "systemd does not listen");
        }
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
    notify(Notice::Watchdog);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_counts_wanted_bots() {
        let counts = |wanted, live, webhook| WantedCounts {
            wanted,
            live,
            webhook,
        };
        for (counts, text) in [
            (
                counts(0, 0, 0),
                "0 of 0 wanted bots live; 7 events recorded",
            ),
            (
                counts(400, 397, 0),
                "397 of 400 wanted bots live; 7 events recorded",
            ),
            (
                counts(4, 1, 2),
                "3 of 4 wanted bots live, 2 of them by webhook; 7 events recorded",
            ),
        ] {
            assert_eq!(status_line(counts, 7), text);
        }
    }
}
