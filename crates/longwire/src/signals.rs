//! SIGTERM and SIGINT. The first asks for a graceful stop, the second for none.
//!
//! A thread of their own takes the signals, so that they are served whatever the others do: where a signal finds nobody
//! who takes it, because the process has not begun to serve, is stuck, or writes its last words to a reader that
//! stalls, it ends the process at once.
//!
//! ```text
//! SIGTERM, SIGINT ──▶ thread ──▶ one place ──▶ whoever calls `next`
//!                       └── nobody has called it yet, the place is taken, or gone: the process ends
//! ```

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::exit::{Exit, leave};

/// The signals that end a server.
pub(crate) struct Signals {
    heard: Receiver<&'static str>,
    is_awaited: Arc<AtomicBool>,
}

impl Signals {
    /// Takes the signals over from the operating system's defaults, for good.
    pub(crate) fn take() -> io::Result<Self> {
        let (heard_at, heard) = channel(1);
        let is_awaited = Arc::new(AtomicBool::new(false));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let (terminate, interrupt) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
            )
        };
        let awaited = Arc::clone(&is_awaited);
        std::thread::Builder::new()
            .name("longwire-signals".to_owned())
            .spawn(move || runtime.block_on(pass_on(terminate, interrupt, &heard_at, &awaited)))?;
        Ok(Self { heard, is_awaited })
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

async fn pass_on(
    mut terminate: Signal,
    mut interrupt: Signal,
    heard_at: &Sender<&'static str>,
    is_awaited: &AtomicBool,
) {
    loop {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
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

/// Has the process live on when it gets a signal that ends a program by default, though nobody who sends it to a server
/// means that: SIGHUP (the terminal is gone; read your configuration again), SIGUSR1, SIGUSR2 (open your log again).
/// None of them means anything here, and the log says so. Inside an actix system only.
pub(crate) fn outlive_others() -> io::Result<()> {
    let others = [
        ("SIGHUP", SignalKind::hangup()),
        ("SIGUSR1", SignalKind::user_defined1()),
        ("SIGUSR2", SignalKind::user_defined2()),
    ];
    for (name, kind) in others {
        let mut heard = signal(kind)?;
        actix_rt::spawn(async move {
            while heard.recv().await.is_some() {
                tracing::info!(
                    signal = name,
                    "the signal means nothing here and is ignored; a changed configuration needs a restart"
                );
            }
        });
    }
    Ok(())
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
