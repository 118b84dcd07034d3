//! `longwire serve`: holds the connections until told to stop.

use std::path::Path;
use std::time::Duration;

use longwire_admin::ReloadRun;
use longwire_fleet::setback::chain;
use tokio::sync::watch;

use crate::cli::Serve;
use crate::config::Loaded;
use crate::exit::{Exit, Failure, leave};
use crate::gateway::{Broken, Gateway};
use crate::reload::Reloader;
use crate::signals::{Signals, end_with_parent};
use crate::{files, logs, systemd};

/// How often `systemctl status` gets a new line.
const STATUS_PERIOD: Duration = Duration::from_secs(10);
/// What blocking tasks have after a drain.
const LAST_TASKS: Duration = Duration::from_secs(2);

pub(crate) fn run(config: Option<&Path>, serve: &Serve) -> Result<Exit, Failure> {
    // First of all: whoever asks for a reload this early does not mean to end the process.
    let signals = Signals::take_as_server().map_err(Failure::io("take over signals"))?;
    let mut loaded = Loaded::read(config)?;
    logs::start(&loaded.config.log, serve.log);
    if !loaded.overrides.is_empty() {
        tracing::info!(variables = %loaded.overrides.join(" "), "the environment overrides the configuration");
    }
    if serve.end_with_parent {
        end_with_parent();
    }
    files::raise();
    actix_rt::System::new().block_on(hold(&mut loaded, signals))
}

async fn hold(loaded: &mut Loaded, mut signals: Signals) -> Result<Exit, Failure> {
    let gateway = Gateway::start(loaded).await?;
    tracing::info!(
        config = %loaded.file.display(),
        api = %gateway.api,
        admin = %gateway.admin,
        version = crate::version::long(),
        "serving",
    );
    systemd::ready("connecting");
    actix_rt::spawn(reload_at_hangups(
        signals.hangups(),
        gateway.reloader.clone(),
    ));
    let ending = wait(&gateway, &mut signals).await;
    let limit = gateway.reloader.changed_drain_limit();
    let limit = limit.unwrap_or(loaded.config.server.drain);
    let exit = match ending {
        Ending::Asked(signal) => {
            tracing::info!(
                signal,
                limit_s = limit.as_secs(),
                "draining; a second signal leaves at once"
            );
            systemd::stopping("draining");
            Exit::Done
        }
        Ending::Broken(broken) => {
            tracing::error!(
                error = chain(&broken),
                limit_s = limit.as_secs(),
                exit_code = Exit::Broken as i32,
                "the gateway cannot go on: draining; its service manager is to start it again"
            );
            systemd::stopping("failed, draining");
            Exit::Broken
        }
    };
    tokio::select! {
        drained = gateway.drain(limit) => {
            tracing::info!(
                closed = drained.closed,
                abandoned = drained.abandoned,
                unanswered = drained.unanswered,
                "stopped",
            );
            leave_for_certain(exit);
            Ok(exit)
        }
        signal = signals.next() => {
            tracing::warn!(signal, "leaving at once; Feishu and Lark repeat what was not acknowledged, WeCom repeats nothing");
            // Returning would wait for whatever still runs on a blocking thread, and at once means at once.
            leave(Exit::Interrupted)
        }
    }
}

/// Reads the configuration again at each SIGHUP, also one that came while the gateway started. What comes of it is logged.
async fn reload_at_hangups(mut hangups: watch::Receiver<u64>, reloader: Reloader) {
    while hangups.changed().await.is_ok() {
        drop(reloader.reload(ReloadRun::Apply).await);
    }
}

/// Everything is said and done, and what is left is to return. A blocking thread that a stalled disk holds would keep us
/// from that, and nothing it could still do is worth the wait.
fn leave_for_certain(exit: Exit) {
    let wait = move || {
        std::thread::sleep(LAST_TASKS);
        leave(exit)
    };
    // Without a thread to spare we return the ordinary way, or wait for the disk.
    drop(std::thread::Builder::new().spawn(wait));
}

/// Why a gateway stops serving.
enum Ending {
    /// The name of the signal.
    Asked(&'static str),
    Broken(Broken),
}

/// Until the first signal, or until there is nothing left to wait for: keeps systemd informed.
async fn wait(gateway: &Gateway, signals: &mut Signals) -> Ending {
    let mut status = tokio::time::interval(STATUS_PERIOD);
    // Without a watchdog the arm below never fires.
    let period = systemd::watchdog_period();
    let mut watchdog = tokio::time::interval(
        period
            .unwrap_or(STATUS_PERIOD)
            .max(Duration::from_millis(1)),
    );
    loop {
        tokio::select! {
            signal = signals.next() => return Ending::Asked(signal),
            broken = gateway.broken() => return Ending::Broken(broken),
            _ = status.tick() => {
                let counts = gateway.fleet.wanted_counts();
                systemd::status(systemd::status_line(counts, gateway.fleet.recorded()));
            }
            _ = watchdog.tick(), if period.is_some() => systemd::feed_watchdog(&gateway.fleet).await,
        }
    }
}
