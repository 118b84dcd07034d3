//! SIGTERM and SIGINT: the first asks for a graceful stop, the second for none. A server takes SIGHUP as well, which asks for the
//! configuration to be read again, and SIGUSR2, which starts a [takeover](crate::takeover); it ignores SIGUSR1.
//!
//! A thread of their own takes the signals, so that they are served whatever the others do: where a signal finds nobody
//! who takes it, because the process has not begun to serve, is stuck, or writes its last words to a reader that
//! stalls, it ends the process at once.
//!
//! ```text
//! SIGTERM, SIGINT ──▶ thread ──▶ one place ──▶ whoever calls `next`
//!                       └── nobody has called it yet, the place is taken, or gone: the process ends
//! SIGHUP, SIGUSR2 ──▶ thread ──▶ counted, for whoever looks at `hangups` or `takeovers`, now or later
//! ```

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;

use crate::exit::{Exit, leave};

/// The signals that end a server.
pub(crate) struct Signals {
    heard: Receiver<&'static str>,
    is_awaited: Arc<AtomicBool>,
    hangups: watch::Receiver<u64>,
    takeovers: watch::Receiver<u64>,
}

impl Signals {
    /// Takes the signals that end a process over from the operating system's defaults, for good.
    pub(crate) fn take() -> io::Result<Self> {
        Self::take_with(false)
    }

    /// The same, and those that end a program by default though nobody who sends them to a server means that.
    pub(crate) fn take_as_server() -> io::Result<Self> {
        Self::take_with(true)
    }

    fn take_with(is_server: bool) -> io::Result<Self> {
        let (heard_at, heard) = channel(1);
        let is_awaited = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (hangup_at, hangups) = watch::channel(0);
        let (takeover_at, takeovers) = watch::channel(0);
        let counted = Counted {
            hangup_at,
            takeover_at,
        };
        let of_server = |kind| is_server.then(|| signal(kind)).transpose();
        let taken = {
            let _inside = runtime.enter();
            Taken {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: of_server(SignalKind::hangup())?,
                user1: of_server(SignalKind::user_defined1())?,
                user2: of_server(SignalKind::user_defined2())?,
            }
        };
        let awaited = Arc::clone(&is_awaited);
        std::thread::Builder::new()
            .name("longwire-signals".to_owned())
            .spawn(move || runtime.block_on(pass_on(taken, &heard_at, &awaited, &counted)))?;
        Ok(Self {
            heard,
            is_awaited,
            hangups,
            takeovers,
        })
    }

    /// Changes with each SIGHUP. One that came before anybody looked is not lost; of several one is told.
    pub(crate) fn hangups(&self) -> watch::Receiver<u64> {
        self.hangups.clone()
    }

    /// Changes with each SIGUSR2, in the same way.
    pub(crate) fn takeovers(&self) -> watch::Receiver<u64> {
        self.takeovers.clone()
    }

    /// The name of the next one. Until the first call, a signal ends the process at once.
    pub(crate) async fn next(&mut self) -> &'static str {
        self.is_awaited.store(true, Relaxed);
        match self.heard.recv().await {
            Some(name) => name,
            // The thread lives as long as the process.
            None => pending().await,
        }
    }
}

/// The signals that the thread takes.
struct Taken {
    terminate: Signal,
    interrupt: Signal,
    hangup: Option<Signal>,
    user1: Option<Signal>,
    user2: Option<Signal>,
}

/// Where the thread counts signals.
struct Counted {
    hangup_at: watch::Sender<u64>,
    takeover_at: watch::Sender<u64>,
}

/// Waits for a signal, or for ever if it is not taken.
async fn hears(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

async fn pass_on(
    mut taken: Taken,
    heard_at: &Sender<&'static str>,
    is_awaited: &AtomicBool,
    counted: &Counted,
) {
    loop {
        let name = tokio::select! {
            _ = taken.terminate.recv() => "SIGTERM",
            _ = taken.interrupt.recv() => "SIGINT",
            () = hears(&mut taken.hangup) => {
                counted.hangup_at.send_modify(|count| *count += 1);
                continue;
            }
            () = hears(&mut taken.user1) => {
                ignore("SIGUSR1");
                continue;
            }
            () = hears(&mut taken.user2) => {
                counted.takeover_at.send_modify(|count| *count += 1);
                continue;
            }
        };
        if !is_awaited.load(Relaxed) {
            tracing::info!(signal = name, "leaving before anything began");
            leave(Exit::Done);
        }
        if heard_at.try_send(name).is_err() {
            tracing::warn!(signal = name, "leaving at once; nobody takes the signal");
            leave(Exit::Interrupted);
        }
    }
}

/// A signal that ends a program by default, though nobody who sends it to a server means that: open your log again.
fn ignore(name: &str) {
    tracing::info!(
        signal = name,
        "the signal means nothing here and is ignored"
    );
}

/// This process is killed when the one that started it is gone, however that ended. Linux only; elsewhere a started
/// process ends with its starter unless that is killed itself.
pub(crate) fn end_with_parent() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        tracing::warn!(%error, "this process may outlive the one that started it");
    }
}
