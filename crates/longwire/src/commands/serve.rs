//! `longwire serve`: holds the connections until told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use longwire_admin::ReloadRun;
use longwire_fleet::Drained;
use longwire_fleet::setback::chain;
use tokio::sync::watch;

use crate::cli::Serve;
use crate::config::Loaded;
use crate::exit::{Exit, Failure, leave};
use crate::gateway::{Broken, Gateway};
use crate::reload::Reloader;
use crate::signals::{Signals, end_with_parent};
use crate::takeover::{HandedOver, Program, RunningServer, TakeoverServer, on_signal};
use crate::{files, logs, systemd};

/// How often `systemctl status` gets a new line.
const STATUS_PERIOD: Duration = Duration::from_secs(10);
/// How long systemd may take to hear which process is the service.
const TELL_MANAGER: Duration = Duration::from_secs(1);
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
    let program = Program::of_process().map_err(Failure::io("find this program"))?;
    let mode = match serve.takeover {
        true => Start::AfterAnother,
        false => Start::Alone,
    };
    actix_rt::System::new().block_on(hold(&mut loaded, signals, mode, &Arc::new(program)))
}

/// How a server begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// No other one runs.
    Alone,
    /// It takes over from the one that runs, if there is one.
    AfterAnother,
}

async fn hold(
    loaded: &mut Loaded,
    mut signals: Signals,
    start: Start,
    program: &Arc<Program>,
) -> Result<Exit, Failure> {
    let socket = loaded.store_settings().takeover_socket();
    let before = match (start, &socket) {
        (Start::AfterAnother, Some(socket)) => {
            let server = RunningServer::ask(socket)?;
            if server.is_none() {
                tracing::info!("no server runs on this store; starting as usual");
            }
            server
        }
        (Start::Alone, _) | (_, None) => None,
    };
    let gateway = Gateway::start_after(loaded, before).await?;
    actix_rt::spawn(on_signal(signals.takeovers(), Arc::clone(program)));
    let mut takeovers = socket.and_then(|socket| wait_for_takeovers(&gateway, socket));
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
    let ending = wait(&gateway, &mut signals, &mut takeovers).await;
    let limit = gateway.reloader.changed_drain_limit();
    let limit = limit.unwrap_or(loaded.config.server.drain);
    let exit = match ending {
        Ending::HandedOver { pid } => {
            tracing::info!(
                new_pid = pid,
                limit_s = limit.as_secs(),
                "the new process has the bots; letting go of the rest"
            );
            let drained = gateway.let_go(limit).await;
            return hand_over(pid, drained, takeovers.as_ref(), program);
        }
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
    if let Some(takeovers) = &takeovers {
        takeovers.remove();
    }
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

/// Listens for a new process that wants to take over. Without that, the server works all the same.
fn wait_for_takeovers(gateway: &Gateway, socket: PathBuf) -> Option<TakeoverServer> {
    let [api, admin] = &gateway.passed_on;
    let listeners = api
        .try_clone()
        .and_then(|api| Ok([api, admin.try_clone()?]));
    let started = listeners.and_then(|listeners| {
        let handed_over = HandedOver {
            fleet: gateway.fleet.clone(),
            store: gateway.store.clone(),
            listeners,
        };
        TakeoverServer::start(socket.clone(), handed_over)
    });
    match started {
        Ok(server) => Some(server),
        Err(error) => {
            tracing::warn!(
                %error,
                path = %socket.display(),
                next_step = "choose a shorter path for the store if the name is too long; until then a new version takes a restart",
                "no process can take over from this one"
            );
            None
        }
    }
}

/// Ends this process for the one that has taken over. If that one is gone by now, this program starts anew: nobody else would.
fn hand_over(
    pid: u32,
    drained: Drained,
    takeovers: Option<&TakeoverServer>,
    program: &Program,
) -> Result<Exit, Failure> {
    if takeovers.is_some_and(TakeoverServer::successor_is_gone) {
        tracing::error!(
            new_pid = pid,
            "the new process ended in the last moment; this program starts anew"
        );
        longwire_terminal::stderr::flush();
        return Err(Failure::io("start anew")(program.become_anew()));
    }
    systemd::main_process_is(pid, TELL_MANAGER);
    tracing::info!(
        new_pid = pid,
        closed = drained.closed,
        abandoned = drained.abandoned,
        unanswered = drained.unanswered,
        "handed over; this process ends",
    );
    // The lock of the store ends with the process, and the new one waits for it.
    leave(Exit::Done)
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
    /// A new process has taken all bots over.
    HandedOver {
        /// Its id.
        pid: u32,
    },
}

/// Until the first signal, or until there is nothing left to wait for: keeps systemd informed.
async fn wait(
    gateway: &Gateway,
    signals: &mut Signals,
    takeovers: &mut Option<TakeoverServer>,
) -> Ending {
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
            pid = handed_over(takeovers) => return Ending::HandedOver { pid },
            broken = gateway.broken() => return Ending::Broken(broken),
            _ = status.tick() => {
                let counts = gateway.fleet.wanted_counts();
                systemd::status(systemd::status_line(counts, gateway.fleet.recorded()));
            }
            _ = watchdog.tick(), if period.is_some() => systemd::feed_watchdog(&gateway.fleet).await,
        }
    }
}

/// Waits until a new process has taken over.
async fn handed_over(takeovers: &mut Option<TakeoverServer>) -> u32 {
    match takeovers {
        Some(server) => server.let_go().await,
        None => std::future::pending().await,
    }
}
